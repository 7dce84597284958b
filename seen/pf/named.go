package pf

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// named reads the name of an interface or a host: what it leads to when the rules are loaded.
func (p *parser) named(text string, bits int, whole string) []Address {
	name, suffix, _ := strings.Cut(text, ":")
	if suffix = ":" + suffix; suffix == ":" {
		suffix = ""
	}
	unknown := []Address{{Kind: Named, Name: name, Suffix: suffix, written: whole}}
	switch {
	case name == "self" && suffix == "" && p.known.Interfaces == nil:
		return unknown
	case strings.HasSuffix(strings.TrimSuffix(text, "."), ".invalid"):
		p.wrong("no IP address found for " + whole)
		return unknown
	case p.known.Interfaces == nil || suffix != "" && !modifier[suffix] || suffix != "" && bits >= 0:
		p.unsure("whether " + strconv.Quote(whole) + " is an interface or a name with an address is not known")
		return unknown
	}
	found, ok := p.known.addresses(name, suffix)
	if len(found) == 0 {
		if _, exists := p.known.Interfaces[name]; suffix != "" && !exists && ok {
			p.wrong("no IP address found for " + whole)
		} else {
			p.unsure("whether " + strconv.Quote(whole) + " is a name with an address is not known")
		}
		return unknown
	}
	var all []Address
	for _, n := range found {
		if bits >= 0 && bits <= n.Addr().BitLen() {
			n = netip.PrefixFrom(n.Addr(), bits)
		}
		all = append(all, network(n))
	}
	return all
}

// addresses are those of an interface, or of all of them (self), or of a group that is named as a driver is. It is false where
// they cannot be told.
func (h *Host) addresses(name, suffix string) (all []netip.Prefix, known bool) {
	if h.Interfaces == nil || suffix == ":peer" || suffix == ":broadcast" {
		return nil, false
	}
	known = suffix == "" || suffix == ":network" || suffix == ":0"
	var names []string
	for i := range h.Interfaces {
		if i == name || name == "self" || h.inGroup(i, name) == yes {
			names = append(names, i)
		}
	}
	slices.Sort(names)
	for _, i := range names {
		got := map[bool]bool{}
		for _, n := range h.Interfaces[i] {
			local := n.Addr().Is6() && n.Addr().IsLinkLocalUnicast()
			if suffix == ":0" && (local || got[n.Addr().Is4()]) || suffix == ":network" && local {
				continue
			}
			if got[n.Addr().Is4()] = true; suffix != ":network" {
				n = netip.PrefixFrom(n.Addr(), n.Addr().BitLen())
			}
			all = append(all, n.Masked())
		}
	}
	return all, known
}
