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
		ID: "firewall.relay", Step: "firewall", Title: "Outgoing mail is taken from the mail host alone",
		Page: Page{
			Asks:    "Is the port for outgoing mail open to the mail host, through the tunnel, and to nobody else? It is dialled from the mail host and from here.",
			OK:      "The mail host is let in; everybody else gets no answer.",
			Fail:    "The mail host is not let in, so its mail does not leave; or the world is, which is next to an open relay. The result says which.",
			Unknown: "It could not be dialled from there, or nothing of the host answers at all.",
			Skip:    "Mail goes out directly: there is no relay.",
			Mends:   "The chapter Firewall; for the way inside, the tunnel must be up.",
		},
		Guide: "firewall, Restricting Access to Specific IPs; haraka, Port Selection Strategy",
		Reads: reads(seen.Listeners.Reads, seen.Docker.Reads, seen.Addresses.Reads, seen.SSH.Reads, seen.Rules.Reads, seen.Tunnels.Reads), Ask: linux(askRelay),
	})
}

// askRelay dials the relay port through the tunnel from the mail host, where it must answer, and at the proxy's public
// addresses from outside, where it must not.
func askRelay(ctx context.Context, e *Env) []Result {
	if e.Site.Mail.Path == "direct" {
		return []Result{question{from: Here}.skip("mail goes out directly: there is no relay")}
	}
	var asks []func() Result
	for _, p := range e.Site.HostsOf(site.Proxy) {
		for _, m := range e.Site.HostsOf(site.Mail) {
			asks = append(asks, func() Result { return e.askRelayInside(ctx, p, m) })
		}
		asks = append(asks, func() Result { return e.askRelayOutside(ctx, p, p.Public4, ".outside") })
		if p.Public6.IsValid() {
			asks = append(asks, func() Result { return e.askRelayOutside(ctx, p, p.Public6, ".outside.v6") })
		}
	}
	return together(asks)
}

func (e *Env) askRelayInside(ctx context.Context, p, m *site.Host) Result {
	to := netip.AddrPortFrom(e.Site.TunnelAddress(p), uint16(e.Site.Ports.Relay))
	q := question{suffix: ".inside" + named(e.Site, p) + named(e.Site, m), from: m.Name, fix: "firewall",
		want: fmt.Sprintf("%s answers the mail host through the tunnel", to)}
	v, err := e.look(m)
	if err != nil {
		return q.cannot(err)
	}
	if _, err := e.look(p); err != nil {
		return q.cannot(err)
	}
	if name := e.unset(p, m); name != "" {
		return q.skip(notYet, name)
	}
	likely := "the proxy's firewall does not admit the mail host's tunnel address, or the tunnel is down"
	return q.judge(e.knock(ctx, v, to, p, to), likely)
}

func (e *Env) askRelayOutside(ctx context.Context, p *site.Host, public netip.Addr, suffix string) Result {
	to := netip.AddrPortFrom(public, uint16(e.Site.Ports.Relay))
	q := question{suffix: suffix + named(e.Site, p), from: Here, want: "no answer from outside", fix: "firewall"}
	from, err := e.outside(p)
	if err != nil {
		return q.cannot(err)
	}
	q.from = from.Name
	v, err := e.look(p)
	switch {
	case err != nil:
		return q.cannot(err)
	case !public.IsValid():
		return q.unknown(p.Name+"'s public address is not known", "it was neither answered nor detected")
	}
	k := e.knock(ctx, from, to, nil, netip.AddrPort{})
	s := side{p, from, public, ""}
	switch {
	case k.mute():
		return q.unknown(k.said(), "this place cannot ask: "+k.why())
	case k.answer == dropped:
		if e.alive(ctx, s, v) == "" {
			return q.unknown("no answer, and nothing else of the host answers either", "the place it was asked from may not reach the host at all")
		}
		return q.ok("%s gives no answer", to)
	case k.answer == rejected, k.answer == refused && e.rejects(s, v, e.Site.Ports.Relay):
		return q.ok("%s is rejected", to)
	case k.answer == open:
		return q.fail(fmt.Sprintf("%s answers everyone", to), "the relay listens on every address and the firewall lets it in: an open relay is near", k.evidence())
	}
	return q.fail(fmt.Sprintf("%s is refused: the firewall lets it through", to), "a rule admits the relay port from everywhere", k.evidence())
}
