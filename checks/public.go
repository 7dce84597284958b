package checks

import (
	"net/netip"

	"postern/seen"
	"postern/site"
)

// public4 is the IPv4 address at which the world meets a host. A mail host behind NAT does not know it: the proxy's end
// of the tunnel does, and so does the program's own SSH connection to the proxy when the program runs at home.
func (e *Env) public4(h *site.Host, v *Vantage) netip.Addr {
	if h.Public4.IsValid() {
		return h.Public4
	}
	a, err := seen.Addresses.Of(v.Facts)
	if err != nil {
		return netip.Addr{}
	}
	for _, own := range a.On(a.Device) {
		if own.Addr().Is4() && !own.Addr().IsPrivate() {
			return own.Addr()
		}
	}
	if h.Role != site.Mail {
		return netip.Addr{}
	}
	via, _ := seen.SSH.Of(v.Facts)
	home := e.HereIs == h.Name || direct(e, via) && beside(a, via.Client.Addr())
	for _, p := range e.Site.HostsOf(site.Proxy) {
		pv, err := e.look(p)
		if err != nil {
			continue
		}
		if w, err := wgOf(pv.Facts); err == nil && !w.Absent && !!w.Link {
			if _, peer := w.To(e.Site.TunnelAddress(h)); peer != nil && peer.Endpoint.Addr().Is4() {
				return peer.Endpoint.Addr()
			}
		}
		if via, err := seen.SSH.Of(pv.Facts); err == nil && home && direct(e, via) && via.Client.Addr().Is4() {
			return via.Client.Addr()
		}
	}
	return netip.Addr{}
}
