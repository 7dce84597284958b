package checks

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"postern/remote"
	"postern/seen"
)

// listenAtOnce bounds the throw-away listeners on one host.
const (
	listenAtOnce = 12
	peerTimeout  = 2 * time.Second
)

// probeOurs dials while a listener of ours waits where it should arrive. One dial per listener at a time: so whoever it
// sees meanwhile is us.
func (e *Env) probeOurs(ctx context.Context, v, from *Vantage, to, arrive netip.AddrPort) (p Probe) {
	next, err := e.asked.gate(ctx, portOf{v.Name, arrive}, 1)
	if err != nil {
		p.Reached = Reached{Answer: Stopped, Err: err}
		return p
	}
	defer next()
	listener, leave, err := e.listen(ctx, v, arrive)
	taken := errors.Is(err, syscall.EADDRINUSE) // something has begun to listen since the host was looked at
	if err != nil && !taken {
		p.NoListener, p.Reached = err, e.dialOnce(ctx, from, to)
		return p
	}
	if err == nil {
		defer leave()
	}
	conn, r := e.Dial(ctx, from, to)
	p.Ours, p.Reached = !taken, r
	if conn != nil {
		defer conn.Close()
		p.Peers = greeted(ctx, conn)
	}
	switch {
	case taken: // a throw-away listener of another run of ours, or something real
		p.Ours, p.Real = len(p.Peers) > 0, len(p.Peers) == 0
	case conn != nil && len(p.Peers) == 0:
		p.Peers = peersOf(ctx, listener.Peers)
	}
	return p
}

// greeting is the first word of what a throw-away listener says.
const greeting = "postern"

// StoodIn says of what comes first over a connection that it is the greeting of a throw-away listener, so that nobody else is there.
func StoodIn(in *bufio.Reader) bool {
	first, _ := in.Peek(3) // a server's first line may be as short
	if string(first) == greeting[:3] {
		first, _ = in.Peek(len(greeting) + 1)
	}
	return string(first) == greeting+" "
}

// StoodInTLS says of an error of a TLS handshake that such a greeting came instead.
func StoodInTLS(err error) bool {
	var not tls.RecordHeaderError
	return errors.As(err, &not) && string(not.RecordHeader[:]) == greeting[:len(not.RecordHeader)]
}

// greeted is who our listener says we are: it greets with "postern ADDRESS PORT". That came over our very connection, so
// nobody else is meant.
func greeted(ctx context.Context, c net.Conn) []netip.AddrPort {
	line := make(chan string, 1)
	go func() { // a connection through SSH knows no deadline; closing it ends the read
		text, _ := bufio.NewReader(io.LimitReader(c, 200)).ReadString('\n')
		line <- text
	}()
	timer := time.NewTimer(peerTimeout)
	defer timer.Stop()
	select {
	case text := <-line:
		if w := strings.Fields(text); len(w) == 3 && w[0] == greeting {
			if p, err := netip.ParseAddrPort(net.JoinHostPort(w[1], w[2])); err == nil {
				return []netip.AddrPort{netip.AddrPortFrom(p.Addr().Unmap(), p.Port())}
			}
		}
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil
}

// peersOf collects who connected: the first within peerTimeout, and those that were already waiting with it.
func peersOf(ctx context.Context, from <-chan netip.AddrPort) []netip.AddrPort {
	var peers []netip.AddrPort
	timer := time.NewTimer(peerTimeout)
	defer timer.Stop()
	for {
		select {
		case p, ok := <-from:
			if !ok {
				return peers
			}
			peers = append(peers, netip.AddrPortFrom(p.Addr().Unmap(), p.Port()))
			timer.Reset(0)
		case <-timer.C:
			return peers
		case <-ctx.Done():
			return peers
		}
	}
}

// listen puts a throw-away listener on a host; leave takes it away.
func (e *Env) listen(ctx context.Context, v *Vantage, at netip.AddrPort) (*remote.Listener, func(), error) {
	if v.Listen == nil {
		return nil, nil, fmt.Errorf("nothing can be made to listen on %s", v.Name)
	}
	leave, err := e.asked.gate(ctx, "listen "+v.Name, listenAtOnce)
	if err != nil {
		return nil, nil, err
	}
	err = e.settledDown(ctx, v)
	var l *remote.Listener
	if err == nil {
		l, err = v.Listen(ctx, "tcp", at.String())
	}
	if err != nil {
		leave()
		return nil, nil, err
	}
	return l, func() { l.Close(); leave() }, nil
}

// starts bounds how often a check asks, a second apart, whether a host still starts services.
const starts = 15

// settledDown waits until a host starts no service any more: one that comes to its port while a listener of ours is there ends, and at
// a boot nobody starts it again. A host whose look told of none is not asked again. It is an error where that takes too long.
func (e *Env) settledDown(ctx context.Context, v *Vantage) error {
	type (
		key   struct{ host string }
		ended struct{ err error }
	)
	if names, err := seen.Starting.Of(v.Facts); v.Run == nil || err == nil && len(names) == 0 {
		return nil
	}
	is, err := Once(ctx, e, key{v.Name}, func(ctx context.Context) ended {
		for asked := 1; ; asked++ {
			names, err := Ask(ctx, e.Site, v, seen.Starting)
			if err == nil && len(names) > 0 && asked == starts {
				err = fmt.Errorf("%s is being started, and may want the port itself: ask again when it is", Few(names))
			}
			if err != nil || len(names) == 0 {
				return ended{err}
			}
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return ended{ctx.Err()}
			}
		}
	})
	return errors.Join(err, is.err)
}
