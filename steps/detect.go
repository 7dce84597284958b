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
		h.System = now.Kernel
		var found []string
		for _, one := range []struct {
			six bool
			to  *netip.Addr
		}{{false, &h.Public4}, {true, &h.Public6}} {
			if a, why := public(h, now, one.six); !one.to.IsValid() && a.IsValid() {
				*one.to = a
				found = append(found, fmt.Sprintf("public address %s (%s)", a, why))
			}
		}
		if _, in := now.Arrives(h.Public4); h.Interface == "" && in != "" {
			h.Interface = in
			found = append([]string{"interface " + in + " (" + reason(in == now.Device) + ")"}, found...)
		}
		jails, reach := foundJails(filled, h, facts)
		if found = append(found, jails...); len(found) > 0 {
			notes = append(notes, Note{Host: h.Name, Text: "detected " + strings.Join(found, ", ")})
		}
		notes = append(notes, reach...)
	}
	return filled, notes
}

func reason(usual bool) string {
	if usual {
		return "of the default route"
	}
	return "of the public address"
}

// public is the address of one family that the world sees, where none is answered: the one logged in to where the host has it and
// it is public, else the one that the host speaks from, else another of that interface; else, for a proxy, where SSH goes to: only
// the provider has that. A mail host behind NAT has none that could be told from inside.
func public(h *site.Host, now seen.Host, six bool) (a netip.Addr, why string) {
	target := h.SSHAddress()
	if !target.IsValid() && h.Jump == "" {
		target = now.Server.Addr()
	}
	target = target.Unmap()
	if in := now.Holder(target); in != "" && target.Is6() == six && site.Public(target) {
		return target, "on " + in + ", and where SSH goes to"
	}
	own := []netip.Prefix{now.Address4().Prefix}
	for _, other := range now.On(now.Device) {
		if !other.Passing {
			own = append(own, other.Prefix)
		}
	}
	for _, p := range own {
		if site.Public(p.Addr()) && p.Addr().Is6() == six {
			return p.Addr(), "on " + now.Device
		}
	}
	if h.Role == site.Proxy && !six && target.Is4() && site.Public(target) {
		return target, "where SSH goes to; the host itself has " + now.Address4().Addr().String()
	}
	return netip.Addr{}, ""
}
