package checks

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"postern/seen"
	"postern/site"
)

// held is who is connected to a port of the mail host while a connection of ours is open.
type held struct {
	peers []netip.Addr
	err   error
}

// hold opens a connection to a forwarded port and, while it stands, looks who is connected on the mail host.
func (e *Env) hold(ctx context.Context, from *Vantage, f forwarding) held {
	v, err := e.look(f.mail)
	if err != nil {
		return held{err: err}
	}
	before, err := askNow(ctx, e.Site, v, seen.Peers(f.Port))
	if err != nil {
		return held{err: err}
	}
	r := e.dialKeep(ctx, from, netip.AddrPortFrom(f.proxy.Public4, uint16(f.Port)), listenTimeout)
	if r.conn == nil {
		return held{err: fmt.Errorf("a second connection was %s", r.said())}
	}
	defer r.conn.Close()
	for wait := sightEvery; ; wait *= 2 {
		after, err := askNow(ctx, e.Site, v, seen.Peers(f.Port))
		if err != nil {
			return held{err: err}
		}
		var fresh []netip.Addr
		for p := range after {
			if !before[p] {
				fresh = append(fresh, p.Addr())
			}
		}
		if len(fresh) > 0 || wait > sightMost {
			return held{peers: fresh}
		}
		select {
		case <-ctx.Done():
			return held{err: ctx.Err()}
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
func askClients(ctx context.Context, e *Env) []Result {
	if e.Site.Clients.Addresses == "masquerade" {
		return []Result{question{from: Here}.skip("masquerade was chosen: the mail host sees the proxy for every client")}
	}
	var asks []func() Result
	for _, f := range e.forwardings() {
		asks = append(asks, func() Result { return e.askClient(ctx, f) })
	}
	return together(asks)
}

func (e *Env) askClient(ctx context.Context, f forwarding) Result {
	q := question{suffix: f.suffix(e.Site), from: Here, fix: "firewall", want: "the client's own address at the mail host"}
	from, err := e.ready(f)
	if from != nil {
		q.from = from.Name
	}
	if err != nil {
		return q.cannot(err)
	}
	if name := e.unset(f.proxy, f.mail); name != "" {
		return q.skip(notYet, name)
	}
	mine, err := e.seenAs(ctx, from, f.proxy)
	if err != nil {
		return q.cannot(err)
	}
	q.want = mine.String() + " at the mail host, as the proxy sees it"
	k := e.knockForward(ctx, from, f)
	if k.answer != open {
		return q.unknown(fmt.Sprintf("%d is not reached: %s", f.Port, k.said()), "firewall.dnat tells why")
	}
	var peers []netip.Addr
	for _, p := range k.peers {
		peers = append(peers, p.Addr())
	}
	if k.real {
		held := e.hold(ctx, from, f)
		if held.err != nil {
			return q.unknown("what the mail host sees could not be read: "+reached{err: held.err}.why(), "")
		}
		peers = held.peers
	}
	return q.compare(e.Site, peers, mine)
}

func (q question) compare(s *site.Site, peers []netip.Addr, mine netip.Addr) Result {
	var others []string
	for _, p := range peers {
		if p == mine {
			return q.ok("the mail host sees %s", mine)
		}
		others = append(others, p.String())
	}
	if len(others) == 0 {
		return q.unknown("the mail host saw nobody", "another program answered; firewall.dnat tells more")
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
	return q.fail("the mail host sees "+strings.Join(slices.Sorted(slices.Values(others)), ", "), likely, "")
}

// seenAs is the address under which the proxy sees a place: from the program's own SSH connection, or from a throw-away
// listener on the proxy.
func (e *Env) seenAs(ctx context.Context, from *Vantage, p *site.Host) (netip.Addr, error) {
	v, err := e.look(p)
	if err != nil {
		return netip.Addr{}, err
	}
	via, err := seen.SSH.Of(v.Facts)
	if err == nil && from.Name == Here && direct(e, via) && via.Client.Addr().Is4() {
		return via.Client.Addr(), nil
	}
	for _, s := range site.Services(e.Site) {
		if s.Forwarded || len(s.From) > 0 {
			continue
		}
		k := e.knockService(ctx, from, p, v, s, netip.AddrPortFrom(p.Public4, uint16(s.Port)))
		if k.ours && len(k.peers) > 0 {
			return k.peers[0].Addr(), nil
		}
	}
	return netip.Addr{}, fmt.Errorf("it is not known under which address the proxy sees %s", from.Name)
}
