package checks

import (
	"fmt"
	"net/netip"

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
		text += fmt.Sprintf(" from %s", prefixes(w.from))
	}
	if w.iface != "" {
		text += " on " + w.iface
	}
	return text
}

// forwarded is one public port that goes to the mail host.
type forwarded struct {
	name string
	port int
	from []netip.Prefix
}

// service is a public port of the site by its name in the answers.
type service struct {
	name    string
	port    int
	forward bool // it is sent on to the mail host
}

// services lists the public TCP ports, SSH apart. guide: network, Port Requirements
func services(s *site.Site) []service {
	return []service{
		{"smtp", s.Ports.SMTP, s.Mail.Path == "direct"},
		{"http", s.Ports.HTTP, false},
		{"https", s.Ports.HTTPS, false},
		{"submission", s.Ports.Submission, true},
		{"imaps", s.Ports.IMAPS, true},
	}
}

func forwards(s *site.Site) []forwarded {
	var all []forwarded
	for _, p := range services(s) {
		if p.forward {
			all = append(all, forwarded{p.name, p.port, s.From[p.name]})
		}
	}
	return all
}

// seenHost is what of a host's facts the wanted list depends on.
type seenHost struct {
	ssh []int          // the ports sshd listens on
	lan []netip.Prefix // the networks of the default route's interface
}

// wanted lists what a host must let in to itself. guide: firewall, Opening Required Ports; Restricting Access to Specific
// IPs; Client Server Firewall Configuration
func wanted(s *site.Site, h *site.Host, seen seenHost) []want {
	var list []want
	sources := h.SSHFrom
	if h.Role == site.Mail && len(sources) == 0 {
		sources = append(private(seen.lan), s.Tunnel.Network)
		if s.Tunnel.Network6.IsValid() {
			sources = append(sources, s.Tunnel.Network6)
		}
	}
	for _, port := range seen.ssh {
		list = append(list, want{name: "ssh", proto: "tcp", port: port, from: sources})
	}
	if h.Role == site.Mail {
		return append(list, wantedMail(s)...)
	}
	for _, p := range services(s) {
		list = append(list, want{name: p.name, proto: "tcp", port: p.port, from: s.From[p.name], may: p.forward})
	}
	relay := netip.PrefixFrom(s.Tunnel.Mail, s.Tunnel.Mail.BitLen())
	return append(list,
		want{name: "tunnel", proto: "udp", port: s.Tunnel.Port},
		want{name: "relay", proto: "tcp", port: s.Ports.Relay, from: []netip.Prefix{relay}, iface: s.Tunnel.Interface,
			to: s.Tunnel.Proxy, may: s.Mail.Path == "direct"})
}

// wantedMail is what comes to the mail host through the tunnel, and at home where that is asked for. It dials out, so its
// own tunnel port need not be open.
func wantedMail(s *site.Site) []want {
	var list []want
	proxy := []netip.Prefix{netip.PrefixFrom(s.Tunnel.Proxy, s.Tunnel.Proxy.BitLen())}
	inside := append(services(s), service{name: "web", port: s.Ports.Web})
	for _, p := range inside {
		if p.name == "http" || p.name == "https" {
			continue
		}
		w := want{name: p.name, proto: "tcp", port: p.port, iface: s.Tunnel.Interface, to: s.Tunnel.Mail}
		if !p.forward || s.Clients.Addresses == "masquerade" {
			w.from = proxy
		} else {
			w.from = s.From[p.name]
		}
		list = append(list, w)
	}
	for _, p := range services(s) {
		if p.forward && len(s.Mail.LAN) > 0 {
			list = append(list, want{name: p.name, proto: "tcp", port: p.port, from: s.Mail.LAN})
		}
	}
	return append(list, want{name: "tunnel", proto: "udp", port: s.Tunnel.Port, may: true})
}

// private are the prefixes of a home network over IPv4. Its IPv6 ones are global and change: they are not a place to
// trust.
func private(lan []netip.Prefix) []netip.Prefix {
	var found []netip.Prefix
	for _, p := range lan {
		if p.Addr().Is4() {
			found = append(found, p)
		}
	}
	return found
}

func prefixes(list []netip.Prefix) string {
	text := ""
	for i, p := range list {
		if i > 0 {
			text += ", "
		}
		text += p.String()
	}
	return text
}
