//go:build unix

package remote

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
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

func TestListen(t *testing.T) {
	if _, err := exec.LookPath("perl"); err != nil {
		t.Skip("no perl here")
	}
	h := newHost(t)
	s := h.connect(h.options())
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0", "0.0.0.0:0", "[::]:0"} {
		l, err := s.Listen(soon(t), "tcp", addr)
		if err != nil {
			if errors.Is(err, ErrNoVantage) || errors.Is(err, syscall.EADDRNOTAVAIL) {
				t.Logf("%s: %v", addr, err)
				continue
			}
			t.Fatal(err)
		}
		at := net.JoinHostPort("127.0.0.1", fmt.Sprint(l.Addr.Port()))
		if l.Addr.Addr().Is6() {
			at = net.JoinHostPort("::1", fmt.Sprint(l.Addr.Port()))
			if c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", fmt.Sprint(l.Addr.Port()))); err == nil {
				c.SetDeadline(time.Now().Add(2 * time.Second))
				io.WriteString(c, "EHLO me\r\n")
				if got, _ := io.ReadAll(c); strings.HasPrefix(string(got), "postern ") { // somebody else may have that port
					t.Errorf("%s takes IPv4 too", addr)
				}
				c.Close()
			}
		}
		for range 3 {
			c, err := net.Dial("tcp", at)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(c, "EHLO me\r\n")
			got, err := io.ReadAll(c)
			own := c.LocalAddr().(*net.TCPAddr).AddrPort()
			if want := fmt.Sprintf("postern %s %d\n", own.Addr(), own.Port()); err != nil || string(got) != want {
				t.Errorf("%s: greeted %q, %v; want %q", addr, got, err, want)
			}
			if peer := <-l.Peers; peer != own {
				t.Errorf("%s: peer %v, want %v", addr, peer, own)
			}
			c.Close()
		}
		if _, err := s.Listen(soon(t), "tcp", l.Addr.String()); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("%s: twice: %v", addr, err)
		}
		l.Close()
		for range l.Peers {
		}
	}
	if _, err := s.Listen(soon(t), "tcp4", "192.0.2.1:0"); !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("not our address: %v", err)
	}
}

func TestListenWithoutPerl(t *testing.T) {
	h := newHost(t)
	for _, name := range []string{"uname", "sh", "cat", "stat"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(h.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	o := h.options()
	o.Path = h.dir
	s := h.connect(o)
	if _, err := s.Listen(soon(t), "tcp", "127.0.0.1:0"); !errors.Is(err, ErrNoVantage) || !strings.Contains(err.Error(), "no perl") {
		t.Errorf("got %v", err)
	}
}

func TestListenAtBadAddresses(t *testing.T) {
	for _, c := range [][2]string{{"tcp", "x"}, {"tcp", ":25"}, {"tcp", "host:25"}, {"tcp4", "[::1]:25"}, {"tcp6", "127.0.0.1:25"}, {"udp", "127.0.0.1:25"}, {"tcp", "127.0.0.1:99999"}, {"tcp", "[fe80::1%$(id)]:25"}} {
		if at, err := listenAt(c[0], c[1]); err == nil {
			t.Errorf("%v: %v", c, at)
		}
	}
}
