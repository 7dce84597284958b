package steps

import (
	"fmt"
	"net/netip"
	"strconv"

	"postern/site"
	"postern/steps/firewall"
)

// PolicyFor is what a host's firewall must do for the site, in no firewall's language. What could not be seen (no SSH
// port, no address on the public interface) leaves its rule out; planFirewall refuses to go on then.
//
// guide: firewall, Opening Required Ports; Restricting Access to Specific IPs; Client Server Firewall Configuration
func PolicyFor(s *site.Site, h *site.Host, seen Seen) firewall.Policy {
	p := firewall.Policy{
		Host: h.Name, Enable: true,
		KeepForward:  s.Guide.Forward == "keep" || s.Guide.Forward == "adopt",
		AdoptRules:   s.Guide.Rules != "keep",
		ReplaceRules: s.Guide.Rules == "replace",
		GuideNAT:     s.Guide.NAT,
		ReplaceFound: s.Guide.Rules == "",
		GuidePorts:   guidePorts(s, seen),
		GuideMark:    fmt.Sprintf("%d/udp", s.Tunnel.Port),
	}
	from := h.SSHFrom
	if h.Role == site.Mail && len(from) == 0 {
		from = homeSources(s, seen)
	}
	for _, port := range sshPorts(seen) {
		p.Allows = append(p.Allows, firewall.Allow{Name: "ssh", Proto: "tcp", Port: port, From: from})
		if h.Role == site.Mail && len(h.SSHFrom) == 0 {
			p.Allows = append(p.Allows, firewall.Allow{Name: "ssh", Proto: "tcp", Port: port, From: tunnelNetworks(s), In: s.Tunnel.Interface})
		}
	}
	if h.Role == site.Proxy {
		return proxyPolicy(s, h, seen, p)
	}
	return mailPolicy(s, h, p)
}

// proxyPolicy opens the public ports, the tunnel, the relay for the mail host alone, and forwards what goes to the mail host.
func proxyPolicy(s *site.Site, h *site.Host, seen Seen, p firewall.Policy) firewall.Policy {
	for _, port := range site.PublicPorts(s) {
		if !forwards(s, port.Name) {
			p.Allows = append(p.Allows, firewall.Allow{Name: port.Name, Proto: port.Proto, Port: port.Port, From: s.From[port.Name]})
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
		for _, ends := range [][2]netip.Addr{{seen.Address4.Addr(), s.TunnelAddress(mail)}, {arrives6(h, seen), s.TunnelAddress6(mail)}} {
			if !ends[0].IsValid() || !ends[1].IsValid() || publicInterface(h, seen) == "" {
				continue
			}
			for _, port := range site.PublicPorts(s) {
				if forwards(s, port.Name) {
					p.Forwards = append(p.Forwards, firewall.Forward{
						Name: port.Name, Proto: port.Proto, In: publicInterface(h, seen), Out: s.Tunnel.Interface, From: s.From[port.Name],
						To: netip.AddrPortFrom(ends[0], uint16(port.Port)), Dest: netip.AddrPortFrom(ends[1], uint16(port.Port)),
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
	for _, port := range site.PublicPorts(s) {
		if !forwards(s, port.Name) {
			continue
		}
		for _, to := range []netip.Addr{s.TunnelAddress(h), s.TunnelAddress6(h)} {
			if to.IsValid() && s.Clients.Addresses != "masquerade" {
				p.Allows = append(p.Allows, firewall.Allow{Name: port.Name, Proto: port.Proto, Port: port.Port, From: s.From[port.Name], In: s.Tunnel.Interface, To: to})
			}
		}
		if len(s.Mail.LAN) > 0 {
			p.Allows = append(p.Allows, firewall.Allow{Name: port.Name + "-home", Proto: port.Proto, Port: port.Port, From: s.Mail.LAN})
		}
	}
	return p
}

// forwards says whether a public port goes to the mail host instead of a program on the proxy.
func forwards(s *site.Site, name string) bool {
	return name == "submission" || name == "imaps" || name == "smtp" && s.Mail.Path == "direct"
}

// sshPorts are the ports to keep open for SSH: the one of the running connection, and those sshd has.
func sshPorts(seen Seen) []int {
	var ports []int
	had := map[int]bool{}
	for _, w := range seen.Ways {
		if w.Port > 0 && !had[w.Port] {
			had[w.Port] = true
			ports = append(ports, w.Port)
		}
	}
	return ports
}

// homeSources are where SSH to the mail host is admitted from by default, beside the tunnel: the home network, and where
// the operator is now. The home network's IPv6 prefix is left out unless the operator uses it: providers change it, and
// then it is somebody else's.
func homeSources(s *site.Site, seen Seen) []netip.Prefix {
	from := []netip.Prefix{}
	if seen.Address4.IsValid() {
		from = append(from, seen.Address4.Masked())
	}
	if a, ok := operator(seen); ok && !within(append(tunnelNetworks(s), from...), a) {
		from = append(from, around(seen, a))
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
func operator(seen Seen) (netip.Addr, bool) {
	for _, w := range seen.Ways {
		if a := w.Source.Unmap(); a.IsValid() && !a.IsLoopback() {
			return a, true
		}
	}
	return netip.Addr{}, false
}

// around is the home network an address is in, or the address alone.
func around(seen Seen, a netip.Addr) netip.Prefix {
	if a.IsLinkLocalUnicast() && a.Is6() {
		return netip.MustParsePrefix("fe80::/10")
	}
	for _, p := range seen.Address6 {
		if p.Contains(a) && !p.IsSingleIP() {
			return p.Masked()
		}
	}
	return single(a)
}

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

func within(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func publicInterface(h *site.Host, seen Seen) string {
	if h.Interface != "" {
		return h.Interface
	}
	return seen.Interface
}

// arrives6 is the IPv6 address the forwarded ports are reached at.
func arrives6(h *site.Host, seen Seen) netip.Addr {
	for _, p := range seen.Address6 {
		if p.Addr() == h.Public6 {
			return h.Public6
		}
	}
	if len(seen.Address6) > 0 {
		return seen.Address6[0].Addr()
	}
	return netip.Addr{}
}

// guidePorts are what the guide's text has people open by hand. guide: firewall, Opening Required Ports
func guidePorts(s *site.Site, seen Seen) []string {
	var ports []string
	for _, port := range sshPorts(seen) {
		ports = append(ports, strconv.Itoa(port)+"/tcp")
	}
	for _, p := range site.PublicPorts(s) {
		ports = append(ports, strconv.Itoa(p.Port)+"/"+p.Proto)
	}
	return append(ports, fmt.Sprintf("%d/udp", s.Tunnel.Port), fmt.Sprintf("%d/tcp", s.Ports.Relay))
}
