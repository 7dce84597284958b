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
		ID: "tunnel.tcp", Rests: []string{"tunnel.handshake", "firewall.rules"}, Step: "wireguard", Title: "TCP goes through the tunnel both ways",
		Page: checks.Page{
			Asks:  "Does TCP go through the tunnel, both ways, to the ports that the site uses there? They are dialled from each end; where no service listens yet, a listener is put there for a moment.",
			OK:    "It does.",
			Warn:  "Something answers, and what it is could not be told.",
			Skip:  "No port of the proxy's is for the mail host, as where mail goes out directly and the proxy runs FreeBSD.",
			Fail:  "No answer through the tunnel: it is down, or the other end's firewall drops what comes out of it.",
			Mends: "The chapter WireGuard if there is no handshake; with one, the chapter Firewall.",
		},
		Guide: "wireguard, Testing the Connection",
		Reads: checks.Join(checks.ListenReads, seen.Systems.Reads, seen.Tunnels.Reads, seen.Rules.Reads, seen.PFRules.Reads, seen.Addresses.Reads), Ask: checks.Linux(askTunnelTCP),
	})
}

// askTunnelTCP connects through the tunnel from each end, to the ports that the site uses there. A ping proves less:
// some drop it, and a firewall lets it through where it lets no mail through.
func askTunnelTCP(ctx context.Context, e *checks.Env) []checks.Result {
	var asks []func() checks.Result
	add := func(from, to *site.Host, port int) {
		asks = append(asks, func() checks.Result { return askThrough(ctx, e, from, to, port) })
	}
	for _, t := range tunnels(e) {
		add(t.proxy, t.mail, e.Site.Ports.IMAPS)
		if e.Site.Mail.Path == "direct" && t.proxy.BSD() {
			q := checks.Question{Suffix: checks.Named(e.Site, t.proxy), From: t.mail.Name}
			asks = append(asks, func() checks.Result {
				return q.Skip("mail goes out directly: on %s, whose pf lets in nothing else, no port is for the mail host", t.proxy.Name)
			})
		} else if e.Site.Mail.Path == "direct" {
			add(t.mail, t.proxy, e.Site.Ports.HTTP)
		} else {
			add(t.mail, t.proxy, e.Site.Ports.Relay)
		}
	}
	return checks.Together(asks)
}

func askThrough(ctx context.Context, e *checks.Env, from, to *site.Host, port int) checks.Result {
	at := netip.AddrPortFrom(e.Site.TunnelAddress(to), uint16(port))
	q := checks.Question{Suffix: checks.Named(e.Site, to), From: from.Name, Want: fmt.Sprintf("%s answers through the tunnel", at), Fix: "wireguard", Rests: []string{"tunnel.handshake"}}
	v, err := e.Look(from)
	if err != nil {
		return q.Cannot(err)
	}
	far, err := e.Look(to)
	if err != nil {
		return q.Cannot(err)
	}
	enters := func() bool {
		gate, err := seen.GateOf(far.Facts)
		if err != nil {
			return false
		}
		f := gate(seen.Packet{Proto: "tcp", Src: e.Site.TunnelAddress(from), Dst: at.Addr(), Port: port, In: e.Site.Tunnel.Interface})
		return !f.Unsure && f.Verdict == "ACCEPT"
	}
	if !enters() {
		q.Rests = append(q.Rests, "firewall.rules@"+to.Name) // else another finding on its rules is none on this port
	}
	for _, one := range []*checks.Vantage{v, far} {
		if w, err := runs(one.Facts); err == nil && (!w.Runs()) {
			return q.Fail("there is no interface "+e.Site.Tunnel.Interface+" on "+one.Name, "the tunnel is not set up, or wg-quick did not start it", "")
		}
	}
	likely := "the tunnel is down, or " + to.Name + "'s firewall drops what comes out of it"
	return q.Judge(e.Probe(ctx, v, at, to, at), likely)
}
