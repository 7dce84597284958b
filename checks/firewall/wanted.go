package firewall

import (
	"fmt"
	"net/netip"
	"slices"

	"postern/seen"
	"postern/site"
)

// want is one thing that a host's firewall must let in, worked out from the answers here and nowhere else: the step that
// opens ports works it out for itself, so that one wrong idea cannot fool both.
type want struct {
	name  string
	proto string
	port  int
	from  []netip.Prefix // nil: everyone
	iface string         // "": any
	to    netip.Addr     // invalid: any of the host's
	may   bool           // allowed but not required
}

func (w want) String() string {
	text := fmt.Sprintf("%s %d/%s", w.name, w.port, w.proto)
	if len(w.from) > 0 {
		text += fmt.Sprintf(" from %s", seen.Joined(w.from))
	}
	if w.iface != "" {
		text += " on " + w.iface
	}
	return text
}

// forwarded are the services that go on to the mail host.
func forwarded(s *site.Site) []site.Service {
	return slices.DeleteFunc(site.Services(s), func(one site.Service) bool { return !one.Forwarded })
}

// wanted lists what a host must let in to itself. guide: firewall, Opening Required Ports; Restricting Access to Specific
// IPs; Client Server Firewall Configuration
func wanted(s *site.Site, h *site.Host, ssh []int, home []netip.Prefix) []want {
	var list []want
	sources := h.SSHFrom
	if h.Role == site.Mail && len(sources) == 0 {
		sources = append(slices.Clone(home), s.Tunnel.Network)
		if s.Tunnel.Network6.IsValid() {
			sources = append(sources, s.Tunnel.Network6)
		}
	}
	for _, port := range ssh {
		list = append(list, want{name: "ssh", proto: "tcp", port: port, from: sources})
	}
	for _, k := range h.Keep {
		list = append(list, want{name: "kept", proto: k.Proto, port: k.Port, from: k.Sources()})
	}
	if h.Role == site.Mail {
		return append(list, wantedMail(s, h)...)
	}
	for _, p := range site.Services(s) {
		list = append(list, want{name: p.Name, proto: p.Proto, port: p.Port, from: p.From, may: p.Forwarded})
	}
	relay := netip.PrefixFrom(s.Tunnel.Mail, s.Tunnel.Mail.BitLen())
	return append(list,
		want{name: "tunnel", proto: "udp", port: s.Tunnel.Port},
		want{name: "relay", proto: "tcp", port: s.Ports.Relay, from: []netip.Prefix{relay}, iface: s.Tunnel.Interface,
			to: s.Tunnel.Proxy, may: s.Mail.Path == "direct"})
}

// ofFamily are the sources that an address can be reached from at all.
func ofFamily(from []netip.Prefix, to netip.Addr) []netip.Prefix {
	return slices.DeleteFunc(slices.Clone(from), func(one netip.Prefix) bool { return one.Addr().Is4() != to.Is4() })
}

// wantedMail is what comes to the mail host through the tunnel, and at home where that is asked for. It dials out, so its
// own tunnel port need not be open.
func wantedMail(s *site.Site, h *site.Host) []want {
	var list []want
	proxy := []netip.Prefix{netip.PrefixFrom(s.Tunnel.Proxy, s.Tunnel.Proxy.BitLen())}
	inside := append(site.Services(s), site.Service{NamedPort: site.NamedPort{Name: "web", Proto: "tcp", Port: s.Ports.Web}})
	for _, p := range inside {
		if p.Name == "http" || p.Name == "https" {
			continue
		}
		w := want{name: p.Name, proto: p.Proto, port: p.Port, iface: s.Tunnel.Interface, to: s.Tunnel.Mail}
		if !p.Forwarded || s.Clients.Addresses == "masquerade" {
			w.from = proxy
		} else {
			w.from = ofFamily(p.From, w.to)
		}
		if len(w.from) > 0 || len(p.From) == 0 {
			list = append(list, w)
		}
		if w.to = s.TunnelAddress6(h); !p.Forwarded || !w.to.IsValid() {
			continue
		}
		if s.Clients.Addresses == "masquerade" {
			w.from = nil
			for _, one := range s.HostsOf(site.Proxy) {
				at := s.TunnelAddress6(one)
				w.from = append(w.from, netip.PrefixFrom(at, at.BitLen()))
			}
		} else {
			w.from = ofFamily(p.From, w.to)
		}
		if len(w.from) > 0 || len(p.From) == 0 {
			list = append(list, w)
		}
	}
	for _, p := range forwarded(s) {
		if len(s.Mail.LAN) > 0 {
			list = append(list, want{name: p.Name, proto: p.Proto, port: p.Port, from: s.Mail.LAN})
		}
	}
	return append(list, want{name: "tunnel", proto: "udp", port: s.Tunnel.Port, may: true})
}
