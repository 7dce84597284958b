package main

import (
	"slices"
	"strings"
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

// tasks says what is left for a person: all of it for the chapters named, and a line for each chapter by hand that is not.
func (d *drawer) tasks(tasks []steps.Task, named ...string) {
	var here, elsewhere []steps.Task
	for _, t := range tasks {
		id, _, _ := strings.Cut(t.ID, ".")
		if step, ok := steps.Find(id); ok && step.ByHand() && !slices.Contains(named, id) {
			elsewhere = append(elsewhere, t)
		} else {
			here = append(here, t)
		}
	}
	if len(named) > 0 {
		d.say.lines(tell.EveryTask(here))
	} else {
		d.say.lines(tell.Tasks(here))
	}
	d.say.lines(tell.Chapters(elsewhere))
}

// notes says what was found that the operator should know, each once in a run.
func (d *drawer) notes(plan steps.Plan) { d.say.lines(tell.Notes(plan, d.said)) }

// proposal shows everything that would be done. wayBack adds, once per host and before the first risk, what to type on its
// console if all else fails.
func (d *drawer) proposal(p *run.Proposal, deadline time.Duration, wayBack bool) {
	d.say.lines(tell.Proposal(p, deadline, d.said, wayBack))
}
