package seen

import (
	"net/netip"
	"slices"
	"strings"
)

// Sources are the networks that the rules of a table tell from others by where a packet comes from.
func (t *Table) Sources() []netip.Prefix {
	var all []netip.Prefix
	if t == nil {
		return nil
	}
	had := map[netip.Prefix]bool{}
	for _, r := range t.Rules {
		for _, p := range r.src {
			if p.Bits() > 0 && !had[p] {
				had[p], all = true, append(all, p)
			}
		}
	}
	return all
}

// For is the tables that packets of an address's family meet.
func (r Ruleset) For(a netip.Addr) Tables {
	if a.Is6() {
		return r.Six
	}
	return r.Four
}

// Limits says whether a rule counts who connects to one of these ports, and how often.
func (r Ruleset) Limits(ports []int) bool {
	for _, tables := range []Tables{r.Four, r.Six} {
		if tables["filter"] == nil {
			continue
		}
		for _, rule := range tables["filter"].Rules {
			counts := slices.ContainsFunc(rule.Options, func(o string) bool { return o == "-m recent" || o == "-m hashlimit" || o == "-m connlimit" })
			if counts && slices.ContainsFunc(ports, func(p int) bool { return HasPort(rule.Ports, p) }) {
				return true
			}
		}
	}
	return false
}

// Sent are the rules of other people that send a port of the host on to another address.
func (t Tables) Sent() []Rule {
	var all []Rule
	if nat := t["nat"]; nat != nil {
		for _, r := range nat.Rules {
			if r.Target == "DNAT" && len(r.Ports) > 0 && !strings.HasPrefix(r.Chain, "postern-") {
				all = append(all, r)
			}
		}
	}
	return all
}
