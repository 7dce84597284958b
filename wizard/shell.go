package wizard

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"postern/checks"
	"postern/run"
	"postern/site"
	"postern/steps"
)

// shell is the root: the chapters at the left, one page at the right, two rows above, two below. Pages hold it to read what
// is known and to give the engine work; only its own Update writes to it.
type shell struct {
	o      Options
	theme  *theme
	engine *engine
	width  int
	height int

	file     *site.File               // the answers; nil while the list of sites is shown
	found    *site.Site               // with what the last look detected filled in; nil before it
	chapters []*chapter               // all of them, in order
	at       string                   // the chapter that is open, "" for none
	results  map[string]checks.Result // the last of each check, by Key
	busy     *job                     // what the engine does now; nil when idle
	since    time.Time                // when it began
	lookErr  error                    // why the last look failed; nil when it did not

	pages   []*layer // the way back; the last one is seen
	prompts []prompting
	notice  string
	helping bool
	ending  Ending
	leaving bool
	moved   bool // a person chose where to be: the first look does not move them
}

// layer is a page with how far it is scrolled.
type layer struct {
	page   page
	offset int
	focus  int
}

// state is what is known of a chapter.
type state string

// The states of a chapter. What is not known is never shown as in place.
const (
	unknown state = "[  ]" // nobody looked yet
	looking state = "[..]"
	inPlace state = "[ok]"
	needed  state = "[--]" // the hosts need changes
	todo    state = "[todo]"
	failing state = "[FAIL]" // in place, and a check says no
	refused state = "[warn]" // it cannot be set up like this
)

// chapter is one step with what the hosts said of it last.
type chapter struct {
	step  steps.Step
	state state
	plan  steps.Plan
}

// site is what is known of the site: the answers, with what was detected filled in where that was looked at.
func (w *shell) site() *site.Site {
	if w.found != nil {
		return w.found
	}
	return w.file.Site
}

// do gives the engine a job; its messages follow.
func (w *shell) do(v verb, ids ...string) tea.Cmd {
	w.engine.do(job{verb: v, steps: ids}, w.file.Site)
	return nil
}

// chapter is the one of a step's ID, or nil.
func (w *shell) chapter(id string) *chapter {
	for _, c := range w.chapters {
		if c.step.ID == id {
			return c
		}
	}
	return nil
}

// proposed notes what a look or a change planned.
func (w *shell) proposed(p *run.Proposal) {
	w.found = p.Site
	for _, plan := range p.Plans {
		if c := w.chapter(plan.Step); c != nil {
			c.plan = plan
		}
	}
}

func newShell(o Options, e *engine) *shell {
	w := &shell{o: o, theme: newTheme(o), engine: e, file: o.File, width: o.Width, height: o.Height, results: map[string]checks.Result{}}
	for _, s := range steps.All() {
		w.chapters = append(w.chapters, &chapter{step: s, state: unknown})
	}
	return w
}

// Init begins.
func (w *shell) Init() tea.Cmd { return nil }

// Update takes one message.
func (w *shell) Update(tea.Msg) (tea.Model, tea.Cmd) { return w, nil }

// View is the screen.
func (w *shell) View() tea.View { return tea.View{AltScreen: true} }
