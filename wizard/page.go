package wizard

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"postern/checks"
	"postern/remote"
	"postern/run"
	"postern/site"
	"postern/steps"
	"postern/wizard/draw"
)

// page is one screen's content. It does no I/O and knows no size before View. A message that is not a page's business is
// ignored by it: every page on the way back gets events, results and done, so that it is up to date when it is seen again.
type page interface {
	Update(tea.Msg) (page, tea.Cmd)
	View(width, height int) view
}

// view is what a page shows at one size. The shell lays it out, scrolls it, and puts every text through the gate.
type view struct {
	title  string      // behind the chapter's in the header: "review", "apply"
	lines  []draw.Line // more of them than fit are scrolled by the shell (pgup, pgdn), with a mark of what is in sight
	focus  int         // the line to keep in sight when it changes
	pinned []draw.Line // at the bottom, always in sight: errors, a countdown. Few.
	keys   []key       // what this page does with keys; the shell adds its own
	help   string      // the answer to "?": what this screen is for, in sentences; "\n" parts paragraphs
	holds  bool        // esc goes to the page, which must answer something before it goes back
	typing bool        // letters and digits are text: the shell takes only esc, ctrl+c, F1, pgup and pgdn
}

// key is one entry of the row of keys.
type key struct{ press, does string }

// How a chapter goes by, and who opens what:
//
//	explain      enter opens ask
//	ask          enter, when all is answered, opens newApply and gives the engine an apply
//	newApply     shows the events; on proposalMsg the shell puts newReview on top
//	newReview    answers the proposal, and goes back to newApply; esc answers false
//	newApply     on doneMsg: declined: back. Nothing to do, or confirmed: replace with newProve (of an Outcome that is Empty it
//	             asks the checks first: do(check, ids...)). An error stays in sight, with what to do about it (advice)
//	newProve     enter is next; "fix" does(apply, the step) over newApply like ask
//
// The shell itself keeps chapters, found, results and busy up to date before a page sees a message.

// Navigation: a page returns one of these as its command.
type (
	openMsg    struct{ page page } // put on top
	replaceMsg struct{ page page } // put in place of the one on top
	beginMsg   struct {            // shows a page, and only then does what it is about
		show tea.Msg
		work tea.Cmd
	}
	backMsg    struct{}            // away with the one on top
	leaveMsg   struct{ page page } // away with this one, wherever it is
	nextMsg    struct{}            // this chapter is done: to the first one that is not in place
	chapterMsg struct {
		step string
		ask  bool // with its answers on top
	}
	noteMsg struct{ text string } // one line above the keys, until the next key
)

func open(p page) tea.Cmd         { return func() tea.Msg { return openMsg{p} } }
func replace(p page) tea.Cmd      { return func() tea.Msg { return replaceMsg{p} } }
func back() tea.Msg               { return backMsg{} }
func next() tea.Msg               { return nextMsg{} }
func chapterOf(id string) tea.Cmd { return func() tea.Msg { return chapterMsg{step: id} } }
func answersOf(id string) tea.Cmd { return func() tea.Msg { return chapterMsg{id, true} } }
func note(text string) tea.Cmd    { return func() tea.Msg { return noteMsg{text} } }

// begin shows a page before the work that it tells of begins: commands of a batch have no order, and a page hears nothing
// before it is there.
func begin(show, work tea.Cmd) tea.Cmd {
	return func() tea.Msg { return beginMsg{show(), work} }
}

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
		err      error
		took     time.Duration
	}
	// tickMsg comes once a second, and only while a job runs.
	tickMsg struct {
		at time.Time
		of int // which job's
	}
	// openedMsg says that another site is open now.
	openedMsg struct {
		file *site.File
		err  error
	}
)
