package steps

import (
	"fmt"
	"net/netip"
	"strconv"

	"postern/seen"
	"postern/site"
	"postern/steps/firewall"
)

// PolicyFor is what a host's firewall must do for the site, in no firewall's language. What could not be seen (no SSH
// port, no address on the public interface) leaves its rule out; planFirewall refuses to go on then.
//
// guide: firewall, Opening Required Ports; Restricting Access to Specific IPs; Client Server Firewall Configuration
func PolicyFor(s *site.Site, h *site.Host, now seen.Host) firewall.Policy {
	p := firewall.Policy{
		Host: h.Name, Enable: true,
		KeepForward:  s.Guide.Forward == "keep" || s.Guide.Forward == "adopt",
		AdoptRules:   s.Guide.Rules != "keep",
		ReplaceRules: s.Guide.Rules == "replace",
		GuideNAT:     s.Guide.NAT,
		ReplaceFound: s.Guide.Rules == "",
		GuidePorts:   guidePorts(s, now),
		GuideMark:    fmt.Sprintf("%d/udp", s.Tunnel.Port),
		Main:         s.PF.Main,
	}
	from := h.SSHFrom
	if h.Role == site.Mail && len(from) == 0 {
		from = homeSources(s, now)
	}
	for _, port := range now.Ports {
		p.Allows = append(p.Allows, firewall.Allow{Name: "ssh", Proto: "tcp", Port: port, From: from})
		if h.Role == site.Mail && len(h.SSHFrom) == 0 {
			p.Allows = append(p.Allows, firewall.Allow{Name: "ssh", Proto: "tcp", Port: port, From: tunnelNetworks(s), In: s.Tunnel.Interface})
		}
	}
	for _, k := range h.Keep {
		p.Allows = append(p.Allows, firewall.Allow{Name: "kept", Proto: k.Proto, Port: k.Port, From: k.Sources()})
	}
	for _, k := range h.First {
		p.First = append(p.First, k.String())
	}
	for _, one := range site.Outgoing(s, h) {
		p.Outs = append(p.Outs, firewall.Out{Name: one.Name, Proto: one.Proto, Port: one.Port})
	}
	if s.Layout == "toaster" {
		return toasterPolicy(s, h, now, p)
	}
	p.Outs = append(p.Outs, firewall.Out{Name: "tunnel", On: s.Tunnel.Interface})
	if h.Role == site.Proxy {
		return proxyPolicy(s, h, now, p)
	}
	return mailPolicy(s, h, p)
}

// proxyPolicy opens the public ports, the tunnel, the relay for the mail host alone, and forwards what goes to the mail host.
func proxyPolicy(s *site.Site, h *site.Host, now seen.Host, p firewall.Policy) firewall.Policy {
	for _, one := range site.Services(s) {
		if !one.Forwarded {
			p.Allows = append(p.Allows, firewall.Allow{Name: one.Name, Proto: one.Proto, Port: one.Port, From: one.From})
		}
	}
	p.Allows = append(p.Allows, firewall.Allow{Name: "tunnel", Proto: "udp", Port: s.Tunnel.Port})
	if s.Mail.Path == "haraka" {
		p.Allows = append(p.Allows, firewall.Allow{
			Name: "relay", Proto: "tcp", Port: s.Ports.Relay, From: []netip.Prefix{single(s.Tunnel.Mail)}, In: s.Tunnel.Interface, To: s.Tunnel.Proxy,
		})
	}
	p.Masquerade = s.Clients.Addresses == "masquerade"
	p.ClampMSS = s.Tunnel.Interface
	for _, mail := range s.HostsOf(site.Mail) {
		for _, ends := range [][2]netip.Addr{{h.Public4, s.TunnelAddress(mail)}, {h.Public6, s.TunnelAddress6(mail)}} {
			to, in := arrives(h, now, ends[0])
			if !to.IsValid() || !ends[1].IsValid() || to.Is6() != ends[1].Is6() || in == "" {
				continue
			}
			if s.Mail.Path == "direct" && to.Is4() { // what tells a sender's name is IPv4's
				p.Leaves = append(p.Leaves, firewall.Leave{
					Name: "smtp-out", Proto: "tcp", In: s.Tunnel.Interface, Out: in, From: ends[1], Port: site.WorldSMTP, As: to,
				})
			}
			for _, one := range site.Services(s) {
				if one.Forwarded {
					p.Forwards = append(p.Forwards, firewall.Forward{
						Name: one.Name, Proto: one.Proto, In: in, Out: s.Tunnel.Interface, From: one.From,
						To: netip.AddrPortFrom(to, uint16(one.Port)), Dest: netip.AddrPortFrom(ends[1], uint16(one.Port)),
					})
				}
			}
		}
	}
	return p
}

