package demo

import (
	"context"
	"net"
	"net/netip"
	"syscall"
)

// network is what lies between the hosts, the operator and the world.
type network struct{}

// dialFrom opens a TCP connection from a host, or from the operator's machine when from is nil, as the simulated network
// allows: through routes, NAT, filters and tunnels. The connection's addresses are what either end would see.
func (w *World) dialFrom(ctx context.Context, from *Host, network, address string) (net.Conn, error) {
	return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
}

// listen has the host take TCP connections at an address (0.0.0.0 and :: are every address of their family). accept is
// called for each, in a goroutine of its own, with the host's end. The error is syscall.EADDRINUSE or EADDRNOTAVAIL.
// Nobody listens any more once stop returns.
func (h *Host) listen(at netip.AddrPort, accept func(net.Conn)) (own netip.AddrPort, stop func(), err error) {
	return at, func() {}, nil
}
