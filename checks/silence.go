package checks

import (
	"context"
	"net/netip"
	"time"

	"postern/site"
)

// A silent port was asked twice: a lost packet is sent again after one second (RFC 6298, 2), and its answer needs one way
// there and back. How long that takes, a port that does answer tells: a neighbour. Four times that is allowed, and no less
// than leastPatience; dialTimeout bounds it, and holds where no neighbour answers.
const (
	sentAgain     = time.Second
	leastPatience = 250 * time.Millisecond
	lastMoment    = 100 * time.Millisecond // for what arrived while a busy machine did not look
)

// patience is how long a dial may be silent before its port counts as closed, beside a neighbour's answer.
func patience(neighbour reached) (limit time.Duration, known bool) {
	if neighbour.answer != open && neighbour.answer != refused {
		return 0, false
	}
	return min(dialTimeout, sentAgain+max(4*neighbour.took, leastPatience)), true
}

// enough closes when a dial that began just now has been silent for longer than any answer would have taken. It never
// closes where no neighbour answers.
func (e *Env) enough(ctx context.Context, from *Vantage, to netip.AddrPort) <-chan struct{} {
	closed := make(chan struct{})
	limits := make(chan time.Duration)
	next := e.neighbours(from, to)
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	for _, n := range next {
		go func() {
			if limit, known := patience(e.knock(ctx, from, n, nil, netip.AddrPort{}).reached); known {
				select {
				case limits <- limit:
				case <-ctx.Done():
				}
			}
		}()
	}
	began := e.clock()
	go func() {
		defer cancel()
		var limit time.Duration
		select {
		case limit = <-limits:
		case <-ctx.Done():
			return
		}
		timer := time.NewTimer(limit - e.clock().Sub(began))
		defer timer.Stop()
		select {
		case <-timer.C:
			close(closed)
		case <-ctx.Done():
		}
	}()
	return closed
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
		_, ssh, err := sshOf(v.Facts)
		if err != nil || len(ssh) == 0 {
			continue
		}
		at := []netip.Addr{to.Addr()}
		if other := e.Site.Host(from.Name); other != nil && other.Role != h.Role {
			at = append(at, e.Site.TunnelAddress(h))
		}
		for _, a := range at {
			if n := netip.AddrPortFrom(a, uint16(ssh[0])); n != to {
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
	a, err := addressesOf(v.Facts)
	return err == nil && a.has(to)
}
