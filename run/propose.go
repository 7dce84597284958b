package run

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps"
)

// Propose looks at the hosts and plans the steps of those IDs, all when there are none. It touches nothing.
func (r *Runner) Propose(ctx context.Context, ids []string) (*Proposal, error) {
	list, err := pick(ids)
	if err != nil {
		return nil, err
	}
	p, err := r.propose(ctx, list)
	if err != nil {
		return nil, err
	}
	for _, name := range p.open {
		r.emit(steps.Event{Kind: "warn", Host: name, Text: "a change is open on it, which it may still take back: what is shown here may not last"})
	}
	return p, nil
}

// pick finds the steps of those IDs.
func pick(ids []string) ([]steps.Step, error) {
	if len(ids) == 0 {
		return steps.All(), nil
	}
	var list []steps.Step
	for _, id := range ids {
		s, ok := steps.Find(id)
		if !ok {
			var names []string
			for _, one := range steps.All() {
				names = append(names, one.ID)
			}
			return nil, fmt.Errorf("%q is not a chapter (there are %s)", id, strings.Join(names, ", "))
		}
		list = append(list, s)
	}
	return list, nil
}

// propose plans the steps listed. What proves these, and the steps that are in place already, is its proof.
func (r *Runner) propose(ctx context.Context, list []steps.Step) (*Proposal, error) {
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	if err := r.unreachable(); err != nil {
		return nil, err
	}
	look, filled, notes, err := r.settled(ctx, list)
	if err != nil {
		return nil, err
	}
	r.tellEnded(filled, look)
	r.tellSplit(splitOf(filled, look))
	if err := r.fresh(look); err != nil {
		return nil, err
	}
	if r.behind {
		filled, notes = steps.Detect(r.Site, look)
	}
	r.Site.TakeJails(filled) // what is found of jails at another moment may be something else
	r.left = leftOn(r.Site, look)
	p := &Proposal{Site: filled, Look: look, open: opened(filled, look), named: len(list) < len(steps.All())}
	asked := map[string]bool{}
	r.done = promises{filled, look, map[string]steps.Plan{}}
	var there []steps.Step
	for _, s := range list {
		asked[s.ID] = true
	}
	for _, s := range steps.All() {
		plan := s.Plan(filled, look)
		plan.Step = s.ID
		for i, t := range plan.Tasks {
			plan.Tasks[i].Done = filled.Done[t.ID]
		}
		if r.done.plans[s.ID] = plan; plan.Empty() && plan.Skipped == "" {
			there = append(there, s)
		}
		if asked[s.ID] {
			p.Plans = append(p.Plans, plan)
		}
	}
	p.wait()
	for i := range p.Plans {
		p.Plans[i].Then = append(p.Plans[i].Then, p.later(p.Plans[i])...)
	}
	for i, plan := range p.Plans {
		if p.named || len(plan.Foreign) == 0 {
			there = append(there, list[i])
		}
	}
	p.proof = nearby(proofs(filled, there))
	p.Guard = r.guard(p.Parts(false), p.proof)
	if len(p.Plans) > 0 {
		p.Plans[0].Notes = append(notes, p.Plans[0].Notes...)
	}
	return p, nil
}

// settled looks at the hosts once no job of an earlier run is at work on them.
func (r *Runner) settled(ctx context.Context, list []steps.Step) (steps.Look, *site.Site, []steps.Note, error) {
	look, filled, notes, err := r.detect(ctx, list)
	for waited := true; waited && err == nil; {
		if waited, err = r.awaitJobs(ctx, filled, look); waited && err == nil {
			look, filled, notes, err = r.detect(ctx, list)
		}
	}
	return look, filled, notes, err
}

// later says what of a plan is made once the guarded changes are kept; while there are others it is planned again by then.
func (p *Proposal) later(plan steps.Plan) []string {
	var titles []string
	for _, part := range plan.Parts {
		for _, c := range part.Changes {
			if part.Last && len(p.joined(true, false))+len(p.joined(false, false)) > 0 {
				titles = append(titles, part.Host+": "+c.Title)
			}
		}
	}
	return titles
}

