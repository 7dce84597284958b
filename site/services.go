package site

import "net/netip"

// NamedPort is a port with what it is for.
type NamedPort struct {
	Name  string // smtp, http, https, submissions, submission, imaps: as in ports.NAME and from.NAME
	Proto string // tcp
	Port  int
}

// Service is one thing that the site offers to the world.
type Service struct {
	NamedPort
	Forwarded bool           // it goes on to the mail host through the tunnel; a program on the proxy takes the others
	From      []netip.Prefix // the only sources it is offered to; nil means everyone
	Over6     bool           // it is offered over IPv6 too
}

// Services lists what the site offers to the world, always in the same order. What is forwarded is offered over IPv6 only
// where the tunnel has it. With jails it is what they offer.
//
// guide: network, Port Requirements
func Services(s *Site) []Service {
	if s.Layout == "toaster" {
		return jailServices(s)
	}
	service := func(name string, port int, forwarded bool) Service {
		return Service{NamedPort{name, "tcp", port}, forwarded, s.From[name], !forwarded || s.Tunnel.Network6.IsValid()}
	}
	p := s.Ports
	return []Service{
		service("smtp", p.SMTP, s.Mail.Path == "direct"),
		service("http", p.HTTP, false),
		service("https", p.HTTPS, false),
		service("submissions", p.Submissions, true),
		service("submission", p.Submission, true),
		service("imaps", p.IMAPS, true),
	}
}

// WorldSMTP is the port at which mail servers of others take mail (RFC 5321, 4.5.4.2), whatever the site's own is.
var WorldSMTP = Default().Ports.SMTP

// Outgoing are the ports elsewhere that a host itself must reach: names, time, packages and certificates, other mail servers from
// where mail leaves, and the proxy's end of the tunnel. All of the tunnel's inside belongs to it too.
func Outgoing(s *Site, h *Host) []NamedPort {
	usual := Default().Ports
	list := []NamedPort{{"dns", "udp", 53}, {"dns", "tcp", 53}, {"time", "udp", 123}, {"http", "tcp", usual.HTTP}, {"https", "tcp", usual.HTTPS}}
	switch {
	case h.Role == Mail:
		list = append(list, NamedPort{"tunnel", "udp", s.Tunnel.Port})
	case s.Mail.Path == "haraka" && s.Smarthost.Host != "":
		list = append(list, NamedPort{"smtp", "tcp", s.Smarthost.Port})
	case s.Mail.Path == "haraka":
		list = append(list, NamedPort{"smtp", "tcp", WorldSMTP})
	}
	return list
}
