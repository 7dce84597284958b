package wizard

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"postern/checks"
	"postern/site"
	"postern/steps"
	"postern/wizard/draw"
)

// shell is the root: the chapters at the left, one page at the right, two rows above, two below. Pages hold it to read what
// is known and to give the engine work; only its own Update writes to it.
type shell struct {
	o      Options
	theme  *draw.Theme
	engine *engine
	width  int
	height int
	later  func(time.Duration, func(time.Time) tea.Msg) tea.Cmd // tea.Tick

	file     *site.File               // the answers; nil while the list of sites is shown
	drafts   map[string]string        // by key, what was typed and is in no file: not entered, or not valid
	found    *site.Site               // with what the last look detected filled in; nil before it
	chapters []*chapter               // all of them, in order
	at       string                   // the chapter that is open, "" for none
	reached  map[string]bool          // per host, whether the last attempt to log in worked
	results  map[string]checks.Result // the last of each check, by Key
	pending  map[string]bool          // by Key, whether it is being asked again
	past     map[string]Past          // by Key, what was said last, also in earlier runs
	was      map[string]Past          // by Key, what it was before it changed
	rescued  map[string]bool          // hosts whose way back was shown
	busy     *job                     // what the engine does now; nil when idle
	since    time.Time                // when it began
	ticking  int                      // which job the clock ticks for
	last     steps.Event              // the last one that was told
	warned   []steps.Event            // warnings of this job, and of those before that asked for nothing
	lookErr  error                    // why the last look failed; nil when it did not
	failure  error                    // why the last change failed; nil when it did not

	pages    []*layer // the way back; the last one is seen
	prompts  []*promptPage
	tried    map[string]bool // questions of this job that were answered; one that comes again was answered wrong
	notice   string          // one line above the keys
	helping  *layer          // the answer to "?", over the page
	due      bool            // a check is to be asked, after what the engine is at
	agreed   bool            // to what the job at work changes now
	stopping bool            // ctrl+c was pressed while hosts are being changed
	moved    bool            // a person chose where to be: the first look does not move them
	code     int             // of the ending
}

// layer is a page with how far it is scrolled.
type layer struct {
	page   page
	offset int
	focus  int
	most   int // the largest offset, at the size it was seen last
	room   int // how many lines it had then
}

func newShell(o Options, e *engine) *shell {
	w := &shell{o: o, theme: draw.NewTheme(o.Environ, o.ASCII, o.NoColor), engine: e, width: o.Width, height: o.Height, later: tea.Tick}
	w.use(o.File)
	return w
}

// use takes another site, of which nothing is known yet.
func (w *shell) use(f *site.File) {
	w.file, w.found, w.at, w.moved = f, nil, "", false
	w.lookErr, w.failure = nil, nil
	w.was, w.past, w.rescued = map[string]Past{}, w.remembered(), map[string]bool{}
	w.tried, w.drafts = map[string]bool{}, map[string]string{}
	w.reached, w.results = map[string]bool{}, map[string]checks.Result{}
	w.chapters = nil
	for _, s := range steps.All() {
		w.chapters = append(w.chapters, &chapter{step: s, state: unknown})
	}
	w.byHand()
	w.pages = []*layer{{page: newContents(w)}}
}

// site is what is known of the site: the answers, with what was detected filled in where they are open.
func (w *shell) site() *site.Site {
	switch {
	case w.found != nil:
		return w.found
	case w.file != nil:
		return w.file.Site
	}
	return site.Default()
}

// do gives the engine a job; its messages follow.
func (w *shell) do(v verb, ids ...string) tea.Cmd {
	j, s := job{verb: v, steps: ids}, w.file.Site.Clone()
	w.due = w.due || v == check
	return func() tea.Msg {
		w.engine.do(j, s)
		return nil
	}
}

// elapsed is how long the engine has been at its job.
func (w *shell) elapsed() time.Duration {
	if w.busy == nil {
		return 0
	}
	return w.o.Clock().Sub(w.since)
}

// name is what the site is called: its mail host's name, or its file's.
func (w *shell) name() string {
	switch {
	case w.file == nil:
		return ""
	case w.file.Site.Hostname != "":
		return w.file.Site.Hostname
	case w.file.Site.Domain != "":
		return w.file.Site.Domain
	}
	return siteName(w.file.Path)
}
