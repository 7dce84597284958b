package host

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "host.ways", Rests: []string{"host.ssh@", "tunnel.tcp", "firewall.rules@"}, Step: "firewall", Title: "More than one way leads in",
		Page: checks.Page{
			Asks:    "How many ways lead to each host's sshd? It is dialled from here and from the other host, over every address, the tunnel's too. The provider's console is one more, and cannot be tried.",
			OK:      "Two or more work: one mistake does not lock you out.",
			Warn:    "One works, or none that was tried. Nothing is broken; the next mistake would be felt.",
			Unknown: "No way could be tried.",
			Mends:   "The tunnel is the second way for most (chapter WireGuard); else admit SSH from one network more (host.NAME.ssh_from).",
		},
		Guide: "firewall, Security Considerations",
		Reads: checks.Join(seen.SSH.Reads, seen.Addresses.Reads, seen.Listeners.Reads), Ask: checks.Linux(askWays),
	})
}

// way is one way to a host's sshd: from a place to one of its addresses.
type way struct {
	from *checks.Vantage
	to   netip.AddrPort
	what string
}

// askWays counts the ways in that were tried and work. The provider's console is one more, and cannot be tried.
func askWays(ctx context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "two ways in or more, so that one mistake does not lock you out", Fix: "firewall",
		Likely: "the tunnel is not up, or SSH is admitted from one network only"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		return countWays(ctx, e, q, h, v)
	}, site.Proxy, site.Mail)
}

func countWays(ctx context.Context, e *checks.Env, q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
	via, err := seen.SSH.Of(v.Facts)
	if err != nil {
		return q.Cannot(err)
	}
	if len(via.Ports) == 0 {
		return q.Unknown("the port of its sshd is not known", "sshd is not installed, or does not tell")
	}
	var works, fails, mute []string
	if h.Local || e.HereIs == h.Name {
		works = append(works, "the program runs on it")
	}
	answer := ""
	ways := waysTo(e, h, via, via.Ports[0])
	probes := make([]checks.Probe, len(ways))
	checks.AtOnce(len(ways), func(i int) { probes[i] = e.Probe(ctx, ways[i].from, ways[i].to, nil, netip.AddrPort{}) })
	own := "" // the way this very program came, when it is none of those tried
	if via.Server.IsValid() {
		own = "the connection of this program"
	}
	for i, w := range ways {
		if w.from.Name == checks.Here && !probes[i].Mute() {
			own = "" // a held connection proves nothing where a new one was tried
		}
		k := probes[i]
		if k.Answer != checks.Open && e.Site.Tunnel.Network.Contains(w.to.Addr()) {
			q.Fix, q.Likely = "wireguard", "the tunnel is not up (it comes with a later chapter), or SSH is not admitted through it"
			if answer = tunnelToo(e.Site, h); answer != "" {
				q.Fix, q.Likely = "firewall", "host."+h.Name+".ssh_from leaves the tunnel out"
			}
		}
		switch {
		case k.Answer == checks.Open:
			works = append(works, w.what)
		case k.Mute():
			mute = append(mute, w.what+": "+k.Said())
		default:
			fails = append(fails, w.what+": "+k.Said())
		}
	}
	if own != "" && !e.Site.Tunnel.Network.Contains(via.Client.Addr()) {
		works = append(works, own)
	}
	evidence := strings.Join(append(fails, mute...), "\n")
	switch {
	case ctx.Err() != nil:
		return q.Unknown("stopped before it was answered", "")
	case len(works) >= 2:
		return q.OK("%s", strings.Join(works, "; "))
	case len(works) == 0 && len(fails) == 0:
		return q.Unknown("no way could be tried: "+cmp.Or(strings.Join(mute, "; "), "none is known"), "")
	}
	r := q.Warn(fmt.Sprintf("%d: %s", len(works), cmp.Or(strings.Join(works, "; "), "none that was tried")), "", evidence)
	r.Answer = answer
	return r
}

// tunnelToo is the answer that admits SSH through the tunnel as well, where a host's own list leaves that out; else nothing.
func tunnelToo(s *site.Site, h *site.Host) string {
	at := s.TunnelAddress(h)
	if len(h.SSHFrom) == 0 || slices.ContainsFunc(h.SSHFrom, func(p netip.Prefix) bool { return p.Contains(at) }) {
		return ""
	}
	f, err := site.FieldOf(s, "host."+h.Name+".ssh_from")
	if err != nil {
		return ""
	}
	return f.Key + "=" + strings.ReplaceAll(f.Get(s), " ", "") + "," + s.Tunnel.Network.String()
}

// waysTo lists the ways that can be tried: its public addresses, the address this program uses, and the tunnel.
func waysTo(e *checks.Env, h *site.Host, via seen.Access, port int) []way {
	var ways []way
	add := func(from *checks.Vantage, to netip.Addr, what string) {
		if from == nil || from.Dial == nil || !to.IsValid() || to.IsUnspecified() {
			return
		}
		for _, w := range ways {
			if w.from == from && w.to.Addr() == to {
				return
			}
		}
		ways = append(ways, way{from, netip.AddrPortFrom(to, uint16(port)), what})
	}
	if e.HereIs != h.Name && e.Here != nil {
		if h.Role == site.Proxy {
			add(e.Here, h.Public4, "from here over IPv4")
			add(e.Here, h.Public6, "from here over IPv6")
		} else if e.Direct(via) {
			add(e.Here, via.Server.Addr(), "from here at home")
		}
	}
	for _, other := range e.Site.Hosts {
		if other.Role == h.Role {
			continue
		}
		if ov, err := e.Look(other); err == nil {
			add(ov, e.Site.TunnelAddress(h), "through the tunnel from "+other.Name)
		} else if other.Name == e.HereIs {
			add(e.Here, e.Site.TunnelAddress(h), "through the tunnel from here")
		}
	}
	return ways
}
