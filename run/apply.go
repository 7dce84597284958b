package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/site"
	"postern/steps"
)

// bring makes the changes of an apply, guarded, and proves them.
func (r *Runner) bring(ctx context.Context, list []steps.Step) (_ Outcome, err error) {
	var done Outcome // by the rounds before
	kept := false    // something guarded
	defer func() { err = beside(kept, err) }()
	made := deeds{}
	var early *baseline
	for round := 1; ; round++ {
		p, err := r.propose(ctx, list)
		if err != nil {
			return done, err
		}
		if len(p.open) > 0 && round <= 4 {
			if err := r.tidy(ctx, p.open); err != nil {
				return done, err
			}
			continue
		}
		made.without(p)
		out := Outcome{Changed: done.Changed, Results: done.Results, Tasks: p.tasks(), LeftOut: p.LeftOut()}
		if err := r.allowed(p); err != nil {
			return out, err
		}
		inert, guarded := p.Parts(true), p.Parts(false)
		if p.Inert = len(inert) > 0; p.Inert && round > 8 {
			return out, fmt.Errorf("%s still asks for preparations after %d rounds", inert[0].Host, round-1)
		}
		if err := made.endless(guarded); err != nil && !p.Inert {
			return out, err
		}
		p.Last = p.Inert && inert[0].Last
		if !p.Inert && len(guarded) == 0 {
			if out.Empty = !done.Changed; !out.Empty || len(nearby(proofs(r.Site, list))) == 0 {
				return out, r.catchUp()
			}
			return out, errors.Join(r.catchUp(), r.proveInPlace(ctx, p, &out))
		}
		if ok, err := r.Approve(ctx, p); err != nil || !ok {
			out.Declined = err == nil
			return out, err
		}
		switch {
		case p.Last:
			out.Results, out.RolledBack, err = r.last(ctx, p, inert)
			made.note(inert)
		case p.Inert:
			early = r.ask(ctx, p.proof)
			if err = r.hand(ctx, inert); err == nil {
				err = r.prepare(ctx, inert)
			}
		default:
			out.Results, out.RolledBack, err = r.change(ctx, decision{
				site: p.Site, parts: guarded, before: p.proof, early: early, after: p.proof, later: p.unfinished(), answers: true,
			})
			made.note(guarded)
		}
		kept = kept || err == nil && !(p.Inert && !p.Last)
		out.Changed = out.Changed || err == nil
		if done = out; err != nil || !p.Inert && len(p.joined(true, true)) == 0 && !p.waiting {
			return out, r.keepOff(ctx, err)
		}
		if err := r.lagging(); err != nil {
			return out, err
		}
	}
}

// catchUp saves the revision that the hosts were found to have of these answers.
func (r *Runner) catchUp() error {
	if !r.behind || r.Saved == nil {
		return nil
	}
	if err := r.Saved(r.Site); err != nil {
		return fmt.Errorf("the hosts are set up, but the answers could not be saved here: %w", err)
	}
	r.behind = false
	return nil
}

// allowed refuses a plan that must not be done, or would certainly lock the operator out and is not accepted.
func (r *Runner) allowed(p *Proposal) error {
	if why := p.Refused(); len(why) > 0 {
		return refused(errors.New(strings.Join(why, "; ")))
	}
	if why := p.LockOut(); len(why) > 0 && !r.Accept[string(remote.LoseSSH)] {
		return refused(fmt.Errorf("you would be locked out: %s; admit your address, or take the risk with --accept-risk=%s",
			strings.Join(why, "; "), remote.LoseSSH))
	}
	return nil
}

func (p *Proposal) tasks() []steps.Task {
	var tasks []steps.Task
	for _, plan := range p.Plans {
		tasks = append(tasks, plan.Tasks...)
	}
	return tasks
}

// prepare applies inert parts, all hosts at once.
func (r *Runner) prepare(ctx context.Context, parts []steps.Part) error {
	r.recent = nil
	return each(parts, func(p steps.Part) error {
		start := r.Clock()
		id := r.NewID()
		err := r.hosts[p.Host].session.Prepare(ctx, id, p.Changes, r.progress(p))
		if handles(p) {
			_ = r.hosts[p.Host].session.Hand(ctx, "") // a host that cannot be told forgets it when it boots
		}
		if err != nil {
			return named(p.Host, "preparing", err)
		}
		r.emit(steps.Event{Kind: "change", Host: p.Host, Text: "prepared", N: len(p.Changes), Of: len(p.Changes), Elapsed: r.Clock().Sub(start)})
		return nil
	})
}

