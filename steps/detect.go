package steps

import (
	"fmt"
	"net/netip"
	"strings"

	"postern/seen"
	"postern/site"
)

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
				if site.Public(p.Addr()) {
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
	target := h.SSHAddress()
	for _, i := range now.Interfaces {
		for _, p := range i.Addresses {
			if p.Addr() == target && target.Is4() && site.Public(target) {
				return target, "on " + i.Name + ", and where SSH goes to"
			}
		}
	}
	switch {
	case site.Public(now.Address4().Addr()):
		return now.Address4().Addr(), "on " + now.Device
	case h.Role == site.Proxy && target.Is4() && site.Public(target):
		return target, "where SSH goes to; the host itself has " + now.Address4().Addr().String()
	}
	return netip.Addr{}, ""
}
