package pf

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
	seenpf "postern/seen/pf"
)

// judge is what the operator should know of a main file of theirs, one sentence each: whether pfctl takes it, what it does with those whom
// nobody provided for, what lets SSH in, and what is wanted and in it but does not come through. lacks are the lines that are still to be
// added, ours what the file of our anchor will say.
func (s scene) judge(lacks []string, ours string) (notes []string) {
	if strings.TrimSpace(s.filter.Text) == "" {
		return nil
	}
	files := map[string]string{anchorPath: ours}
	set, h := s.parse(s.filter.Text, "", files)
	notes = append(s.readable(set), s.guarded(set, h, lacks, files)...)
	notes = append(notes, s.ordered(set, h, lacks)...)
	if len(s.want.Behind) > 0 {
		notes = append(notes, s.toaster(set, h)...)
	}
	for _, b := range set.HostBits() {
		notes = append(notes, fmt.Sprintf("%s, line %d: %s has bits of a host, and means all of %s", s.filter.Path, b.Line, b.Written, b.Means))
	}
	return notes
}

// readable says what of the file pfctl refuses, or could not be told.
func (s scene) readable(set *seenpf.Ruleset) (notes []string) {
	release, known := s.release()
	if !known {
		notes = append(notes, "which FreeBSD this is is not known, so "+s.filter.Path+" is read as "+release.String()+" would")
	}
	switch a := set.Accepts(release); a.Verdict {
	case seenpf.Refuses:
		notes = append(notes, fmt.Sprintf("%s, line %d: pfctl of FreeBSD %s refuses it (%s), so at the next boot pf has the rules of its fallback, or none: put it right first", s.filter.Path, a.Line, release, shown(a.Why)))
	case seenpf.Unknown:
		notes = append(notes, fmt.Sprintf("%s, line %d: whether pfctl takes it could not be told: %s", s.filter.Path, a.Line, shown(a.Why)))
	}
	if anchors := calledAnchors(set); len(anchors) > 0 && s.loaded.Rules == nil {
		notes = append(notes, "what the anchors "+shown(strings.Join(anchors, ", "))+" hold was not looked at: they may let in more than is said here, or refuse it")
	}
	return notes
}

// guarded says what becomes of strangers whom no rule provides for, and what lets SSH in; where the host is open, how it is closed so that
// nobody is locked out.
func (s scene) guarded(set *seenpf.Ruleset, h seenpf.Host, lacks []string, files map[string]string) (notes []string) {
	rest := set.Default(s.ext, h)
	switch {
	case rest.Verdict == seenpf.Unknown:
		notes = append(notes, "whether "+s.filter.Path+" refuses what nobody provided for could not be told: "+shown(rest.Why))
	case rest.Verdict == seenpf.Pass && rest.Rule != "":
		notes = append(notes, fmt.Sprintf("no default policy: everything that listens is open, by %s of %s", s.named(rest), s.filter.Path))
	case rest.Verdict == seenpf.Pass:
		notes = append(notes, "no default policy: everything that listens is open, because no rule of "+s.filter.Path+" refuses it")
	}
	locks := false
	for _, port := range s.sshPorts() {
		switch d := s.enters(set, h, "tcp", "", port, netip.Addr{}); {
		case d.Verdict == seenpf.Unknown:
			notes = append(notes, fmt.Sprintf("whether SSH gets in at port %d could not be told: %s", port, shown(d.Why)))
		case d.Verdict == seenpf.Block:
			notes = append(notes, fmt.Sprintf("SSH at port %d is refused to strangers by %s", port, s.named(d)))
		case d.Rule == "":
			locks = true
			notes = append(notes, fmt.Sprintf("SSH gets in at port %d only because nothing refuses it: no rule lets it in, so a block line would lock out everybody who has no session%s", port, s.commented(port, files)))
		default:
			notes = append(notes, fmt.Sprintf("SSH gets in at port %d by %s", port, s.named(d)))
		}
	}
	if rest.Verdict == seenpf.Pass && rest.Rule == "" {
		notes = append(notes, s.closing(set, lacks, locks, files))
	}
	return notes
}

// maxTried bounds the block lines out of use that are tried: each reads the whole file anew.
const maxTried = 20

// commented names the block line that is out of use, and would lock out if it were not.
func (s scene) commented(port int, files map[string]string) string {
	lines := strings.Split(s.filter.Text, "\n")
	tried := 0
	for i, line := range lines {
		rule := strings.TrimLeft(line, " \t#")
		if rule == line || !strings.HasPrefix(strings.TrimSpace(line), "#") || !strings.HasPrefix(rule, "block") {
			continue
		}
		if tried++; tried > maxTried {
			break
		}
		used := slices.Clone(lines)
		used[i] = rule
		set, h := s.parse(strings.Join(used, "\n"), "", files)
		if s.enters(set, h, "tcp", "", port, netip.Addr{}).Verdict == seenpf.Block {
			return fmt.Sprintf(", and so would line %d if it were taken into use: %s", i+1, shown(line))
		}
	}
	return ""
}

