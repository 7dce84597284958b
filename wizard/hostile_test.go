package wizard

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"postern/checks"
	"postern/remote"
	"postern/run"
	"postern/steps"
)

// hostile is what must never reach a terminal; the gate's own tests have more of it.
var hostile = []string{"\x1b]52;c;cm0gLXJmIC8=\x07clip", "\x1b[2J\x1b[Hhome", "\x9b31mc1", "a\x08\x08b", "one\rtwo", "\u202egnp.exe", "\xff\xfe\xfd"}

var colour = regexp.MustCompile(`\x1b\[[0-9;:]*m`)

// harm is what in a drawn row is more than printable text and colours, or "".
func harm(row string) string {
	for _, r := range colour.ReplaceAllString(row, "") {
		if !unicode.IsPrint(r) {
			return fmt.Sprintf("%U", r)
		}
	}
	if !utf8.ValidString(row) {
		return "invalid UTF-8"
	}
	return ""
}

// TestHostileTextReachesNoScreen puts hostile text where text of hosts, of files and of errors stands, on every page.
func TestHostileTextReachesNoScreen(t *testing.T) {
	for _, evil := range append(hostile, strings.Join(hostile, "\n"), strings.Join(hostile, " ")) {
		for name, show := range map[string]func(x *table){
			"events": func(x *table) {
				x.says("started apply firewall")
				for _, kind := range []string{"connect", "look", "change", "guard", "prove", "warn", "error", "rollback"} {
					x.tell(eventMsg{steps.Event{Kind: kind, Host: "proxy", Text: evil, N: 1, Of: 2}})
				}
			},
			"review": func(x *table) {
				p := x.proposal("firewall")
				p.Plans[1].Parts[0].Changes = []remote.Change{{Step: "firewall", Title: evil, Why: evil, Path: "/etc/x",
					Old: &remote.File{Text: evil}, New: &remote.File{Text: evil + "\nmore"}, Do: evil, Undo: evil}}
				p.Plans[1].Notes = []steps.Note{{Host: "proxy", Text: evil, Warn: true}}
				p.Plans[1].Then, p.Plans[1].LockOut = []string{evil}, []string{evil}
				x.tell(openMsg{newApply(&x.w.board, job{verb: apply, steps: []string{"firewall"}})})
				x.says("started apply firewall")
				x.tell(proposalMsg{job{verb: apply, steps: []string{"firewall"}}, p, func(bool) {}})
			},
			"results": func(x *table) {
				r := checks.Result{ID: "firewall.open.imaps", Step: "firewall", From: "here", Outcome: checks.Fail, Saw: remote.Clean(evil),
					Want: evil, Likely: evil, Fix: evil, Evidence: remote.Clean(evil), Took: time.Second}
				x.tell(resultMsg{r})
				x.tell(openMsg{newProve(&x.w.board, []string{"firewall"})})
				x.keys("v")
			},
			"overview": func(x *table) { x.tell(openMsg{newOverview(&x.w.board)}) },
			"tasks": func(x *table) {
				x.tell(openMsg{newTasks(&x.w.board, "dns", []steps.Task{{ID: "dns.x", Title: evil, Text: evil, Copy: evil}})})
			},
			"an error": func(x *table) {
				x.says("started look")
				x.tell(doneMsg{job: job{verb: look}, err: errors.New(evil)})
				x.tell(openMsg{newTrouble(&x.w.board, errors.New(evil))})
			},
			"an end": func(x *table) {
				x.tell(openMsg{newApply(&x.w.board, job{verb: apply, steps: []string{"firewall"}})})
				x.says("started apply firewall")
				x.tell(doneMsg{job: job{verb: apply, steps: []string{"firewall"}}, err: errors.New(evil), outcome: run.Outcome{RolledBack: []string{evil}}})
			},
			"a prompt": func(x *table) {
				x.tell(promptMsg{remote.Prompt{Kind: remote.Challenge, Host: evil, Text: remote.Clean(evil), Echo: true}, func(string, error) {}})
			},
			"a paste":  func(x *table) { x.keys("1 e"); x.tell(tea.PasteMsg{Content: evil}) },
			"a notice": func(x *table) { x.tell(noteMsg(evil)) },
		} {
			x := newTable(t, setup(t, known))
			show(x)
			for _, size := range []string{"40x12", "80x24"} {
				x.size(size)
				for _, keys := range []string{"", "pgdown", "f1", "pgdown"} {
					x.keys(keys)
					for _, r := range append(x.w.rows(), x.w.farewell().Lines...) {
						if why := harm(r); why != "" {
							t.Fatalf("%s, %.30q: %s in %q", name, evil, why, r)
						}
					}
				}
			}
		}
	}
}
