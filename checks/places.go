package checks

import (
	"fmt"
	"net/netip"
	"slices"

	"postern/seen"
	"postern/site"
)

// outside is a place that is outside of a host: here for a proxy, a proxy for a mail host. Where the program runs on the
// host itself, another host of the site is outside of it. An error says why there is none.
func (e *Env) outside(h *site.Host) (*Vantage, error) {
	if h.Role == site.Proxy && e.HereIs != h.Name {
		if e.Here == nil || e.Here.Dial == nil {
			return nil, fmt.Errorf("there is no way to connect from here")
		}
		return e.Here, nil
	}
	role := site.Proxy
	if h.Role == site.Proxy {
		role = site.Mail
	}
	err := fmt.Errorf("no other host of the site to ask from")
	for _, other := range e.Site.HostsOf(role) {
		if other.Name == e.HereIs && e.Here != nil && e.Here.Dial != nil {
			return e.Here, nil
		}
		var v *Vantage
		if v, err = e.look(other); err == nil && v.Dial != nil {
			return v, nil
		}
	}
	return nil, err
}

// arrival is the address at which what is sent to a public address arrives: that address, or, behind a provider's 1:1
// NAT, the one of the default route's interface.
func arrival(n seen.Network, public netip.Addr) (netip.Addr, bool) {
	if n.Holder(public) != "" {
		return public, true
	}
	return n.Address4().Addr(), public.Is4() && n.Address4().IsValid()
}

// global6 are the addresses over which the IPv6 internet may reach the host directly, at most two, lasting ones first.
func global6(n seen.Network) []netip.Addr {
	var found []netip.Addr
	for _, a := range n.On(n.Device6) {
		if a.Addr().Is6() && !a.Addr().IsPrivate() {
			found = append(found, a.Addr())
		}
	}
	return found[:min(len(found), 2)]
}

// beside says whether an address lies in a network of the default route's interface.
func beside(n seen.Network, a netip.Addr) bool {
	return slices.ContainsFunc(append(n.On(n.Device), n.On(n.Device6)...), func(own seen.Address) bool { return own.Contains(a) })
}

// named makes part of an ID out of a host's name, only where its role has more than one host.
func named(s *site.Site, h *site.Host) string {
	if len(s.HostsOf(h.Role)) < 2 {
		return ""
	}
	return "." + h.Name
}
