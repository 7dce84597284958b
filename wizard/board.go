package wizard

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"postern/checks"
	"postern/remote"
	"postern/report"
	"postern/site"
	"postern/steps"
	"postern/wizard/draw"
)

// board is what is known. Pages read it; only the shell writes on it, which a test holds.
type board struct {
	o      Options
	theme  *draw.Theme
	later  func(time.Duration, func(time.Time) tea.Msg) tea.Cmd // tea.Tick
	width  int
	height int

	file     *site.File               // the answers; nil while the list of sites is shown
	drafts   map[string]string        // by key, what was typed and is in no file: not entered, or not valid
	found    *site.Site               // with what the last look detected filled in; nil before it
	looked   steps.Look               // what that saw on the hosts
	chapters []*chapter               // all of them, in order
	at       string                   // the chapter that is open, "" for none
	reached  map[string]bool          // per host, whether the last attempt to log in worked
	results  map[string]checks.Result // the last of each check, by Key
	pending  map[string]bool          // by Key, whether it is being asked again
	past     map[string]Past          // by Key, what was said last, also in earlier runs
	was      map[string]Past          // by Key, what it was before it changed
	before   map[string]Past          // by Key, what was said last before the program began
	rescued  map[string]bool          // hosts whose way back was shown
	busy     *job                     // what the engine does now; nil when idle
	since    time.Time                // when it began
	last     steps.Event              // the last one that was told
	warned   []steps.Event            // warnings of this job, and of those before that asked for nothing
	front    page                     // the one that is seen
	notice   string                   // one line above the keys
	due      bool                     // a check is to be asked, after what the engine is at
	agreed   bool                     // to what the job at work changes now
	stopping bool                     // ctrl+c was pressed while hosts are being changed
}

// site is what is known of the site: the answers, with what was detected filled in where they are open.
func (b *board) site() *site.Site {
	switch {
	case b.found != nil:
		return b.found
	case b.file != nil:
		return b.file.Site
	}
	return site.Default()
}

// elapsed is how long the engine has been at its job.
func (b *board) elapsed() time.Duration {
	if b.busy == nil {
		return 0
	}
	return b.o.Clock().Sub(b.since)
}

// name is what the site is called: its mail host's name, or its file's.
func (b *board) name() string {
	switch {
	case b.file == nil:
		return ""
	case b.file.Site.Hostname != "":
		return b.file.Site.Hostname
	case b.file.Site.Domain != "":
		return b.file.Site.Domain
	}
	return siteName(b.file.Path)
}

// log is the path of this run's log, "" when there is none.
func (b *board) log() string {
	if b.o.Log == nil {
		return ""
	}
	return b.o.Log()
}

// changing says whether a job is at work that changes hosts, or asks whether to.
func (b *board) changing() bool { return b.busy != nil && b.busy.changes() }

// touching says whether hosts are being changed now: what the job asked was agreed to, and it has not asked again.
func (b *board) touching() bool { return b.changing() && b.agreed }

// asking says whether checks are being asked, or are next.
func (b *board) asking() bool { return b.due || b.busy != nil && b.busy.verb == check }

// titled is a page's title with its chapter, where the header does not have that already.
func (b *board) titled(ids []string, title string) string {
	if c := b.chapter(strings.Join(ids, " ")); c != nil && b.at != c.step.ID {
		return c.step.Title + " / " + title
	}
	return title
}

// missing is the host that is not reached, "" when it is not one alone.
func (b *board) missing() string {
	one := ""
	for name, reached := range b.reached {
		switch {
		case reached:
		case one != "":
			return ""
		default:
			one = name
		}
	}
	return one
}

// enough says whether the hosts can be looked at: every host is reached somehow by an answer that was given, and the answers
// fit each other.
func (b *board) enough() bool {
	return b.file != nil && len(site.Problems(b.file.Site)) == 0 && !slices.ContainsFunc(b.file.Site.Hosts, func(h *site.Host) bool {
		return !b.file.Has("host."+h.Name+".ssh") && !b.file.Has("host."+h.Name+".local")
	})
}

// warnings are what the engine warned of, until it works again.
func (b *board) warnings(width int) []draw.Line {
	var lines []draw.Line
	for _, e := range b.warned {
		lines = append(lines, draw.Inset(draw.Amber, "[warn] "+report.Doing(e), width)...)
	}
	if len(lines) > 0 {
		lines = append(lines, draw.Line{})
	}
	return lines
}

// bring begins to bring a chapter in place: the page of the apply, and the job. A chapter that is only tasks for a person
// shows these.
func (b *board) bring(id string) tea.Msg {
	c := b.chapter(id)
	switch {
	case !c.step.OfAnswers():
		return b.begin(job{verb: apply, steps: []string{id}})
	case len(c.plan.Tasks) == 0:
		return all{noteMsg("there is nothing to do in this chapter with these answers"), nextMsg{}}
	}
	return all{openMsg{newTasks(b, id, c.plan.Tasks)}, job{verb: check, steps: []string{id}}} // they tick themselves
}

// begin shows a job that changes hosts, and gives it to the engine.
func (b *board) begin(j job) all { return all{openMsg{newApply(b, j)}, j} }

// write puts text into a file beside the answers, and says where.
func (b *board) write(name string, text func() ([]byte, error)) tea.Msg {
	write := b.o.Write
	if write == nil {
		return noteMsg(b.unsaved("y copies it"))
	}
	return tea.Cmd(func() tea.Msg {
		body, err := text()
		if err != nil {
			return noteMsg("not saved: " + remote.Words(err))
		}
		path, err := write(name, body)
		if err != nil {
			return noteMsg("not saved: " + remote.Words(err))
		}
		return noteMsg("saved as " + path)
	})
}

// keyed is what may be the key of an answer.
var keyed = regexp.MustCompile(`\b[a-z]\w*(?:\.\w+)+\b|^[a-z]+\b`)

// titles has the titles of answers in place of their keys, which no row shows.
func (b *board) titles(text string) string {
	return keyed.ReplaceAllStringFunc(text, func(key string) string {
		f, err := site.FieldOf(b.file.Site, key)
		if err != nil {
			return key
		}
		return f.Title
	})
}

// unsaved says why nothing is written, and what there is instead.
func (b *board) unsaved(instead string) string {
	if b.o.Simulated != "" {
		return "not saved: the demo writes no files; " + strings.Replace(instead, "plan ", "plan --demo ", 1)
	}
	return "saving is not possible here; " + instead
}

// copied puts text into the clipboard of the operator's terminal. Nobody can tell whether it let that happen.
func copied(text string) tea.Msg {
	return all{tea.SetClipboard(text), noteMsg("copied, if your terminal allows it; x writes a file")}
}

// clock is how long something takes, as 00:21 or 1:02:03.
func clock(d time.Duration) string {
	s := int(max(0, d) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}
