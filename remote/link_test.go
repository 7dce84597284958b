//go:build unix

package remote

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"
)

// wire is one end of a connection inside a test.
type wire struct {
	net.Conn
	in, out chan []byte
	rest    []byte
	cut     chan struct{}
	once    *sync.Once
}

func wires() (a, b *wire) {
	there, back, cut, once := make(chan []byte, 64), make(chan []byte, 64), make(chan struct{}), &sync.Once{}
	return &wire{in: back, out: there, cut: cut, once: once}, &wire{in: there, out: back, cut: cut, once: once}
}

func (w *wire) RemoteAddr() net.Addr { return &net.TCPAddr{} }
func (w *wire) LocalAddr() net.Addr  { return &net.TCPAddr{} }
func (w *wire) Close() error         { w.once.Do(func() { close(w.cut) }); return nil }

func (w *wire) Read(b []byte) (int, error) {
	if len(w.rest) == 0 {
		select {
		case w.rest = <-w.in:
		case <-w.cut:
			return 0, io.EOF
		}
	}
	n := copy(b, w.rest)
	w.rest = w.rest[n:]
	return n, nil
}

func (w *wire) Write(b []byte) (int, error) {
	select {
	case w.out <- bytes.Clone(b):
		return len(b), nil
	case <-w.cut:
		return 0, io.ErrClosedPipe
	}
}

// linked gives a link to a host that does with each global request what is said.
func linked(t *testing.T, does func(*ssh.Request)) *link {
	t.Helper()
	here, there := wires()
	go func() {
		config := &ssh.ServerConfig{NoClientAuth: true}
		config.AddHostKey(edKey)
		_, _, reqs, err := ssh.NewServerConn(there, config)
		if err != nil {
			t.Error(err)
			return
		}
		for r := range reqs {
			does(r)
		}
	}()
	c, chans, reqs, err := ssh.NewClientConn(here, "host", &ssh.ClientConfig{HostKeyCallback: ssh.InsecureIgnoreHostKey()}) //nolint:gosec // it is in the test
	if err != nil {
		t.Fatal(err)
	}
	return newLink(ssh.NewClient(c, chans, reqs), nil)
}

// A host that answers, however late and whatever it answers, is alive for as long as one likes; one that does not is given up.
func TestKeepalive(t *testing.T) {
	for name, c := range map[string]struct {
		does func(*ssh.Request)
		dies time.Duration // 0: never
	}{
		"refused": {func(r *ssh.Request) { r.Reply(false, nil) }, 0},
		"granted": {func(r *ssh.Request) { r.Reply(true, nil) }, 0},
		"late":    {func(r *ssh.Request) { time.Sleep(misses*heartbeat - time.Second); r.Reply(false, nil) }, 0},
		"deaf":    {func(*ssh.Request) {}, (misses + 1) * heartbeat},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := linked(t, c.does)
				start := time.Now()
				select {
				case <-l.dead:
					if c.dies == 0 || time.Since(start) != c.dies || *l.reason.Load() != "no sign of life for 15s" {
						t.Errorf("given up after %s: %s", time.Since(start), *l.reason.Load())
					}
				case <-time.After(time.Hour):
					if c.dies != 0 {
						t.Error("not given up")
					}
					l.cutOff("the test is over")
				}
				if l.alive() {
					t.Error("alive, and cut off")
				}
				time.Sleep(time.Minute) // until the host has noticed
			})
		})
	}
}
