package firewall

import (
	"fmt"
	"strings"

	"postern/remote"
	"postern/seen"
)

func trimNewlines(s string) string { return strings.TrimLeft(s, "\n") }

// rawText is text in a rules file that ufw did not write, fit to be shown.
func rawText(text string) string {
	return "in the rules file: " + remote.Clean(text).Line(160)
}

// shadows tells of rules that refuse what a later rule of ours admits: ufw takes the first that matches.
func shadows(f ufwFile) []string {
	var notes []string
	for i, e := range f.entries {
		if ours, _ := e.rule.owner(); !ours {
			continue
		}
		for _, before := range f.entries[:i] {
			action, _, _ := strings.Cut(before.rule.Action, "_")
			if !before.known || action == "allow" || action == "limit" || !overlap(before.rule, e.rule) {
				continue
			}
			notes = append(notes, fmt.Sprintf("an earlier rule of other people (%s) refuses some or all of what %q is to admit: it was left as it is",
				before.rule.shown(), e.rule.Note))
		}
	}
	return notes
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
