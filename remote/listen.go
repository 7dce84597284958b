package remote

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// listenMost bounds how long starting a listener may take.
const listenMost = 15 * time.Second

// Listen opens a throw-away listener on the host, at a literal address ("0.0.0.0:993", "[2001:db8::1]:993"; port 0 takes a
// free one) of network tcp4 or tcp6, or tcp to go by the address. It takes what one family offers only. Its errors wrap
// syscall.EADDRINUSE when something listens there already, syscall.EADDRNOTAVAIL when the host has no such address, and
// ErrNoVantage when the host has nothing to listen with. The Listener outlives ctx; Close it.
func (s *Session) Listen(ctx context.Context, network, addr string) (*Listener, error) {
	at, err := listenAt(network, addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	select {
	case s.listenSlots <- struct{}{}:
	case <-ctx.Done():
		return nil, s.explain(context.Cause(ctx))
	}
	l, err := s.listen(ctx, at)
	if err != nil {
		<-s.listenSlots
	}
	return l, err
}

// listenAt checks an address to listen at.
func listenAt(network, addr string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("listen %q: not address:port", addr)
	}
	if host == "" {
		host = map[string]string{"tcp4": "0.0.0.0", "tcp6": "::"}[network]
	}
	at, err := netip.ParseAddrPort(net.JoinHostPort(host, port))
	is4 := at.Addr().Unmap().Is4()
	switch {
	case err != nil || at.Addr().Zone() != "":
		return netip.AddrPort{}, fmt.Errorf("listen %q: not a literal address and port", addr)
	case network == "tcp", network == "tcp4" && is4, network == "tcp6" && !is4:
		return netip.AddrPortFrom(at.Addr().Unmap(), at.Port()), nil
	}
	return netip.AddrPort{}, fmt.Errorf("listen %s %q: the address is of another family", network, addr)
}

// listen asks the host's one process of listeners, begun when there is none, for one more.
func (s *Session) listen(ctx context.Context, at netip.AddrPort) (*Listener, error) {
	ctx, cancel := within(ctx, listenMost)
	defer cancel()
	s.log("> listen at " + at.String())
	h, err := s.listenProcess(ctx, at)
	if err != nil {
		return nil, err
	}
	family := 6
	if at.Addr().Is4() {
		family = 4
	}
	one := h.add()
	s.trips.Add(1)
	if err := h.p.write(ctx, fmt.Sprintf("listen %s %d %s %d\n", one.id, family, at.Addr(), at.Port())); err != nil {
		s.closeListener(h, one)
		return nil, s.explain(err)
	}
	select {
	case said := <-one.said:
		own, err := s.listenAnswer(at, said)
		if err != nil {
			s.closeListener(h, one)
			return nil, err
		}
		leave := sync.OnceFunc(func() { s.closeListener(h, one); <-s.listenSlots })
		return &Listener{Addr: own, Peers: one.peers, close: func() error { leave(); return nil }}, nil
	case <-h.ended:
		s.closeListener(h, one)
		return nil, s.explain(errEnded)
	case <-ctx.Done():
		s.closeListener(h, one)
		return nil, s.explain(context.Cause(ctx))
	}
}

// listenAnswer is what the host's answer to a listen command means.
func (s *Session) listenAnswer(at netip.AddrPort, said []string) (netip.AddrPort, error) {
	if len(said) > 0 && said[0] == "ready" {
		if own, ok := parsePeer(said[1:]); ok {
			return own, nil
		}
	}
	why, text := ErrNoVantage, ""
	switch {
	case len(said) > 2 && said[2] == "inuse":
		why = syscall.EADDRINUSE
	case len(said) > 2 && said[2] == "notours":
		why = syscall.EADDRNOTAVAIL
	default:
		text = fmt.Sprintf(": %q", Clean(strings.Join(said, " ")).Line(80))
	}
	return netip.AddrPort{}, fmt.Errorf("%s: listen %s: %w%s", s.name, at, why, text)
}

// parsePeer reads "address port".
func parsePeer(f []string) (netip.AddrPort, bool) {
	if len(f) != 2 {
		return netip.AddrPort{}, false
	}
	a, err1 := netip.ParseAddr(f[0])
	port, err2 := strconv.ParseUint(f[1], 10, 16)
	return netip.AddrPortFrom(a.Unmap(), uint16(port)), err1 == nil && err2 == nil
}

// Read makes a stream an io.Reader that ends when the shell does.
func (s *stream) Read(b []byte) (int, error) {
	got, err := s.next(context.Background())
	if err != nil {
		return 0, err
	}
	n := copy(b, got)
	s.rest = got[n:]
	return n, nil
}

// Listener is a throw-away TCP listener on a host. It greets each client with one line and tells who connected; it ends
// with the connection that started it, and after a minute by itself.
type Listener struct {
	Addr  netip.AddrPort        // where it listens
	Peers <-chan netip.AddrPort // the source address of each connection, as the host saw it
	close func() error
}

// NewListener makes a Listener of who connects and of how to take it away.
func NewListener(peers <-chan netip.AddrPort, close func() error) *Listener {
	return &Listener{Peers: peers, close: close}
}

// Close takes the listener away.
func (l *Listener) Close() error { return l.close() }
