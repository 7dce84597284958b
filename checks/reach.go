package checks

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"postern/remote"
)

// answer is what a dial met. What each means was measured per cause and family; see the kinds.
type answer string

const (
	open     answer = "open"
	refused  answer = "refused"  // a reset, an ICMP port-unreachable or a local reject: these look alike
	dropped  answer = "dropped"  // nothing came back in time
	rejected answer = "rejected" // an ICMP error that only a filter sends, or no such neighbour
	noRoute  answer = "no route" // this place has no route there: it says nothing about the port
	noPlace  answer = "no place" // it cannot be asked from this place at all
	stopped  answer = "stopped"  // the run ended first
)

// These bound one dial; a silently dropped one through SSH never answers by itself. Where a listener is known to wait it
// may take longer: a lost packet is sent again after one second and after three.
const (
	dialTimeout   = 3 * time.Second
	listenTimeout = 4 * time.Second
)

// reached is the outcome of one dial. conn is set when it is open and the caller asked to keep it.
type reached struct {
	answer answer
	err    error
	local  netip.AddrPort // our end of it; invalid through SSH
	took   time.Duration
	conn   net.Conn
}

// dial opens one connection from a place, with its own timer, and tells what came of it. It need not wait until its limit
// once enough is closed; a nil one never is.
func dial(ctx context.Context, v *Vantage, to netip.AddrPort, limit time.Duration, enough <-chan struct{}, clock func() time.Time) reached {
	if v == nil || v.Dial == nil {
		return reached{answer: noPlace, err: errors.New("no way to connect from this place")}
	}
	timed, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	began := clock()
	got := make(chan dialled, 1)
	network := "tcp6"
	if to.Addr().Is4() {
		network = "tcp4"
	}
	if v.Name != Here {
		network = "tcp" // direct-tcpip knows no families
	}
	go func() {
		conn, err := v.Dial.DialContext(timed, network, to.String())
		got <- dialled{conn, err}
	}()
	var d dialled
	select {
	case d = <-got:
	case <-timed.Done():
		d = lastOf(ctx, got, timed.Err())
	case <-enough:
		d = lastOf(ctx, got, context.DeadlineExceeded)
	}
	if ctx.Err() != nil { // who asks no more reads no greeting either
		closeQuietly(d.conn)
		d = dialled{err: ctx.Err()}
	}
	r := reached{err: d.err, conn: d.conn, took: clock().Sub(began)}
	r.answer = classify(ctx, d.err)
	if d.conn != nil {
		if local, err := netip.ParseAddrPort(d.conn.LocalAddr().String()); err == nil && v.Name == Here {
			r.local = netip.AddrPortFrom(local.Addr().Unmap(), local.Port())
		}
	}
	return r
}

// dialled is what a dialer came back with.
type dialled struct {
	conn net.Conn
	err  error
}

// lastOf is what a dialer brings at the last moment, or that it was given up.
func lastOf(ctx context.Context, got <-chan dialled, why error) dialled {
	timer := time.NewTimer(lastMoment)
	defer timer.Stop()
	select {
	case d := <-got:
		return d
	case <-timer.C:
	case <-ctx.Done():
	}
	select { // both may be there by the time this machine looks
	case d := <-got:
		return d
	default:
	}
	go func() { // the dialer may still come back with a connection that nobody wants
		if late := <-got; late.conn != nil {
			late.conn.Close()
		}
	}()
	return dialled{err: why}
}

func classify(ctx context.Context, err error) answer {
	var timeout net.Error
	switch {
	case err == nil:
		return open
	case ctx.Err() != nil:
		return stopped
	case errors.Is(err, remote.ErrNoVantage), errors.Is(err, remote.ErrLost):
		return noPlace
	case errors.Is(err, syscall.ECONNREFUSED):
		return refused
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT):
		return noRoute
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EACCES):
		return rejected // ICMP admin-prohibited is EHOSTUNREACH over IPv4 and EACCES over IPv6
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		return dropped
	case errors.As(err, &timeout) && timeout.Timeout():
		return dropped
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return refused
	}
	return noPlace
}

// said is the outcome in the operator's words.
func (r reached) said() string {
	switch r.answer {
	case open:
		return "open"
	case refused:
		return "refused"
	case dropped:
		return "no answer"
	case rejected:
		return "rejected on the way"
	case noRoute:
		return "no route from there"
	case stopped:
		return "stopped before it answered"
	}
	return "cannot be asked: " + r.why()
}

func (r reached) why() string {
	if r.err == nil {
		return "no reason given"
	}
	return remote.Clean(strings.TrimSpace(r.err.Error())).Line(160)
}

// mute says that the dial tells nothing about the port.
func (r reached) mute() bool {
	return r.answer == noRoute || r.answer == noPlace || r.answer == stopped
}
