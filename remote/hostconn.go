package remote

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

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
