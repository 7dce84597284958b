package run

import (
	"context"
	"fmt"
	"maps"

	"postern/checks"
	"postern/steps"
)

// inPlace are the steps whose plans are empty, by ID: to apply them again would change nothing.
type inPlace map[string]bool

// elsewhere takes the place of a fix that would change nothing.
const elsewhere = "nothing that this program would change: its chapter is in place, so see what is likely, then check again"

// with takes in the steps whose changes were made and kept.
func (p inPlace) with(parts []steps.Part) inPlace {
	all := inPlace{}
	maps.Copy(all, p)
	for _, part := range parts {
		for _, c := range part.Changes {
			all[c.Step] = true
		}
	}
	return all
}

// unmended are results of which none offers a step as its fix whose plan is empty.
func (p inPlace) unmended(results []checks.Result) []checks.Result {
	for i := range results {
		if p[results[i].Fix] && results[i].Answer == "" {
			results[i].Fix = elsewhere
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
	look, filled, _, err := r.detect(ctx)
	if err != nil {
		return
	}
	r.done = inPlace{}
	for _, s := range steps.All() {
		r.done[s.ID] = s.Plan(filled, look).Empty()
	}
}
