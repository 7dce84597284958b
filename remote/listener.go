package remote

import "net/netip"

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
