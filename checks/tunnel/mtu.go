package tunnel

import (
	"context"
	"fmt"
	"net/netip"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "tunnel.mtu", Rests: []string{"tunnel.tcp"}, Step: "wireguard", Title: "Full packets fit through the tunnel",
		Page: checks.Page{
			Asks:    "Do packets as large as the tunnel's interface promises get through whole? Pings that must not be broken up are sent from each end; where those do not come back, smaller ones are sent, too.",
			OK:      "They do.",
			Fail:    "Smaller ones get through and the full ones do not: logins work, and large mails and TLS stall.",
			Unknown: "No ping of any size comes back; tunnel.tcp tells whether the tunnel is down or only ping is dropped.",
			Warn:    "They do, and the size is a guess from a time when nothing could be measured: the path carries more.",
			Mends:   "The chapter WireGuard with tunnel.mtu set to the size that got through, which is offered with the finding. A guess is measured again whenever the chapter is planned.",
		},
		Guide: "wireguard, Testing the Connection",
		Reads: seen.Tunnels.Reads, Ask: checks.Linux(askMTU),
	})
}

// sweep are the packet sizes tried below the interface's own, in bytes: common paths less WireGuard's 60 or 80 bytes.
var sweep = []int{1432, 1420, 1412, 1400, 1392, 1380, 1360, 1340, 1320, 1300, 1280}

// askMTU sends packets that may not be fragmented, of the size the interface promises; where none gets through, of smaller ones, too.
func askMTU(ctx context.Context, e *checks.Env) []checks.Result {
	var asks []func() checks.Result
	for _, t := range tunnels(e) {
		for _, pair := range [][2]*site.Host{{t.proxy, t.mail}, {t.mail, t.proxy}} {
			asks = append(asks, func() checks.Result { return askSize(ctx, e, pair[0], pair[1]) })
		}
	}
	results := checks.Together(asks)
	least := ""
	for _, r := range results { // both ends get one MTU, which must fit both ways
		if r.Answer != "" && (least == "" || len(r.Answer) < len(least) || len(r.Answer) == len(least) && r.Answer < least) {
			least = r.Answer
		}
	}
	for i := range results {
		if results[i].Answer != "" {
			results[i].Answer = least
		}
	}
	return results
}

func askSize(ctx context.Context, e *checks.Env, h, other *site.Host) checks.Result {
	q := checks.Question{Suffix: checks.Named(e.Site, other), From: h.Name, Want: "packets as large as the interface's MTU get through", Fix: "wireguard"}
	v, err := e.Look(h)
	if err != nil {
		return q.Cannot(err)
	}
	w, err := runs(v.Facts)
	switch {
	case err != nil:
		return q.Cannot(err)
	case !w.Runs():
		return q.Fail("there is no interface "+e.Site.Tunnel.Interface, "the tunnel is not set up", "")
	case w.MTU < 576 || w.MTU > 65535:
		return q.Unknown("the interface's MTU is not known", "")
	}
	sizes, far := []int{w.MTU}, e.Site.TunnelAddress(other)
	largest, err := checks.Ask(ctx, e.Site, v, seen.Through(far, sizes))
	if err == nil && largest.Reply != w.MTU {
		for _, s := range sweep {
			if s < w.MTU {
				sizes = append(sizes, s)
			}
		}
		largest, err = checks.Ask(ctx, e.Site, v, seen.Through(far, sizes))
	}
	if err != nil {
		return q.Cannot(err)
	}
	r := fits(q, w.MTU, largest.Reply)
	if _, peer := w.To(e.Site.TunnelAddress(other)); r.Outcome == checks.OK && h.Role == site.Mail && e.Site.Tunnel.MTU == 0 && w.MTU == seen.GuessedMTU && peer != nil {
		return measured(ctx, e, q, v, r, peer.Endpoint.Addr())
	}
	return r
}

// measured asks once more how large the packets are that the path outside the tunnel carries, which was a guess.
func measured(ctx context.Context, e *checks.Env, q checks.Question, v *checks.Vantage, r checks.Result, proxy netip.Addr) checks.Result {
	if !proxy.IsValid() {
		return r
	}
	wraps := 60 // bytes around a packet, over IPv4
	if proxy.Is6() {
		wraps = 80
	}
	path, err := checks.Ask(ctx, e.Site, v, seen.PathTo(proxy))
	switch carries := min(path.Reply-wraps, usualMTU); {
	case err != nil || path.Skipped:
		return r
	case path.Reply == 0:
		return q.OK("%d bytes, the interface's MTU: a guess that works, for the path itself cannot be measured", seen.GuessedMTU)
	case carries > seen.GuessedMTU:
		return q.Warn(fmt.Sprintf("%d bytes, the interface's MTU, which was a guess: the path carries %d", seen.GuessedMTU, carries), "nothing could be measured when the tunnel was planned", "")
	}
	return r
}

func fits(q checks.Question, mtu, largest int) checks.Result {
	switch largest {
	case mtu:
		return q.OK("%d bytes, the interface's MTU", mtu)
	case 0:
		return q.Unknown("no ping of any size comes back", "the tunnel is down, or the other end drops ping; tunnel.tcp tells which")
	}
	r := q.Fail(fmt.Sprintf("%d bytes get through and %d, the interface's MTU, do not: large mails and TLS stall", largest, mtu),
		"the path between the hosts carries less than usual, as over PPPoE or another tunnel", "")
	if largest > 0 && largest < mtu {
		r.Answer = fmt.Sprintf("tunnel.mtu=%d", largest)
	}
	return r
}
