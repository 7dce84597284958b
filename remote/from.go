package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// DialContext opens a TCP connection from the host. Its errors are those of a connection made there: syscall.ECONNREFUSED,
// EHOSTUNREACH, ENETUNREACH, ETIMEDOUT, *net.DNSError; ErrNoVantage when the host cannot or may not ask, ErrLost when the
// link broke.
func (s *Session) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	s.trips.Add(1)
	if s.link == nil {
		return s.o.Dial.DialContext(ctx, network, address)
	}
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return nil, fmt.Errorf("%s: %s %s: %w: only tcp goes through ssh", s.name, network, address, ErrNoVantage)
	}
	conn, err := s.link.dial(ctx, network, address)
	if errors.Is(err, errEnded) {
		return nil, s.told(err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return conn, nil
}

// dial opens a connection from the far end of the link.
func (l *link) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := l.client.DialContext(ctx, network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("%s: %w", address, translate(ctx, address, err))}
	}
	return &hostConn{Conn: conn}, nil
}

// translate gives a refusal by the host's sshd the error that the same refusal has here.
func translate(ctx context.Context, address string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var refused *ssh.OpenChannelError
	if !errors.As(err, &refused) { // nobody refused it: there is nobody any more
		return fmt.Errorf("%w: %w", errEnded, err)
	}
	text := Clean(refused.Message).Line(120)
	if refused.Reason != ssh.ConnectionFailed {
		return fmt.Errorf("%w: its sshd says %q", ErrNoVantage, text)
	}
	host, _, _ := net.SplitHostPort(address)
	for _, t := range []struct {
		said string
		err  error
	}{
		{"Connection refused", syscall.ECONNREFUSED},
		{"No route to host", syscall.EHOSTUNREACH},
		{"Network is unreachable", fmt.Errorf("%w: %w", ErrNoVantage, syscall.ENETUNREACH)},
		{"Cannot assign requested address", fmt.Errorf("%w: %w", ErrNoVantage, syscall.EADDRNOTAVAIL)},
		{"Address family not supported", fmt.Errorf("%w: %w", ErrNoVantage, syscall.EAFNOSUPPORT)},
		{"timed out", syscall.ETIMEDOUT},
		{"Temporary failure in name", &net.DNSError{Err: text, Name: host, IsTemporary: true}},
		{"Name or service not known", &net.DNSError{Err: text, Name: host, IsNotFound: true}},
		{"No address associated", &net.DNSError{Err: text, Name: host, IsNotFound: true}},
	} {
		if strings.Contains(refused.Message, t.said) {
			return t.err
		}
	}
	return fmt.Errorf("its sshd says %q", text)
}
