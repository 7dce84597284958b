package site

import (
	"net/netip"
	"slices"
	"strings"
)

// CarrierNAT is the space of carrier-grade NAT (RFC 6598).
var CarrierNAT = netip.MustParsePrefix("100.64.0.0/10")

// unroutable are the IPv4 blocks that the world does not route, beside the private ones. The documentation networks of
// RFC 5737 are left out on purpose: examples and test beds play the public side with them.
var unroutable = []netip.Prefix{
	CarrierNAT,
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("240.0.0.0/4"),
}

// Public says whether the world can reach an address by its number.
func Public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !slices.ContainsFunc(unroutable, func(p netip.Prefix) bool { return p.Contains(a) })
}

// SSHHost is the host part of where SSH goes to: a name, an alias or an address; "" when nothing is set.
func (h *Host) SSHHost() string {
	rest := strings.TrimSuffix(strings.TrimPrefix(h.SSH, "ssh://"), "/")
	name, _, _ := hostPort(rest[strings.LastIndexByte(rest, '@')+1:])
	return name
}

// SSHAddress is where SSH goes to when that is an address and no jump host lies between.
func (h *Host) SSHAddress() netip.Addr {
	if h.Jump != "" || h.Local {
		return netip.Addr{}
	}
	a, _ := netip.ParseAddr(h.SSHHost())
	return a.WithZone("").Unmap()
}
