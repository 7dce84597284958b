package wizard

import (
	"context"
	"maps"
	"slices"

	tea "charm.land/bubbletea/v2"

	"postern/checks"
	"postern/remote"
	"postern/site"
	"postern/steps"
	"postern/wizard/draw"
)

// shell is the root: the chapters at the left, one page at the right, two rows above, two below. It does what pages and keys
// ask for, hears what the engine says, and alone writes on the board.
type shell struct {
	board
	engine *engine

	pages   []*layer // the way back; the last one is seen
	prompts []*promptPage
	helping *layer // the answer to "?", over the page
	ticking int    // which job the clock ticks for
	lookErr error  // why the last look failed; nil when it did not
	failure error  // why the last change failed; nil when it did not
	moved   bool   // a person chose where to be: the first look does not move them
	code    int    // of the ending
}

// layer is a page with how far it is scrolled.
type layer struct {
	page  page
	focus int
	draw.Scroll
}

func newShell(o Options, e *engine) *shell {
	w := &shell{engine: e}
	w.later = tea.Tick
	w.o, w.theme, w.width, w.height = o, draw.NewTheme(o.Environ, o.ASCII, o.NoColor), o.Width, o.Height
	w.use(o.File)
	return w
}

// use takes another site, of which nothing is known yet.
func (w *shell) use(f *site.File) {
	w.file, w.found, w.looked, w.at, w.moved = f, nil, nil, "", false
	w.lookErr, w.failure = nil, nil
	w.was, w.past, w.rescued = map[string]Past{}, w.remembered(), map[string]bool{}
	w.before, w.drafts = maps.Clone(w.past), map[string]string{}
	w.reached, w.results = map[string]bool{}, map[string]checks.Result{}
	w.chapters = nil
	for _, s := range steps.All() {
		w.chapters = append(w.chapters, &chapter{step: s, state: unknown})
		if f != nil && s.Skipped(f.Site) != "" {
			w.chapters[len(w.chapters)-1].state = skipped
		}
	}
	w.ofAnswers()
	w.pages = nil
	w.push(newContents(&w.board))
}

// Init looks at the hosts when the answers are enough for that, and shows where to begin when they are not.
func (w *shell) Init() tea.Cmd {
	if w.file == nil {
		list := newSites(&w.board)
		w.pages = nil
		w.push(list)
		return w.take(list.load())
	}
	return w.start()
}

// start begins with the site that is open.
func (w *shell) start() tea.Cmd {
	if !w.enough() {
		return w.take(chapterMsg{step: w.chapters[0].step.ID})
	}
	return w.look()
}

// look looks at the hosts for all chapters.
func (w *shell) look() tea.Cmd {
	for _, c := range w.chapters {
		if !c.step.OfAnswers() {
			c.state = looking
		}
	}
	return w.take(job{verb: look})
}

// Update takes one message.
func (w *shell) Update(m tea.Msg) (tea.Model, tea.Cmd) { return w, w.take(m) }

// take does what a message says, and what pages ask for then.
func (w *shell) take(m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case nil:
		return nil
	case tea.Cmd:
		return m
	case all:
		var cmds []tea.Cmd
		for _, one := range m {
			cmds = append(cmds, w.take(one))
		}
		return tea.Batch(cmds...)
	case tea.WindowSizeMsg:
		w.width, w.height = m.Width, m.Height
		return nil
	case tea.KeyPressMsg:
		return w.key(m)
	case tea.PasteMsg:
		return w.toTop(m)
	case openMsg, replaceMsg, backMsg, leaveMsg, nextMsg, chapterMsg, openedMsg:
		return w.navigate(m)
	case job, lookMsg, haltMsg, dropMsg:
		return w.command(m)
	case noteMsg, rescueMsg, draftMsg, answerMsg, markMsg, savedMsg:
		return w.said(m)
	case readMsg:
		return w.read(m)
	case promptMsg:
		w.prompts = append(w.prompts, newPrompt(&w.board, m))
		return nil
	case closedMsg:
		w.prompts = slices.DeleteFunc(w.prompts, func(p *promptPage) bool { return p == m.prompt })
		return nil
	case adoptMsg:
		return func() tea.Msg {
			f, err := m.from(context.Background(), w.engine.ask)
			return openedMsg{f, err}
		}
	case startedMsg, eventMsg, resultMsg, proposalMsg, doneMsg, tickMsg:
		return tea.Batch(w.engineSays(m), w.toAll(m), w.after(m))
	}
	return w.toAll(m)
}

// command has the engine do something, or stop.
func (w *shell) command(m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case job:
		w.due = w.due || m.verb == check
		w.engine.do(m, w.file.Site)
	case lookMsg:
		w.moved = true
		return w.look()
	case haltMsg:
		w.stopping = true
		w.engine.stop()
		w.notice = "stopping after this action; what is not confirmed is taken back. ctrl+c again: leave now"
	case dropMsg:
		w.engine.stop()
	}
	return nil
}

// said keeps what a person said: answers, and what else is to be remembered.
func (w *shell) said(m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case noteMsg:
		w.notice = string(m)
	case rescueMsg:
		for _, host := range m {
			w.rescued[host] = true
		}
	case draftMsg:
		w.drafts[m.key] = m.text
		if m.gone {
			delete(w.drafts, m.key)
		}
	case answerMsg:
		err := w.answer(m.pairs)
		return w.take(m.then(err))
	case markMsg:
		return w.take(w.mark(m))
	case savedMsg:
		w.file.Site.Revision = m.revision
		m.answer(w.file.Save())
	}
	return nil
}

// answer gives answers and saves them.
func (w *shell) answer(pairs [][2]string) error {
	var changed []string
	for _, pair := range pairs {
		f, err := site.FieldOf(w.file.Site, pair[0])
		if err != nil {
			return err
		}
		before := f.Get(w.file.Site)
		if err := w.file.Set(pair[0], pair[1]); err != nil {
			return err
		}
		delete(w.drafts, pair[0])
		if f.Get(w.file.Site) != before {
			changed = append(changed, f.Key)
		}
		if w.found != nil && f.Get(w.file.Site) != before {
			if err := f.Set(w.found, pair[1]); err != nil {
				w.found = nil // it is looked at again
			}
		}
	}
	if err := w.file.Save(); err != nil {
		return err
	}
	if slices.Contains(changed, "layout") {
		w.found = nil // of other hosts
	}
	for _, c := range w.chapters {
		if slices.Contains(changed, "layout") || slices.ContainsFunc(changed, func(key string) bool { return slices.Contains(c.asks(w.file.Site), key) }) {
			c.state = unknown
		}
	}
	w.ofAnswers()
	return nil
}

// mark says that a person did a task, or takes that back.
func (w *shell) mark(m markMsg) tea.Msg {
	if err := w.file.Site.Mark(m.task, m.date); err != nil {
		return noteMsg(remote.Words(err))
	}
	if err := w.file.Save(); err != nil {
		return noteMsg("not kept: " + remote.Words(err))
	}
	w.rejudge()
	return nil
}

// toAll gives a message to every page on the way back.
func (w *shell) toAll(m tea.Msg) tea.Cmd {
	w.front = w.top().page
	var asked all
	for _, l := range w.pages {
		asked = append(asked, l.page.Update(m))
	}
	return w.take(asked) // when every page knows
}

// toTop gives a message to what the operator looks at.
func (w *shell) toTop(m tea.Msg) tea.Cmd {
	if len(w.prompts) > 0 {
		return w.take(w.prompts[0].Update(m))
	}
	return w.take(w.top().page.Update(m))
}

func (w *shell) top() *layer { return w.pages[len(w.pages)-1] }
