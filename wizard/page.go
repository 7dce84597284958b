package wizard

import (
	"context"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"postern/checks"
	"postern/checks/path"
	"postern/remote"
	"postern/report"
	"postern/run"
	"postern/site"
	"postern/steps"
	"postern/wizard/draw"
)

// page is one screen's content. It reads the board and writes only to itself; what else is to happen it asks for: Update
// returns a message to the shell, or all of several, which the shell takes at once and in order, or a tea.Cmd for what takes
// time. Every page on the way back gets events, results and done, and ignores what is not its business.
type page interface {
	Update(tea.Msg) tea.Msg
	View(width, height int) view
}

// view is what a page shows at one size. The shell lays it out, scrolls it, and puts every text through the gate.
type view struct {
	title   string               // behind the chapter's in the header: "review", "apply"
	lines   []draw.Line          // more of them than fit are scrolled by the shell (pgup, pgdn), with a mark of what is in sight
	focus   int                  // the line to keep in sight when it changes
	text    func() []report.Line // all of a long text that is shown in part: what o opens, and / searches in
	filters bool                 // "/" is the page's own
	where   string               // what of it is in sight, where the page itself scrolls
	pinned  []draw.Line          // at the bottom, always in sight: errors, a countdown. Few.
	keys    []key                // what this page does with keys; the shell adds its own
	help    string               // the answer to "?": what this screen is for, in sentences; "\n" parts paragraphs
	holds   bool                 // esc goes to the page, which must answer something before it goes back
	typing  bool                 // letters and digits are text: the shell takes only esc, ctrl+c, F1, pgup and pgdn
}

// key is one entry of the row of keys.
type key struct{ press, does string }

// choice is a key with what it does here.
type choice struct {
	key
	do func() tea.Msg
}

// pressed does what a key does, if it is one of them.
func pressed(list []choice, press string) tea.Msg {
	for _, c := range list {
		if c.press == press {
			return c.do()
		}
	}
	return nil
}

func keysOf(list []choice) []key {
	var keys []key
	for _, c := range list {
		keys = append(keys, c.key)
	}
	return keys
}

// reads lets o open what a page says, where that is more than there is room for.
func (v *view) reads(b *board, p page, height int) {
	if len(v.lines)+len(v.pinned) <= height {
		return
	}
	v.text = func() []report.Line {
		var text []report.Line
		for _, l := range p.View(b.width, 1<<16).lines {
			text = append(text, report.Line{Text: strings.TrimRight(l.String(), " ")})
		}
		return text
	}
}

func (v *view) add(lines ...draw.Line) { v.lines = append(v.lines, lines...) }

// list adds rows to choose from, and keeps the chosen one in sight.
func (v *view) list(rows []draw.Line, chosen int) {
	for i, l := range rows {
		if i == chosen {
			v.focus = len(v.lines)
		}
		v.add(draw.Pick(l, i == chosen))
	}
}

// What pages ask of the shell; design.md says how a chapter goes by.
type (
	all        []tea.Msg               // one after the other
	openMsg    struct{ page page }     // put on top
	replaceMsg struct{ page, by page } // in the place of one, wherever it is
	backMsg    struct{}                // away with the one on top
	leaveMsg   struct{ page page }     // away with this one, wherever it is
	nextMsg    struct{}                // this chapter is done: to the first one that is not in place
	chapterMsg struct {
		step string
		ask  bool // with its answers on top
	}
	noteMsg   string   // one line above the keys, until the next key
	lookMsg   struct{} // look at the hosts, for all chapters
	haltMsg   struct{} // stop the job at work after the action it is at
	dropMsg   struct{} // stop the job at work, which changes nothing yet
	rescueMsg []string // the way back of these hosts was shown
	draftMsg  struct { // what is typed for a key and is no answer yet; gone when it is none any more
		key, text string
		gone      bool
	}
	answerMsg struct {
		pairs [][2]string // key and value
		then  func(error) tea.Msg
	}
	markMsg struct { // a person did a task by hand on a date; "" takes that back
		task, date string
	}
	closedMsg struct{ prompt *promptPage } // a question has its answer
)

// Messages of the engine, in the order in which they come: started, any number of events, results, proposals and prompts,
// then done.
type (
	startedMsg struct {
		job job
		at  time.Time
	}
	eventMsg  struct{ event steps.Event }
	resultMsg struct{ result checks.Result }
	// proposalMsg asks whether to do what it holds; the engine waits. The first answer counts. The shell opens the review.
	proposalMsg struct {
		job      job
		proposal *run.Proposal
		answer   func(bool)
	}
	// promptMsg asks what only the operator knows; the engine waits. The shell puts it over whatever page there is.
	promptMsg struct {
		prompt remote.Prompt
		answer func(string, error)
	}
	// savedMsg wants the answers kept under their new revision.
	savedMsg struct {
		revision int
		answer   func(error)
	}
	doneMsg struct {
		job      job
		proposal *run.Proposal   // of a look
		outcome  run.Outcome     // of apply and undo
		results  []checks.Result // of a check, or the proof of an apply
		found    []path.Diagnosis
		err      error
	}
	// tickMsg comes once a second, and only while a job runs.
	tickMsg struct{ of int } // which job's
	// openedMsg says that another site is open now.
	openedMsg struct {
		file *site.File
		err  error
	}
)

// adoptMsg asks a host for its answers, and the operator for what that takes.
type adoptMsg struct {
	from func(context.Context, Asker) (*site.File, error)
}
