package main

import (
	"sync"
	"time"

	"postern/checks"
	"postern/run"
	"postern/steps"
	"postern/tell"
)

// drawer prints what package tell puts into lines, and knows what it printed already.
type drawer struct {
	say   *voice
	quiet bool // events are not worth a line
	said  tell.Said

	mu   sync.Mutex
	last steps.Event
}

func newDrawer(say *voice) *drawer { return &drawer{say: say, said: tell.Said{}} }

// event says one line of progress.
func (d *drawer) event(e steps.Event) {
	d.mu.Lock()
	d.last = e
	d.mu.Unlock()
	if d.quiet && e.Kind != "warn" && e.Kind != "error" {
		return
	}
	d.say.lines(tell.Event(e))
}

// doing is what the last event was about, for the heartbeat.
func (d *drawer) doing() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last.Text == "" {
		return ""
	}
	return "; the last was: " + tell.Doing(d.last)
}

// result says one result in one line.
func (d *drawer) result(r checks.Result) { d.say.lines([]tell.Line{tell.Result(r)}) }

// findings says all there is to know of the results that are not ok.
func (d *drawer) findings(results []checks.Result) { d.say.lines(tell.Findings(results)) }

// tasks says what is left for a person.
func (d *drawer) tasks(tasks []steps.Task) { d.say.lines(tell.Tasks(tasks)) }

// notes says what was found that the operator should know, each once in a run.
func (d *drawer) notes(plan steps.Plan) { d.say.lines(tell.Notes(plan, d.said)) }

// proposal shows everything that would be done. wayBack adds, once per host and before the first risk, what to type on its
// console if all else fails.
func (d *drawer) proposal(p *run.Proposal, deadline time.Duration, wayBack bool) {
	d.say.lines(tell.Proposal(p, deadline, d.said, wayBack))
}
