package checks

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"postern/remote"
	"postern/seen"
	"postern/site"
)

// Look is a host's vantage when it was looked at.
func (e *Env) Look(h *site.Host) (*Vantage, error) {
	v := e.Hosts[h.Name]
	switch {
	case v == nil:
		return nil, fmt.Errorf("%s was not looked at", h.Name)
	case v.Err != nil:
		return nil, fmt.Errorf("%s could not be looked at: %s", h.Name, remote.Clean(remote.Words(v.Err)).Line(200))
	}
	return v, nil
}

// Outside is a place that is outside of a host: here for a proxy, a proxy for a mail host. Where the program runs on the
// host itself, another host of the site is outside of it. An error says why there is none.
func (e *Env) Outside(h *site.Host) (*Vantage, error) {
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
		if v, err = e.Look(other); err == nil && v.Dial != nil {
			return v, nil
		}
	}
	return nil, err
}

// Direct says that an SSH connection comes from where the program runs, not from another host of the site.
func (e *Env) Direct(via seen.Access) bool {
	from := via.Client.Addr()
	if !from.IsValid() || e.Site.Tunnel.Network.Contains(from) {
		return false
	}
	for _, h := range e.Site.HostsOf(site.Proxy) {
		if from == h.Public4 || from == h.Public6 {
			return e.HereIs == h.Name
		}
	}
	return true
}

// Public4 is the IPv4 address at which the world meets a host. A mail host behind NAT does not know it: the proxy's end
// of the tunnel does, and so does the program's own SSH connection to the proxy when the program runs at home.
func (e *Env) Public4(h *site.Host, v *Vantage) netip.Addr {
	if h.Public4.IsValid() {
		return h.Public4
	}
	n, err := seen.Addresses.Of(v.Facts)
	if err != nil {
		return netip.Addr{}
	}
	for _, own := range n.On(n.Device) {
		if own.Addr().Is4() && !own.Addr().IsPrivate() {
			return own.Addr()
		}
	}
	if h.Role != site.Mail {
		return netip.Addr{}
	}
	via, _ := seen.SSH.Of(v.Facts)
	home := e.HereIs == h.Name || e.Direct(via) && beside(n, via.Client.Addr())
	for _, p := range e.Site.HostsOf(site.Proxy) {
		pv, err := e.Look(p)
		if err != nil {
			continue
		}
		if w, err := seen.Tunnels.Of(pv.Facts); err == nil && w.Runs() {
			if _, peer := w.To(e.Site.TunnelAddress(h)); peer != nil && peer.Endpoint.Addr().Is4() {
				return peer.Endpoint.Addr()
			}
		}
		if via, err := seen.SSH.Of(pv.Facts); err == nil && home && e.Direct(via) && via.Client.Addr().Is4() {
			return via.Client.Addr()
		}
	}
	return netip.Addr{}
}

// Without6 says that a place has no IPv6, as most homes: that says nothing of what it would ask.
func Without6(place string) string { return place + " has no IPv6 to ask from" }

// Blind says why a place cannot judge what answers at a public address and port of the site, now or later, which is no fault of theirs;
// "" where nothing is known against it. It is a host without IPv6; or the mail host itself, whose own packets do not come as a stranger's.
func (e *Env) Blind(from *Vantage, to netip.AddrPort) string {
	name, v := from.Name, from
	if name == Here {
		v = e.Hosts[e.HereIs]
	}
	if v == nil {
		return ""
	}
	n, err := seen.Addresses.Of(v.Facts)
	if err != nil {
		return ""
	}
	if to.Addr().Is6() && n.Device6 == "" {
		return Without6(name)
	}
	h := e.Site.Host(v.Name)
	if h == nil || h.Role != site.Mail {
		return ""
	}
	own := n.Meets(to.Addr(), n.Device)
	if to.Addr().Is6() {
		own = cmp.Or(n.Meets(to.Addr(), n.Device6), own)
	}
	for _, s := range site.Services(e.Site) {
		switch {
		case s.Port != int(to.Port()) || !s.Forwarded:
		case s.Name == "smtp":
			return "it would be asked from " + h.Name + " itself, whose own mail leaves through the tunnel: ask from another network"
		case e.Site.Clients.Addresses != "masquerade" && own.IsValid() && !own.IsPrivate():
			return "it would be asked from " + h.Name + " itself, which nothing reaches from its own address: ask from another network"
		}
	}
	return ""
}

// beside says whether an address lies in a network of the default route's interface.
func beside(n seen.Network, a netip.Addr) bool {
	return slices.ContainsFunc(append(n.On(n.Device), n.On(n.Device6)...), func(own seen.Address) bool { return own.Contains(a) })
}

// Unset names a host on which the tunnel was not set up yet, so that what needs it is not applicable; "" when there is
// none. A tunnel that was set up and is down is another thing.
func (e *Env) Unset(hosts ...*site.Host) string {
	for _, h := range hosts {
		v, err := e.Look(h)
		if err != nil {
			continue
		}
		if w, err := seen.Tunnels.Of(v.Facts); err == nil && w.Unset && !w.Runs() {
			return h.Name
		}
	}
	return ""
}

// Named makes part of an ID out of a host's name, only where its role has more than one host.
func Named(s *site.Site, h *site.Host) string {
	if len(s.HostsOf(h.Role)) < 2 {
		return ""
	}
	return "." + h.Name
}

// Public is the place that a service is asked from at a public address of its proxy, which the question then names. Where none can
// judge it there is none, and a result that says why.
func (e *Env) Public(q *Question, proxy *site.Host, s site.Service, to netip.AddrPort) (*Vantage, Result) {
	from, err := e.Outside(proxy)
	if err != nil {
		return nil, q.Cannot(err)
	}
	q.From = from.Name
	if !to.Addr().IsValid() {
		return nil, q.Unknown(proxy.Name+"'s public address is not known", "it was neither answered nor detected")
	}
	if why := e.Blind(from, to); why != "" {
		return nil, q.Skip("%s", why)
	}
	if len(s.From) > 0 {
		return nil, q.Skip("it is open to %s only", seen.Joined(s.From))
	}
	return from, Result{}
}
