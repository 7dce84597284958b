package checks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"postern/remote"
)

// Answer is what a dial met. What each means was measured per cause and family; see the kinds.
type Answer string

// The answers.
const (
	Open     Answer = "open"
	Refused  Answer = "refused"  // a reset, an ICMP port-unreachable or a local reject: these look alike
	Dropped  Answer = "dropped"  // nothing came back in time
	Rejected Answer = "rejected" // an ICMP error that only a filter sends, or no such neighbour
	NoRoute  Answer = "no route" // this place has no route there: it says nothing about the port
	NoPlace  Answer = "no place" // it cannot be asked from this place at all
	Stopped  Answer = "stopped"  // the run ended first
)

// These bound one dial; a silently dropped one through SSH never answers by itself. Where a listener is known to wait it
// may take longer: a lost packet is sent again after one second and after three.
const (
	dialTimeout   = 3 * time.Second
	listenTimeout = 4 * time.Second
	lastAnswer    = 10 * time.Second // until a dialer whose time is over has come back
	atOnce        = 64               // dials from one place, each of which takes a channel of the one SSH connection there
)

// Reached is the outcome of one dial.
type Reached struct {
	Answer Answer
	Err    error
	Took   time.Duration
}

// dial opens one connection from a place, with its own timer, and tells what came of it. It need not wait until its limit
// once enough is closed; a nil one never is.
func dial(ctx context.Context, v *Vantage, to netip.AddrPort, limit time.Duration, enough <-chan struct{}, clock func() time.Time) (net.Conn, Reached) {
	if v == nil || v.Dial == nil {
		return nil, Reached{Answer: NoPlace, Err: errors.New("no way to connect from this place")}
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
		d = lastOf(ctx, got)
	case <-enough:
		time.AfterFunc(lastMoment, cancel)
		d = lastOf(ctx, got)
	}
	if ctx.Err() != nil { // who asks no more reads no greeting either
		closeQuietly(d.conn)
		d = dialled{err: ctx.Err()}
	}
	return d.conn, Reached{classify(ctx, d.err), d.err, clock().Sub(began)}
}

// dialOnce dials where a listener waits, and hangs up.
func (e *Env) dialOnce(ctx context.Context, from *Vantage, to netip.AddrPort) Reached {
	conn, r := e.Dial(ctx, from, to)
	closeQuietly(conn)
	return r
}

// Dial opens a connection to where a listener waits, or tells what came of it.
func (e *Env) Dial(ctx context.Context, from *Vantage, to netip.AddrPort) (net.Conn, Reached) {
	leave, err := e.asked.gate(ctx, "dial "+from.Name, atOnce)
	if err != nil {
		return nil, Reached{Answer: Stopped, Err: err}
	}
	defer leave()
	return dial(ctx, from, to, listenTimeout, nil, e.clock)
}

// Connect opens a connection to where a listener waits, for who has something to look at while it stands.
func (e *Env) Connect(ctx context.Context, from *Vantage, to netip.AddrPort) (net.Conn, error) {
	conn, r := e.Dial(ctx, from, to)
	if conn == nil {
		return nil, fmt.Errorf("a second connection was %s", r.Said())
	}
	return conn, nil
}

func closeQuietly(c net.Conn) {
	if c != nil {
		c.Close()
	}
}

// dialled is what a dialer came back with.
type dialled struct {
	conn net.Conn
	err  error
}

// lastOf is what a dialer comes back with once its time is over: one on a host sees to it that silence is the far side's.
func lastOf(ctx context.Context, got <-chan dialled) dialled {
	timer := time.NewTimer(lastAnswer)
	defer timer.Stop()
	select {
	case d := <-got:
		if errors.Is(d.err, context.Canceled) { // by us: it was enough
			d.err = context.DeadlineExceeded
		}
		return d
	case <-timer.C:
	case <-ctx.Done():
	}
	go func() { closeQuietly((<-got).conn) }() // it may still come back with a connection that nobody wants
	return dialled{err: remote.ErrNoVantage}
}

func classify(ctx context.Context, err error) Answer {
	var timeout net.Error
	switch {
	case err == nil:
		return Open
	case ctx.Err() != nil:
		return Stopped
	case errors.Is(err, remote.ErrNoVantage), errors.Is(err, remote.ErrLost):
		return NoPlace
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT), errors.Is(err, syscall.EINVAL): // the last of a route that is a black hole
		return NoRoute
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EACCES):
		return Rejected // ICMP admin-prohibited is EHOSTUNREACH over IPv4 and EACCES over IPv6
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		return Dropped
	case errors.As(err, &timeout) && timeout.Timeout():
		return Dropped
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return Refused
	}
	return NoPlace
}

// Said is the outcome in the operator's words.
func (r Reached) Said() string {
	switch r.Answer {
	case Open:
		return "open"
	case Refused:
		return "refused"
	case Dropped:
		return "no answer"
	case Rejected:
		return "rejected on the way"
	case NoRoute:
		return "no route from there"
	case Stopped:
		return "stopped before it answered"
	}
	return "cannot be asked: " + Why(r.Err)
}

// Mute says that the dial tells nothing about the port.
func (r Reached) Mute() bool {
	return r.Answer == NoRoute || r.Answer == NoPlace || r.Answer == Stopped
}
