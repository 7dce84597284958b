package seen

import (
	"net/netip"
	"slices"
	"strings"
)

// Meeting are the IPv4 addresses at which those meet the host who come from these networks past the tunnel: its own in a network that it
// shares with them, else the one that it speaks from. The bridges of containers are no networks of people.
func (n Network) Meeting(them []netip.Prefix, tunnel string) []Address {
	var all []Address
	for _, p := range them {
		at := n.Address4()
		for _, i := range n.Doors(tunnel) {
			for _, a := range n.On(i.Name) {
				if a.Addr().Is4() && !a.Passing && a.Masked().Overlaps(p) && !(at.IsValid() && at.Masked().Overlaps(p)) {
					at = a
				}
			}
		}
		if p.Addr().Is4() && at.IsValid() && !slices.ContainsFunc(all, func(had Address) bool { return had.Addr() == at.Addr() }) {
			all = append(all, at)
		}
	}
	return all
}

// bridges says whether an interface is one of Docker's.
func bridges(name string) bool {
	return strings.HasPrefix(name, "docker") || strings.HasPrefix(name, "br-") || strings.HasPrefix(name, "veth")
}
