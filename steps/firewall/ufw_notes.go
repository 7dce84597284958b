package firewall

import (
	"fmt"
	"strings"

	"postern/remote"
)

func trimNewlines(s string) string { return strings.TrimLeft(s, "\n") }

// rawWords is text in a rules file that ufw did not write, fit to be shown.
func rawWords(text string) string {
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
			action, _, _ := strings.Cut(before.rule.action, "_")
			if !before.known || action == "allow" || action == "limit" || !overlap(before.rule, e.rule) {
				continue
			}
			notes = append(notes, fmt.Sprintf("an earlier rule of other people (%s) refuses some or all of what %q is to admit: it was left as it is",
				remote.Clean(before.rule.words()).Line(160), e.rule.note))
		}
	}
	return notes
}

// overlap says whether some packet matches both rules.
func overlap(a, b ufwRule) bool {
	word := func(x, y, wild string) bool { return x == y || x == wild || y == wild }
	return a.route == b.route && a.dir == b.dir && word(a.in, b.in, "") && word(a.out, b.out, "") && word(a.proto, b.proto, "any") &&
		overlapAddr(a.src, b.src) && overlapAddr(a.dst, b.dst) && overlapPort(a.dport, b.dport)
}

func overlapAddr(a, b string) bool {
	p, err1 := parsePrefix(a)
	q, err2 := parsePrefix(b)
	return err1 != nil || err2 != nil || p.Overlaps(q)
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
		action, _, _ := strings.Cut(e.rule.action, "_")
		if action == "allow" || action == "limit" {
			return nil
		}
		return []string{fmt.Sprintf("SSH from %s to port %d would be refused by the rule %q", w.from, w.port, remote.Clean(e.rule.words()).Line(160))}
	}
	return []string{fmt.Sprintf("SSH from %s to port %d is admitted by no rule, and all else that comes in is denied", w.from, w.port)}
}

// beforeRefuses looks for a plain DROP or REJECT of SSH in before.rules, ahead of any ACCEPT of it. Lines with matches
// it does not know are passed over.
func beforeRefuses(text string, w way) (string, bool) {
	for _, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) < 4 || words[0] != "-A" || (words[1] != "ufw-before-input" && words[1] != "ufw6-before-input") {
			continue
		}
		target, hit := "", true
		for i := 2; i+1 < len(words) && hit; i += 2 {
			v := words[i+1]
			switch words[i] {
			case "-p":
				hit = v == "tcp" || v == "all"
			case "-i":
				hit = v == w.in
			case "-s":
				hit = holdsAddr(v, w.from)
			case "-d":
				hit = w.to.IsValid() && holdsAddr(v, w.to)
			case "--dport":
				hit = holdsPort(v, w.port)
			case "-m":
				hit = v == "tcp"
			case "-j":
				target = v
			case "--reject-with":
			default:
				hit = false
			}
		}
		switch {
		case !hit:
		case target == "ACCEPT":
			return "", false
		case target == "DROP" || target == "REJECT":
			return remote.Clean(line).Line(160), true
		}
	}
	return "", false
}
