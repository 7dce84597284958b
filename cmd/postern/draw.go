package main

import (
	"slices"
	"strings"
	"sync"

	"postern/checks"
	"postern/report"
	"postern/run"
	"postern/steps"
)

// drawer prints what package tell puts into lines, and knows what it printed already.
type drawer struct {
	say   *voice
	quiet bool // events are not worth a line
	said  report.Said

	mu   sync.Mutex
	last steps.Event
}

func newDrawer(say *voice) *drawer { return &drawer{say: say, said: report.Said{}} }

// event says one line of progress.
func (d *drawer) event(e steps.Event) {
	d.mu.Lock()
	d.last = e
	d.mu.Unlock()
	if d.quiet && e.Kind != "warn" && e.Kind != "error" {
		return
	}
	d.say.lines(report.Event(e))
}

// doing is what the last event was about, for the heartbeat.
func (d *drawer) doing() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last.Text == "" {
		return ""
	}
	return "; the last was: " + report.Doing(d.last)
}

// result says one result in one line.
func (d *drawer) result(r checks.Result) { d.say.lines([]report.Line{report.Result(r)}) }

// findings says all there is to know of the results that are not ok.
func (d *drawer) findings(results []checks.Result) { d.say.lines(report.Findings(results)) }

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
		d.say.lines(report.EveryTask(here))
	} else {
		d.say.lines(report.Tasks(here))
	}
	d.say.lines(report.Chapters(elsewhere))
}

// notes says what was found that the operator should know, each once in a run.
func (d *drawer) notes(plan steps.Plan) { d.say.lines(report.Notes(plan, d.said)) }

// proposal shows everything that would be done. wayBack adds, once per host and before the first risk, what to type on its
// console if all else fails.
func (d *drawer) proposal(p *run.Proposal, wayBack bool) {
	d.say.lines(report.Proposal(p, d.said, wayBack))
}
