package steps

import (
	"fmt"
	"net/netip"
	"strings"

	"postern/seen"
	"postern/site"
)

// shared is the space of carrier-grade NAT (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// unroutable are the IPv4 blocks that the world does not route, beside the private ones. The documentation networks of
// RFC 5737 are left out on purpose: examples and test beds play the public side with them.
var unroutable = []netip.Prefix{
	shared,
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("240.0.0.0/4"),
}

// public says whether the world can reach an address by its number.
func public(a netip.Addr) bool {
	if !a.IsValid() || !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, p := range unroutable {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// Detect is a copy of the site in which the empty fields of its hosts are filled from what was seen, and notes that say
// what was filled in and where from. What could not be told stays empty.
func Detect(s *site.Site, look Look) (*site.Site, []Note) {
	filled := s.Clone()
	var notes []Note
	for _, h := range filled.Hosts {
		facts, ok := look[h.Name]
		if !ok {
			continue
		}
		now := seen.Look(facts)
		var found []string
		if h.Interface == "" && now.Device != "" {
			h.Interface = now.Device
			found = append(found, "interface "+h.Interface+" (of the default route)")
		}
		if !h.Public4.IsValid() {
			if a, where := public4(h, now); a.IsValid() {
				h.Public4 = a
				found = append(found, fmt.Sprintf("public address %s (%s)", a, where))
			}
		}
		if !h.Public6.IsValid() {
			for _, p := range now.Address6() {
				if public(p.Addr()) {
					h.Public6 = p.Addr()
					found = append(found, fmt.Sprintf("public address %s (on %s)", p.Addr(), now.Device))
					break
				}
			}
		}
		if len(found) > 0 {
			notes = append(notes, Note{Host: h.Name, Text: "detected " + strings.Join(found, ", ")})
		}
	}
	return filled, notes
}

// public4 is the address the world sees: of the interface where that is public, preferring the one that SSH goes to; else,
// for a proxy, where SSH goes to. A mail host behind NAT has none that could be told from inside.
func public4(h *site.Host, now seen.Host) (a netip.Addr, where string) {
	target := sshAddress(h)
	for _, i := range now.Interfaces {
		for _, p := range i.Addresses {
			if p.Addr() == target && target.Is4() && public(target) {
				return target, "on " + i.Name + ", and where SSH goes to"
			}
		}
	}
	switch {
	case public(now.Address4().Addr()):
		return now.Address4().Addr(), "on " + now.Device
	case h.Role == site.Proxy && target.Is4() && public(target):
		return target, "where SSH goes to; the host itself has " + now.Address4().Addr().String()
	}
	return netip.Addr{}, ""
}

// sshHost is the host part of where SSH goes to: a name, an alias or an address; "" when nothing is set.
func sshHost(h *site.Host) string {
	rest := strings.TrimSuffix(strings.TrimPrefix(h.SSH, "ssh://"), "/")
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = rest[i+1:]
	}
	if inside, ok := strings.CutPrefix(rest, "["); ok {
		rest, _, _ = strings.Cut(inside, "]")
		return rest
	}
	if strings.Count(rest, ":") == 1 {
		rest, _, _ = strings.Cut(rest, ":")
	}
	return rest
}

// sshAddress is where SSH goes to when that is an address and no jump host lies between.
func sshAddress(h *site.Host) netip.Addr {
	if h.Jump != "" || h.Local {
		return netip.Addr{}
	}
	a, _ := netip.ParseAddr(sshHost(h))
	return a.WithZone("").Unmap()
}
