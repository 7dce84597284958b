package pf

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	seenpf "postern/seen/pf"
)

// jails is the whole main file of a host whose jails have rules of their own, in the shape of Mail Toaster's: its tables and its anchors.
func (w writer) jails(admins []netip.Prefix) string {
	var four, six []netip.Prefix
	for _, b := range w.want.Behind {
		p := netip.PrefixFrom(b.As, b.As.BitLen())
		switch {
		case strings.Contains(w.address(b.As, b.Out), "("):
		case b.As.Is4() && !slices.Contains(four, p):
			four = append(four, p)
		case b.As.Is6() && !slices.Contains(six, p):
			six = append(six, p)
		}
	}
	text := head + "\n" + w.macroLines() + "\n# this host, as rules of jails may name it\n" + table("ext_ip", append(slices.Clone(four), six...)) + table("ext_ip4", four) + table("ext_ip6", six) +
		"# those who are never cut off, and those who are refused\n" + table(w.admin, admins) + table(w.banned, nil) + table("sshguard", nil) +
		"\nset block-policy drop\nset loginterface $ext_if\n\n# what jails have for themselves comes first\nbinat-anchor \"binat/*\"\nnat-anchor \"nat/*\"\n" +
		w.translation().lines(false) + "rdr-anchor \"rdr/*\"\n\n" + w.admins().lines(false) + "block in quick from <" + w.banned + ">\nblock in quick proto tcp from <sshguard> to any port " + PortList(w.sshPorts()) + "\n" +
		"\n# all else that comes from the world is refused and logged; what leaves keeps a state for its answers\nblock in log on $ext_if\npass out on $ext_if\n\n" + answers +
		"\n" + w.allows().lines(false) + "# what is let in to jails\nanchor \"allow/*\"\nanchor \"filter/*\"\n"
	return text
}

// jailLines are what a main file of the operator's needs: the anchors of jails, and who gets in to the host itself, but for SSH where a rule
// of theirs lets it in, whatever that says beside.
func (s scene) jailLines() []string {
	w := s.writer
	w.macros, w.admin = false, ""
	set, h := s.parse(s.filter.Text, "", nil)
	lines := []string{`nat-anchor "nat/*"`, `rdr-anchor "rdr/*"`}
	for _, r := range w.allows() {
		if d := s.enters(set, h, "tcp", r.family, r.ports[0], netip.Addr{}); r.names[0] != "ssh" || r.from != "any" || d.Verdict != seenpf.Pass || d.Rule == "" {
			lines = append(lines, r.line(false))
		}
	}
	if calls := set.Anchors(seenpf.Filter); !slices.Contains(calls, "allow/*") && !slices.Contains(calls, "filter/*") {
		lines = append(lines, `anchor "filter/*"`)
	}
	return lines
}

// runs is what pf holds in anchors and tables at this moment, as far as it was looked at.
func (s scene) runs() (map[string]*seenpf.Ruleset, map[string][]seenpf.Address) {
	if s.loaded.Rules == nil {
		return nil, nil
	}
	anchors, tables := map[string]*seenpf.Ruleset{}, map[string][]seenpf.Address{}
	for _, name := range s.loaded.Names {
		anchors[name] = seenpf.Printed(s.loaded.Rules[name], name, seenpf.Host{})
	}
	for _, t := range s.loaded.Tables {
		name := strings.TrimPrefix(t.Anchor+"/"+t.Name, "/")
		if t.Addresses == nil && t.Size > 0 {
			continue
		}
		tables[name] = nil
		for _, p := range t.Addresses {
			tables[name] = append(tables[name], seenpf.Address{Kind: seenpf.Net, Prefix: p})
		}
	}
	return anchors, tables
}

