package seen

import "net/netip"

// Reaches is what becomes of the first packet of a connection that comes to a host from elsewhere, and the packet as it is in the end: one
// that is translated, as for a container, goes on to where it is sent then, and one for no address of the host to where the routes lead.
func (r Ruleset) Reaches(p Packet, n Network) (Fate, Packet) {
	p.Was, p.Beyond = netip.AddrPortFrom(p.Dst, uint16(p.Port)), n.Holder(p.Dst) == ""
	f, sent := r.Begins(p), r.Translates(p, "PREROUTING")
	if sent.Verdict == "DNAT" {
		to, err := netip.ParseAddrPort(sent.To)
		if sent.Unsure = sent.Unsure || err != nil; err == nil {
			p.Dst, p.Port = to.Addr(), int(to.Port())
		}
		p.Beyond = n.Holder(p.Dst) == ""
	}
	if p.Beyond {
		p.Out = n.Towards(p.Dst)
		f = f.then(r.Crosses(p))
	} else {
		f = f.then(r.meets(p, "INPUT"))
	}
	if sent.Unsure {
		f.Unsure, f.Doubt = true, Fork{sent.Verdict, sent.Rule}
	}
	return f, p
}

// Towards is the interface by which the host sends on what is for an address, by its main table; "" when it has no way there.
func (n Network) Towards(a netip.Addr) string {
	best, device := -1, ""
	for _, r := range n.Routes {
		if r.To.Contains(a) && r.To.Bits() > best {
			best, device = r.To.Bits(), r.Device
		}
	}
	return device
}

// Doors are the interfaces with an IPv4 address by which others come to the host, but through the tunnel. The bridges of containers are none.
func (n Network) Doors(tunnel string) []Interface {
	var all []Interface
	for _, i := range n.Interfaces {
		if i.Name == tunnel || i.Name == "lo" || bridges(i.Name) {
			continue
		}
		if n.Meets(netip.IPv4Unspecified(), i.Name).IsValid() {
			all = append(all, i)
		}
	}
	return all
}