// detect looks at the hosts and fills in what the answers leave open. What was found can raise questions that could not be
// put before, such as the path's MTU to an address: then it looks once more.
func (r *Runner) detect(ctx context.Context, list []steps.Step) (steps.Look, *site.Site, []steps.Note, error) {
	known := r.Site
	for {
		start := r.Clock()
		look, err := r.look(ctx, func(h *site.Host) []remote.Query { return stepReads(known, known.Host(h.Name), list) })
		if err != nil {
			return nil, nil, nil, err
		}
		r.took(r.Clock().Sub(start))
		r.emit(steps.Event{Kind: "look", Text: "looked at the hosts", Elapsed: r.Clock().Sub(start)})
		filled, notes := steps.Detect(r.Site, look)
		if known != r.Site || !asksMore(r.Site, filled, list) {
			r.recent = &recent{r.Clock(), look}
			return look, filled, notes, nil
		}
		known = filled
	}
}

// opened are the hosts on which a change is neither confirmed nor taken back yet, or a job died in the middle of one, so that
// nothing seen there may last.
func opened(s *site.Site, look steps.Look) []string {
	var names []string
	for _, h := range s.Hosts {
		if st := standing(look, h.Name); st.ID != "" || st.Dead {
			names = append(names, h.Name)
		}
	}
	return names
}

// tidy brings to its end what a dead run left open, and refuses when somebody still holds a host.
func (r *Runner) tidy(ctx context.Context, names []string) error {
	for _, name := range names {
		if err := r.hosts[name].session.Tidy(ctx); err != nil {
			return refused(named(name, "", err))
		}
		r.emit(steps.Event{Kind: "warn", Host: name, Text: "an earlier run left a change open; it is settled now"})
	}
	return nil
}

// asksMore says whether the steps want to know something else of a host once what was detected is filled in.
func asksMore(asked, filled *site.Site, list []steps.Step) bool {
	for i, h := range asked.Hosts {
		if !slices.Equal(stepReads(asked, h, list), stepReads(filled, filled.Hosts[i], list)) {
			return true
		}
	}
	return false
}

// stepReads is what the steps want to know of a host. All are asked, listed or not: it is one round trip either way, and the steps in
// place must be known to be proven again. A step whose plan is made of the answers is planned without, where it is not listed, and of one
// that lacks answers nothing is planned.
func stepReads(known *site.Site, h *site.Host, list []steps.Step) []remote.Query {
	queries := append(seen.HostReads(known, h), remote.ReadFile(remote.AnswersPath), remote.ReadStatus)
	for _, s := range steps.All() {
		listed := slices.ContainsFunc(list, func(one steps.Step) bool { return one.ID == s.ID })
		if s.Reads != nil && (listed || !s.OfAnswers()) && len(s.Lacks(known)) == 0 {
			queries = append(queries, s.Reads(known, h)...)
		}
	}
	return queries
}

// fresh refuses to go on when a host has other answers than ours under a newer revision. The same answers are what a run
// left that died before it could save the revision here: it is taken over.
func (r *Runner) fresh(look steps.Look) error {
	for _, h := range r.Site.Hosts {
		facts := look[h.Name]
		file, known := facts.File(remote.AnswersPath)
		if !known || file == nil {
			continue
		}
		theirs, err := site.Parse(file.Text)
		if err != nil {
			r.emit(steps.Event{Kind: "warn", Host: h.Name, Text: "the answers left on the host cannot be read: " + remote.Clean(remote.Words(err)).Line(200)})
			continue
		}
		if theirs.Revision <= r.Site.Revision {
			continue
		}
		ours := r.Site.Clone()
		ours.TakeJails(theirs)
		if err := stale(ours, theirs, h); err != nil {
			return err
		}
		r.Site.TakeJails(theirs)
		r.Site.Revision, r.behind = theirs.Revision, true
	}
	return nil
}

// stale is the difference between our answers and a host's newer ones, or nil when only the revision differs.
func stale(ours, theirs *site.Site, h *site.Host) error {
	var b strings.Builder
	for _, d := range site.Diff(ours, theirs) {
		if d.Key != "revision" {
			fmt.Fprintf(&b, "\n  %s: here %q, on %s %q", d.Key, d.Mine, h.Name, d.Theirs)
		}
	}
	if b.Len() == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s has revision %d, these answers are revision %d%s\n  take them over with: postern adopt %s",
		ErrStale, h.Name, theirs.Revision, ours.Revision, b.String(), h.SSH)
}
