package wizard

import (
	"context"
	"slices"
	"strings"
	"testing"

	"postern/checks"
	"postern/run"
	"postern/site"
	"postern/wizard/draw"
)

// moving are keys that only move a mark or a text, or empty it, and need not be able to.
var moving = []string{"up", "down", "pgup", "pgdn", "tab", "shift+tab", "left", "right", "1-9", "ctrl+u"}

// A key that a screen names does something there, or says why not: the screen changes, or the engine is given a job.
func TestNamedKeysAnswer(t *testing.T) {
	for _, s := range scenes {
		t.Run(s.name, func(t *testing.T) {
			first := s.make(t)
			if first.w.helping != nil || strings.Contains(s.name, "wrong") || strings.Contains(s.name, "typing") || s.name == "sites, asking" {
				return // the keys are not the page's, or the answer stands there already
			}
			for _, k := range first.w.seen().keys {
				for press := range strings.SplitSeq(k.press, "/") {
					if press == "" {
						press = "/"
					}
					if slices.Contains(moving, press) {
						continue
					}
					x := s.make(t)
					before := x.screen()
					x.jobs()
					x.keys(press)
					if x.screen() == before && x.jobs() == "" && len(x.chosen) == 0 {
						t.Errorf("%s (%s) does nothing and says nothing:\n%s", press, k.does, before)
					}
				}
			}
		})
	}
}

// What looked like a dead end: each of these said nothing, stayed where it was, or passed what must be read.
func TestDeadEnds(t *testing.T) {
	sites := func(o Options) Options {
		o.Sites.List = func() ([]Known, error) {
			return []Known{{Name: "home", Path: "/home.toml", Says: "mx.example.org"}}, nil
		}
		o.Sites.Adopt = func(context.Context, string, string, Asker) (*site.File, error) { return nil, nil }
		return o
	}
	guarded := []string{"started look", "done look", "open apply firewall", "started apply firewall", "offer guarded firewall"}
	for _, c := range []struct {
		name   string
		setup  string
		engine []string
		keys   string
		says   string
		not    string
	}{
		{"the sites, from a refused look", known, []string{"started look", "done look error: " + run.ErrStale.Error()}, "a", "mx.example.org", "reading the list"},
		{"the sites, from the contents", known, []string{"started look", "done look"}, "esc end enter", "mx.example.org", "reading the list"},
		{"go on before all is answered", "suggest hostname = mx.example.org", nil, "enter shift+tab shift+tab enter", "first this one", ""},
		{"go on before what was typed is an answer", known, []string{"started look", "done look"}, `1 e shift+tab shift+tab "x y" tab tab enter`, "first this one", ""},
		{"a pressed twice", known, guarded, "a a", "read this first", ""},
		{"an answer that is none", "", nil, `enter "no domain!" enter`, "[!] Mail domain: ", "[!] domain:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := newTable(t, sites(setup(t, c.setup)))
			for _, l := range c.engine {
				x.says(l)
			}
			x.keys(c.keys)
			if got := x.screen(); !strings.Contains(got, c.says) || c.not != "" && strings.Contains(got, c.not) {
				t.Errorf("no %q, or %q:\n%s", c.says, c.not, got)
			}
			if len(x.chosen) > 0 {
				t.Errorf("it was agreed to: %q", x.chosen)
			}
		})
	}
}

// A look that was asked for in the contents is answered: what it came to, or why it did not work.
func TestLookAgainAnswers(t *testing.T) {
	for end, says := range map[string]string{"done look": "looked at the hosts just now", "done look error: proxy away: no answer in time": "could not be looked at"} {
		x := looked(t, "started look", "done look firewall")
		x.keys("esc down down down down down down down down enter")
		x.says("started look")
		x.says(end)
		if !strings.Contains(x.screen(), says) {
			t.Errorf("%s: no %q:\n%s", end, says, x.screen())
		}
	}
}

