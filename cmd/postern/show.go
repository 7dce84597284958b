package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/aymanbagabas/go-udiff"

	"postern/remote"
	"postern/run"
	"postern/site"
	"postern/steps"
)

// proposal shows everything that would be done: what is shown is the very value that is done. wayBack adds, once per host
// and before the first risk, what to type on its console if all else fails.
func (d *drawer) proposal(p *run.Proposal, deadline time.Duration, wayBack bool) {
	for _, plan := range p.Plans {
		d.notes(plan)
	}
	inert, guarded := p.Parts(true), p.Parts(false)
	if len(inert) > 0 && !p.Undo {
		d.say.line(plain, "")
		d.say.line(bold, "Preparations: they change nothing that runs, and need no guard.")
		d.parts(inert)
	}
	if len(guarded) > 0 && !(wayBack && p.Inert) {
		d.say.line(plain, "")
		d.say.prose(bold, "%s: each host takes them back by itself after %s unless a new login and the checks prove them.", heading(p), deadline)
		d.parts(guarded)
	}
	if len(inert) > 0 && p.Undo {
		d.say.line(plain, "")
		d.say.line(bold, "Afterwards, without a guard: what nothing needs any more.")
		d.parts(inert)
	}
	for _, plan := range p.Plans {
		for _, then := range plan.Then {
			d.say.prose(plain, "then: %s", then)
		}
	}
	for _, stays := range p.Stays {
		d.say.prose(plain, "stays: %s", stays)
	}
	d.objections(p)
	if wayBack && !p.Inert {
		d.rescue(p, guarded)
	}
}

func heading(p *run.Proposal) string {
	if p.Undo {
		return "Taking back"
	}
	return "Guarded changes"
}

// notes says what was found that the operator should know, each once in a run.
func (d *drawer) notes(plan steps.Plan) {
	for _, n := range plan.Notes {
		if d.noted[n.Host+n.Text] {
			continue
		}
		if d.noted == nil {
			d.noted = map[string]bool{}
		}
		d.noted[n.Host+n.Text] = true
		s, mark := plain, "note"
		if n.Warn {
			s, mark = amber, "warn"
		}
		where := ""
		if n.Host != "" {
			where = n.Host + ": "
		}
		d.say.prose(s, "  %-8s %s%s", mark, where, n.Text)
	}
}

// objections says why this must not be done, or would lock the operator out.
func (d *drawer) objections(p *run.Proposal) {
	for _, why := range p.Refused() {
		d.say.prose(red, "refused: %s", why)
	}
	for _, why := range p.LockOut() {
		d.say.prose(red, "you would be locked out: %s", why)
	}
}

// rescue tells the way back for people, once per host, before something may cut them off.
func (d *drawer) rescue(p *run.Proposal, parts []steps.Part) {
	for _, part := range parts {
		h := p.Site.Host(part.Host)
		if h == nil || d.rescued[part.Host] || !risky(part) {
			continue
		}
		if d.rescued == nil {
			d.rescued = map[string]bool{}
		}
		d.rescued[part.Host] = true
		d.say.line(plain, "")
		d.say.line(bold, "If all else fails, on the console of %s:", h.Name)
		d.say.prose(plain, "  %s", hang(wayBack(p.Site, h), 2))
	}
}

func risky(part steps.Part) bool {
	for _, c := range part.Changes {
		if c.Risk == remote.LoseSSH {
			return true
		}
	}
	return false
}

func (d *drawer) parts(parts []steps.Part) {
	for _, part := range parts {
		d.say.line(plain, "")
		d.say.line(bold, "%s: %s", part.Host, plural(len(part.Changes), "change"))
		for i, c := range part.Changes {
			d.change(i+1, c, part.Inert)
		}
	}
}

func (d *drawer) change(n int, c remote.Change, inert bool) {
	risk := ""
	switch c.Risk {
	case remote.LoseSSH:
		risk = "   MAY CUT SSH"
	case remote.LoseMail:
		risk = "   mail ports may be dark for a moment"
	}
	d.say.prose(plain, "  %d. [%s] %s%s", n, c.Step, c.Title, risk)
	if c.Why != "" {
		d.say.prose(plain, "     why:  %s", hang(c.Why, 11))
	}
	if c.Path != "" {
		d.diff(c)
	}
	do := c.Do
	if inert {
		do = shortened(do)
	}
	for _, row := range [][2]string{{"do", do}, {"keep", c.Keep}, {"undo", undo(c)}} {
		if text := strings.TrimRight(row[1], "\n"); strings.TrimSpace(text) != "" {
			d.say.line(plain, "     %-5s %s", row[0]+":", hang(text, 11))
		}
	}
}

// shortened cuts a long text that changes nothing that runs; --script and --json have all of it.
func shortened(text string) string {
	const most = 12
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) <= most {
		return text
	}
	return strings.Join(lines[:3], "\n") + fmt.Sprintf("\n[%d lines more; 'postern plan --script' has them all]", len(lines)-3)
}

// undo says what going back is, also where it is only the file.
func undo(c remote.Change) string {
	back := ""
	switch {
	case c.Path == "":
	case c.Old == nil:
		back = "# the file is removed"
	default:
		back = "# the file is put back as it was, byte for byte"
	}
	return strings.TrimSpace(back + "\n" + c.Undo)
}

// diff shows a file before and after, with its mode and owner where they change.
func (d *drawer) diff(c remote.Change) {
	when := ""
	if c.AtConfirm {
		when = ", put in place when the change is confirmed"
	}
	d.say.line(plain, "     file: %s (%s)%s", c.Path, attributes(c), when)
	before, after := "", ""
	if c.Old != nil {
		before = c.Old.Text
	}
	if c.New != nil {
		after = c.New.Text
	}
	for line := range strings.Lines(udiff.Unified("before", "after", before, after)) {
		s := plain
		switch {
		case strings.HasPrefix(line, "--- ") || strings.HasPrefix(line, "+++ "):
			continue
		case strings.HasPrefix(line, "+"):
			s = green
		case strings.HasPrefix(line, "-"):
			s = red
		}
		d.say.line(s, "       %s", strings.TrimSuffix(line, "\n"))
	}
}

func attributes(c remote.Change) string {
	is := func(f *remote.File) string { return fmt.Sprintf("%04o %s", f.Mode.Perm(), f.Owner) }
	switch {
	case c.Old == nil && c.New == nil:
		return "absent, stays absent"
	case c.Old == nil:
		return "new, " + is(c.New)
	case c.New == nil:
		return "removed"
	case is(c.Old) != is(c.New):
		return is(c.Old) + " becomes " + is(c.New)
	}
	return is(c.New)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// wayBack is what to type on a host's console.
func wayBack(s *site.Site, h *site.Host) string { return steps.WayBack(s, h) }
