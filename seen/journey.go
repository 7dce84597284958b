package seen

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// passes are all tables that packets of an address's family must pass, the host's iptables first.
func (r Ruleset) passes(a netip.Addr) []Tables {
	all := []Tables{r.For(a)}
	for _, set := range r.Beside {
		if a.Is6() {
			all = append(all, set.Six)
		} else {
			all = append(all, set.Four)
		}
	}
	return all
}

// each calls do with every base chain at a hook: INPUT, or "nat PREROUTING" for those that translate.
func (r Ruleset) each(a netip.Addr, hook string, do func(*Table, string)) {
	kind, chain, translates := strings.Cut(hook, " ")
	if !translates {
		chain = kind
	}
	for _, tables := range r.passes(a) {
		left := len(tables)
		for _, name := range iptables {
			if t := tables[name]; t != nil && t.hooks == nil {
				if left--; (name == "nat") == translates && t.Policy[chain] != "" {
					do(t, chain)
				}
			}
		}
		if left == 0 {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(tables)) {
			for _, base := range slices.Sorted(maps.Keys(tables[name].hooks)) {
				if tables[name].hooks[base] == hook {
					do(tables[name], base)
				}
			}
		}
	}
}

// TableOf is the table of iptables that a rule stands in, by its Fate and a packet's address; "" for a policy, and in nft's own tables.
func (r Ruleset) TableOf(a netip.Addr, rule string) string {
	for _, tables := range r.passes(a) {
		for name, t := range tables {
			if t.hooks == nil && slices.ContainsFunc(t.Rules, func(one Rule) bool { return t.of+one.Text == rule }) {
				return name
			}
		}
	}
	return ""
}

// meets is what becomes of a packet at the hooks that it comes by: each base chain of each table must let it on.
func (r Ruleset) meets(p Packet, hooks ...string) Fate {
	f := Fate{Verdict: "ACCEPT", Rule: "no rule"}
	for _, hook := range hooks {
		r.each(p.Src, hook, func(t *Table, chain string) { f = f.then(t.Lets(chain, p)) })
	}
	return f
}

// then is what becomes of a packet that must pass twice. A certain end is one whatever else may be.
func (f Fate) then(g Fate) Fate {
	g.Verdict = cmp.Or(g.Verdict, "ACCEPT")
	stops := func(x Fate) bool { return x.Verdict != "ACCEPT" }
	switch {
	case stops(f) && !f.Unsure:
		return f
	case stops(g) && !g.Unsure:
		return g
	case stops(f), f.Unsure && !stops(g), !stops(g) && !g.Unsure && strings.Contains(g.Rule, "policy of ") && f.Rule != "no rule":
		return f
	}
	return g
}

// Translates is what the rules at PREROUTING or POSTROUTING make of a packet: DNAT, SNAT, MASQUERADE …, or ACCEPT.
func (r Ruleset) Translates(p Packet, at string) Fate {
	f := Fate{Verdict: "ACCEPT", Rule: "no rule"}
	r.each(p.Src, "nat "+at, func(t *Table, chain string) { f = f.then(t.Lets(chain, p)) })
	return f
}

// Begins is what becomes of a packet for the host before it is known where it goes, and so before it is translated.
func (r Ruleset) Begins(p Packet) Fate { return r.meets(p, "PREROUTING") }

// Enters is what becomes of a packet that stays on the host. One that is surely sent on is not told from it here.
func (r Ruleset) Enters(p Packet) Fate {
	f := r.Begins(p)
	if sent := r.Translates(p, "PREROUTING"); sent.Unsure && !p.Answer {
		f = f.then(sent)
	}
	return f.then(r.meets(p, "INPUT"))
}

// Crosses is what becomes of a packet that goes through the host, once it is known where to.
func (r Ruleset) Crosses(p Packet) Fate { return r.meets(p, "FORWARD", "POSTROUTING") }

// Leaves is what becomes of a packet of the host's own.
func (r Ruleset) Leaves(p Packet) Fate { return r.meets(p, "OUTPUT", "POSTROUTING") }

// Reaches is what becomes of the first packet of a connection that comes to a host from elsewhere, and the packet as it is in the end: one
// that is translated, as for a container, goes on to where it is sent then, and one for no address of the host to where the routes lead.
func (r Ruleset) Reaches(p Packet, n Network) (Fate, Packet) {
	p.Was, p.Beyond = netip.AddrPortFrom(p.Dst, uint16(p.Port)), n.Holder(p.Dst) == ""
	f, sent := r.Begins(p), r.Translates(p, "PREROUTING")
	if sent.Verdict == "DNAT" {
		to, err := netip.ParseAddrPort(sent.To)
		if sent.Unsure = sent.Unsure || err != nil; err == nil {
			p.Dst, p.Port = to.Addr(), int(to.Port())
		}
		p.Beyond = n.Holder(p.Dst) == ""
	}
	if p.Beyond {
		p.Out = n.Towards(p.Dst)
		f = f.then(r.Crosses(p))
	} else {
		f = f.then(r.meets(p, "INPUT"))
	}
	if sent.Unsure {
		f.Unsure, f.Doubt = true, Fork{sent.Verdict, sent.Rule}
	}
	return f, p
}
