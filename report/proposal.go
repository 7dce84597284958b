package report

import (
	"fmt"
	"slices"

	"postern/remote"
	"postern/run"
	"postern/steps"
)

// Proposal is everything that would be done: what is shown is the very value that is done. wayBack adds, once per host and
// before the first risk, what to type on its console if all else fails; and it leaves out, while preparations are asked
// about, the changes that come after them.
func Proposal(p *run.Proposal, said Said, wayBack bool) []Line {
	var t text
	t.lines = append(t.lines, After(p)...)
	for _, plan := range p.Plans {
		t.lines = append(t.lines, Notes(plan, said)...)
	}
	inert, guarded := p.Parts(true), p.Parts(false)
	if len(inert) > 0 && !p.Undo {
		t.part(inert, Heading(p, true))
	}
	if len(guarded) > 0 && !(wayBack && p.Inert) {
		t.part(guarded, Heading(p, false))
	}
	if len(inert) > 0 && p.Undo {
		t.part(inert, Heading(p, true))
	}
	t.lines = append(t.lines, Later(p)...)
	t.lines = append(t.lines, Objections(p)...)
	if wayBack && !p.Inert {
		for _, part := range guarded {
			if Risky(part) {
				t.lines = append(t.lines, WayBack(p, part.Host, said)...)
			}
		}
	}
	return t.lines
}

// Heading says what the inert or the guarded parts of a proposal are, and what guards them.
func Heading(p *run.Proposal, inert bool) Line {
	switch {
	case inert && p.Undo:
		return Line{Strong, "Afterwards, without a guard: what nothing needs any more.", false}
	case inert && p.Last:
		return Line{Strong, "Afterwards, without a guard: it cuts nobody off, takes its time, and is undone when it fails.", false}
	case inert:
		return Line{Strong, "Preparations: they change nothing that runs, and need no guard.", false}
	}
	what := "Guarded changes"
	if p.Undo {
		what = "Taking back"
	}
	return Line{Strong, fmt.Sprintf("%s: each host takes them back by itself after %s unless a new login and the checks prove them.", what, p.Guard), true}
}

// After is what is so once it is done, in plain words: before all details.
func After(p *run.Proposal) []Line {
	var t text
	switch {
	case p.Empty():
	case p.Undo:
		t.prose(Strong, "After this the hosts are as they were before this program changed them, but for what others changed since.")
	case p.Inert && !p.Last:
		t.prose(Strong, "After this the hosts have what this needs, such as packages and key files. No port is opened or closed, and what runs goes on as it is.")
	}
	for _, plan := range p.Plans {
		for _, one := range plan.After {
			if !p.Undo && !p.Inert {
				t.prose(Strong, "After this, on %s.", one)
			}
		}
	}
	return t.lines
}

// Notes is what was found that the operator should know.
func Notes(plan steps.Plan, said Said) []Line {
	var t text
	for _, n := range plan.Notes {
		if !said.first("note\x00" + n.Host + n.Text) {
			continue
		}
		s, mark := Plain, "note"
		if n.Warn {
			s, mark = Amber, "warn"
		}
		where := ""
		if n.Host != "" {
			where = n.Host + ": "
		}
		t.prose(s, "  %-8s %s%s", mark, where, n.Text)
	}
	return t.lines
}

// Later is what is planned afterwards, and what an undo leaves.
func Later(p *run.Proposal) []Line {
	var t text
	for _, plan := range p.Plans {
		for _, then := range plan.Then {
			t.prose(Plain, "then: %s", then)
		}
	}
	for _, stays := range p.Stays {
		t.prose(Plain, "stays: %s", stays)
	}
	return t.lines
}

// Objections is why this must not be done, or would lock the operator out.
func Objections(p *run.Proposal) []Line {
	var t text
	for _, why := range p.LeftOut() {
		t.prose(Amber, "left out: %s", why)
	}
	for _, why := range p.Refused() {
		t.prose(Bad, "refused: %s", why)
	}
	for _, why := range p.LockOut() {
		t.prose(Bad, "you would be locked out: %s", why)
	}
	return t.lines
}

// WayBack is the way back for people on one host, before something may cut them off.
func WayBack(p *run.Proposal, host string, said Said) []Line {
	var t text
	h := p.Site.Host(host)
	if h == nil || !said.first("way back\x00"+host) {
		return nil
	}
	t.line(Plain, "")
	t.line(Strong, "If all else fails, on the console of %s:", h.Name)
	t.prose(Plain, "  %s", hang(steps.WayBack(p.Site, h), 2))
	return t.lines
}

// Risky says whether a part may cut the operator off.
func Risky(part steps.Part) bool {
	return slices.ContainsFunc(part.Changes, func(c remote.Change) bool { return c.Risk == remote.LoseSSH })
}

// part adds a heading and all changes of parts.
func (t *text) part(parts []steps.Part, heading Line) {
	t.line(Plain, "")
	t.lines = append(t.lines, heading)
	for _, part := range parts {
		t.line(Plain, "")
		t.line(Strong, "%s: %s", part.Host, Plural(len(part.Changes), "change"))
		for i, c := range part.Changes {
			t.change(i+1, c, part.Inert)
		}
	}
}
