package run

import (
	"fmt"
	"slices"
	"strings"

	"postern/remote"
	"postern/steps"
)

// wait has each chapter wait that would write a file which an earlier one of the proposal writes: it was planned without what that leaves
// there. What it prepares is made all the same; the rest is planned anew once the earlier one is kept.
func (p *Proposal) wait() {
	written := map[string]bool{}
	p.waits = map[string]bool{}
	for i := range p.Plans {
		plan := &p.Plans[i]
		var mine, titles []string
		for _, part := range plan.Parts {
			for _, c := range part.Changes {
				if !part.Inert && c.Path != "" {
					mine = append(mine, part.Host+c.Path)
				}
				if !part.Inert || part.Last {
					titles = append(titles, part.Host+": "+c.Title)
				}
			}
		}
		if slices.ContainsFunc(mine, func(path string) bool { return written[path] }) {
			plan.Parts = slices.DeleteFunc(slices.Clone(plan.Parts), func(one steps.Part) bool { return !one.Inert || one.Last })
			plan.Then, plan.After, p.waiting = append(plan.Then, titles...), nil, true
			p.waits[plan.Step] = true
			continue
		}
		for _, path := range mine {
			written[path] = true
		}
		p.waiting = p.waiting || plan.More && len(titles) > 0
	}
}

// unfinished are the chapters of which there is more than what is guarded now: what they do not bring yet is not waited for.
func (p *Proposal) unfinished() map[string]bool {
	all := map[string]bool{}
	for _, plan := range p.Plans {
		all[plan.Step] = plan.More || p.waits[plan.Step] || slices.ContainsFunc(plan.Parts, func(one steps.Part) bool { return one.Last })
	}
	return all
}

// above are the chapters that wrote a file of a step's after it, on any host: it cannot be taken back before them.
func above(step string, records map[string][]remote.Record) (names []string) {
	for _, list := range records {
		for i, rec := range list {
			for _, later := range list[i:] {
				if rec.Step == step && rec.Path != "" && later.Path == rec.Path && later.Step != step && !slices.Contains(names, later.Step) {
					names = append(names, later.Step)
				}
			}
		}
	}
	slices.Sort(names)
	return names
}

// underneath says why a step is not taken back now: another one wrote a file of its own since, which is taken back in this same undo first,
// or is not to be.
func underneath(step steps.Step, list []steps.Step, records map[string][]remote.Record) (waits bool, refused []string) {
	for _, name := range above(step.ID, records) {
		asked := slices.ContainsFunc(list, func(one steps.Step) bool { return one.ID == name })
		if waits = waits || asked; !asked && step.Strip == nil {
			waits = true
			refused = append(refused, fmt.Sprintf("%s: the chapter %s changed a file of it since: take both back, postern undo %s", step.ID, name, strings.Join([]string{name, step.ID}, " ")))
		}
	}
	return waits, refused
}
