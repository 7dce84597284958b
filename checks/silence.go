package checks

import (
	"context"
	"net/netip"
	"time"

	"postern/seen"
	"postern/site"
)

// A silent port is asked three times before it counts as closed, each time for as long as an answer may take. That a
// neighbour tells, a port beside it that does answer: four times as long as that one took, and no less than leastTimeout.
// Where no neighbour answers it is asked once, and waited for until dialTimeout: so long the kernel asks it again by itself
// (RFC 6298, 2).
const (
	tries        = 3
	leastTimeout = 150 * time.Millisecond
	hastyTimeout = 300 * time.Millisecond
	lastMoment   = 100 * time.Millisecond // for what arrived while a busy machine did not look
)

// timeoutBeside is how long one answer may take, by what a neighbour's took; known is false when the neighbour gave none.
func timeoutBeside(neighbour Reached) (limit time.Duration, known bool) {
	if neighbour.Answer != Open && neighbour.Answer != Refused {
		return 0, false
	}
	return min(dialTimeout/tries, max(4*neighbour.Took, leastTimeout)), true
}

// dialSilence dials what may well be silent, and waits no longer than its neighbours make needed.
func (e *Env) dialSilence(ctx context.Context, from *Vantage, to netip.AddrPort) Reached {
	leave, err := e.asked.gate(ctx, "dial "+from.Name, atOnce)
	if err != nil {
		return Reached{Answer: Stopped, Err: err}
	}
	defer leave()
	limit, most := dialTimeout, tries
	if e.Hasty {
		limit, most = hastyTimeout, 1
	}
	answers, enough := make(chan Reached, tries), make(chan struct{})
	ask := func() {
		conn, r := dial(ctx, from, to, limit, enough, e.clock)
		closeQuietly(conn)
		answers <- r
	}
	began, asked := e.clock(), 1
	go ask()
	each, known := time.Duration(0), e.timeouts(ctx, from, to)
	var turn <-chan time.Time
	for waiting := 1; ; {
		select {
		case r := <-answers:
			if waiting--; waiting == 0 || r.Answer != Dropped {
				r.Took = e.clock().Sub(began)
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

// timeouts asks what answers beside to, and tells the timeout that each answer makes right. Where none answers it
// never does.
func (e *Env) timeouts(ctx context.Context, from *Vantage, to netip.AddrPort) <-chan time.Duration {
	next := e.neighbours(from, to)
	found := make(chan time.Duration, len(next))
	for _, n := range next {
		go func() {
			if limit, known := timeoutBeside(e.Probe(ctx, from, n, nil, netip.AddrPort{}).Reached); known {
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
		v, err := e.Look(h)
		if err != nil || !e.holds(h, v, to.Addr()) {
			continue
		}
		ssh, err := seen.SSH.Of(v.Facts)
		if err != nil || len(ssh.Ports) == 0 {
			continue
		}
		at := []netip.Addr{to.Addr()}
		if v.Login != nil && from.Name != Here { // no login of its own only to know how long an answer takes
			at = nil
		}
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
	if to == h.Public4 || to == h.Public6 || to == e.Public4(h, v) {
		return true
	}
	a, err := seen.Addresses.Of(v.Facts)
	return err == nil && a.Holder(to) != ""
}
