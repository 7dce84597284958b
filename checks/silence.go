package checks

import (
	"context"
	"net/netip"
	"time"

	"postern/seen"
	"postern/site"
)

// A silent port is asked three times before it counts as closed, each time for as long as an answer may take. That a
// neighbour tells, a port beside it that does answer: four times as long as that one took, and no less than leastPatience.
// Where no neighbour answers it is asked once, and waited for until dialTimeout: so long the kernel asks it again by itself
// (RFC 6298, 2).
const (
	tries         = 3
	leastPatience = 150 * time.Millisecond
	hastyTimeout  = 300 * time.Millisecond
	lastMoment    = 100 * time.Millisecond // for what arrived while a busy machine did not look
)

// patience is how long one answer may take, by what a neighbour's took; known is false when the neighbour gave none.
func patience(neighbour reached) (limit time.Duration, known bool) {
	if neighbour.answer != open && neighbour.answer != refused {
		return 0, false
	}
	return min(dialTimeout/tries, max(4*neighbour.took, leastPatience)), true
}

// dialSilence dials what may well be silent, and waits no longer than its neighbours make needed.
func (e *Env) dialSilence(ctx context.Context, from *Vantage, to netip.AddrPort) reached {
	leave, err := e.probes.gate(ctx, "dial "+from.Name, atOnce)
	if err != nil {
		return reached{answer: stopped, err: err}
	}
	defer leave()
	limit, most := dialTimeout, tries
	if e.Hasty {
		limit, most = hastyTimeout, 1
	}
	answers, enough := make(chan reached, tries), make(chan struct{})
	ask := func() { answers <- dial(ctx, from, to, limit, enough, e.clock) }
	go ask()
	began, asked := e.clock(), 1
	each, known := time.Duration(0), e.neighbourly(ctx, from, to)
	var turn <-chan time.Time
	for waiting := 1; ; {
		select {
		case r := <-answers:
			closeQuietly(r.conn)
			if waiting--; waiting == 0 || r.answer != dropped {
				go forget(answers, waiting)
				r.conn, r.took = nil, e.clock().Sub(began)
				return r
			}
		case each = <-known:
			known, turn = nil, time.After(each-e.clock().Sub(began))
		case <-turn:
			if turn = nil; asked == most {
				close(enough)
				continue
			}
			asked, waiting, turn = asked+1, waiting+1, time.After(each)
			go ask()
		}
	}
}

// forget closes what comes of dials that nobody waits for any more.
func forget(answers <-chan reached, waiting int) {
	for range waiting {
		r := <-answers
		closeQuietly(r.conn)
	}
}

// neighbourly asks what answers beside to, and tells the patience that the first answer makes right. Where none answers it
// never does.
func (e *Env) neighbourly(ctx context.Context, from *Vantage, to netip.AddrPort) <-chan time.Duration {
	next := e.neighbours(from, to)
	found := make(chan time.Duration, len(next))
	for _, n := range next {
		go func() {
			if limit, known := patience(e.knock(ctx, from, n, nil, netip.AddrPort{}).reached); known {
				found <- limit
			}
		}()
	}
	return found
}

// neighbours are what answers over the same way as to: SSH at the same address, and SSH through the tunnel, which leads to
// the same host from the host at its other end.
func (e *Env) neighbours(from *Vantage, to netip.AddrPort) []netip.AddrPort {
	var found []netip.AddrPort
	for _, h := range e.Site.Hosts {
		v, err := e.look(h)
		if err != nil || !e.holds(h, v, to.Addr()) {
			continue
		}
		ssh, err := seen.SSH.Of(v.Facts)
		if err != nil || len(ssh.Ports) == 0 {
			continue
		}
		at := []netip.Addr{to.Addr()}
		if other := e.Site.Host(from.Name); other != nil && other.Role != h.Role {
			at = append(at, e.Site.TunnelAddress(h))
		}
		for _, a := range at {
			if n := netip.AddrPortFrom(a, uint16(ssh.Ports[0])); n != to {
				found = append(found, n)
			}
		}
	}
	return found
}

// holds says whether what is sent to an address comes to the host.
func (e *Env) holds(h *site.Host, v *Vantage, to netip.Addr) bool {
	if to == h.Public4 || to == h.Public6 || to == e.public4(h, v) {
		return true
	}
	a, err := seen.Addresses.Of(v.Facts)
	return err == nil && a.Holder(to) != ""
}