// decision is one set of changes over all hosts that is kept or taken back as a whole.
type decision struct {
	site    *site.Site      // with what was detected filled in
	parts   []steps.Part    // guarded, one per host
	before  []checks.Check  // asked before arming
	early   *baseline       // of these, when they are being asked already
	after   []checks.Check  // asked before confirming
	later   map[string]bool // steps of which there is more to come: what they do not bring yet is not waited for
	answers bool            // leave the answers on the hosts
}

// change does a decision: prove, arm and apply, log in anew, prove again, confirm. An error means that it is not kept; the
// hosts named took it back, or will by themselves at the deadline.
func (r *Runner) change(ctx context.Context, d decision) (results []checks.Result, rolled []string, err error) {
	before, err := r.before(ctx, d.early, d.before)
	if err != nil {
		return nil, nil, refused(err)
	}
	if d.answers {
		before = d.unexcused(before)
	}
	next := r.Site.Clone()
	next.Revision++
	armed, err := r.begin(ctx, d, next)
	if err == nil {
		results, err = r.decide(ctx, d, before, armed)
	}
	if err != nil {
		r.report(results)
		back := r.takeBack(ctx, armed, err)
		var broke *Regression
		if errors.As(err, &broke) && len(broke.Lost) > 0 {
			broke.Anew = r.startedAnew(ctx)
		}
		if back != nil {
			rolled = back.all()
		}
		switch {
		case errors.Is(err, ErrUntold):
		case back != nil:
			err = back
		default:
			err = refused(err)
		}
		return results, rolled, err
	}
	if d.answers {
		r.done = r.done.with(d.parts)
		r.Site.Revision = next.Revision
		if r.Saved != nil {
			if err := r.Saved(r.Site); err != nil {
				return results, nil, fmt.Errorf("the hosts are set up, but the answers could not be saved here: %w", err)
			}
		}
	}
	if results, err = r.proveKept(ctx, without(d.after, d.later), results); err != nil {
		return results, nil, fmt.Errorf("the hosts are set up, but not everything could be proven: %w", err)
	}
	if lost := grave(r.unaccepted(regressions(before, results))); len(lost) > 0 {
		r.report(results)
		rolled, err = r.revertAll(ctx, armed, &Regression{Lost: lost})
		return results, rolled, err
	}
	results = r.done.kept(results)
	r.report(results)
	return results, nil, nil
}

// unexcused leaves out of what was known before a change what was grave then already, where its own chapter is being applied: that
// must mend it, or is not kept.
func (d decision) unexcused(before []checks.Result) []checks.Result {
	return slices.DeleteFunc(slices.Clone(before), func(one checks.Result) bool {
		return one.Grave && slices.ContainsFunc(d.parts, func(p steps.Part) bool {
			return slices.ContainsFunc(p.Changes, func(c remote.Change) bool { return c.Step == one.Step })
		})
	})
}

// proveKept asks again what did not apply, could not be told, or only just did while the change was open: what a boot will do, or a
// tunnel that had no handshake yet. What fails then is asked until it has had its time: the host may be booting.
func (r *Runner) proveKept(ctx context.Context, list []checks.Check, results []checks.Result) ([]checks.Result, error) {
	start := r.Clock()
	list = having(list, results, checks.Skip, checks.Unknown, checks.Warn)
	for {
		again, err := r.prove(ctx, list, r.sessions())
		results = merge(results, again)
		list = r.unsettled(having(list, again, checks.Fail), start)
		if err != nil || len(list) == 0 {
			return results, err
		}
		select {
		case <-ctx.Done():
			return results, nil
		case <-time.After(time.Second):
		}
	}
}

// without leaves out the checks of the steps named.
func without(list []checks.Check, named map[string]bool) []checks.Check {
	return slices.DeleteFunc(slices.Clone(list), func(c checks.Check) bool { return named[c.Step] })
}

