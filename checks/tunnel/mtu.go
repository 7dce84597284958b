package tunnel

import (
	"context"
	"fmt"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "tunnel.mtu", Step: "wireguard", Title: "Full packets fit through the tunnel",
		Page: checks.Page{
			Asks:    "Do packets as large as the tunnel's interface promises get through whole? Pings that must not be broken up are sent from each end, in several sizes.",
			OK:      "They do.",
			Fail:    "Smaller ones get through and the full ones do not: logins work, and large mails and TLS stall.",
			Unknown: "No ping of any size comes back; tunnel.tcp tells whether the tunnel is down or only ping is dropped.",
			Mends:   "Set tunnel.mtu to the size that got through, and apply the chapter WireGuard.",
		},
		Guide: "wireguard, Testing the Connection",
		Reads: seen.Tunnels.Reads, Ask: checks.Linux(askMTU),
	})
}

// sweep are the packet sizes tried below the interface's own, in bytes: common paths less WireGuard's 60 or 80 bytes.
var sweep = []int{1432, 1420, 1412, 1400, 1392, 1380, 1360, 1340, 1320, 1300, 1280}

// askMTU sends packets that may not be fragmented, of the size the interface promises and of smaller ones, all at once.
func askMTU(ctx context.Context, e *checks.Env) []checks.Result {
	var asks []func() checks.Result
	for _, t := range tunnels(e) {
		for _, pair := range [][2]*site.Host{{t.proxy, t.mail}, {t.mail, t.proxy}} {
			asks = append(asks, func() checks.Result { return askSize(ctx, e, pair[0], pair[1]) })
		}
	}
	return checks.Together(asks)
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
	sizes := []int{w.MTU}
	for _, s := range sweep {
		if s < w.MTU {
			sizes = append(sizes, s)
		}
	}
	largest, err := checks.Ask(ctx, e.Site, v, seen.Through(e.Site.TunnelAddress(other), sizes))
	if err != nil {
		return q.Cannot(err)
	}
	return fits(q, w.MTU, largest.Reply)
}

func fits(q checks.Question, mtu, largest int) checks.Result {
	switch largest {
	case mtu:
		return q.OK("%d bytes, the interface's MTU", mtu)
	case 0:
		return q.Unknown("no ping of any size comes back", "the tunnel is down, or the other end drops ping; tunnel.tcp tells which")
	}
	return q.Fail(fmt.Sprintf("%d bytes get through and %d, the interface's MTU, do not: large mails and TLS stall", largest, mtu),
		"the path between the hosts carries less than usual, as over PPPoE or another tunnel", "")
}
