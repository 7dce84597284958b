package run

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"postern/checks"
	_ "postern/checks/families" // they register what is asked
	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps"
)

// Check asks the checks of those IDs, and those of the steps of those IDs, all when there are none, and changes nothing. A
// host that cannot be reached makes its checks unknown, not an error.
func (r *Runner) Check(ctx context.Context, ids []string) ([]checks.Result, error) {
	list, err := questions(r.Site, ids)
	if err != nil {
		return nil, err
	}
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	env, err := r.env(ctx, r.Site, list, r.sessions(), splitReads...)
	if err != nil {
		return nil, err
	}
	env.Packet = r.Packet
	if len(r.SendTo) > 0 {
		env.SendTo, env.Word = r.SendTo, r.NewID()
	}
	look := steps.Look{}
	for name, v := range env.Hosts {
		look[name] = v.Facts
	}
	r.tellSplit(splitOf(r.Site, look))
	var amiss []checks.Result // told last: whether a step would mend it is found out by planning it
	results := checks.Run(ctx, list, env, func(one checks.Result) {
		if _, isStep := steps.Find(one.Fix); isStep {
			amiss = append(amiss, one)
		} else if r.Result != nil {
			r.Result(one)
		}
	})
	if len(amiss) > 0 {
		r.learnInPlace(ctx)
	}
	results = r.done.kept(results)
	for n, one := range amiss { // what mends one may be what mends another that was told already
		if at := slices.IndexFunc(results, func(kept checks.Result) bool { return kept.Key() == one.Key() }); at >= 0 {
			amiss[n] = results[at]
		}
	}
	r.report(amiss)
	return results, ctx.Err()
}

// questions are the checks that IDs name, in the steps' order.
func questions(of *site.Site, ids []string) ([]checks.Check, error) {
	if len(ids) == 0 {
		return proofs(of, steps.All()), nil
	}
	var named []string
	for _, id := range ids {
		if c, ok := checks.Of(id); ok {
			named = append(named, c.ID)
			continue
		}
		list, err := pick([]string{id})
		if err != nil {
			return nil, err
		}
		for _, c := range proofs(of, list) {
			named = append(named, c.ID)
		}
	}
	return slices.DeleteFunc(allProofs(steps.All()), func(c checks.Check) bool { return !slices.Contains(named, c.ID) }), nil
}

// proofs are those of the steps that apply to a site, but for what is for another layout only. What is asked from outside is asked of any.
func proofs(of *site.Site, list []steps.Step) []checks.Check {
	return slices.DeleteFunc(allProofs(list), func(c checks.Check) bool {
		step, _ := steps.Find(c.Step)
		return c.Layout != "" && c.Layout != of.Layout || c.Layout == "" && step.Skipped(of) != "" && !c.Outside
	})
}

// allProofs joins the steps' proof IDs to checks, each once, in the steps' order.
func allProofs(list []steps.Step) []checks.Check {
	seen := map[string]bool{}
	var found []checks.Check
	for _, s := range list {
		for _, id := range s.Proof {
			if c, ok := checks.Find(id); ok && !seen[id] {
				seen[id] = true
				found = append(found, c)
			}
		}
	}
	return found
}

// sessions are the sessions to the hosts that are there.
func (r *Runner) sessions() map[string]Login {
	open := map[string]Login{}
	for name, h := range r.hosts {
		if h.session != nil {
			open[name] = h.session
		}
	}
	return open
}

// prove runs checks over the given sessions. The facts are answered at afresh, one round trip per host.
func (r *Runner) prove(ctx context.Context, list []checks.Check, over map[string]Login) ([]checks.Result, error) {
	env, err := r.env(ctx, r.Site, list, over)
	if err != nil {
		return nil, err
	}
	return checks.Run(ctx, list, env, func(checks.Result) {}), ctx.Err()
}

