package checks

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"postern/seen"
	"postern/site"
)

// A silent port is asked three times before it counts as closed, each time for as long as an answer may take: four times as
// long as the way there and back takes, and no less than leastTimeout. Where nothing tells how long that is it is asked once,
// and waited for until dialTimeout: so long the kernel asks it again by itself (RFC 6298, 2).
const (
	tries        = 3
	leastTimeout = 150 * time.Millisecond
	hastyTimeout = 300 * time.Millisecond
	lastMoment   = 100 * time.Millisecond // for what arrived while a busy machine did not look
)

// dialSilence dials what may well be silent, and waits no longer than the way makes needed.
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
	each, known := time.Duration(0), make(chan time.Duration, 1)
	go func() {
		if way, told := e.there(ctx, from, to); told {
			known <- min(dialTimeout/tries, max(4*way, leastTimeout))
		}
	}()
	var turn <-chan time.Time
	for waiting := 1; ; {
		select {
		case r := <-answers:
			if waiting--; waiting == 0 || r.Answer != Dropped {
				r.Took = e.clock().Sub(began)
				return r
			}
		case each = <-known:
			turn = time.After(each - e.clock().Sub(began))
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

// there is how long it takes to an address and back. Through the tunnel that is what the sshd at its other end takes to answer: a
// tunnel may be down. Else it is no longer than over this machine, by the logins that stand.
func (e *Env) there(ctx context.Context, from *Vantage, to netip.AddrPort) (time.Duration, bool) {
	for _, h := range e.Site.Hosts {
		v, err := e.Look(h)
		if err != nil || v.Alive == nil || !e.holds(h, v, to.Addr()) {
			continue
		}
		between := from.Name != Here && from.Name != h.Name
		if ssh, err := seen.SSH.Of(v.Facts); between && e.inTunnel(h, to.Addr()) {
			if err != nil || len(ssh.Ports) == 0 || int(to.Port()) == ssh.Ports[0] {
				return 0, false
			}
			r := e.Probe(ctx, from, netip.AddrPortFrom(e.Site.TunnelAddress(h), uint16(ssh.Ports[0])), nil, netip.AddrPort{})
			return r.Took, r.Answer == Open || r.Answer == Refused
		}
		way, err := e.answers(ctx, v)
		if between {
			first, lost := e.answers(ctx, from)
			way, err = way+first, errors.Join(err, lost)
		}
		return way, err == nil
	}
	return 0, false
}

// answers is how long a host takes for a sign of life over the login that stands, measured once per Run.
func (e *Env) answers(ctx context.Context, v *Vantage) (time.Duration, error) {
	r, err := once(ctx, &e.asked, "a sign of life of "+v.Name, func(run context.Context) Reached {
		began := e.clock()
		err := v.Alive(run)
		return Reached{Err: err, Took: e.clock().Sub(began)}
	})
	return r.Took, errors.Join(err, r.Err)
}

// holds says whether what is sent to an address comes to the host.
func (e *Env) holds(h *site.Host, v *Vantage, to netip.Addr) bool {
	a, err := seen.Addresses.Of(v.Facts)
	return to == h.Public4 || to == h.Public6 || to == e.Public4(h, v) || err == nil && a.Holder(to) != ""
}
