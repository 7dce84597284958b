package firewall

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"postern/remote"
	"postern/seen"
)

func trimNewlines(s string) string { return strings.TrimLeft(s, "\n") }

// rawText is text in a rules file that ufw did not write, fit to be shown.
func rawText(text string) string {
	return "in the rules file: " + remote.Clean(text).Line(160)
}

// shadows tells of rules of other people that stand against ours: those that refuse what a later one of ours admits, for ufw
// takes the first that matches, and those that let everybody in to what is for some.
func shadows(f ufwFile, want Policy) []string {
	var notes []string
	want.denyOut = true // what the default lets out can be refused by a rule all the same
	wanted := want.rules(f.v6)
	for i, e := range f.entries {
		if ours, _ := e.rule.owner(); ours || !e.known {
			continue
		}
		var all, some []string
		for _, r := range wanted {
			at := slices.IndexFunc(f.entries, func(other ufwEntry) bool { return other.known && other.rule.same(r) })
			if at < 0 {
				at = slices.IndexFunc(f.entries, func(other ufwEntry) bool { return other.known && other.rule.covers(r) })
			}
			if at < 0 && r.Dir == "out" {
				at = len(f.entries)
			}
			switch {
			case at < i || e.rule.admitting() || !overlap(e.rule, r):
			case e.rule.holds(r):
				all = append(all, r.Note)
			default:
				some = append(some, r.Note)
			}
		}
		if len(all) > 0 {
			notes = append(notes, fmt.Sprintf("your rule %q stands before ours and refuses all that %s would admit; it is left as it is, and these stay closed until you type: %s",
				e.rule.shown(), each(all), e.rule.undoing()))
		}
		if len(some) > 0 {
			notes = append(notes, fmt.Sprintf("your rule %q stands before ours and refuses some of what %s would admit; it is left as it is, and goes with: %s",
				e.rule.shown(), each(some), e.rule.undoing()))
		}
		if open := e.rule.lets(want); len(open) > 0 {
			notes = append(notes, fmt.Sprintf("your rule %q lets in more than %s would; where nobody needs that, take it away with: %s", e.rule.shown(), each(open), e.rule.undoing()))
		}
	}
	return notes
}

// lets is what of a policy is for some only and the rule lets everybody in to, or pass on.
func (r ufwRule) lets(want Policy) []string {
	var open []string
	everybody := r.admitting() && r.Dir == "in" && (r.Src == any4 || r.Src == any6)
	over := func(a Allow) bool {
		return !r.Route && a.Port != 0 && (r.Proto == "any" || r.Proto == a.Proto) && holdsPort(r.Dport, a.Port)
	}
	for _, a := range want.Allows {
		if everybody && a.From != nil && over(a) {
			open = append(open, Tag+" "+a.Name)
		}
	}
	for _, a := range want.Private {
		if everybody && r.In != a.In && over(a) {
			open = append(open, Tag+" "+a.Name)
		}
	}
	for _, f := range want.Forwards {
		if everybody && r.Route && !want.KeepForward && (r.Out == "" || r.Out == f.Out) && (r.In == "" || r.In == f.In) && r.Dport != strconv.Itoa(int(f.Dest.Port())) {
			open = append(open, Tag+" "+f.Name)
		}
	}
	return open
}

// needs is what the host itself must reach, in words.
func (p Policy) needs() string {
	var list []string
	for _, o := range p.Outs {
		switch {
		case o.Port == 0:
			list = append(list, "all by "+o.On)
		default:
			list = append(list, fmt.Sprintf("%s (%d/%s)", o.Name, o.Port, o.Proto))
		}
	}
	return strings.Join(list, ", ")
}

// each is the names of rules of ours, each once.
func each(notes []string) string {
	var names []string
	for _, note := range notes {
		if name := strconv.Quote(note); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// overlap says whether some packet matches both rules.
func overlap(a, b ufwRule) bool {
	word := func(x, y, wild string) bool { return x == y || x == wild || y == wild }
	return a.Route == b.Route && a.Dir == b.Dir && word(a.In, b.In, "") && word(a.Out, b.Out, "") && word(a.Proto, b.Proto, "any") &&
		overlapAddr(a.Src, b.Src) && overlapAddr(a.Dst, b.Dst) && overlapPort(a.Dport, b.Dport)
}

func overlapAddr(a, b string) bool {
	p, known := seen.Prefix(a)
	q, known2 := seen.Prefix(b)
	return !known || !known2 || p.Overlaps(q)
}

func overlapPort(a, b string) bool {
	if a == "any" || b == "any" {
		return true
	}
	var port int
	if _, err := fmt.Sscanf(b, "%d", &port); err != nil {
		return true
	}
	return holdsPort(a, port)
}

// lockOut says why the resulting rules would refuse the operator's way in, by a simulation of ufw's first match; nothing is the
// normal case.
func lockOut(four, six ufwFile, before4, before6 string, w way) []string {
	if !w.from.IsValid() || w.from.IsLoopback() {
		return nil
	}
	file, before := four, before4
	if w.from.Is6() {
		file, before = six, before6
	}
	if line, refused := beforeRefuses(before, w); refused {
		return []string{fmt.Sprintf("SSH from %s to port %d would be refused by the line %q of ufw's before rules", w.from, w.port, line)}
	}
	for _, e := range file.entries {
		if !e.known || !e.rule.admits(w.from, w.to, w.in, "tcp", w.port) {
			continue
		}
		action, _, _ := strings.Cut(e.rule.Action, "_")
		if action == "allow" || action == "limit" {
			return nil
		}
		return []string{fmt.Sprintf("SSH from %s to port %d would be refused by the rule %q", w.from, w.port, e.rule.shown())}
	}
	return []string{fmt.Sprintf("SSH from %s to port %d is admitted by no rule, and all else that comes in is denied", w.from, w.port)}
}

// beforeRefuses is the line of ufw's before rules that refuses the way in, ahead of any that admits it. Lines with matches
// that are not understood are passed over.
func beforeRefuses(text string, w way) (string, bool) {
	tables, err := seen.ParseTables(strings.Split(text, "\n"))
	if err != nil || tables["filter"] == nil {
		return "", false
	}
	chain := "ufw-before-input"
	if w.from.Is6() {
		chain = "ufw6-before-input"
	}
	f := tables["filter"].Lets(chain, seen.Packet{Proto: "tcp", Src: w.from, Dst: w.to, Port: w.port, In: w.in})
	return remote.Clean(f.Rule).Line(160), f.Verdict == "DROP" || f.Verdict == "REJECT"
}
