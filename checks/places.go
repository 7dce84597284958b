package checks

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"postern/remote"
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

// addresses are the global addresses a host has, parsed from ip.
type addresses struct {
	iface  string         // of the IPv4 default route
	iface6 string         // of the IPv6 default route
	all    []local        // every global address
	lan    []netip.Prefix // the networks of the default route's interface
}

type local struct {
	iface     string
	prefix    netip.Prefix
	temporary bool
}

func addressesOf(f remote.Facts) (addresses, error) {
	s, err := parts(f, readNet)
	if err != nil {
		return addresses{}, err
	}
	a := addresses{iface: device(s.one("route4")), iface6: device(s.one("route6"))}
	for _, line := range s["addr"] {
		w := strings.Fields(line)
		if len(w) < 4 || (w[2] != "inet" && w[2] != "inet6") || w[1] == "lo" {
			continue
		}
		text := w[3]
		if !strings.Contains(text, "/") { // point to point: "inet 10.0.0.1 peer …"
			text += "/32"
		}
		p, err := netip.ParsePrefix(text)
		if err != nil || !p.Addr().IsGlobalUnicast() {
			continue
		}
		a.all = append(a.all, local{w[1], p, strings.Contains(line, " temporary")})
		if w[1] == a.iface || w[1] == a.iface6 {
			a.lan = append(a.lan, p.Masked())
		}
	}
	if len(a.all) == 0 {
		return a, fmt.Errorf("no address could be read from the host")
	}
	return a, nil
}

func device(route string) string {
	w := strings.Fields(route)
	for i := range w {
		if w[i] == "dev" && i+1 < len(w) {
			return w[i+1]
		}
	}
	return ""
}

// has says whether the host itself holds the address.
func (a addresses) has(want netip.Addr) bool {
	for _, l := range a.all {
		if l.prefix.Addr() == want {
			return true
		}
	}
	return false
}

// arrival is the address at which what is sent to a public address arrives: that address, or, behind a provider's 1:1
// NAT, the one of the default route's interface.
func (a addresses) arrival(public netip.Addr) (netip.Addr, bool) {
	if a.has(public) {
		return public, true
	}
	for _, l := range a.all {
		if public.Is4() && l.prefix.Addr().Is4() && l.iface == a.iface {
			return l.prefix.Addr(), true
		}
	}
	return netip.Addr{}, false
}

// global6 are the addresses over which the IPv6 internet may reach the host directly, at most two, stable ones first.
func (a addresses) global6() []netip.Addr {
	var stable, temporary []netip.Addr
	for _, l := range a.all {
		addr := l.prefix.Addr()
		if addr.Is4() || addr.IsPrivate() || l.iface != a.iface6 {
			continue
		}
		if l.temporary {
			temporary = append(temporary, addr)
		} else {
			stable = append(stable, addr)
		}
	}
	found := append(stable, temporary...)
	return found[:min(len(found), 2)]
}

// connection is what SSH_CONNECTION said: who connected, to which address and port.
type connection struct {
	client, server netip.AddrPort
}

// sshOf is how the program is connected to the host, and the ports its sshd listens on.
func sshOf(f remote.Facts) (via connection, ports []int, err error) {
	s, err := parts(f, readSSH)
	if err != nil {
		return via, nil, err
	}
	if w := strings.Fields(s.one("connection")); len(w) == 4 {
		via.client = addrPort(w[0], w[1])
		via.server = addrPort(w[2], w[3])
	}
	seen := map[int]bool{}
	add := func(text string) {
		if n, err := strconv.ParseUint(text, 10, 16); err == nil && n > 0 && !seen[int(n)] {
			seen[int(n)] = true
			ports = append(ports, int(n))
		}
	}
	if via.server.IsValid() {
		add(strconv.Itoa(int(via.server.Port())))
	}
	for _, line := range s["sshd"] {
		if w := strings.Fields(line); len(w) == 2 && strings.EqualFold(w[0], "port") {
			add(w[1])
		}
	}
	return via, ports, nil
}

func addrPort(addr, port string) netip.AddrPort {
	a, err := netip.ParseAddr(addr)
	n, err2 := strconv.ParseUint(port, 10, 16)
	if err != nil || err2 != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(n))
}

// named makes part of an ID out of a host's name, only where its role has more than one host.
func named(s *site.Site, h *site.Host) string {
	if len(s.HostsOf(h.Role)) < 2 {
		return ""
	}
	return "." + h.Name
}
