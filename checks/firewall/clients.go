package firewall

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

// peers are who is connected to the port on the mail host while a connection of ours is open, and was not before. Others connect, too, as
// they like: where we are not seen under our own address, as far as that is known, only who comes a second time with us counts.
func (f forwarding) peers(ctx context.Context, e *checks.Env) ([]netip.Addr, error) {
	first, err := f.fresh(ctx, e)
	if err != nil || slices.Contains(first, f.mine) || len(first) == 0 {
		return first, err
	}
	again, err := f.fresh(ctx, e)
	if err != nil || slices.Contains(again, f.mine) {
		return again, err
	}
	return slices.DeleteFunc(again, func(p netip.Addr) bool { return !slices.Contains(first, p) }), nil
}

// fresh are who came while one connection of ours was open; our own address is waited for, where it is known.
func (f forwarding) fresh(ctx context.Context, e *checks.Env) ([]netip.Addr, error) {
	v, err := e.Look(f.mail)
	if err != nil {
		return nil, err
	}
	before, err := checks.Ask(ctx, e.Site, v, seen.Peers(f.Port))
	if err != nil {
		return nil, err
	}
	conn, err := e.Connect(ctx, f.from, f.public())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	for wait := sightEvery; ; wait *= 2 {
		after, err := checks.Ask(ctx, e.Site, v, seen.Peers(f.Port))
		if err != nil {
			return nil, err
		}
		var came []netip.Addr
		for p := range after {
			if !before[p] {
				came = append(came, p.Addr())
			}
		}
		if slices.Contains(came, f.mine) || len(came) > 0 && !f.mine.IsValid() || wait > sightMost {
			return came, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
		}
	}
}

// A connection stands at the client one packet sooner than at the server, which may wait for that one: so who is not seen
// there is looked for again, after sightEvery and then ever later, until a wait would be longer than sightMost.
const (
	sightEvery = 50 * time.Millisecond
	sightMost  = 800 * time.Millisecond
)

// askClients compares the address that the mail host sees with the one that the proxy sees for the same client.
func askClients(ctx context.Context, e *checks.Env) []checks.Result {
	if e.Site.Clients.Addresses == "masquerade" {
		return []checks.Result{checks.Question{From: checks.Here}.Skip("masquerade was chosen: the mail host sees the proxy for every client")}
	}
	want := func(forwarding) string { return "the client's own address at the mail host" }
	return eachForwarding(ctx, e, want, func(q checks.Question, f forwarding) checks.Result {
		if f.unseen != nil {
			return q.Cannot(f.unseen)
		}
		q.Want, q.Rests = f.mine.String()+" at the mail host, as the proxy sees it", []string{"firewall.dnat." + f.Name}
		k := f.probe(ctx, e)
		if k.Answer != checks.Open {
			return q.Unknown(fmt.Sprintf("%d is not reached: %s", f.Port, k.Said()), "firewall.dnat tells why")
		}
		var peers []netip.Addr
		for _, p := range k.Peers {
			peers = append(peers, p.Addr())
		}
		if k.Real {
			var err error
			if peers, err = f.peers(ctx, e); err != nil {
				return q.Unknown("what the mail host sees could not be read: "+checks.Why(err), "")
			}
		}
		return compare(q, e.Site, peers, f.mine)
	})
}

func compare(q checks.Question, s *site.Site, peers []netip.Addr, mine netip.Addr) checks.Result {
	var others []string
	for _, p := range peers {
		if p == mine {
			return q.OK("the mail host sees %s", mine)
		}
		others = append(others, p.String())
	}
	if len(others) == 0 {
		return q.Unknown("the mail host saw nobody", "another program answered; firewall.dnat tells more")
	}
	likely := "its source is rewritten on the way"
	for _, p := range peers {
		switch {
		case p == s.Tunnel.Proxy:
			likely = "the proxy masquerades: bans, rate limits and reputation hit everybody at once"
		case p.IsPrivate():
			likely = "Docker's own proxy answers for the container, which happens over IPv6 and with userland-proxy"
		}
	}
	return q.Fail("the mail host sees "+strings.Join(slices.Sorted(slices.Values(others)), ", "), likely, "")
}

// seenAs is the address under which the proxy sees a place: from the program's own SSH connection, or from a throw-away
// listener on the proxy.
func seenAs(ctx context.Context, e *checks.Env, from *checks.Vantage, p *site.Host) (netip.Addr, error) {
	v, err := e.Look(p)
	if err != nil {
		return netip.Addr{}, err
	}
	via, err := seen.SSH.Of(v.Facts)
	if err == nil && from.Name == checks.Here && e.Direct(via) && via.Client.Addr().Is4() {
		return via.Client.Addr(), nil
	}
	for _, s := range site.Services(e.Site) {
		if s.Forwarded || len(s.From) > 0 {
			continue
		}
		k := e.ProbeService(ctx, from, p, v, s, netip.AddrPortFrom(p.Public4, uint16(s.Port)))
		if k.Ours && len(k.Peers) > 0 {
			return k.Peers[0].Addr(), nil
		}
	}
	return netip.Addr{}, fmt.Errorf("it is not known under which address the proxy sees %s", from.Name)
}
