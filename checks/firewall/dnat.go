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
		ID: "firewall.dnat", Rests: []string{"firewall.open", "firewall.active", "firewall.rules", "firewall.forwarding", "tunnel.tcp", "tunnel.routing"}, Step: "firewall", Title: "Mail clients reach the mail host through the proxy",
		Page: checks.Page{
			Asks:    "Does what comes to the proxy's public ports for mail programs come out on the mail host? The port is dialled from here, and the mail host is asked whether that very connection is there; where no service listens yet, a listener is put there for a moment.",
			OK:      "It reaches the mail host.",
			Fail:    "The port is silent, or something on the proxy itself answers in the mail host's place.",
			Unknown: "It is open, and what answered could not be seen.",
			Skip:    "The port is limited to sources (from.NAME) that this place is not among, or it waits for the tunnel.",
			Mends:   "The chapter Firewall forwards the ports; the tunnel (chapter WireGuard) must be up for it.",
		},
		Guide: "firewall, Port Forwarding Configuration",
		Reads: checks.Join(checks.ListenReads, seen.Addresses.Reads, seen.SSH.Reads, seen.Tunnels.Reads), Ask: checks.Linux(askDNAT),
	})
	checks.Register(checks.Check{
		ID: "firewall.clients", Rests: []string{"firewall.dnat"}, Step: "firewall", Title: "The mail host sees the client's own address",
		Page: checks.Page{
			Asks:    "Does the mail host see the address of who really connects? A connection is made from here to a forwarded port, and both hosts are asked, at the same time, whom they see.",
			OK:      "The mail host sees the client's own address, so bans, limits and reputation hit the one who earned them.",
			Fail:    "It sees another address, mostly the proxy's: one attacker gets everybody banned, and spam filters judge the proxy.",
			Unknown: "The port was not reached, or the connection could not be seen there; firewall.dnat tells more.",
			Skip:    "Masquerading was chosen (clients.addresses), so the proxy's address is what is to be seen. Or the port is limited to sources that this place is not among.",
			Mends:   "The chapter Firewall keeps addresses. For a container also Docker's own proxy must be out of the way: userland-proxy off, and no IPv6 of Docker's.",
		},
		Guide: "firewall, Configuring NAT Rules in UFW",
		Reads: checks.Join(checks.ListenReads, seen.Addresses.Reads, seen.SSH.Reads, seen.Tunnels.Reads), Ask: checks.Linux(askClients),
	})
}

// forwarding is one forwarded port of one proxy to one mail host, and the place that it is dialled from.
type forwarding struct {
	site.Service
	proxy, mail *site.Host
	from        *checks.Vantage
	mine        netip.Addr // under which the proxy sees that place
	unseen      error      // why that is not known
}

// eachForwarding asks the same of every forwarded port, all at once, where it can be asked about.
func eachForwarding(ctx context.Context, e *checks.Env, want func(forwarding) string, ask func(checks.Question, forwarding) checks.Result) []checks.Result {
	var asks []func() checks.Result
	for _, p := range e.Site.HostsOf(site.Proxy) {
		for _, m := range e.Site.HostsOf(site.Mail) {
			for _, s := range forwarded(e.Site) {
				f := forwarding{Service: s, proxy: p, mail: m}
				q := checks.Question{Suffix: "." + f.Name + checks.Named(e.Site, p) + checks.Named(e.Site, m), From: checks.Here, Fix: "firewall", Want: want(f)}
				asks = append(asks, func() checks.Result {
					err := f.ready(e)
					if f.from != nil {
						q.From = f.from.Name
					}
					if err != nil {
						return q.Cannot(err)
					}
					if name := e.Unset(p, m); name != "" {
						return q.Skip(notYet, name)
					}
					if why := e.Blind(f.from, f.public()); why != "" {
						return q.Skip("%s", why)
					}
					f.mine, f.unseen = seenAs(ctx, e, f.from, p)
					if len(f.From) > 0 && (f.unseen != nil || !seen.Inside(f.From, f.mine)) {
						return q.Skip("it is open to %s only, which %s is not, as far as is known", seen.Joined(f.From), f.from.Name)
					}
					return ask(q, f)
				})
			}
		}
	}
	return checks.Together(asks)
}

// ready finds the place to ask from; an error says why a forwarding cannot be asked about.
func (f *forwarding) ready(e *checks.Env) (err error) {
	if f.from, err = e.Outside(f.proxy); err != nil {
		return err
	}
	for _, h := range []*site.Host{f.proxy, f.mail} {
		if _, err := e.Look(h); err != nil {
			return err
		}
	}
	if !f.proxy.Public4.IsValid() {
		return fmt.Errorf("%s's public address is not known", f.proxy.Name)
	}
	return nil
}

// public is where the world dials it.
func (f forwarding) public() netip.AddrPort {
	return netip.AddrPortFrom(f.proxy.Public4, uint16(f.Port))
}

func (f forwarding) probe(ctx context.Context, e *checks.Env) checks.Probe {
	return e.ProbeService(ctx, f.from, f.proxy, e.Hosts[f.proxy.Name], f.Service, f.public())
}

// askDNAT proves that what is dialled at the proxy comes out on the mail host: by a listener there, or by looking at who
// is connected there.
func askDNAT(ctx context.Context, e *checks.Env) []checks.Result {
	want := func(f forwarding) string { return fmt.Sprintf("what comes to %s reaches %s", f.public(), f.mail.Name) }
	return eachForwarding(ctx, e, want, func(q checks.Question, f forwarding) checks.Result {
		k := f.probe(ctx, e)
		q.Rests = append([]string{"firewall.open." + f.Name}, restsOn(e, f.proxy, e.Hosts[f.proxy.Name], f.Service, false)...)
		if k.Answer != checks.Open || !k.Real {
			return judge(q, k, "it is not sent on, forwarding is denied, or the tunnel is down")
		}
		peers, err := f.peers(ctx, e)
		switch {
		case err != nil:
			return q.Unknown("open, and whether the mail host answered could not be seen: "+checks.Why(err), "")
		case len(peers) == 0:
			return q.Fail("something answers, and on the mail host nobody is connected", "another program on the proxy answers, or it is sent elsewhere", k.Evidence())
		}
		return q.OK("open; %s on the mail host answered", cmp.Or(k.Process, "a service"))
	})
}
