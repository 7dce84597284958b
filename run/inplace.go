package run

import (
	"context"
	"fmt"
	"maps"

	"postern/checks"
	"postern/steps"
)

// instead is what takes the place of a fix, by the step that it is: where its plan is empty, or refused.
type instead map[string]string

// elsewhere takes the place of a fix that would change nothing.
const elsewhere = "nothing that this program would change: its chapter is in place, so see what is likely, then check again"

// learn takes in what a step's plan came to.
func (i instead) learn(step string, plan steps.Plan) {
	switch {
	case plan.Empty():
		i[step] = elsewhere
	case len(plan.Refused) > 0:
		i[step] = "the chapter's plan is refused until this is out of the way: " + plan.Refused[0]
	default:
		delete(i, step)
	}
}

// with takes in the steps whose changes were made and kept.
func (i instead) with(parts []steps.Part) instead {
	all := instead{}
	maps.Copy(all, i)
	for _, part := range parts {
		for _, c := range part.Changes {
			all[c.Step] = elsewhere
		}
	}
	return all
}

// unmended are results of which none offers a step as its fix whose plan would change nothing.
func (i instead) unmended(results []checks.Result) []checks.Result {
	for n, r := range results {
		if why := i[r.Fix]; why != "" && r.Answer == "" {
			results[n].Fix = why
		}
	}
	return results
}

// proveInPlace asks the checks of an apply that found nothing to change: that all is as it was made does not mean that it works.
func (r *Runner) proveInPlace(ctx context.Context, p *Proposal, out *Outcome) (err error) {
	r.emit(steps.Event{Kind: "prove", Text: fmt.Sprintf("nothing to change: asking %d checks", len(p.proof))})
	out.Results, err = r.prove(ctx, p.proof, r.sessions())
	out.Results = r.done.unmended(out.Results)
	r.report(out.Results)
	return err
}

// learnInPlace plans all steps, for checks that would offer one as their fix. Where that cannot be done, all are offered.
func (r *Runner) learnInPlace(ctx context.Context) {
	look, filled, _, err := r.detect(ctx, nil)
	if err != nil {
		return
	}
	r.done = instead{}
	for _, s := range steps.All() {
		r.done.learn(s.ID, s.Plan(filled, look))
	}
}
