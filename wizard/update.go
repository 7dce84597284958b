package wizard

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"postern/checks"
	"postern/remote"
	"postern/run"
	"postern/steps"
)

// Init looks at the hosts when the answers are enough for that, and shows where to begin when they are not.
func (w *shell) Init() tea.Cmd {
	if w.file == nil {
		list := newSites(w)
		w.pages = []*layer{{page: list}}
		return list.load()
	}
	return w.start()
}

// start begins with the site that is open.
func (w *shell) start() tea.Cmd {
	if !w.enough() {
		return chapterOf(w.chapters[0].step.ID)
	}
	return w.look()
}

// look looks at the hosts for all chapters.
func (w *shell) look() tea.Cmd {
	for _, c := range w.chapters {
		if !c.step.ByHand() {
			c.state = looking
		}
	}
	return w.do(look)
}

// Update takes one message.
func (w *shell) Update(m tea.Msg) (tea.Model, tea.Cmd) {
	switch m := m.(type) {
	case tea.WindowSizeMsg:
		w.width, w.height = m.Width, m.Height
		return w, nil
	case tea.KeyPressMsg:
		return w, w.key(m)
	case tea.PasteMsg:
		return w, w.toTop(m)
	case promptMsg:
		w.prompts = append(w.prompts, newPrompt(w, m))
		return w, nil
	case savedMsg:
		w.file.Site.Revision = m.revision
		m.answer(w.file.Save())
		return w, nil
	case openMsg, replaceMsg, beginMsg, backMsg, leaveMsg, nextMsg, chapterMsg, noteMsg, openedMsg:
		return w, w.navigate(m)
	case startedMsg, eventMsg, resultMsg, proposalMsg, doneMsg, tickMsg:
		return w, tea.Batch(w.engineSays(m), w.toAll(m), w.after(m))
	}
	return w, w.toAll(m)
}

// engineSays keeps what is known up to date.
func (w *shell) engineSays(m tea.Msg) tea.Cmd {
	w.track(m)
	switch m := m.(type) {
	case startedMsg:
		w.busy, w.since, w.agreed, w.stopping = &m.job, m.at, false, false
		if m.job.verb == look && w.moved || m.job.changes() {
			w.warned = nil // what is still so is said again
		}
		if m.job.changes() {
			w.failure, w.code = nil, 0
		}
		w.ticking++
		return w.tick()
	case tickMsg:
		if w.busy != nil && m.of == w.ticking {
			return w.tick()
		}
	case eventMsg:
		w.last = m.event
		w.warn(m.event)
		if m.event.Kind == "connect" && m.event.Host != "" {
			w.reached[m.event.Host] = true
		}
	case resultMsg:
		w.results[m.result.Key()] = m.result
	case proposalMsg:
		w.proposed(m.proposal)
	case doneMsg:
		w.finished(m)
		if len(m.results) > 0 {
			return w.keep()
		}
	}
	return nil
}

// warn keeps a warning, each once, so that it can be read after its moment.
func (w *shell) warn(e steps.Event) {
	if e.Kind != "warn" && e.Kind != "error" {
		return
	}
	for _, old := range w.warned {
		if old.Host == e.Host && old.Text == e.Text {
			return
		}
	}
	w.warned = append(w.warned, e)
}

// finished notes how a job ended.
func (w *shell) finished(m doneMsg) {
	w.busy, w.agreed, w.stopping = nil, false, false
	if errors.Is(m.err, remote.ErrLost) {
		w.reached = map[string]bool{} // the next job connects anew
	}
	w.missed(m.err)
	for _, p := range w.prompts {
		p.answer("", context.Canceled)
	}
	w.prompts, w.tried = nil, map[string]bool{}
	for _, r := range m.results {
		w.results[r.Key()] = r
	}
	switch {
	case m.job.verb == look && !errors.Is(m.err, context.Canceled):
		w.lookErr = m.err
		for _, c := range w.chapters {
			if c.state == looking {
				c.state = unknown
			}
		}
	case m.job.changes():
		w.failure = m.err
	}
	if m.proposal != nil {
		w.proposed(m.proposal)
	}
	if m.job.verb == apply && m.err == nil && !m.outcome.Declined {
		for _, id := range m.job.steps {
			if c := w.chapter(id); c != nil {
				c.plan.Parts, c.plan.Refused, c.plan.Tasks = nil, nil, m.outcome.Tasks
				c.state = w.judge(c.step, c.plan)
			}
		}
	}
	if m.job.verb == undo && m.err == nil && !m.outcome.Declined {
		for _, c := range w.chapters {
			c.state = unknown
		}
	}
	w.rejudge()
	w.code = w.exit(m)
}

// missed marks the hosts that nobody could log in to.
func (w *shell) missed(err error) {
	var away *run.Unreachable
	if errors.As(err, &away) {
		for _, name := range away.Hosts {
			w.reached[name] = false
		}
	}
}

// exit is the exit code after a job.
func (w *shell) exit(m doneMsg) int {
	switch {
	case errors.Is(m.err, run.ErrRolledBack):
		return 4
	case m.job.changes() && m.err != nil:
		return 1
	case len(m.results) > 0:
		return checks.Exit(m.results)
	}
	return w.code
}

// after is where a message leads when the pages have seen it.
func (w *shell) after(m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case proposalMsg:
		w.push(newReview(w, w.asked(m)))
	case doneMsg:
		switch {
		case m.job.verb == look && len(m.job.steps) == 0 && !w.moved && !errors.Is(m.err, context.Canceled):
			w.moved = true
			return w.begin(m.err)
		case m.job.changes() && !m.outcome.Declined && !errors.Is(m.err, run.ErrRefused) && !errors.Is(m.err, remote.ErrLost):
			return w.do(look) // a change of one chapter can be a change for another, and one that failed may have been kept
		}
	}
	return nil
}

// begin opens what the first look asks for: the first chapter that is not in place, or everything there is to prove.
func (w *shell) begin(err error) tea.Cmd {
	if err != nil {
		w.push(newTrouble(w, err))
		return nil
	}
	if w.standing() {
		w.push(newOverview(w))
		return w.do(check)
	}
	return chapterOf(w.first("").step.ID)
}

// tick comes once a second while the engine works.
func (w *shell) tick() tea.Cmd {
	of := w.ticking
	return w.later(time.Second, func(t time.Time) tea.Msg { return tickMsg{t, of} })
}

// toAll gives a message to every page on the way back.
func (w *shell) toAll(m tea.Msg) tea.Cmd {
	var cmds []tea.Cmd
	for _, l := range append([]*layer(nil), w.pages...) {
		next, cmd := l.page.Update(m)
		l.page = next
		cmds = append(cmds, cmd)
	}
	return tea.Batch(cmds...)
}

// toTop gives a message to what the operator looks at.
func (w *shell) toTop(m tea.Msg) tea.Cmd {
	if len(w.prompts) > 0 {
		_, cmd := w.prompts[0].Update(m)
		return cmd
	}
	top := w.top()
	next, cmd := top.page.Update(m)
	top.page = next
	return cmd
}

func (w *shell) top() *layer { return w.pages[len(w.pages)-1] }