// closing offers the lines that close an open host, where they were tried on the file as it will be: SSH gets in, and the rest does not.
func (s scene) closing(set *seenpf.Ruleset, lacks []string, locks bool, files map[string]string) string {
	block, pass := "block in log on "+s.ext, "pass out on "+s.ext
	lines := strings.Split(strings.TrimRight(s.filter.Text, "\n"), "\n")
	at := len(lines)
	for _, st := range set.Statements {
		if st.File == "" && st.Kind == seenpf.Filter && !slices.ContainsFunc(st.Rules, func(r *seenpf.Rule) bool { return r.Action == "scrub" }) {
			at = min(at, st.Line-1)
		}
	}
	lines = slices.Insert(lines, at, block, pass)
	for _, line := range lacks {
		if word, _, _ := strings.Cut(line, " "); word == "pass" || word == "anchor" || word == "load" {
			lines = append(lines, line)
		}
	}
	closed, h := s.parse(strings.Join(lines, "\n")+"\n", "", files)
	const other = "pf.main = own writes a file that closes it, and is taken back unless a new login works"
	if closed.Default(s.ext, h).Verdict != seenpf.Block || slices.ContainsFunc(s.sshPorts(), func(port int) bool {
		return s.enters(closed, h, "tcp", "", port, netip.Addr{}).Verdict != seenpf.Pass
	}) {
		return "no line was found that closes " + s.filter.Path + " and certainly leaves you SSH: " + other
	}
	first := ""
	if locks {
		first = "the lines of the task first, then "
	}
	return fmt.Sprintf("to close it: %s%q and %q above line %d of %s, which refuse all that no rule behind them lets in; load it with a way back that needs no login: "+
		"daemon sh -c 'sleep 120; pfctl -d'. Or %s", first, block, pass, at+1, s.filter.Path, other)
}

// ordered names what is wanted, and stands in the file, and does not come through for all that: something behind it refuses it, or goes before.
func (s scene) ordered(set *seenpf.Ruleset, h seenpf.Host, lacks []string) (notes []string) {
	if slices.ContainsFunc(lacks, func(line string) bool { return strings.Contains(line, "anchor ") }) {
		return nil // nothing of ours is called yet
	}
	w := s.writer
	w.macros, w.admin = false, ""
	for _, r := range w.allows() {
		if r.from != "any" || r.on != "" && r.on != s.ext || slices.Contains(lacks, r.line(false)) {
			continue
		}
		for _, port := range r.ports {
			if proto := strings.Trim(r.proto, "{ }"); proto != "tcp udp" && r.names[0] != "ssh" {
				notes = append(notes, s.refused(set, h, proto, r.family, port, netip.Addr{}, netip.AddrPort{})...)
			}
		}
	}
	for _, f := range s.want.Forwards {
		some := rules{}
		some = append(append(some, w.translation()...), w.onward()...)
		waits := slices.ContainsFunc(some, func(r rule) bool {
			return slices.Contains(r.names, f.Name) && slices.Contains(lacks, r.line(false))
		})
		if f.From == nil && !waits {
			notes = append(notes, s.refused(set, h, f.Proto, family(f.To.Addr()), int(f.To.Port()), f.To.Addr(), f.Dest)...)
		}
	}
	return notes
}

// refused says of one port that it does not come through, or not to where it should.
func (s scene) refused(set *seenpf.Ruleset, h seenpf.Host, proto, fam string, port int, at netip.Addr, dest netip.AddrPort) []string {
	if !slices.ContainsFunc(s.network.On(s.ext), func(a seen.Address) bool { return family(a.Addr()) == fam }) && !at.IsValid() {
		return nil // there is no address of that family to come to
	}
	switch d := s.enters(set, h, proto, fam, port, at); {
	case d.Verdict == seenpf.Unknown:
		return []string{fmt.Sprintf("whether %d/%s comes through over %s could not be told: %s", port, proto, words[fam], shown(d.Why))}
	case d.Verdict == seenpf.Block:
		return []string{fmt.Sprintf("%d/%s over %s is let in by a line of %s, and refused by %s for all that: the last rule that fits decides, unless one says quick", port, proto, words[fam], s.filter.Path, s.named(d))}
	case dest.IsValid() && d.To != dest:
		return []string{fmt.Sprintf("%d/%s does not go to %s: another translation of %s comes first (%s)", port, proto, dest, s.filter.Path, shown(d.By))}
	}
	return nil
}

var words = map[string]string{"inet": "IPv4", "inet6": "IPv6"}

// named is the rule that decided, as it is shown.
func (s scene) named(d seenpf.Decision) string {
	switch {
	case d.Rule == "":
		return "no rule"
	case d.Line == 0:
		return shown(d.Rule)
	case d.Anchor != "":
		return fmt.Sprintf("line %d of the anchor %s (%s)", d.Line, shown(d.Anchor), shown(d.Rule))
	}
	return fmt.Sprintf("line %d (%s)", d.Line, shown(d.Rule))
}

// shown is a host's text as it may stand in a sentence.
func shown(text string) string { return remote.Clean(text).Line(120) }
