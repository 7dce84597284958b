package wizard

import (
	"context"
	"errors"
	"maps"
	"slices"

	tea "charm.land/bubbletea/v2"

	"postern/checks"
)

// track keeps what the checks said: now, before that, and which are being asked again. It sees every message of the engine
// before anything else does.
func (w *shell) track(m any) {
	switch m := m.(type) {
	case startedMsg:
		w.pending = map[string]bool{}
		w.due = w.due && m.job.verb == look
		if m.job.verb == check {
			for key, r := range w.results {
				w.pending[key] = m.job.covers(r)
			}
		}
	case resultMsg:
		key := m.result.Key()
		delete(w.pending, key)
		if old, known := w.past[key]; known && old.Outcome != m.result.Outcome {
			w.was[key] = old
		} else {
			delete(w.was, key)
		}
		w.past[key] = Past{Outcome: m.result.Outcome, At: w.o.Clock()}
	case doneMsg:
		w.pending = nil
		if errors.Is(m.err, context.Canceled) {
			w.due = false // it may have been forgotten with the rest
		}
		if m.job.changes() || m.job.verb == check {
			w.notice = "" // it was about what is over now
		}
		if m.job.verb == check && m.err == nil {
			w.forget(m)
		}
	}
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

// keep keeps what the checks said for later runs. That it cannot be kept is no reason to bother anybody.
func (w *shell) keep() tea.Cmd {
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

// covers says whether a job asks, or is about, what a result answers.
func (j job) covers(r checks.Result) bool {
	if len(j.steps) == 0 || slices.Contains(j.steps, r.Step) {
		return true
	}
	c, ok := checks.Of(r.ID)
	return ok && slices.Contains(j.steps, c.ID)
}

// asking says whether checks are being asked, or are next.
func (w *shell) asking() bool { return w.due || w.busy != nil && w.busy.verb == check }

// worst is the outcome that counts of several: a failure before what could not be asked, before a warning.
func worst(results []checks.Result) (checks.Outcome, bool) {
	order := []checks.Outcome{checks.Skip, checks.OK, checks.Warn, checks.Unknown, checks.Fail}
	at := -1
	for _, r := range results {
		at = max(at, slices.Index(order, r.Outcome))
	}
	if at < 0 {
		return checks.Unknown, false
	}
	return order[at], true
}
