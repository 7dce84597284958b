//go:build unix

package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestExec(t *testing.T) {
	h := newHost(t)
	s := h.connect(h.options())
	for _, c := range []struct {
		script, out string
		code        int
	}{
		{"echo a; echo b >&2; exit 9", "a\nb\n", 9},
		{"printf x", "x", 0},
		{"cat; echo $LC_ALL; echo $SSH_CONNECTION | cut -c1-9", "C\n127.0.0.1\n", 0},
		{"if", "", 2},
		{"cat <<E\nit's \"x\"\nE", "it's \"x\"\n", 0},
	} {
		a, err := s.Exec(soon(t), ReadRun("", c.script))
		if err != nil || c.code != a.Code || c.code != 2 && a.Out != c.out {
			t.Errorf("%q: %+v, %v", c.script, a, err)
		}
	}
}

func TestExecAtOnce(t *testing.T) {
	for most, want := range map[int32]int32{0: 1 + 12, 3: 0, 1: 1} {
		h := newHost(t)
		h.maxSessions = most
		s := h.connect(h.options())
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() {
				if a, err := s.Exec(soon(t), ReadRun("", fmt.Sprint("echo ", i))); err != nil || a.Out != fmt.Sprintln(i) {
					t.Errorf("MaxSessions %d: %d: %+v, %v", most, i, a, err)
				}
			})
		}
		wg.Wait()
		if got := h.sessions.Load(); want != 0 && got != want {
			t.Errorf("MaxSessions %d: %d sessions, want %d", most, got, want)
		}
		if r, err := s.Sh(soon(t), "echo on"); err != nil || r.Out != "on\n" {
			t.Errorf("MaxSessions %d: the held shell afterwards: %+v, %v", most, r, err)
		}
	}
}

// A fifo tells without waiting blindly: its reader comes to an end when the last writer is gone.
func TestExecLeavesNothingBehind(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip("no setsid here")
	}
	h := newHost(t)
	s := h.connect(h.options())
	fifo := filepath.Join(t.TempDir(), "alive")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		f, err := os.Open(fifo) // opens once the script runs
		if err == nil {
			defer f.Close()
		}
		cancel()
	}()
	if _, err := s.Exec(ctx, ReadRun("", "exec 4>"+Quote(fifo)+"; sh -c 'sleep 1000; true'; true")); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	f, err := os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	syscall.SetNonblock(int(f.Fd()), false)
	if _, err := io.ReadAll(f); err != nil { // ends only when the script's children have
		t.Fatal(err)
	}
}

// In the held shell only the host can end a script; it must, or every later call would wait for it.
func TestExecInTheHeldShellEnds(t *testing.T) {
	h := newHost(t)
	h.maxSessions = 1
	s := h.connect(h.options())
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := s.Exec(ctx, ReadRun("", "sleep 1000; true")); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	if r, err := s.Sh(soon(t), "echo on"); err != nil || r.Out != "on\n" {
		t.Errorf("%+v, %v", r, err)
	}
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
