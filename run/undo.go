package run

import (
	"context"
	"fmt"
	"slices"
	"sort"

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
	var out Outcome
	for waiting := true; waiting && err == nil && !out.Declined; {
		kept := out.Changed
		if waiting, err = r.undo(ctx, list, &out); waiting && err == nil {
			err = r.lagging()
		}
		err = beside(kept, err)
	}
	return out, err
}

// undo takes back what nothing else stands upon, and says whether there is more.
func (r *Runner) undo(ctx context.Context, list []steps.Step, out *Outcome) (waiting bool, err error) {
	p, err := r.proposeUndo(ctx, list)
	for round := 1; err == nil && len(p.open) > 0 && round <= 4; round++ {
		if err = r.tidy(ctx, p.open); err == nil {
			p, err = r.proposeUndo(ctx, list)
		}
	}
	if err != nil {
		return false, err
	}
	if err := r.allowed(p); err != nil {
		return false, err
	}
	if p.Empty() {
		out.Empty = !out.Changed
		return false, nil
	}
	if ok, err := r.Approve(ctx, p); err != nil || !ok {
		out.Declined = err == nil
		return false, err
	}
	if guarded := p.Parts(false); len(guarded) > 0 {
		out.Results, out.RolledBack, err = r.change(ctx, decision{site: p.Site, parts: guarded, before: p.proof, after: p.proof})
	}
	if inert := p.Parts(true); err == nil && len(inert) > 0 { // only now: what was there before us would need it if it came back
		err = r.prepare(ctx, inert)
	}
	out.Changed = out.Changed || err == nil
	return p.waiting, err
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
		return append(stepReads(r.Site, h, nil), recordReads(records[h.Name])...)
	})
	if err != nil {
		return nil, err
	}
	r.recent = &recent{r.Clock(), look}
	filled, _ := steps.Detect(r.Site, look)
	p := &Proposal{Site: filled, Undo: true, open: opened(filled, look)}
	p.proof = slices.DeleteFunc(checks.All(), func(c checks.Check) bool { return !c.Way }) // the others may fail once ours is gone
	for i := len(list) - 1; i >= 0; i-- {                                                  // the last chapter goes first
		if waits, refused := underneath(list[i], list, records); waits {
			p.waiting, p.Plans = true, append(p.Plans, steps.Plan{Step: list[i].ID, Refused: refused})
			continue
		}
		plan, stays := undoPlan(filled, list[i], records, look)
		plan.LockOut = append(plan.LockOut, r.sawnOff(list[i], plan)...)
		p.Plans, p.Stays = append(p.Plans, plan), append(p.Stays, stays...)
	}
	if len(list) == len(steps.All()) {
		p.Plans = append(p.Plans, forgetAnswers(filled, look))
	}
	sort.Strings(p.Stays)
	p.Guard = r.guard(p.Parts(false), p.proof)
	return p, nil
}

// sawnOff says of which hosts an undone tunnel would take away the way that this very run came by.
func (r *Runner) sawnOff(step steps.Step, plan steps.Plan) []string {
	var why []string
	if step.Carries == nil || len(plan.Parts) == 0 {
		return nil
	}
	for _, h := range r.Site.Hosts {
		if source, _, ok := r.hosts[h.Name].session.Way(); ok && step.Carries(r.Site).Contains(source) {
			why = append(why, h.Name+": it is reached through the tunnel that would go away; reach it in another way first")
		}
	}
	return why
}

// forgetAnswers takes the answers off the hosts, for an undo of everything: nothing is left there that they describe.
func forgetAnswers(s *site.Site, look steps.Look) steps.Plan {
	plan := steps.Plan{Step: steps.All()[0].ID}
	for _, h := range s.Hosts {
		if file, _ := look[h.Name].File(remote.AnswersPath); file != nil {
			plan.Parts = append(plan.Parts, steps.Part{Host: h.Name, Changes: []remote.Change{{
				ID: "answers", Step: plan.Step, Title: "take the answers off the host; yours stay here",
				Path: remote.AnswersPath, Old: file, AtConfirm: true, Forget: true,
			}}})
		}
	}
	return plan
}

