package firewall

import (
	"fmt"
	"net/netip"
	"slices"

	"postern/seen"
	"postern/site"
)

// tried are the packets that stand for all that may come: from strangers, and from each network that the rules tell from others; to every
// address of the host, at each port at which rules begin or end.
func (k knowledge) tried(each func(seen.Packet)) {
	ports := k.pf.set.Borders(k.pf.host)
	for _, p := range k.s.Unwanted() {
		ports = append(ports, uint16(p.Port))
	}
	sources := []netip.Addr{k.world[0].at, k.world[1].at, k.s.Tunnel.Mail, k.s.Tunnel.Proxy}
	for _, p := range k.pf.set.Names(k.pf.host) {
		sources = append(sources, k.someone(p))
	}
	for _, i := range k.network.Interfaces {
		for _, to := range i.Addresses {
			if !to.Addr().IsGlobalUnicast() || seen.Loopback(i.Name) {
				continue
			}
			for _, src := range sources {
				inside := k.s.Tunnel.Network.Contains(src) || k.s.Tunnel.Network6.Contains(src)
				if src.Is4() != to.Addr().Is4() || k.network.Holder(src) != "" || inside != (i.Name == k.s.Tunnel.Interface) {
					continue
				}
				for _, port := range ports {
					for _, proto := range []string{"tcp", "udp"} {
						each(seen.Packet{Proto: proto, Src: src, Dst: to.Addr(), Port: int(port), In: i.Name})
					}
				}
			}
		}
	}
}

// pfOpen names what comes in, or is sent on, beyond what is wanted. What the operator's own rules let in is theirs.
func (k knowledge) pfOpen() {
	k.tried(func(p seen.Packet) {
		if k.meant(p) {
			return
		}
		f := k.pf.decide(p)
		what := fmt.Sprintf("%d/%s from %s on %s", p.Port, p.Proto, p.Source(), p.In)
		list, beyond := &k.found.odd, "open beyond what is wanted: "
		if k.pf.ours() || f.Rule == "no rule" {
			list, beyond = &k.found.wrong, "open: "
		}
		switch {
		case f.Unsure:
			k.once(&k.found.unsure, f.Doubt.Rule, "it cannot be told whether this is open: "+what)
		case f.Verdict == "DNAT" && k.sentOn(p, f.To):
		case f.Verdict == "DNAT":
			k.once(list, f.Rule, beyond+what+" is sent to "+f.To)
		case f.Verdict == "ACCEPT":
			k.once(list, f.Rule, beyond+what)
		}
	})
}

// sentOn says whether a packet goes to the mail host on purpose.
func (k knowledge) sentOn(p seen.Packet, to string) bool {
	return k.h.Role == site.Proxy && slices.ContainsFunc(k.s.HostsOf(site.Mail), func(m *site.Host) bool {
		return slices.ContainsFunc(forwarded(k.s), func(f site.Service) bool {
			at := k.s.TunnelAddress(m)
			if p.Dst.Is6() {
				at = k.s.TunnelAddress6(m)
			}
			return f.Port == p.Port && f.Proto == p.Proto && to == netip.AddrPortFrom(at, uint16(f.Port)).String() && (len(f.From) == 0 || seen.Inside(f.From, p.Src))
		})
	})
}
