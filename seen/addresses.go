package seen

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Network is a host's addresses and routes.
type Network struct {
	Interfaces []Interface
	Routes     []Route
	Device     string // the interface of the default route over IPv4, or over IPv6 where there is none
	Device6    string // the interface of the default route over IPv6
	source     netip.Addr
}

// Interface is one network interface and its addresses.
type Interface struct {
	Name      string
	Addresses []Address
}

// Address is one address of an interface.
type Address struct {
	netip.Prefix
	Dynamic bool // it has a lifetime: it was given by DHCP or an advertisement
	Passing bool // temporary, deprecated or tentative: not to be relied on
}

// Addresses reads a host's addresses and routes.
var Addresses = register(Fact[Network]{ID: "addresses", ask: either(`need ip || return 3
echo '== addresses'; ip -o addr show
echo '== routes4'; ip -o -4 route show table main
echo '== routes6'; ip -o -6 route show table main`, askIfconfig), parse: parseNetwork})

func parseNetwork(s sections) (Network, error) {
	if s.has("ifconfig") {
		return parseIfconfig(s)
	}
	var n Network
	at := map[string]int{}
	for _, line := range s["addresses"] {
		name, a, ok := parseAddress(strings.Fields(line))
		if !ok {
			continue
		}
		i, had := at[name]
		if !had {
			i = len(n.Interfaces)
			at[name] = i
			n.Interfaces = append(n.Interfaces, Interface{Name: name})
		}
		n.Interfaces[i].Addresses = append(n.Interfaces[i].Addresses, a)
	}
	if len(n.Interfaces) == 0 {
		return Network{}, fmt.Errorf("no address could be read from the host")
	}
	four, way4 := parseRoutes(s["routes4"], netip.IPv4Unspecified())
	six, way6 := parseRoutes(s["routes6"], netip.IPv6Unspecified())
	n.Routes, n.Device, n.Device6, n.source = append(four, six...), way4.Device, way6.Device, way4.Source
	if n.Device == "" {
		n.Device = way6.Device
	}
	return n, nil
}

// parseAddress reads a line of `ip -o addr`.
func parseAddress(w []string) (name string, a Address, ok bool) {
	if len(w) < 4 || (w[2] != "inet" && w[2] != "inet6") {
		return "", a, false
	}
	name, _, _ = strings.Cut(w[1], "@")
	if a.Prefix, ok = Prefix(w[3]); !ok || !Name(name) {
		return "", a, false
	}
	for i, word := range w[4:] {
		switch word {
		case "peer": // inet 10.0.0.2 peer 10.0.0.1/32
			if i+5 < len(w) {
				if peer, ok := Prefix(w[i+5]); ok && peer.Addr().Is4() == a.Addr().Is4() {
					a.Prefix = netip.PrefixFrom(a.Addr(), peer.Bits())
				}
			}
		case "dynamic":
			a.Dynamic = true
		case "temporary", "deprecated", "tentative", "dadfailed":
			a.Passing = true
		}
	}
	return name, a, true
}

// On are the addresses of an interface that reach beyond their own link, the lasting ones first.
func (n Network) On(device string) []Address {
	var lasting, passing []Address
	for _, i := range n.Interfaces {
		for _, a := range i.Addresses {
			switch {
			case i.Name != device || !a.Addr().IsGlobalUnicast():
			case a.Passing:
				passing = append(passing, a)
			default:
				lasting = append(lasting, a)
			}
		}
	}
	return append(lasting, passing...)
}

// Meets is the address of an interface that somebody comes to who has another of that family; invalid when it has none.
func (n Network) Meets(like netip.Addr, device string) netip.Addr {
	for _, a := range n.On(device) {
		if a.Addr().Is4() == like.Is4() {
			return a.Addr()
		}
	}
	return netip.Addr{}
}

// Address4 is the IPv4 address that the host speaks from: the source that its default route names, or the first lasting one
// of that route's interface. The public one may be another. It is invalid when there is none.
func (n Network) Address4() Address {
	var first Address
	for _, a := range n.On(n.Device) {
		switch {
		case !a.Addr().Is4() || a.Passing:
		case a.Addr() == n.source:
			return a
		case !first.IsValid():
			first = a
		}
	}
	return first
}

// Arrives is how what is sent to the host's public address comes to it: the address that it carries then, and the interface. It is
// the public address where the host has that, and else the one that it speaks from, which a provider's 1:1 NAT puts in its place.
func (n Network) Arrives(public netip.Addr) (at netip.Addr, in string) {
	switch in = n.Holder(public); {
	case in == "" && public.Is6():
		return netip.Addr{}, ""
	case in == "":
		return n.Address4().Addr(), n.Device
	case Loopback(in) || strings.HasPrefix(in, "dummy"): // an address that is routed to the host
		in = n.Device
	}
	return public, in
}

// Address6 are the lasting IPv6 addresses of the default route's interface.
func (n Network) Address6() []netip.Prefix {
	var all []netip.Prefix
	for _, a := range n.On(n.Device) {
		if a.Addr().Is6() && !a.Passing {
			all = append(all, a.Prefix)
		}
	}
	return all
}

// Home are the IPv4 networks of the default route's interface: every one of them, for a host with two is at home in both.
// The IPv6 ones are left out: providers change them, and then they are somebody else's.
func (n Network) Home() []netip.Prefix {
	var home []netip.Prefix
	for _, a := range n.On(n.Device) {
		if network := a.Masked(); a.Addr().Is4() && !slices.Contains(home, network) {
			home = append(home, network)
		}
	}
	return home
}

// Holder is the interface that holds an address, or "".
func (n Network) Holder(of netip.Addr) string {
	return n.Within(netip.PrefixFrom(of, of.BitLen()))
}

// Within is the interface that holds an address of a network, or "".
func (n Network) Within(network netip.Prefix) string {
	for _, i := range n.Interfaces {
		for _, a := range i.Addresses {
			if network.Contains(a.Addr()) {
				return i.Name
			}
		}
	}
	return ""
}

// Overlaps is a route, other than the default ones and those of the interfaces named, that shares addresses with a network.
func (n Network) Overlaps(network netip.Prefix, but map[string]bool) (Route, bool) {
	for _, r := range n.Routes {
		if r.To.Bits() > 0 && !but[r.Device] && r.To.Overlaps(network) {
			return r, true
		}
	}
	return Route{}, false
}

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

// Loopback says whether an interface leads to nobody but the host itself: lo of Linux, lo0 and the like of FreeBSD.
func Loopback(name string) bool {
	return strings.HasPrefix(name, "lo") && strings.Trim(name[2:], "0123456789") == ""
}

// bridges says whether an interface is one of Docker's.
func bridges(name string) bool {
	return strings.HasPrefix(name, "docker") || strings.HasPrefix(name, "br-") || strings.HasPrefix(name, "veth")
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
		if i.Name == tunnel || Loopback(i.Name) || bridges(i.Name) {
			continue
		}
		if n.Meets(netip.IPv4Unspecified(), i.Name).IsValid() {
			all = append(all, i)
		}
	}
	return all
}
