package run

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/site"
	"postern/steps"
)

// Undo takes the steps of those IDs, all when there are none, back to what was there before us: byte for byte where nobody
// else touched a file since, otherwise our own part is taken out and the rest is left. It is guarded like every change.
func (r *Runner) Undo(ctx context.Context, ids []string) (Outcome, error) {
	list, err := pick(ids)
	if err != nil {
		return Outcome{}, err
	}
	p, err := r.proposeUndo(ctx, list)
	if err != nil {
		return Outcome{}, err
	}
	if err := r.allowed(p); err != nil {
		return Outcome{}, err
	}
	if p.Empty() {
		return Outcome{Empty: true}, nil
	}
	if ok, err := r.Approve(ctx, p); err != nil || !ok {
		return Outcome{Declined: err == nil}, err
	}
	ways := ways()
	results, rolled, err := r.change(ctx, decision{site: p.Site, parts: p.Parts(false), before: ways, after: ways})
	return Outcome{Changed: err == nil, RolledBack: rolled, Results: results}, err
}

// ways are the checks that must hold when everything of ours is gone: that one can get in.
func ways() []checks.Check {
	var list []checks.Check
	for _, id := range []string{"host.ssh", "host.privilege"} {
		if c, ok := checks.Find(id); ok {
			list = append(list, c)
		}
	}
	return list
}

func (r *Runner) proposeUndo(ctx context.Context, list []steps.Step) (*Proposal, error) {
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	if err := r.unreachable(); err != nil {
		return nil, err
	}
	records, err := r.recorded(ctx)
	if err != nil {
		return nil, err
	}
	look, err := r.look(ctx, func(h *site.Host) []remote.Query {
		return append(stepReads(r.Site, h), recordReads(records[h.Name])...)
	})
	if err != nil {
		return nil, err
	}
	filled, _ := steps.Detect(r.Site, look)
	p := &Proposal{Site: filled, Undo: true}
	for i := len(list) - 1; i >= 0; i-- { // the last chapter goes first
		plan, stays := undoPlan(filled, list[i], records, look)
		p.Plans, p.Stays = append(p.Plans, plan), append(p.Stays, stays...)
	}
	sort.Strings(p.Stays)
	return p, nil
}

// recorded asks every host what of ours is in effect on it.
func (r *Runner) recorded(ctx context.Context) (map[string][]remote.Record, error) {
	records := map[string][]remote.Record{}
	for _, h := range r.Site.Hosts {
		list, err := r.hosts[h.Name].session.Recorded(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: what was done there: %w", h.Name, err)
		}
		records[h.Name] = list
	}
	return records, nil
}

func recordReads(records []remote.Record) []remote.Query {
	var queries []remote.Query
	for _, rec := range records {
		if rec.Path != "" {
			queries = append(queries, remote.ReadFile(rec.Path))
		}
	}
	return queries
}

// undoPlan takes one step back on every host. Where others edited a file since, the step's Strip says how our part is
// taken out.
func undoPlan(s *site.Site, step steps.Step, records map[string][]remote.Record, look steps.Look) (steps.Plan, []string) {
	plan := steps.Plan{Step: step.ID}
	var stays []string
	touched := map[string]bool{}
	for _, h := range s.Hosts {
		part := steps.Part{Host: h.Name}
		list := records[h.Name]
		for i := len(list) - 1; i >= 0; i-- {
			rec := list[i]
			switch {
			case rec.Step != step.ID:
			case rec.Inert:
				stays = append(stays, fmt.Sprintf("%s: %s (it changes nothing by itself)", h.Name, rec.Title))
			case rec.Touched && step.Strip != nil:
				touched[h.Name+":"+rec.Path] = true
			default:
				current, _ := look[h.Name].File(rec.Path)
				part.Changes = append(part.Changes, rec.Restore(current))
			}
		}
		if len(part.Changes) > 0 {
			plan.Parts = append(plan.Parts, part)
		}
	}
	if len(touched) == 0 {
		return plan, stays
	}
	stripped := step.Strip(s, look, touched)
	plan.Parts = joinParts(plan.Parts, stripped.Parts)
	for path := range touched {
		plan.Notes = append(plan.Notes, steps.Note{Host: strings.SplitN(path, ":", 2)[0],
			Text: strings.SplitN(path, ":", 2)[1] + " was edited by others since; only our part is taken out"})
	}
	plan.Refused, plan.LockOut = stripped.Refused, stripped.LockOut
	return plan, stays
}

// joinParts puts the changes of both lists together, one part per host.
func joinParts(a, b []steps.Part) []steps.Part {
	for _, more := range b {
		found := false
		for i := range a {
			if a[i].Host == more.Host {
				a[i].Changes, found = append(a[i].Changes, more.Changes...), true
			}
		}
		if !found {
			a = append(a, more)
		}
	}
	return a
}
