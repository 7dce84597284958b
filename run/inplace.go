package run

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"

	"postern/checks"
	"postern/site"
	"postern/steps"
)

// promises are the plans of all steps as they were made last, which tell whether a fix that is a step would mend anything.
type promises struct {
	site  *site.Site // with what was detected filled in
	look  steps.Look
	plans map[string]steps.Plan
}

// elsewhere takes the place of a fix that would change nothing.
const elsewhere = "nothing that this program would change: its chapter is in place, so see what is likely, then check again"

// with takes in the steps whose changes were made and kept.
func (p promises) with(parts []steps.Part) promises {
	plans := map[string]steps.Plan{}
	maps.Copy(plans, p.plans)
	for _, part := range parts {
		for _, c := range part.Changes {
			plans[c.Step] = steps.Plan{}
		}
	}
	p.plans = plans
	return p
}

// kept are results of which none offers a step as its fix whose plan would change nothing of what it is about. Where a person
// can mend it, that is the fix then. What follows from another is mended by what mends that.
func (p promises) kept(results []checks.Result) []checks.Result {
	for n, r := range results {
		was, planned := p.plans[r.Fix]
		if !planned {
			continue
		}
		plan := was
		if r.Answer != "" {
			plan = p.answered(r)
		}
		why := ""
		switch {
		case r.Answer != "" && !reflect.DeepEqual(plan.Tasks, was.Tasks): // the answer itself is what is wanted
		case len(plan.Foreign) > 0:
			why = plan.Foreign[0]
		case len(plan.Refused) > 0:
			why = "the chapter's plan is refused until this is out of the way: " + plan.Refused[0]
		case plan.Empty():
			why = elsewhere
		case r.Alone() && !slices.ContainsFunc(plan.Parts, func(part steps.Part) bool { return part.Host == r.From }):
			why = "nothing that this program would change on " + r.From + ": see what is likely, then check again"
		}
		if why != "" {
			if r.Type != "" {
				why = "on " + r.From + ": " + r.Type
			}
			results[n].Fix, results[n].Answer, results[n].Type = why, "", ""
		}
	}
	for _, c := range checks.Causes(results) {
		for _, follows := range c.Follows {
			for n := range results {
				if results[n].Key() == follows.Key() {
					results[n].Fix, results[n].Answer, results[n].Type = c.Fix, c.Answer, ""
				}
			}
		}
	}
	return results
}

// answered is the plan that a fix makes with the answer that it gives.
func (p promises) answered(r checks.Result) steps.Plan {
	step, _ := steps.Find(r.Fix)
	s := p.site.Clone()
	key, value, _ := strings.Cut(r.Answer, "=")
	if err := site.Set(s, key, value); err != nil {
		return steps.Plan{}
	}
	return step.Plan(s, p.look)
}

// proveInPlace asks the checks of an apply that found nothing to change: that all is as it was made does not mean that it works.
func (r *Runner) proveInPlace(ctx context.Context, p *Proposal, out *Outcome) (err error) {
	r.emit(steps.Event{Kind: "prove", Text: "nothing to change: " + proving(len(p.proof), "")})
	out.Results, err = r.prove(ctx, p.proof, r.sessions())
	out.Results = r.done.kept(out.Results)
	r.report(out.Results)
	return err
}

// learnInPlace plans all steps, for checks that would offer one as their fix. Where that cannot be done, all are offered.
func (r *Runner) learnInPlace(ctx context.Context) {
	look, filled, _, err := r.detect(ctx, nil)
	if err != nil {
		return
	}
	r.done = promises{filled, look, map[string]steps.Plan{}}
	for _, s := range steps.All() {
		r.done.plans[s.ID] = s.Plan(filled, look)
	}
}