// recorded asks every host what of ours is in effect on it.
func (r *Runner) recorded(ctx context.Context) (map[string][]remote.Record, error) {
	records := map[string][]remote.Record{}
	for _, h := range r.Site.Hosts {
		list, err := r.hosts[h.Name].session.Recorded(ctx)
		if err != nil {
			return nil, named(h.Name, "what was done there", err)
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
	for _, h := range s.Hosts {
		part, inert := steps.Part{Host: h.Name}, steps.Part{Host: h.Name, Inert: true}
		touched := map[string]bool{}
		list := records[h.Name]
		for i := len(list) - 1; i >= 0; i-- {
			rec := list[i]
			switch {
			case rec.Step != step.ID:
			case rec.Inert && rec.Path != "" && !rec.Touched:
				current, _ := look[h.Name].File(rec.Path)
				back := rec.Restore(current)
				back.Undo = "" // nobody needs again what was prepared
				inert.Changes = append(inert.Changes, back)
			case rec.Inert && rec.Path == "" && rec.Undo != "":
				inert.Changes = append(inert.Changes, remote.Change{
					ID: rec.ID, Step: rec.Step, Title: "take back: " + rec.Title, Do: rec.Undo, Forget: true,
				})
			case rec.Inert:
				stays = append(stays, fmt.Sprintf("%s: %s (it changes nothing by itself)", h.Name, rec.Title))
			case rec.Touched && step.Strip != nil:
				touched[rec.Path] = true
			default:
				current, _ := look[h.Name].File(rec.Path)
				part.Changes = append(part.Changes, rec.Restore(current))
			}
		}
		if len(touched) > 0 {
			back := look[h.Name].After(part.Changes) // what was off before us locks nobody out
			stripped := step.Strip(s, steps.Look{h.Name: back}, touched)
			part.Changes = joinStripped(part.Changes, stripped)
			notes, left := touchedTold(h.Name, touched, stripped)
			plan.Notes, stays = append(plan.Notes, notes...), append(stays, left...)
			plan.Refused, plan.LockOut = append(plan.Refused, stripped.Refused...), append(plan.LockOut, stripped.LockOut...)
		}
		for _, one := range []steps.Part{part, inert} {
			if len(one.Changes) > 0 {
				plan.Parts = append(plan.Parts, one)
			}
		}
	}
	return plan, stays
}

// joinStripped puts what takes our part out of edited files before what runs for the whole step. What runs is there once:
// the record's, which knows what ran before us.
func joinStripped(changes []remote.Change, stripped steps.Plan) []remote.Change {
	runs := map[string]bool{}
	for _, c := range changes {
		runs[c.ID] = runs[c.ID] || c.Path == ""
	}
	var joined []remote.Change
	for _, p := range stripped.Parts {
		for _, c := range p.Changes {
			c.Forget = true
			if c.Path != "" || !runs[c.ID] {
				joined = append(joined, c)
			}
		}
	}
	return append(joined, changes...)
}

// touchedTold says what becomes of the files that others edited since: our part is taken out, or, where nobody can tell
// the parts from each other, the file stays.
func touchedTold(host string, paths map[string]bool, stripped steps.Plan) (notes []steps.Note, stays []string) {
	taken := map[string]bool{}
	for _, p := range stripped.Parts {
		for _, c := range p.Changes {
			taken[c.Path] = true
		}
	}
	for path := range paths {
		if taken[path] {
			notes = append(notes, steps.Note{Host: host, Text: path + " was edited by others since; only our part is taken out"})
		} else {
			stays = append(stays, fmt.Sprintf("%s: %s, which others edited since we wrote it: look at it yourself", host, path))
		}
	}
	sort.Slice(notes, func(i, j int) bool { return notes[i].Text < notes[j].Text })
	return notes, stays
}
