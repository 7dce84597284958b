package checks

import (
	"context"
	"fmt"
	"net/netip"

	"postern/seen"
	"postern/site"
)

func init() {
	register(Check{
		ID: "tunnel.tcp", Step: "wireguard", Title: "TCP goes through the tunnel both ways",
		Page: Page{
			Asks:  "Does TCP go through the tunnel, both ways, to the ports that the site uses there? They are dialled from each end; where no service listens yet, a listener is put there for a moment.",
			OK:    "It does.",
			Warn:  "Something answers, and what it is could not be told.",
			Fail:  "No answer through the tunnel: it is down, or the other end's firewall drops what comes out of it.",
			Mends: "The chapter WireGuard if there is no handshake; with one, the chapter Firewall.",
		},
		Guide: "wireguard, Testing the Connection",
		Reads: reads(seen.Listeners.Reads, seen.Docker.Reads, seen.Tunnels.Reads), Ask: linux(askTunnelTCP),
	})
}

// askTunnelTCP connects through the tunnel from each end, to the ports that the site uses there. A ping proves less:
// some drop it, and a firewall lets it through where it lets no mail through.
func askTunnelTCP(ctx context.Context, e *Env) []Result {
	var asks []func() Result
	add := func(from, to *site.Host, port int) {
		asks = append(asks, func() Result { return e.askThrough(ctx, from, to, port) })
	}
	for _, t := range e.tunnels() {
		add(t.proxy, t.mail, e.Site.Ports.IMAPS)
		if e.Site.Mail.Path == "direct" {
			add(t.mail, t.proxy, e.Site.Ports.HTTP)
		} else {
			add(t.mail, t.proxy, e.Site.Ports.Relay)
		}
	}
	return together(asks)
}

func (e *Env) askThrough(ctx context.Context, from, to *site.Host, port int) Result {
	at := netip.AddrPortFrom(e.Site.TunnelAddress(to), uint16(port))
	q := question{suffix: named(e.Site, to), from: from.Name, want: fmt.Sprintf("%s answers through the tunnel", at), fix: "wireguard"}
	v, err := e.look(from)
	if err != nil {
		return q.cannot(err)
	}
	far, err := e.look(to)
	if err != nil {
		return q.cannot(err)
	}
	for _, one := range []*Vantage{v, far} {
		if w, err := wgOf(one.Facts); err == nil && (!w.Runs()) {
			return q.fail("there is no interface "+e.Site.Tunnel.Interface+" on "+one.Name, "the tunnel is not set up, or wg-quick did not start it", "")
		}
	}
	likely := "the tunnel is down, or " + to.Name + "'s firewall drops what comes out of it"
	return q.judge(e.knock(ctx, v, at, to, at), likely)
}
