package seen

import (
	"net/netip"
	"slices"
	"strings"
)

// Prefix reads an address with or without a prefix length, keeping the host's bits; one without stands for itself alone.
func Prefix(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p, !p.Addr().Is4In6()
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" || a.Is4In6() {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

// Inside says whether an address lies in one of the prefixes.
func Inside(list []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}

// Joined is a list of prefixes in one line.
func Joined(list []netip.Prefix) string {
	var all []string
	for _, p := range list {
		all = append(all, p.String())
	}
	return strings.Join(all, ", ")
}

// Someone is an address of a network that lies in none of the narrower ones to be avoided, begun to look for at one of it;
// invalid when none is found soon.
func Someone(in netip.Prefix, at netip.Addr, avoid []netip.Prefix) netip.Addr {
	for range 200 {
		if !in.Contains(at) {
			return netip.Addr{}
		}
		i := slices.IndexFunc(avoid, func(p netip.Prefix) bool { return p.Bits() > in.Bits() && p.Contains(at) })
		if i < 0 {
			return at
		}
		at = last(avoid[i]).Next()
	}
	return netip.Addr{}
}

// last is the last address of a network.
func last(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 1 << (7 - bit%8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}