// The summary tells one story: nothing is being looked at any more, what is not in place was not proven, and the exit code is that of
// what it counts.
func TestFarewellAgreesWithItself(t *testing.T) {
	x := looked(t, "started look")
	if text := strings.Join(x.w.farewell().Lines, "\n"); strings.Contains(text, means[looking]) {
		t.Errorf("left while looking:\n%s", text)
	}
	x = looked(t, "started look", "done look firewall", "result ok firewall firewall.open.imaps here open", "result fail network host.ssh mail no",
		"started check wireguard", "result ok wireguard tunnel.tcp mail open", "done check wireguard")
	x.tell(doneMsg{job: x.job("check wireguard"), results: []checks.Result{{ID: "tunnel.tcp", Step: "wireguard", From: "mail", Outcome: checks.OK}}})
	e := x.w.farewell()
	if text := strings.Join(e.Lines, "\n"); !strings.Contains(text, "2 checks: 1 ok, 1 failed") || e.Code != 1 {
		t.Errorf("code %d after:\n%s", e.Code, text)
	}
	x.tell(doneMsg{job: x.job("undo network")})
	if text := strings.Join(x.w.farewell().Lines, "\n"); strings.Contains(text, "failed") {
		t.Errorf("taken back, and still counted:\n%s", text)
	}
}

// Where all is proven, one page says what is, what comes next, how to ask again, and how to undo; what is not proven is not named as that.
func TestProofOfAllSaysWhatComesNext(t *testing.T) {
	x := looked(t, "started look", "done look wireguard", "open apply wireguard", "started apply wireguard", "done apply wireguard", "started check wireguard",
		"result ok wireguard tunnel.tcp mail yes", "done check wireguard", "started look")
	x.keys("enter")
	x.says("done look")
	x.says("started check")
	var results []checks.Result
	for _, c := range []checks.Check{{ID: "host.ssh", Step: "network"}, {ID: "firewall.open.imaps", Step: "firewall"}, {ID: "tunnel.tcp", Step: "wireguard"}} {
		results = append(results, checks.Result{ID: c.ID, Step: c.Step, From: "mail", Outcome: checks.OK})
		x.says("result ok " + c.Step + " " + c.ID + " mail yes")
	}
	x.tell(doneMsg{job: x.job("check"), results: results})
	after := func() string { return said(x.w.top().page.(*checksPage).after(200)) }
	for _, text := range []string{"Network, Firewall, WireGuard;", "for you: DNS (9 tasks); enter opens the first", "R asks everything here", "postern check", "undo --all"} {
		if !strings.Contains(after(), text) {
			t.Errorf("no %q:\n%s", text, after())
		}
	}
	if !strings.Contains(x.screen(), "Proven. enter goes on.") || !strings.Contains(x.screen(), "again   R asks everything") {
		t.Errorf("this is not shown:\n%s", x.screen())
	}
	results[2].Outcome = checks.Fail
	x.tell(doneMsg{job: x.job("check"), results: results})
	if strings.Contains(after(), "WireGuard") {
		t.Errorf("what fails is called proven:\n%s", after())
	}
}

func said(lines []draw.Line) string {
	text := ""
	for _, l := range lines {
		text += l.String() + "\n"
	}
	return text
}

// A port at which only a throw-away listener of ours answered is open, and no service is called ok.
func TestPictureOfNobody(t *testing.T) {
	x := looked(t, "started look", "done look")
	p := newOverview(&x.w.board).(*checksPage)
	r := checks.Result{ID: "firewall.open.smtp", Step: "firewall", From: "here", Outcome: checks.OK}
	for vacant, want := range map[bool]string{false: "[ok]", true: "[open]"} {
		r.Vacant = vacant
		x.tell(resultMsg{r})
		if got := p.marks()[draw.ArrowIn].Text; got != want {
			t.Errorf("vacant %v: %s, want %s", vacant, got, want)
		}
	}
}