// toaster is what else is to be known of a main file whose jails have anchors: bans that may hit the operator, who is asked before them,
// and what the host itself would not hear.
func (s scene) toaster(set *seenpf.Ruleset, h seenpf.Host) (notes []string) {
	notes = append(notes, s.bans(set, h)...)
	if anchor, ban := passesBan(set); ban != nil {
		notes = append(notes, fmt.Sprintf("%s, line %d: who is banned (%s) still reaches the ports of jails, because the anchor %q above it lets in at once: it belongs above the anchors", s.filter.Path, ban.Line, shown(ban.Text), shown(anchor)))
	}
	for _, st := range set.Statements {
		for _, r := range st.Rules {
			if st.Kind == seenpf.Nat && r.Pool != nil && len(r.Pool.To) == 1 && r.Pool.To[0].Kind == seenpf.Dynamic && r.Pool.To[0].Suffix == "" && r.Family != 6 && s.several(r.Pool.To[0].Name) {
				notes = append(notes, fmt.Sprintf("%s, line %d: %s has several addresses, and what jails send leaves by each of them in turn: name one, the one that the reverse name is for", s.filter.Path, r.Line, shown(r.Pool.To[0].Name)))
			}
		}
	}
	if own := s.network.On(s.ext); set.Default(s.ext, h).Verdict == seenpf.Block && len(own) > 0 {
		d := set.Decide(seenpf.Packet{Out: true, On: s.ext, Proto: "tcp", From: netip.AddrPortFrom(own[0].Addr(), 40000), To: netip.AddrPortFrom(strangerOf(own[0].Addr()), 443)}, h)
		if d.Verdict == seenpf.Pass && d.Rule == "" {
			notes = append(notes, fmt.Sprintf("%s lets out what the host itself sends by no rule, so no state is kept and its answers are refused: add \"pass out on %s\"", s.filter.Path, s.ext))
		}
	}
	return notes
}

func strangerOf(a netip.Addr) netip.Addr {
	return strangers[map[bool]int{true: 0, false: 1}[a.Is4()]]
}

// several says whether an interface has more than one IPv4 address.
func (s scene) several(name string) bool {
	n := 0
	for _, a := range s.network.On(name) {
		if a.Addr().Is4() {
			n++
		}
	}
	return n > 1
}

// bans says which rule bans who connects to SSH often, and whether it would ban the operator.
func (s scene) bans(set *seenpf.Ruleset, h seenpf.Host) (notes []string) {
	for _, st := range set.Statements {
		for _, r := range st.Rules {
			table, limits := "", []string{}
			for _, l := range r.Limits {
				switch l.Name {
				case "overload":
					table = l.Value
				case "max-src-conn", "max-src-conn-rate":
					limits = append(limits, l.Name+" "+l.Value)
				}
			}
			if table == "" || len(limits) == 0 {
				continue
			}
			from, to := s.access.Client.Addr(), s.access.Server
			d := seenpf.Decision{}
			if from.IsValid() && to.IsValid() && from.Is4() == to.Addr().Is4() {
				d = set.Decide(seenpf.Packet{On: s.ext, Proto: "tcp", From: netip.AddrPortFrom(from, 40000), To: to}, h)
			}
			if d.Line == r.Line && d.Anchor == "" {
				notes = append(notes, fmt.Sprintf("%s, line %d bans who goes beyond %s (table %s), and that may be you: you come from %s, and no rule above it lets that in. We hold one connection to a host, and never probe SSH", s.filter.Path, r.Line, strings.Join(limits, ", "), shown(strings.Fields(table)[0]), from))
			} else {
				notes = append(notes, fmt.Sprintf("%s, line %d bans who goes beyond %s (table %s)", s.filter.Path, r.Line, strings.Join(limits, ", "), shown(strings.Fields(table)[0])))
			}
		}
	}
	return notes
}

// passesBan is the first anchor of rules that is asked before a ban, and the rule of the ban; nil where there is none.
func passesBan(set *seenpf.Ruleset) (string, *seenpf.Rule) {
	anchor := ""
	for _, st := range set.Statements {
		for _, r := range st.Rules {
			switch {
			case st.Kind != seenpf.Filter:
			case r.Action == "anchor" && strings.HasSuffix(r.Anchor, "/*") && anchor == "":
				anchor = r.Anchor
			case r.Action == "block" && anchor != "" && len(r.To.Ports) == 0 && len(r.From.Hosts) == 1 && r.From.Hosts[0].Kind == seenpf.InTable:
				return anchor, r
			}
		}
	}
	return "", nil
}
