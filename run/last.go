package run

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"postern/checks"
	"postern/remote"
	"postern/steps"
)

// last makes parts that come once everything guarded is kept. What works is asked before and after, as for a decision; where
// something does not any more, what was made is undone by a job, too.
func (r *Runner) last(ctx context.Context, p *Proposal, parts []steps.Part) (results []checks.Result, rolled []string, err error) {
	before, err := r.before(ctx, nil, p.proof)
	if err != nil {
		return nil, nil, err
	}
	records, err := r.recorded(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := r.prepare(ctx, parts); err != nil {
		return nil, nil, err
	}
	results, lost, err := r.settle(ctx, p.proof, nil, before, r.sessions())
	r.report(results)
	if err != nil || len(lost) == 0 {
		return results, nil, err
	}
	err = fmt.Errorf("%w: %w", ErrRolledBack, &Regression{Lost: lost, Anew: r.startedAnew(ctx)})
	var back []steps.Part
	for _, part := range parts {
		if part.Changes = reversed(part.Changes, records[part.Host]); len(part.Changes) > 0 {
			back, rolled = append(back, part), append(rolled, part.Host)
		}
	}
	return results, rolled, errors.Join(err, r.prepare(context.WithoutCancel(ctx), back))
}

// deeds say how often each change was made in an apply, by host and ID.
type deeds map[string]int

func (d deeds) note(parts []steps.Part) {
	for _, part := range parts {
		for _, c := range part.Changes {
			d[part.Host+" "+c.ID]++
		}
	}
}

// endless is the error of guarded parts that are asked for again and again, though each time they were made and kept.
func (d deeds) endless(parts []steps.Part) error {
	for _, part := range parts {
		for _, c := range part.Changes {
			if d[part.Host+" "+c.ID] < 2 {
				return nil
			}
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %q does not last: it was made and kept twice, and is asked for again", parts[0].Host, parts[0].Changes[0].Title)
}

// without leaves those that come last, and were made, out of a proposal. Where one is not in place for all that, its checks tell what it
// lacks, and to make it once more would not help.
func (d deeds) without(p *Proposal) {
	for i := range p.Plans {
		p.Plans[i].Parts = slices.DeleteFunc(slices.Clone(p.Plans[i].Parts), func(one steps.Part) bool {
			return one.Last && !slices.ContainsFunc(one.Changes, func(c remote.Change) bool { return d[one.Host+" "+c.ID] == 0 })
		})
	}
}

// reversed are the changes that take others back, last first; what has no way back stays. The host forgets those that it did
// not remember before.
func reversed(list []remote.Change, records []remote.Record) []remote.Change {
	var back []remote.Change
	for _, c := range slices.Backward(list) {
		if c.Path == "" && c.Undo == "" {
			continue
		}
		before := slices.ContainsFunc(records, func(r remote.Record) bool { return r.Step == c.Step && r.ID == c.ID && r.Path == c.Path })
		back = append(back, remote.Change{ID: c.ID, Step: c.Step, Title: "take back: " + c.Title, Path: c.Path, Old: c.New, New: c.Old,
			Do: c.Undo, Takes: c.Takes, Forget: !before})
	}
	return back
}
