package wizard

import (
	"slices"

	"postern/checks"
)

// track keeps what the checks said: now, before that, and which are being asked again. It sees every message of the engine
// before anything else does.
func (w *shell) track(m any) {
	switch m := m.(type) {
	case startedMsg:
		w.pending = map[string]bool{}
		if m.job.verb == check {
			for key, r := range w.results {
				w.pending[key] = m.job.covers(r.Step)
			}
		}
	case resultMsg:
		key := m.result.Key()
		delete(w.pending, key)
		if old, known := w.results[key]; known && old.Outcome != m.result.Outcome {
			w.was[key] = old
		} else {
			delete(w.was, key)
		}
	case doneMsg:
		w.pending = nil
		if m.job.changes() {
			w.notice = "" // it was about the change
		}
		if m.job.verb == check && m.err == nil {
			w.forget(m)
		}
	}
}

// forget drops the results of questions that are not asked any more.
func (w *shell) forget(m doneMsg) {
	asked := map[string]bool{}
	for _, r := range m.results {
		asked[r.Key()] = true
	}
	for key, r := range w.results {
		if m.job.covers(r.Step) && !asked[key] {
			delete(w.results, key)
			delete(w.was, key)
		}
	}
}

// covers says whether a job is about a step.
func (j job) covers(step string) bool { return len(j.steps) == 0 || slices.Contains(j.steps, step) }

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
