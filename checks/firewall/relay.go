package firewall

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
		ID: "firewall.relay", Rests: []string{"tunnel.tcp", "firewall.rules"}, Step: "firewall", Title: "Outgoing mail is taken from the mail host alone",
		Page: checks.Page{
			Asks:    "Is the port for outgoing mail open to the mail host, through the tunnel, and to nobody else? It is dialled from the mail host and from here.",
			OK:      "The mail host is let in; everybody else gets no answer.",
			Fail:    "The mail host is not let in, so its mail does not leave; or the world is, which is next to an open relay. The result says which.",
			Unknown: "It could not be dialled from there, or nothing of the host answers at all.",
			Skip:    "Mail goes out directly: there is no relay.",
			Mends:   "The chapter Firewall; for the way inside, the tunnel must be up.",
		},
		Guide: "firewall, Restricting Access to Specific IPs; haraka, Port Selection Strategy",
		Reads: checks.Join(checks.ListenReads, seen.Addresses.Reads, seen.SSH.Reads, pfReads, seen.Rules.Reads, seen.Tunnels.Reads), Ask: checks.Linux(askRelay),
	})
}

// askRelay dials the relay port through the tunnel from the mail host, where it must answer, and at the proxy's public
// addresses from outside, where it must not.
func askRelay(ctx context.Context, e *checks.Env) []checks.Result {
	if e.Site.Mail.Path == "direct" {
		return []checks.Result{checks.Question{From: checks.Here}.Skip("mail goes out directly: there is no relay")}
	}
	var asks []func() checks.Result
	for _, p := range e.Site.HostsOf(site.Proxy) {
		for _, m := range e.Site.HostsOf(site.Mail) {
			asks = append(asks, func() checks.Result { return askRelayInside(ctx, e, p, m) })
		}
		asks = append(asks, func() checks.Result { return askRelayOutside(ctx, e, p, p.Public4, ".outside") })
		if p.Public6.IsValid() {
			asks = append(asks, func() checks.Result { return askRelayOutside(ctx, e, p, p.Public6, ".outside.v6") })
		}
	}
	return checks.Together(asks)
}

func askRelayInside(ctx context.Context, e *checks.Env, p, m *site.Host) checks.Result {
	to := netip.AddrPortFrom(e.Site.TunnelAddress(p), uint16(e.Site.Ports.Relay))
	q := checks.Question{Suffix: ".inside" + checks.Named(e.Site, p) + checks.Named(e.Site, m), From: m.Name, Fix: "firewall",
		Want: fmt.Sprintf("%s answers the mail host through the tunnel", to), Rests: []string{"tunnel.tcp"}}
	v, err := e.Look(m)
	if err != nil {
		return q.Cannot(err)
	}
	if _, err := e.Look(p); err != nil {
		return q.Cannot(err)
	}
	if name := e.Unset(p, m); name != "" {
		return q.Skip(notYet, name)
	}
	likely := "the proxy's firewall does not admit the mail host's tunnel address, or the tunnel is down"
	return q.Judge(e.Probe(ctx, v, to, p, to), likely)
}

func askRelayOutside(ctx context.Context, e *checks.Env, p *site.Host, public netip.Addr, suffix string) checks.Result {
	to := netip.AddrPortFrom(public, uint16(e.Site.Ports.Relay))
	q := checks.Question{Suffix: suffix + checks.Named(e.Site, p), From: checks.Here, Want: "no answer from outside", Fix: "firewall", Rests: []string{"firewall.rules@" + p.Name}}
	from, err := e.Outside(p)
	if err != nil {
		return q.Cannot(err)
	}
	q.From = from.Name
	v, err := e.Look(p)
	switch {
	case err != nil:
		return q.Cannot(err)
	case !public.IsValid():
		return q.Unknown(p.Name+"'s public address is not known", "it was neither answered nor detected")
	}
	k := e.Probe(ctx, from, to, nil, netip.AddrPort{})
	s := side{p, from, public, ""}
	switch {
	case k.Mute():
		return q.Unknown(k.Said(), "this place cannot ask: "+checks.Why(k.Err))
	case k.Answer == checks.Dropped:
		if f, err := ownRule(e, p, v, e.Site.Ports.Relay, public.Is6()); alive(ctx, e, s, v) == "" && (err != nil || f.Verdict != "DROP") {
			return q.Unknown("no answer, and nothing else of the host answers either", "the place it was asked from may not reach the host at all")
		}
		return q.OK("%s gives no answer", to)
	case k.Answer == checks.Rejected, k.Answer == checks.Refused && rejects(e, s, v, e.Site.Ports.Relay):
		return q.OK("%s is rejected", to)
	case k.Answer == checks.Open:
		return q.Fail(fmt.Sprintf("%s answers everyone", to), "the relay listens on every address and the firewall lets it in: an open relay is near", k.Evidence())
	}
	return q.Fail(fmt.Sprintf("%s is refused: the firewall lets it through", to), "a rule admits the relay port from everywhere", k.Evidence())
}
