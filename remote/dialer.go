package remote

import (
	"context"
	"errors"
	"net"
)

// Dialer opens connections: *net.Dialer from here, *Session from the host it is on.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

var (
	_ Dialer = (*net.Dialer)(nil)

	// ErrNoVantage means that nothing can be asked from this place: forwarding is disabled, or there is no route for the
	// family. It says nothing about the thing asked, so the result is unknown.
	ErrNoVantage = errors.New("cannot be asked from this host")
	// ErrLost means the link broke: the outcome is unknown until the host is asked again.
	ErrLost = errors.New("the connection to the host was lost")
)
