package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
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

// DialContext opens a TCP connection from the host. Its errors are those of a connection made there: syscall.ECONNREFUSED,
// EHOSTUNREACH, EACCES, ENETUNREACH, ETIMEDOUT, *net.DNSError; ErrNoVantage when the host cannot or may not ask, ErrLost when the
// link broke. When ctx ends, the host is asked for a sign of life, for up to 5 s: one that has not even begun to dial has no vantage.
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
		return nil, s.explain(err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	return conn, nil
}

// dial opens a connection from the far end of the link.
func (l *link) dial(ctx context.Context, network, address string) (net.Conn, error) {
	own, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer end(nil)
	defer context.AfterFunc(ctx, func() { end(l.silence(ctx)) })()
	conn, err := l.client.DialContext(own, network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("%s: %w", address, translate(own, address, err))}
	}
	return &hostConn{Conn: conn}, nil
}

// silence is why a dial ends that nothing answered in its time. That is told only once the host has said something it was asked for
// later: sshd does one after the other, so a slow one may not have begun to dial, or be about to say that it may not.
func (l *link) silence(ctx context.Context) error {
	select {
	case <-l.heard():
		time.Sleep(100 * time.Millisecond) // for what arrived while a busy machine did not look
		return context.Cause(ctx)
	case <-time.After(heartbeat): // or the link is dead, which ends the dial by itself
		return fmt.Errorf("%w: its sshd is too slow to say whether it has begun", ErrNoVantage)
	}
}

// translate gives a refusal by the host's sshd the error that the same refusal has here.
func translate(ctx context.Context, address string, err error) error {
	var refused *ssh.OpenChannelError
	switch known := errors.As(err, &refused); {
	case !known && ctx.Err() != nil:
		return context.Cause(ctx)
	case !known: // nobody refused it: there is nobody any more
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
		{"Permission denied", syscall.EACCES},
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

// hostConn is a connection made from a host. SSH channels know no deadlines; this one does: when one passes, the connection
// is closed, and reads and writes end with os.ErrDeadlineExceeded.
type hostConn struct {
	net.Conn
	mu      sync.Mutex
	timers  [2]*time.Timer
	expired bool
}

// Read reads until the deadline.
func (c *hostConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	return n, c.late(err)
}

// Write writes until the deadline.
func (c *hostConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	return n, c.late(err)
}

func (c *hostConn) late(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil && c.expired {
		return os.ErrDeadlineExceeded
	}
	return err
}

// SetDeadline sets both deadlines.
func (c *hostConn) SetDeadline(t time.Time) error {
	return errors.Join(c.set(0, t), c.set(1, t))
}

// SetReadDeadline sets when reads end.
func (c *hostConn) SetReadDeadline(t time.Time) error { return c.set(0, t) }

// SetWriteDeadline sets when writes end.
func (c *hostConn) SetWriteDeadline(t time.Time) error { return c.set(1, t) }

func (c *hostConn) set(i int, t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timers[i] != nil {
		c.timers[i].Stop()
		c.timers[i] = nil
	}
	if t.IsZero() || c.expired {
		return nil
	}
	c.timers[i] = time.AfterFunc(time.Until(t), func() {
		c.mu.Lock()
		c.expired = true
		c.mu.Unlock()
		c.Conn.Close()
	})
	return nil
}

// Close closes the connection and forgets its deadlines.
func (c *hostConn) Close() error {
	c.SetDeadline(time.Time{})
	return c.Conn.Close()
}