// mailPolicy admits what comes through the tunnel: everything from the proxy, and on the forwarded ports the clients
// with their own addresses. At home only those of mail.lan reach these ports directly.
func mailPolicy(s *site.Site, h *site.Host, p firewall.Policy) firewall.Policy {
	for _, proxy := range s.HostsOf(site.Proxy) {
		from := []netip.Prefix{single(s.TunnelAddress(proxy))}
		if six := s.TunnelAddress6(proxy); six.IsValid() {
			from = append(from, single(six))
		}
		p.Allows = append(p.Allows, firewall.Allow{Name: "tunnel", From: from, In: s.Tunnel.Interface})
	}
	for _, one := range site.Services(s) {
		if !one.Forwarded {
			continue
		}
		for _, to := range []netip.Addr{s.TunnelAddress(h), s.TunnelAddress6(h)} {
			if to.IsValid() && s.Clients.Addresses != "masquerade" {
				p.Allows = append(p.Allows, firewall.Allow{Name: one.Name, Proto: one.Proto, Port: one.Port, From: one.From, In: s.Tunnel.Interface, To: to})
			}
		}
		if len(s.Mail.LAN) > 0 {
			p.Allows = append(p.Allows, firewall.Allow{Name: one.Name + "-home", Proto: one.Proto, Port: one.Port, From: s.Mail.LAN})
		}
	}
	for _, one := range append(site.Services(s), site.Service{NamedPort: site.NamedPort{Name: "web", Proto: "tcp", Port: s.Ports.Web}}) {
		if one.Name != "http" && one.Name != "https" && (!one.Forwarded || s.Clients.Addresses == "masquerade" || one.From != nil) {
			p.Private = append(p.Private, firewall.Allow{Name: one.Name, Proto: one.Proto, Port: one.Port, In: s.Tunnel.Interface})
		}
	}
	return p
}

// homeSources are where SSH to the mail host is admitted from by default, beside the tunnel: every network it is at home in,
// and where the operator is now.
func homeSources(s *site.Site, now seen.Host) []netip.Prefix {
	from := append([]netip.Prefix{}, now.Home()...)
	if a, ok := operator(now); ok && !seen.Inside(append(tunnelNetworks(s), from...), a) {
		from = append(from, around(now, a))
	}
	return from
}

func tunnelNetworks(s *site.Site) []netip.Prefix {
	list := []netip.Prefix{s.Tunnel.Network}
	if s.Tunnel.Network6.IsValid() {
		list = append(list, s.Tunnel.Network6)
	}
	return list
}

// operator is where the SSH connection comes from; false when there is none or it comes from the host itself.
func operator(now seen.Host) (netip.Addr, bool) {
	a := now.Client.Addr()
	return a, a.IsValid() && !a.IsLoopback()
}

// around is the home network an address is in, or the address alone.
func around(now seen.Host, a netip.Addr) netip.Prefix {
	if a.IsLinkLocalUnicast() && a.Is6() {
		return netip.MustParsePrefix("fe80::/10")
	}
	for _, p := range now.Address6() {
		if p.Contains(a) && !p.IsSingleIP() {
			return p.Masked()
		}
	}
	return single(a)
}

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

func publicInterface(h *site.Host, now seen.Host) string {
	if h.Interface != "" {
		return h.Interface
	}
	return now.Device
}

// arrives is how what is sent to a public address of the host comes to it; an interface that was answered counts over IPv4.
func arrives(h *site.Host, now seen.Host, public netip.Addr) (to netip.Addr, in string) {
	if to, in = now.Arrives(public); h.Interface != "" && to.Is4() {
		in = h.Interface
	}
	return to, in
}

// guidePorts are what the guide's text has people open by hand. guide: firewall, Opening Required Ports
func guidePorts(s *site.Site, now seen.Host) []string {
	var ports []string
	for _, port := range now.Ports {
		ports = append(ports, strconv.Itoa(port)+"/tcp")
	}
	for _, p := range site.Services(s) {
		ports = append(ports, strconv.Itoa(p.Port)+"/"+p.Proto)
	}
	return append(ports, fmt.Sprintf("%d/udp", s.Tunnel.Port), fmt.Sprintf("%d/tcp", s.Ports.Relay))
}
