//go:build unix

package remote

import (
	"net"
	"os/exec"
	"testing"
	"time"
)

// All listeners of a session share one process and one channel, each hears its own peers, and a port is free again as soon
// as its listener is closed.
func TestListenersShareOneProcess(t *testing.T) {
	if _, err := exec.LookPath("perl"); err != nil {
		t.Skip("no perl here")
	}
	h := newHost(t)
	s := h.connect(h.options())
	var all []*Listener
	for range 3 {
		l, err := s.Listen(soon(t), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	if n := s.extras.Load(); n != 1 {
		t.Errorf("three listeners take %d channels, want 1", n)
	}
	for _, l := range all {
		c, err := net.Dial("tcp", l.Addr.String())
		if err != nil {
			t.Fatal(err)
		}
		if peer := <-l.Peers; peer.String() != c.LocalAddr().String() {
			t.Errorf("the listener at %s heard %s, want %s", l.Addr, peer, c.LocalAddr())
		}
		c.Close()
	}
	for range 20 {
		at := all[0].Addr.String()
		all[0].Close()
		var err error
		if all[0], err = s.Listen(soon(t), "tcp", at); err != nil {
			t.Fatalf("again at %s: %v", at, err)
		}
	}
	for _, l := range all {
		l.Close()
		if _, open := <-l.Peers; open {
			t.Error("a closed listener still hears")
		}
	}
	for end := time.Now().Add(time.Minute); s.extras.Load() != 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the process of the listeners stays when the last is closed")
		}
	}
	last, err := s.Listen(soon(t), "tcp", all[0].Addr.String())
	if err != nil {
		t.Fatalf("after the last was closed: %v", err)
	}
	s.Close()
	for range last.Peers {
	}
	last.Close()
}
