package checks

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"postern/seen"
	"postern/site"
)

func init() {
	register(Check{
		ID: "host.ways", Step: "firewall", Title: "More than one way leads in",
		Page: Page{
			Asks:    "How many ways lead to each host's sshd? It is dialled from here and from the other host, over every address, the tunnel's too. The provider's console is one more, and cannot be tried.",
			OK:      "Two or more work: one mistake does not lock you out.",
			Warn:    "One works, or none that was tried. Nothing is broken; the next mistake would be felt.",
			Unknown: "No way could be tried.",
			Mends:   "The tunnel is the second way for most (chapter WireGuard); else admit SSH from one network more (host.NAME.ssh_from).",
		},
		Guide: "firewall, Security Considerations",
		Reads: reads(seen.SSH.Reads, seen.Addresses.Reads, seen.Listeners.Reads), Ask: linux(askWays),
	})
}

// way is one way to a host's sshd: from a place to one of its addresses.
type way struct {
	from *Vantage
	to   netip.AddrPort
	what string
}

// askWays counts the ways in that were tried and work. The provider's console is one more, and cannot be tried.
func askWays(ctx context.Context, e *Env) []Result {
	q := question{want: "two ways in or more, so that one mistake does not lock you out", fix: "firewall",
		likely: "the tunnel is not up, or SSH is admitted from one network only"}
	answers := map[string]chan Result{}
	for _, h := range e.Site.Hosts {
		one, answer := q, make(chan Result, 1)
		one.from, answers[h.Name] = h.Name, answer
		v, err := e.look(h)
		if err != nil {
			answer <- one.cannot(err)
			continue
		}
		go func() { answer <- e.countWays(ctx, one, h, v) }()
	}
	var results []Result
	for _, h := range e.Site.Hosts {
		results = append(results, <-answers[h.Name])
	}
	return results
}

func (e *Env) countWays(ctx context.Context, q question, h *site.Host, v *Vantage) Result {
	via, err := seen.SSH.Of(v.Facts)
	if err != nil {
		return q.cannot(err)
	}
	if len(via.Ports) == 0 {
		return q.unknown("the port of its sshd is not known", "sshd is not installed, or does not tell")
	}
	var works, fails, mute []string
	if h.Local || e.HereIs == h.Name {
		works = append(works, "the program runs on it")
	}
	ways := e.waysTo(h, via, via.Ports[0])
	knocks := make([]*knock, len(ways))
	done := make(chan int)
	for i, w := range ways {
		go func() { knocks[i] = e.knock(ctx, w.from, w.to, nil, netip.AddrPort{}); done <- i }()
	}
	for range ways {
		<-done
	}
	own := "" // the way this very program came, when it is none of those tried
	if via.Server.IsValid() {
		own = "the connection of this program"
	}
	for i, w := range ways {
		if w.from.Name == Here && !knocks[i].mute() {
			own = "" // a held connection proves nothing where a new one was tried
		}
		k := knocks[i]
		if k.answer != open && e.Site.Tunnel.Network.Contains(w.to.Addr()) {
			q.fix, q.likely = "wireguard", "the tunnel is not up (it comes with a later chapter), or SSH is not admitted through it"
		}
		switch {
		case k.answer == open:
			works = append(works, w.what)
		case k.mute():
			mute = append(mute, w.what+": "+k.said())
		default:
			fails = append(fails, w.what+": "+k.said())
		}
	}
	if own != "" && !e.tunnelled(via) {
		works = append(works, own)
	}
	evidence := strings.Join(append(fails, mute...), "\n")
	switch {
	case ctx.Err() != nil:
		return q.unknown("stopped before it was answered", "")
	case len(works) >= 2:
		return q.ok("%s", strings.Join(works, "; "))
	case len(works) == 0 && len(fails) == 0:
		return q.unknown("no way could be tried: "+blank(strings.Join(mute, "; "), "none is known"), "")
	}
	return q.warn(fmt.Sprintf("%d: %s", len(works), blank(strings.Join(works, "; "), "none that was tried")), "", evidence)
}

// tunnelled says that the connection came through the tunnel, which is a way that is tried by itself.
func (e *Env) tunnelled(via seen.Access) bool {
	return e.Site.Tunnel.Network.Contains(via.Client.Addr())
}

// waysTo lists the ways that can be tried: its public addresses, the address this program uses, and the tunnel.
func (e *Env) waysTo(h *site.Host, via seen.Access, port int) []way {
	var ways []way
	add := func(from *Vantage, to netip.Addr, what string) {
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
		} else if direct(e, via) {
			add(e.Here, via.Server.Addr(), "from here at home")
		}
	}
	for _, other := range e.Site.Hosts {
		if other.Role == h.Role {
			continue
		}
		if ov, err := e.look(other); err == nil {
			add(ov, e.Site.TunnelAddress(h), "through the tunnel from "+other.Name)
		} else if other.Name == e.HereIs {
			add(e.Here, e.Site.TunnelAddress(h), "through the tunnel from here")
		}
	}
	return ways
}

// direct says that the SSH connection comes from where the program runs, not from another host of the site.
func direct(e *Env, via seen.Access) bool {
	if !via.Client.IsValid() || e.tunnelled(via) {
		return false
	}
	for _, h := range e.Site.HostsOf(site.Proxy) {
		if via.Client.Addr() == h.Public4 || via.Client.Addr() == h.Public6 {
			return e.HereIs == h.Name
		}
	}
	return true
}
