package wizard

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"postern/checks"
	"postern/remote"
	"postern/run"
	"postern/steps"
)

// engineSays keeps what is known up to date, before anything else sees the message.
func (w *shell) engineSays(m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case startedMsg:
		return w.started(m)
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
		w.result(m.result)
	case proposalMsg:
		w.proposed(m.proposal)
	case doneMsg:
		w.finished(m)
		if len(m.results) > 0 {
			return w.keepPast()
		}
	}
	return nil
}

// started notes what the engine is at.
func (w *shell) started(m startedMsg) tea.Cmd {
	w.busy, w.since, w.agreed, w.stopping = &m.job, m.at, false, false
	if m.job.verb == look && w.moved || m.job.changes() {
		w.warned = nil // what is still so is said again
	}
	if m.job.changes() {
		w.failure, w.code = nil, 0
	}
	w.pending = map[string]bool{}
	w.due = w.due && m.job.verb == look
	if m.job.verb == check {
		for key, r := range w.results {
			w.pending[key] = m.job.covers(r)
		}
	}
	w.ticking++
	return w.tick()
}

// tick comes once a second while the engine works.
func (w *shell) tick() tea.Cmd {
	of := w.ticking
	return w.later(time.Second, func(time.Time) tea.Msg { return tickMsg{of} })
}

// warn keeps a warning, each once, so that it can be read after its moment.
func (w *shell) warn(e steps.Event) {
	same := func(old steps.Event) bool { return old.Host == e.Host && old.Text == e.Text }
	if (e.Kind == "warn" || e.Kind == "error") && !slices.ContainsFunc(w.warned, same) {
		w.warned = append(w.warned, e)
	}
}

// result keeps what a check said: now, and before that.
func (w *shell) result(r checks.Result) {
	key := r.Key()
	w.results[key] = r
	delete(w.pending, key)
	if old, known := w.past[key]; known && old.Outcome != r.Outcome {
		w.was[key] = old
	} else {
		delete(w.was, key)
	}
	w.past[key] = Past{Outcome: r.Outcome, At: w.o.Clock()}
}

// finished notes how a job ended.
func (w *shell) finished(m doneMsg) {
	stopped := errors.Is(m.err, context.Canceled)
	w.busy, w.agreed, w.stopping, w.pending = nil, false, false, nil
	if stopped {
		w.due = false // it may have been forgotten with the rest
	}
	if m.job.changes() || m.job.verb == check {
		w.notice = "" // it was about what is over now
	}
	if errors.Is(m.err, remote.ErrLost) {
		w.reached = map[string]bool{} // the next job connects anew
	}
	var away *run.Unreachable
	if errors.As(m.err, &away) {
		for _, name := range away.Hosts {
			w.reached[name] = false
		}
	}
	for _, p := range w.prompts {
		p.answer("", context.Canceled)
	}
	w.prompts = nil
	if m.job.verb == check && m.err == nil {
		w.forget(m)
	}
	for _, r := range m.results {
		w.results[r.Key()] = r
	}
	if m.job.changes() {
		w.failure = m.err
	} else if m.job.verb == look && !stopped {
		w.lookErr = m.err
	}
	w.settle(m, stopped)
	w.code = w.exit(m)
}

// settle notes what the end of a job means for the chapters.
func (w *shell) settle(m doneMsg, stopped bool) {
	if m.proposal != nil {
		w.proposed(m.proposal)
	}
	done := m.job.changes() && m.err == nil && !m.outcome.Declined
	if done && m.job.verb == undo {
		maps.DeleteFunc(w.results, func(_ string, r checks.Result) bool { return m.job.covers(r) }) // they were about what is gone
	}
	for _, c := range w.chapters {
		switch {
		case m.job.verb == look && !stopped && c.state == looking, m.job.verb == undo && done:
			c.state = unknown
		case m.job.verb == apply && done && slices.Contains(m.job.steps, c.step.ID):
			c.plan.Parts, c.plan.Refused, c.plan.Tasks = nil, nil, m.outcome.Tasks
			c.state = w.judge(c.step, c.plan)
		}
	}
	w.rejudge()
}

// exit is the exit code after a job.
func (w *shell) exit(m doneMsg) int {
	switch {
	case errors.Is(m.err, run.ErrRolledBack):
		return 4
	case m.job.changes() && m.err != nil:
		return 1
	case len(m.results) > 0:
		return checks.Exit(slices.Collect(maps.Values(w.results))) // of all that is known, as the summary tells it
	}
	return w.code
}

// after is where a message leads when the pages have seen it.
func (w *shell) after(m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case proposalMsg:
		w.push(newReview(&w.board, w.asked(m)))
	case doneMsg:
		switch {
		case m.job.verb == look && len(m.job.steps) == 0 && !w.moved && !errors.Is(m.err, context.Canceled):
			w.moved = true
			return w.begin(m.err)
		case m.job.changes() && !m.outcome.Declined && !errors.Is(m.err, run.ErrRefused) && !errors.Is(m.err, remote.ErrLost):
			return w.take(job{verb: look}) // a change of one chapter can be a change for another, and one that failed may have been kept
		}
	}
	return nil
}

// asked follows what is answered to a proposal.
func (w *shell) asked(m proposalMsg) proposalMsg {
	w.agreed = false
	if answer := m.answer; answer != nil {
		m.answer = func(yes bool) {
			w.agreed = yes
			answer(yes)
		}
	}
	return m
}

// begin opens what the first look asks for, and asks the checks of every chapter that is set up, or was: everything there is
// to prove, where something that worked does not stand any more or nothing else is left, or the first chapter that needs something.
func (w *shell) begin(err error) tea.Cmd {
	if err != nil {
		w.push(newTrouble(&w.board, err))
		return nil
	}
	proof := job{verb: check}
	if !w.standing() {
		for _, c := range w.chapters {
			if _, worked := w.worked(c.step.ID); worked || c.state.stands() {
				proof.steps = append(proof.steps, c.step.ID)
			}
		}
		if len(w.broken()) == 0 {
			opened := w.take(chapterMsg{step: w.first("").step.ID})
			if len(proof.steps) == 0 {
				return opened
			}
			return tea.Batch(opened, w.take(proof))
		}
	}
	w.push(newOverview(&w.board))
	return w.take(proof)
}

// remembered is what the checks said in earlier runs.
func (w *shell) remembered() map[string]Past {
	if w.file != nil && w.o.Past != nil {
		if past := w.o.Past(w.file.Path); past != nil {
			return past
		}
	}
	return map[string]Past{}
}

// keepPast keeps what the checks said for later runs. That it cannot be kept is no reason to bother anybody.
func (w *shell) keepPast() tea.Cmd {
	keep, all := w.o.Keep, maps.Clone(w.past)
	if keep == nil || w.file == nil || len(all) == 0 {
		return nil
	}
	path := w.file.Path
	return func() tea.Msg {
		_ = keep(path, all)
		return nil
	}
}

// forget drops the results of questions that are not asked any more.
func (w *shell) forget(m doneMsg) {
	asked := map[string]bool{}
	for _, r := range m.results {
		asked[r.Key()] = true
	}
	for key, r := range w.results {
		if m.job.covers(r) && !asked[key] {
			delete(w.results, key)
			delete(w.was, key)
			delete(w.past, key)
		}
	}
}
