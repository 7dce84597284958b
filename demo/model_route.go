package demo

import (
	"net/netip"
	"sort"
	"strconv"
	"strings"
)

// mainTable is the routing table that everything is in unless said otherwise.
const mainTable = 254

// route is one line of a routing table.
type route struct {
	table  int
	to     netip.Prefix
	via    netip.Addr // the router; invalid for a network that the host is in itself
	dev    string
	src    netip.Addr
	metric int
	kernel bool // made by the kernel, of an address
}

// policyRule says which packets look into which table.
type policyRule struct {
	pref       int
	from       netip.Prefix // invalid is all
	mark, mask uint32       // with mask 0 the mark does not matter
	table      int          // 255 is the table of the host's own addresses, 253 an empty one
}

func firstRules(family int) []policyRule {
	rules := []policyRule{{pref: 0, table: 255}, {pref: 32766, table: mainTable}}
	if family == 0 {
		rules = append(rules, policyRule{pref: 32767, table: 253})
	}
	return rules
}

func tableName(n int) string {
	if name := map[int]string{255: "local", mainTable: "main", 253: "default"}[n]; name != "" {
		return name
	}
	return strconv.Itoa(n)
}

// lookup is the way that a packet takes; ok is false when there is none. A packet for the host itself takes lo.
func (k *kernel) lookup(src, dst netip.Addr, mark uint32) (route, bool) {
	for _, rule := range k.rules[family(dst)] {
		if rule.mask != 0 && mark&rule.mask != rule.mark || rule.from.IsValid() && (!src.IsValid() || !rule.from.Contains(src)) {
			continue
		}
		if rule.table == 255 {
			if k.owns(dst) {
				return route{dev: "lo", to: netip.PrefixFrom(dst, dst.BitLen())}, true
			}
			continue
		}
		if r, ok := k.longest(rule.table, dst); ok {
			return r, true
		}
	}
	return route{}, false
}

// longest is the route of one table that fits best.
func (k *kernel) longest(table int, dst netip.Addr) (best route, ok bool) {
	for _, r := range k.routes {
		if r.table == table && r.to.Contains(dst) && (!ok || r.to.Bits() > best.to.Bits() || r.to.Bits() == best.to.Bits() && r.metric < best.metric) {
			best, ok = r, true
		}
	}
	return best, ok
}

// source is the address that the host sends from over a route.
func (k *kernel) source(r route, dst netip.Addr) netip.Addr {
	if r.dev == "lo" {
		return dst
	}
	if r.src.IsValid() {
		return r.src
	}
	if l := k.link(r.dev); l != nil {
		for _, p := range l.addrs {
			if p.Addr().Is4() == dst.Is4() && !p.Addr().IsLinkLocalUnicast() {
				return p.Addr()
			}
		}
	}
	for _, l := range k.links { // any other of the host will do
		for _, p := range l.addrs {
			if p.Addr().Is4() == dst.Is4() && p.Addr().IsGlobalUnicast() {
				return p.Addr()
			}
		}
	}
	return netip.Addr{}
}

// text is the route as ip shows it.
func (r route) text() string {
	var w []string
	if r.to.Bits() == 0 {
		w = append(w, "default")
	} else {
		w = append(w, strings.TrimSuffix(r.to.String(), "/32"))
	}
	if r.via.IsValid() {
		w = append(w, "via", r.via.String())
	}
	w = append(w, "dev", r.dev)
	if r.kernel {
		w = append(w, "proto", "kernel")
	}
	if r.to.Addr().Is4() {
		if !r.via.IsValid() {
			w = append(w, "scope", "link")
		}
		if r.src.IsValid() {
			w = append(w, "src", r.src.String())
		}
		return strings.Join(w, " ") + " "
	}
	return strings.Join(w, " ") + " metric " + strconv.Itoa(r.metric) + " pref medium"
}

// shown are the routes of a table and family in ip's order.
func (k *kernel) shown(table, six int) []route {
	var list []route
	for _, r := range k.routes {
		if r.table == table && family(r.to.Addr()) == six {
			list = append(list, r)
		}
	}
	sort.SliceStable(list, func(i, j int) bool {
		a, b := list[i], list[j]
		if (a.to.Bits() == 0) != (b.to.Bits() == 0) {
			return (a.to.Bits() == 0) == (six == 0) // IPv4 shows its default route first, IPv6 last
		}
		return a.to.Addr().Less(b.to.Addr())
	})
	return list
}

// text is the rule as ip shows it.
func (r policyRule) text() string {
	s := strconv.Itoa(r.pref) + ":\tfrom "
	switch {
	case !r.from.IsValid():
		s += "all"
	case r.from.IsSingleIP():
		s += r.from.Addr().String()
	default:
		s += r.from.String()
	}
	if r.mask != 0 {
		s += " fwmark 0x" + strconv.FormatUint(uint64(r.mark), 16)
		if r.mask != 1<<32-1 {
			s += "/0x" + strconv.FormatUint(uint64(r.mask), 16)
		}
	}
	return s + " lookup " + tableName(r.table)
}