// decide proves the armed change over new logins and confirms it, while every host has an eighth of its time left: of two that
// are confirmed on the last second, one may go back, and a program that dies then could not bring the other after it.
func (r *Runner) decide(ctx context.Context, d decision, before []checks.Result, armed []*armed) ([]checks.Result, error) {
	if err := r.relogin(ctx, armed); err != nil {
		return nil, err
	}
	over := r.sessions()
	for _, a := range armed {
		over[a.part.Host] = a.anew
	}
	limit, end := r.within(ctx, armed, 8)
	defer end()
	results, lost, err := r.settle(limit, d.after, d.later, before, over)
	cutShort := limit.Err() != nil && len(having(d.after, lost, checks.Unknown)) > 0
	switch {
	case len(lost) > 0 && ctx.Err() == nil && !cutShort:
		return results, &Regression{Lost: lost}
	case len(r.anew) > 0 && ctx.Err() == nil: // it went back when it booted: the others are not to be confirmed first
		return results, &Regression{Anew: r.anew}
	case limit.Err() != nil:
		return results, context.Cause(limit)
	case err != nil:
		return results, err
	}
	return results, r.confirm(ctx, armed)
}

// unsettled are the checks that may still become ok by themselves, so long after a change.
func (r *Runner) unsettled(list []checks.Check, since time.Time) []checks.Check {
	return slices.DeleteFunc(list, func(c checks.Check) bool { return r.Clock().Sub(since) > c.Settles })
}

// settle asks the checks until nothing is worse than before and nothing fails, or each has had its time since all were asked once. What fails
// of the steps named, or follows from it, is not waited for, unless it is worse than before.
func (r *Runner) settle(ctx context.Context, list []checks.Check, later map[string]bool, before []checks.Result, over map[string]Login) (results, lost []checks.Result, err error) {
	all, start := list, time.Time{}
	for {
		r.emit(steps.Event{Kind: "prove", Text: proving(len(list), " over the new logins")})
		answers, err := r.prove(ctx, list, over)
		if results = merge(results, answers); start.IsZero() {
			start = r.Clock()
		}
		if err != nil {
			return results, nil, err
		}
		lost = r.unaccepted(regressions(before, results))
		list = having(without(list, later), r.awaited(results, later, start), checks.Fail)
		if len(lost) > 0 {
			again := slices.Clone(results)
			for _, one := range lost {
				one.Outcome = checks.Fail // a service that is gone is not told by its outcome
				again = append(again, one)
			}
			list = having(all, again, checks.Fail, checks.Unknown)
		}
		if list = r.unsettled(list, start); len(list) == 0 {
			return results, lost, nil
		}
		select {
		case <-ctx.Done():
			return results, lost, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// awaited are the results that may still become ok by themselves, so long after a change: they follow from nothing of the steps named, and from
// nothing that has had its time.
func (r *Runner) awaited(results []checks.Result, steps map[string]bool, since time.Time) (list []checks.Result) {
	for _, cause := range checks.Causes(results) {
		if c, _ := checks.Of(cause.ID); !steps[cause.Step] && r.Clock().Sub(since) <= c.Settles {
			list = append(append(list, cause.Result), cause.Follows...)
		}
	}
	return list
}

// report tells the final results, each once.
func (r *Runner) report(results []checks.Result) {
	if r.Result == nil {
		return
	}
	for _, one := range results {
		r.Result(one)
	}
}

// unaccepted leaves out what the operator accepted by name.
func (r *Runner) unaccepted(lost []checks.Result) []checks.Result {
	return slices.DeleteFunc(lost, func(l checks.Result) bool { return r.Accept[l.ID] })
}

// merge replaces the results that were asked again.
func merge(old, again []checks.Result) []checks.Result {
	at := map[string]int{}
	merged := append([]checks.Result(nil), old...)
	for i, o := range merged {
		at[o.Key()] = i
	}
	for _, a := range again {
		if i, ok := at[a.Key()]; ok {
			merged[i] = a
		} else {
			merged = append(merged, a)
		}
	}
	return merged
}

// having are the checks of which a result had one of the outcomes.
func having(list []checks.Check, results []checks.Result, outcomes ...checks.Outcome) []checks.Check {
	had := map[string]bool{}
	for _, one := range results {
		if c, ok := checks.Among(list, one.ID); ok && slices.Contains(outcomes, one.Outcome) {
			had[c.ID] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(list), func(c checks.Check) bool { return !had[c.ID] })
}
