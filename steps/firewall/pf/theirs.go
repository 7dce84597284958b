package pf

import (
	"cmp"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"postern/seen"
	seenpf "postern/seen/pf"
)

// release is the one whose pfctl the host has; false where that is not known, and then it is the newest.
func (s scene) release() (seenpf.Release, bool) {
	system, err := seen.Systems.Of(s.found)
	r, known := seenpf.ReleaseOf(system.Release)
	if err != nil || !known {
		return seenpf.R15_1, false
	}
	return r, true
}

// parse reads a text of rules with what was seen of the host. Anchors hold what files say that are told; what others hold was not looked at,
// and the text is read as if that were nothing.
func (s scene) parse(text, anchor string, files map[string]string) (*seenpf.Ruleset, seenpf.Host) {
	h := seenpf.Host{Interfaces: map[string][]netip.Prefix{}, Files: map[string]seenpf.File{}, Listed: true}
	for _, i := range s.network.Interfaces {
		for _, a := range i.Addresses {
			h.Interfaces[i.Name] = append(h.Interfaces[i.Name], a.Prefix)
		}
	}
	h.Anchors, h.Tables = s.runs()
	for path, text := range files {
		h.Files[path] = seenpf.File{Text: text}
	}
	return seenpf.Parse(text, anchor, h), h
}

// drifts says whether pf runs other rules than the file of ours that is in place: none, more than come of it, or as many as the fallback has.
// Its optimizer may make fewer of them, and never more.
func (s scene) drifts(runs int, path string) bool {
	count := func(text, anchor string) (n int) {
		set, _ := s.parse(text, anchor, nil)
		release, _ := s.release()
		made := set.Expand(release)
		for _, m := range slices.Concat(made.Translation, made.Filter) {
			if m.Depth == 0 {
				n++
			}
		}
		return n
	}
	if path == anchorPath {
		return runs == 0 || runs > count(s.file(path).Text, seen.FilterAnchor)
	}
	return runs == 0 || runs > count(s.file(path).Text, "") || s.ours(fallbackPath) && runs == count(s.file(fallbackPath).Text, "")
}

// missing are the lines that the operator's file has not. A line is there that stands as it is, but for blanks and comments, or that says
// the same in other words: where every rule that pfctl makes of it comes of the file, too.
func (s scene) missing(want []string) []string {
	var lines []string
	for line := range strings.Lines(s.filter.Text) {
		lines = append(lines, spelled(line))
	}
	set, _ := s.parse(s.filter.Text, "", map[string]string{anchorPath: ""})
	release, _ := s.release()
	made := map[string]bool{}
	if all := set.Expand(release); all.Claimed {
		for _, m := range slices.Concat(all.Translation, all.Filter) {
			if m.Depth == 0 {
				made[essence(m.Text)] = true
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(want), func(line string) bool {
		return slices.Contains(lines, spelled(line)) || s.says(set, made, line, release)
	})
}

// says tells whether all that comes of a line comes of the file.
func (s scene) says(set *seenpf.Ruleset, made map[string]bool, line string, release seenpf.Release) bool {
	one, _ := s.parse(line+"\n", "", map[string]string{anchorPath: ""})
	if len(one.Statements) == 1 && one.Statements[0].Kind == seenpf.Load {
		return slices.ContainsFunc(set.Statements, func(st seenpf.Statement) bool {
			return st.Loaded != nil && st.Path == anchorPath && st.Loaded.Anchor == seen.FilterAnchor
		})
	}
	rules := one.Expand(release)
	all := slices.Concat(rules.Translation, rules.Filter)
	return rules.Claimed && len(all) > 0 && !slices.ContainsFunc(all, func(m seenpf.Made) bool {
		text := essence(m.Text)
		return !made[text] && !made[anyFamily.ReplaceAllString(text, "")]
	})
}

var (
	anyFamily = regexp.MustCompile(` inet6?\b`)
	inPassing = regexp.MustCompile(`^(pass (?:in|out))(?: log(?: \([^)]*\))?)?(?: quick)?\b`)
	withState = regexp.MustCompile(`^(pass .*?)(?: flags (?:S/SA|any))? (?:keep|modulate|synproxy) state(?: \([^()]*\))?(?: label "[^"]*")*$`)
)

// essence is a rule as pfctl prints it, without what does not change who gets in: that it is logged, decides at once, and limits its states.
func essence(rule string) string {
	return withState.ReplaceAllString(inPassing.ReplaceAllString(rule, "$1"), "$1")
}

// spelled is a line without blanks and comments that say nothing.
func spelled(line string) string {
	line, _, _ = strings.Cut(line, "#")
	return strings.Join(strings.Fields(line), " ")
}

// calledAnchors are those whose rules stand elsewhere, but for ours, each once.
func calledAnchors(set *seenpf.Ruleset) []string {
	names := map[string]bool{}
	for _, st := range set.Statements {
		for _, r := range st.Rules {
			if r.Anchor != "" && r.Body == nil && r.Anchor != seen.FilterAnchor {
				names[r.Anchor] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// strangers are who comes from the world, one of each family.
var strangers = []netip.Addr{netip.MustParseAddr("233.252.0.77"), netip.MustParseAddr("2001:db8:dead::77")}

// enters is what the rules do with a stranger's connection to a port, at each of the public interface's addresses (or the one that is
// told): the worst of it.
func (s scene) enters(set *seenpf.Ruleset, h seenpf.Host, proto, fam string, port int, at netip.Addr) (worst seenpf.Decision) {
	order := []seenpf.Verdict{"", seenpf.Pass, seenpf.Unknown, seenpf.Block}
	for _, from := range strangers {
		to := []netip.Addr{at}
		if !at.IsValid() {
			to = nil
			for _, a := range s.network.On(s.ext) {
				to = append(to, a.Addr())
			}
		}
		for _, a := range to {
			if a.Is4() != from.Is4() || fam != "" && family(a) != fam {
				continue
			}
			d := set.Decide(seenpf.Packet{On: s.ext, Proto: proto, From: netip.AddrPortFrom(from, 40000), To: netip.AddrPortFrom(a, uint16(port))}, h)
			if slices.Index(order, d.Verdict) > slices.Index(order, worst.Verdict) {
				worst = d
			}
		}
	}
	worst.Verdict = cmp.Or(worst.Verdict, seenpf.Unknown)
	worst.Why = cmp.Or(worst.Why, "the address of "+s.ext+" is not known")
	return worst
}
