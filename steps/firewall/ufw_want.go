package firewall

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"postern/seen"
)

var (
	ifaceName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,14}$`)
	ruleName  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
)

// Validate refuses a policy that cannot be put into rules; every word that goes into a rule passes here.
func (p Policy) Validate() error {
	for _, a := range p.Allows {
		switch {
		case !ruleName.MatchString(a.Name):
			return fmt.Errorf("%q is not a name for a rule (small letters, digits, hyphens)", a.Name)
		case a.Proto != "" && a.Proto != "tcp" && a.Proto != "udp":
			return fmt.Errorf("%s: %q is not a protocol (tcp, udp)", a.Name, a.Proto)
		case a.Port < 0 || a.Port > 65535:
			return fmt.Errorf("%s: %d is not a port (1 to 65535)", a.Name, a.Port)
		case a.In != "" && !ifaceName.MatchString(a.In):
			return fmt.Errorf("%s: %q is not an interface name", a.Name, a.In)
		}
	}
	for _, o := range p.Outs {
		switch {
		case !ruleName.MatchString(o.Name):
			return fmt.Errorf("%q is not a name for a rule (small letters, digits, hyphens)", o.Name)
		case o.On != "" && !ifaceName.MatchString(o.On):
			return fmt.Errorf("%s: %q is not an interface name", o.Name, o.On)
		}
	}
	for _, f := range p.Forwards {
		switch {
		case !ruleName.MatchString(f.Name):
			return fmt.Errorf("%q is not a name for a rule (small letters, digits, hyphens)", f.Name)
		case f.Proto != "tcp" && f.Proto != "udp":
			return fmt.Errorf("%s: %q is not a protocol (tcp, udp)", f.Name, f.Proto)
		case !ifaceName.MatchString(f.In):
			return fmt.Errorf("%s: %q is not an interface name", f.Name, f.In)
		case !ifaceName.MatchString(f.Out):
			return fmt.Errorf("%s: %q is not an interface name", f.Name, f.Out)
		case !f.To.IsValid() || f.To.Port() == 0 || !f.Dest.IsValid() || f.Dest.Port() == 0:
			return fmt.Errorf("%s: from %q to %q: an address and a port are needed on both sides", f.Name, f.To, f.Dest)
		case f.To.Addr().Is6() != f.Dest.Addr().Is6():
			return fmt.Errorf("%s: from %q to %q: both sides must be of one family", f.Name, f.To, f.Dest)
		}
	}
	for _, l := range p.Leaves {
		switch {
		case !ruleName.MatchString(l.Name):
			return fmt.Errorf("%q is not a name for a rule (small letters, digits, hyphens)", l.Name)
		case l.Proto != "tcp" && l.Proto != "udp":
			return fmt.Errorf("%s: %q is not a protocol (tcp, udp)", l.Name, l.Proto)
		case !ifaceName.MatchString(l.In) || !ifaceName.MatchString(l.Out):
			return fmt.Errorf("%s: %q or %q is not an interface name", l.Name, l.In, l.Out)
		case l.Port < 1 || l.Port > 65535:
			return fmt.Errorf("%s: %d is not a port (1 to 65535)", l.Name, l.Port)
		case !l.From.IsValid() || !l.As.IsValid() || l.From.Is6() != l.As.Is6():
			return fmt.Errorf("%s: from %q as %q: both must be addresses of one family", l.Name, l.From, l.As)
		}
	}
	if p.ClampMSS != "" && !ifaceName.MatchString(p.ClampMSS) {
		return fmt.Errorf("%q is not an interface name", p.ClampMSS)
	}
	return nil
}

// sources are the prefixes of one family as ufw writes them; "" stands for everyone. A list that has none of this family
// admits nobody over it.
func sources(from []netip.Prefix, v6 bool) []string {
	if from == nil {
		return []string{""}
	}
	var list []string
	for _, p := range from {
		switch {
		case !p.IsValid() || p.Addr().Is6() != v6:
		case p.Bits() == 0:
			list = append(list, "")
		case p.IsSingleIP():
			list = append(list, p.Addr().WithZone("").String())
		default:
			list = append(list, p.Masked().String())
		}
	}
	return list
}

// rules are the policy in ufw's terms for one family, in the policy's order and without doubles.
func (p Policy) rules(v6 bool) []ufwRule {
	everywhere := any4
	if v6 {
		everywhere = any6
	}
	or := func(s string) string {
		if s == "" {
			return everywhere
		}
		return s
	}
	var list []ufwRule
	add := func(r ufwRule) {
		for _, other := range list {
			if other.same(r) {
				return
			}
		}
		list = append(list, r)
	}
	for _, a := range p.Allows {
		if a.To.IsValid() && a.To.Is6() != v6 {
			continue
		}
		r := ufwRule{seen.UfwRule{Action: "allow", Proto: "any", Dport: "any", Dst: everywhere, Sport: "any", Dir: "in", In: a.In, Note: Tag + " " + a.Name}}
		if a.Proto != "" {
			r.Proto = a.Proto
		}
		if a.Port != 0 {
			r.Dport = strconv.Itoa(a.Port)
		}
		if a.To.IsValid() {
			r.Dst = a.To.String()
		}
		for _, from := range sources(a.From, v6) {
			r.Src = or(from)
			add(r)
		}
	}
	for _, o := range p.Outs {
		if !p.denyOut {
			break // the default lets all of it out
		}
		r := ufwRule{seen.UfwRule{Action: "allow", Proto: cmp.Or(o.Proto, "any"), Dport: "any", Dst: everywhere, Sport: "any", Src: everywhere, Dir: "out", Out: o.On, Note: Tag + " " + o.Name}}
		if o.Port != 0 {
			r.Dport = strconv.Itoa(o.Port)
		}
		add(r)
	}
	for _, f := range p.Forwards {
		if f.Dest.Addr().Is6() != v6 {
			continue
		}
		for _, from := range sources(f.From, v6) {
			add(ufwRule{seen.UfwRule{Action: "allow", Route: true, Proto: f.Proto, Dport: strconv.Itoa(int(f.Dest.Port())), Dst: f.Dest.Addr().String(),
				Sport: "any", Src: or(from), Dir: "in", In: f.In, Out: f.Out, Note: Tag + " " + f.Name}})
		}
	}
	for _, l := range p.Leaves {
		if l.From.Is6() == v6 {
			add(ufwRule{seen.UfwRule{Action: "allow", Route: true, Proto: l.Proto, Dport: strconv.Itoa(l.Port), Dst: everywhere,
				Sport: "any", Src: l.From.String(), Dir: "in", In: l.In, Out: l.Out, Note: Tag + " " + l.Name}})
		}
	}
	return list
}

// merged is one rules file brought to what is wanted.
type merged struct {
	file    ufwFile
	changed bool
	gone    []string // rules of ours no longer wanted, and the guide's that are taken out
	foreign []string
	notes   []string
}

// merge keeps every rule of other people where it is, keeps those of ours that are still wanted, drops the others, and
// puts what is missing behind them all.
func merge(f ufwFile, want Policy) merged {
	m := merged{file: f}
	m.file.entries = nil
	wanted := want.rules(f.v6)
	have := make([]bool, len(wanted))
	find := func(r ufwRule) int {
		for i, w := range wanted {
			if w.same(r) {
				return i
			}
		}
		return -1
	}
	for _, e := range f.entries {
		ours, adopted := e.rule.owner()
		i := -1
		if e.known {
			i = find(e.rule)
		}
		switch {
		case !e.known:
			m.foreign = append(m.foreign, rawText(e.text))
		case ours && i >= 0 && !have[i]:
			have[i] = true
			if note := wanted[i].Note; e.rule.Note != note && e.rule.Note != note+" "+adoptedMark {
				if adopted {
					note += " " + adoptedMark
				}
				e, m.changed = e.retag(note), true
			}
		case ours && i >= 0: // a double
			m.changed = true
			continue
		case ours && adopted && !want.Enable:
			e, m.changed = e.retag(""), true
		case ours:
			m.gone, m.changed = append(m.gone, e.rule.Typed()), true
			continue
		case i >= 0 && !have[i] && e.rule.Note == "" && want.AdoptRules:
			have[i] = true
			e, m.changed = e.retag(wanted[i].Note+" "+adoptedMark), true
		case i >= 0:
			have[i] = true
			m.foreign = append(m.foreign, e.rule.Typed())
		case want.ReplaceRules && guideRule(e.rule, want):
			m.gone, m.changed = append(m.gone, e.rule.Typed()), true
			continue
		default:
			m.foreign = append(m.foreign, e.rule.Typed())
		}
		m.file.entries = append(m.file.entries, e)
	}
	for i, r := range wanted {
		by, there := m.file.covering(r, want)
		switch {
		case have[i]:
		case there:
			if strings.HasPrefix(by.rule.Action, "limit") {
				m.notes = append(m.notes, fmt.Sprintf("your rule %q admits what %q would, and refuses an address that connects more than five times in 30 seconds", by.rule.shown(), r.Note))
			}
		default:
			m.changed = true
			m.file.entries = append(m.file.entries, ufwEntry{rule: r, known: true, text: r.block()})
		}
	}
	for _, r := range wanted {
		if at, to := m.file.lift(r); at > to && slices.Contains(want.First, r.Dport+"/"+r.Proto) {
			e := m.file.entries[at]
			m.file.entries, m.changed = slices.Insert(slices.Delete(m.file.entries, at, at+1), to, e), true
		}
	}
	m.notes = append(m.notes, shadows(m.file, want)...)
	return m
}

// lift is where a rule of ours stands, and where it would come before what refuses all that it admits. Where a rule that refuses
// some of it, such as a ban, stands between the two, it stays where it is: the ban would end.
func (f ufwFile) lift(r ufwRule) (at, to int) {
	at = slices.IndexFunc(f.entries, func(e ufwEntry) bool { return e.known && e.rule.same(r) })
	to = at
	for i := at - 1; i >= 0; i-- {
		switch e := f.entries[i]; {
		case !e.known || e.rule.admitting() || !overlap(e.rule, r):
		case !e.rule.holds(r):
			return at, to
		default:
			to = i
		}
	}
	return at, to
}

// covering is a rule of other people that admits already what a rule of ours would. One that people are told to delete does not
// count: without it ours must be there.
func (f ufwFile) covering(r ufwRule, want Policy) (ufwEntry, bool) {
	for _, e := range f.entries {
		if ours, _ := e.rule.owner(); e.known && !ours && e.rule.covers(r) && len(e.rule.lets(want)) == 0 {
			return e, true
		}
	}
	return ufwEntry{}, false
}

// retag is the entry with another comment; the iptables lines below the tuple stay as they are.
func (e ufwEntry) retag(note string) ufwEntry {
	old := e.rule
	e.rule.Note = note
	lead := e.text[:len(e.text)-len(trimNewlines(e.text))]
	rest := trimNewlines(e.text)
	for i := range rest {
		if rest[i] == '\n' {
			e.text = lead + e.rule.tuple() + rest[i:]
			return e
		}
	}
	e.rule = old
	return e
}
