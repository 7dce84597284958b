package firewall

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "firewall.dnat", Step: "firewall", Title: "Mail clients reach the mail host through the proxy",
		Page: checks.Page{
			Asks:    "Does what comes to the proxy's public ports for mail programs come out on the mail host? The port is dialled from here, and the mail host is asked whether that very connection is there; where no service listens yet, a listener is put there for a moment.",
			OK:      "It reaches the mail host.",
			Fail:    "The port is silent, or something on the proxy itself answers in the mail host's place.",
			Unknown: "It is open, and what answered could not be seen.",
			Mends:   "The chapter Firewall forwards the ports; the tunnel (chapter WireGuard) must be up for it.",
		},
		Guide: "firewall, Port Forwarding Configuration",
		Reads: checks.Join(seen.Listeners.Reads, seen.Docker.Reads, seen.Addresses.Reads, seen.SSH.Reads, seen.Tunnels.Reads), Ask: checks.Linux(askDNAT),
	})
	checks.Register(checks.Check{
		ID: "firewall.clients", Step: "firewall", Title: "The mail host sees the client's own address",
		Page: checks.Page{
			Asks:    "Does the mail host see the address of who really connects? A connection is made from here to a forwarded port, and both hosts are asked, at the same time, whom they see.",
			OK:      "The mail host sees the client's own address, so bans, limits and reputation hit the one who earned them.",
			Fail:    "It sees another address, mostly the proxy's: one attacker gets everybody banned, and spam filters judge the proxy.",
			Unknown: "The port was not reached, or the connection could not be seen there; firewall.dnat tells more.",
			Skip:    "Masquerading was chosen (clients.addresses), so the proxy's address is what is to be seen.",
			Mends:   "The chapter Firewall keeps addresses. For a container also Docker's own proxy must be out of the way: userland-proxy off, and no IPv6 of Docker's.",
		},
		Guide: "firewall, Configuring NAT Rules in UFW",
		Reads: checks.Join(seen.Listeners.Reads, seen.Docker.Reads, seen.Addresses.Reads, seen.SSH.Reads, seen.Tunnels.Reads), Ask: checks.Linux(askClients),
	})
}

// forwarding is one forwarded port of one proxy to one mail host.
type forwarding struct {
	site.Service
	proxy, mail *site.Host
}

func forwardings(e *checks.Env) []forwarding {
	var all []forwarding
	for _, p := range e.Site.HostsOf(site.Proxy) {
		for _, m := range e.Site.HostsOf(site.Mail) {
			for _, s := range forwarded(e.Site) {
				all = append(all, forwarding{s, p, m})
			}
		}
	}
	return all
}

func (f forwarding) suffix(s *site.Site) string {
	return "." + f.Name + checks.Named(s, f.proxy) + checks.Named(s, f.mail)
}

// ready says why a forwarding cannot be asked about; else it gives the place to ask from.
func ready(e *checks.Env, f forwarding) (*checks.Vantage, error) {
	from, err := e.Outside(f.proxy)
	if err != nil {
		return nil, err
	}
	for _, h := range []*site.Host{f.proxy, f.mail} {
		if _, err := e.Look(h); err != nil {
			return from, err
		}
	}
	if !f.proxy.Public4.IsValid() {
		return from, fmt.Errorf("%s's public address is not known", f.proxy.Name)
	}
	return from, nil
}

func probeForward(ctx context.Context, e *checks.Env, from *checks.Vantage, f forwarding) checks.Probe {
	to := netip.AddrPortFrom(f.proxy.Public4, uint16(f.Port))
	return e.ProbeService(ctx, from, f.proxy, e.Hosts[f.proxy.Name], f.Service, to)
}

// askDNAT proves that what is dialled at the proxy comes out on the mail host: by a listener there, or by looking at who
// is connected there.
func askDNAT(ctx context.Context, e *checks.Env) []checks.Result {
	var asks []func() checks.Result
	for _, f := range forwardings(e) {
		asks = append(asks, func() checks.Result {
			q := checks.Question{Suffix: f.suffix(e.Site), From: checks.Here, Fix: "firewall", Want: fmt.Sprintf("what comes to %s:%d reaches %s", f.proxy.Public4, f.Port, f.mail.Name)}
			from, err := ready(e, f)
			if from != nil {
				q.From = from.Name
			}
			if err != nil {
				return q.Cannot(err)
			}
			if name := e.Unset(f.proxy, f.mail); name != "" {
				return q.Skip(notYet, name)
			}
			k := probeForward(ctx, e, from, f)
			if k.Answer != checks.Open || !k.Real {
				return judge(q, k, "it is not sent on, forwarding is denied, or the tunnel is down")
			}
			held := hold(ctx, e, from, f)
			switch {
			case held.err != nil:
				return q.Unknown("open, and whether the mail host answered could not be seen: "+checks.Why(held.err), "")
			case len(held.peers) == 0:
				return q.Fail("something answers, and on the mail host nobody is connected", "another program on the proxy answers, or it is sent elsewhere", k.Evidence())
			}
			return q.OK("open; %s on the mail host answered", cmp.Or(k.Process, "a service"))
		})
	}
	return checks.Together(asks)
}
