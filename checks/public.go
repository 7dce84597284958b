package checks

import (
	"net/netip"

	"postern/site"
)

// public4 is the IPv4 address at which the world meets a host. A mail host behind NAT does not know it: the proxy's end
// of the tunnel does, and so does the program's own SSH connection to the proxy when the program runs at home.
func (e *Env) public4(h *site.Host, v *Vantage) netip.Addr {
	if h.Public4.IsValid() {
		return h.Public4
	}
	a, err := addressesOf(v.Facts)
	if err != nil {
		return netip.Addr{}
	}
	for _, l := range a.all {
		if addr := l.prefix.Addr(); addr.Is4() && !addr.IsPrivate() && l.iface == a.iface {
			return addr
		}
	}
	if h.Role != site.Mail {
		return netip.Addr{}
	}
	via, _, _ := sshOf(v.Facts)
	home := e.HereIs == h.Name || direct(e, via) && inside(a.lan, via.client.Addr())
	for _, p := range e.Site.HostsOf(site.Proxy) {
		pv, err := e.look(p)
		if err != nil {
			continue
		}
		if w, err := wgOf(pv.Facts); err == nil && !w.absent && !w.down {
			if _, peer := w.to(e.Site.TunnelAddress(h)); peer != nil && peer.endpoint.Addr().Is4() {
				return peer.endpoint.Addr()
			}
		}
		if via, _, err := sshOf(pv.Facts); err == nil && home && direct(e, via) && via.client.Addr().Is4() {
			return via.client.Addr()
		}
	}
	return netip.Addr{}
}
