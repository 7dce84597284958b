package firewall

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern/seen"
	"postern/site"
)

// maxPackets bounds the packets that are followed in one family: a ruleset may draw more borders than can be asked about.
const maxPackets = 400_000

// open names what comes in or through beyond what is wanted: one packet is followed for each border of sources and ports that
// the rules draw, over TCP and UDP, from each interface. What the operator told ufw to let in is theirs.
func (k knowledge) open(tuples []tuple) {
	for _, world := range k.world {
		stranger := world.at
		edges, sources := k.rules.Edges(stranger), append([]netip.Addr{stranger}, world.parts...)
		for _, p := range edges.Sources {
			if p.Addr().Is4() == stranger.Is4() {
				sources = append(sources, k.someone(p))
			}
		}
		ways := k.inward(stranger, edges)
		if n := 2 * len(sources) * len(ways) * len(edges.Ports) * len(edges.From); n > maxPackets {
			note(&k.found.unsure, "the rules over IP%s are too many to follow a packet for each border they draw (%d)", map[bool]string{false: "v4", true: "v6"}[stranger.Is6()], n)
			continue
		}
		for _, way := range ways {
			for _, proto := range []string{"tcp", "udp"} {
				for _, way.Src = range sources {
					way.Proto = proto
					k.follow(way, edges, tuples)
				}
			}
		}
	}
}

// inward are the ways that a packet may come in by, or through: from outside and from the tunnel.
func (k knowledge) inward(stranger netip.Addr, edges seen.Edges) []seen.Packet {
	device, tunnel := k.arrivesOn(stranger), k.s.Tunnel.Interface
	var ways []seen.Packet
	for _, in := range append([]string{device, tunnel}, edges.In...) {
		to := k.own(stranger)
		if in == tunnel && stranger.Is4() {
			to = k.s.TunnelAddress(k.h)
		}
		if one := (seen.Packet{In: in, Dst: to}); in != "lo" && !slices.Contains(ways, one) {
			ways = append(ways, one)
		}
	}
	beyond, out := stranger, device
	home := k.network.On(device)
	if i := slices.IndexFunc(home, func(a seen.Address) bool { return a.Addr().Is4() == stranger.Is4() }); k.h.Role == site.Mail && i >= 0 {
		beyond = k.someone(home[i].Masked())
	}
	for _, m := range k.s.HostsOf(site.Mail) {
		if inside := k.s.TunnelAddress(m); k.h.Role == site.Proxy && stranger.Is4() {
			ways = append(ways, seen.Packet{In: device, Out: tunnel, Dst: inside, Beyond: true})
		}
	}
	return append(ways, seen.Packet{In: tunnel, Out: out, Dst: beyond, Beyond: true}, seen.Packet{In: device, Out: out, Dst: beyond, Beyond: true})
}

// follow asks what becomes of packets that differ in their ports only: once between two borders that the rules draw which concern them.
func (k knowledge) follow(p seen.Packet, edges seen.Edges, tuples []tuple) {
	rules := k.rules.Narrowed(p)
	drawn, fates := rules.Edges(p.Src), map[[2]int]seen.Fate{}
	for _, p.Port = range edges.Ports {
		for _, p.From = range edges.From {
			if k.meant(p) || slices.ContainsFunc(tuples, func(t tuple) bool { return t.covers(p) }) {
				continue
			}
			at := drawn.Between(p)
			f, known := fates[at]
			switch {
			case known:
			case p.Beyond:
				f = rules.Crosses(p)
			default:
				f = rules.Enters(p)
			}
			fates[at] = f
			what := func() string {
				way := "in"
				if p.Beyond {
					way = "through to " + p.Dst.String()
				}
				return fmt.Sprintf("%d/%s from %s on %s %s", p.Port, p.Proto, p.Source(), p.In, way)
			}
			switch policy := strings.HasPrefix(f.Rule, "policy of "); {
			case f.Verdict == "ACCEPT" && p.Beyond && policy && keepsForwarding(k.s):
			case f.Verdict == "ACCEPT" && policy && !p.Beyond:
				k.once(&k.found.wrong, f.Rule, "open: "+what())
			case f.Verdict == "ACCEPT":
				k.once(&k.found.odd, f.Rule, "open beyond what is wanted: "+what())
			case f.Unsure && f.Doubt.Verdict == "ACCEPT":
				k.once(&k.found.unsure, f.Doubt.Rule, "it cannot be told whether this is open: "+what())
			}
		}
	}
}

// once notes what a rule does to the first packet that shows it.
func (k knowledge) once(list *[]string, rule, what string) {
	if by := "by " + quote(rule); !slices.ContainsFunc(*list, func(had string) bool { return strings.HasSuffix(had, by) }) {
		note(list, "%s, %s", what, by)
	}
}

// meant says whether a packet is let in, or through, on purpose: what is wanted, what the proxy sends to the mail host, and
// what answers a host that asks for its address.
func (k knowledge) meant(p seen.Packet) bool {
	if p.Beyond {
		return k.h.Role == site.Proxy && p.Out == k.s.Tunnel.Interface && p.In != p.Out && slices.ContainsFunc(forwarded(k.s), func(f site.Service) bool {
			return f.Port == p.Port && f.Proto == p.Proto && (len(f.From) == 0 || seen.Inside(f.From, p.Src))
		})
	}
	inside := k.h.Role == site.Mail && p.In == k.s.Tunnel.Interface && (p.Src == k.s.Tunnel.Proxy || k.s.Tunnel.Network6.Contains(p.Src))
	return inside || k.admitted(p) || p.Proto == "udp" && (p.Port == 68 && p.From == 67 || p.Port == 546 && p.From == 547)
}

// other names rules of ours or of ufw's that stand in the rule set of iptables that nobody looks at any more.
func (k knowledge) other() {
	set, rule, _ := strings.Cut(k.rules.Other, ": ")
	if set != "" {
		note(&k.found.odd, "there are rules in the kernel's other rule set too, iptables-%s, and packets must pass both: %s", set, quote(rule))
	}
}