// env is what checks of a site may touch. The same look asks each host what else is to be known of it.
func (r *Runner) env(ctx context.Context, of *site.Site, list []checks.Check, over map[string]Login, also ...remote.Query) (*checks.Env, error) {
	env := &checks.Env{
		Now:   r.Clock(),
		Clock: r.Clock,
		Whose: steps.Whose,
		Here:  &checks.Vantage{Name: checks.Here, Dial: r.Here, Trusts: r.Trusts},
		Hosts: map[string]*checks.Vantage{},
	}
	look := steps.Look{}
	had := r.recent.still(env.Now)
	r.recent = nil
	reads := func(h *site.Host) []remote.Query {
		var jails []remote.Query // by which the answers are filled in
		if of.Layout == "toaster" {
			jails = seen.Toasters.Reads(of, h)
		}
		return slices.Concat(seen.Systems.Reads(of, h), seen.Addresses.Reads(of, h), checks.Reads(list, of, h), jails, []remote.Query{remote.ReadBoot}, also)
	}
	all := lookOver(ctx, of, over, func(h *site.Host) []remote.Query { return had.lacks(h.Name, reads(h)) })
	for _, h := range of.Hosts {
		if one := all[h.Name]; one != nil && one.err == nil {
			had.tell(&one.facts, reads(h))
		}
	}
	first := r.boots == nil
	if first {
		r.boots = map[string]string{}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		is := bootOf(all[name].facts)
		if was := r.boots[name]; first {
			r.boots[name] = is
		} else if was != "" && is != "" && was != is && !slices.Contains(r.anew, name) {
			r.anew = append(r.anew, name)
		}
	}
	for _, h := range of.Hosts {
		one := all[h.Name]
		if one == nil {
			one = &answered{err: fmt.Errorf("no connection to %s", h.Name)}
			if r.hosts[h.Name] != nil && r.hosts[h.Name].err != nil {
				one.err = r.hosts[h.Name].err
			}
		}
		v := &checks.Vantage{Name: h.Name, Facts: one.facts, Err: one.err}
		if s := over[h.Name]; one.err == nil {
			v.Dial, v.Listen, v.Run, v.Alive = s, s.Listen, s.Exec, s.Alive
			v.Login = r.reaching(h.Name)
			r.heed(h.Name, one.facts)
			look[h.Name] = one.facts
		}
		env.Hosts[h.Name] = v
	}
	env.Site, _ = steps.Detect(of, look)
	for _, h := range of.Hosts {
		if h.Local {
			env.HereIs = h.Name
		}
	}
	return env, ctx.Err()
}

// proving says how many checks are asked, and of what.
func proving(n int, of string) string {
	if n == 1 {
		return "asking 1 check" + of
	}
	return fmt.Sprintf("asking %d checks%s", n, of)
}

// regressions are the results that were ok before and are not any more. One that can no longer be asked counts: it is not
// proven that it still works. So does a port at which a service answered before, and now nothing is there to answer; and what is grave,
// such as an open relay, where it did not fail before.
func regressions(before, after []checks.Result) []checks.Result {
	was := map[string]checks.Result{}
	for _, b := range before {
		was[b.Key()] = b
	}
	var lost []checks.Result
	for _, a := range after {
		b := was[a.Key()]
		gone := a.Vacant && !b.Vacant && a.Want == b.Want // of another port nobody said that a service is there
		grave := a.Grave && a.Outcome == checks.Fail && b.Outcome != checks.Fail
		if grave || b.Outcome == checks.OK && (a.Outcome == checks.Fail || a.Outcome == checks.Unknown || gone) {
			lost = append(lost, a)
		}
	}
	return lost
}

// grave are those that must not stand whatever else is kept.
func grave(list []checks.Result) []checks.Result {
	return slices.DeleteFunc(slices.Clone(list), func(one checks.Result) bool { return !one.Grave })
}

// far orders hosts for the decision: those reached through another and the mail hosts first, the proxies last.
func far(s *site.Site, parts []steps.Part) []steps.Part {
	var first, last []steps.Part
	for _, p := range parts {
		if h := s.Host(p.Host); h != nil && h.Role == site.Proxy {
			last = append(last, p)
		} else {
			first = append(first, p)
		}
	}
	return append(first, last...)
}
