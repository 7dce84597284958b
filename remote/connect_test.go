//go:build unix

package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestConnectAndAsk(t *testing.T) {
	h := newHost(t)
	h.noise = "Welcome \x1b]0;owned\x07\x1b[2J to\r\nhost; motd without an end"
	s := h.connect(h.options())
	r, err := s.sh(soon(t), "id -u; echo $SSH_CONNECTION; exit 4", nil)
	if err != nil || r.Code != 4 || !strings.HasPrefix(r.Out, "0\n127.0.0.1 ") {
		t.Errorf("%+v, %v", r, err)
	}
	source, port, ok := s.Way()
	if !ok || source.String() != "127.0.0.1" || !strings.HasSuffix(h.address(), fmt.Sprint(":", port)) {
		t.Errorf("way %v %d %v", source, port, ok)
	}
	if got := strings.Join(h.asked, "|"); got != "/bin/sh -s" {
		t.Errorf("exec strings: %q", got)
	}
	if n := s.RoundTrips(); n != 7+2+1+1 {
		t.Errorf("%d round trips", n)
	}
}

func TestAgainIsANewConnection(t *testing.T) {
	h := newHost(t)
	s := h.connect(h.options())
	b, err := again(t, s)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if h.logins.Load() != 2 || len(h.conns) != 2 {
		t.Errorf("%d logins over %d connections", h.logins.Load(), len(h.conns))
	}
	s.Close()
	if r, err := b.sh(soon(t), "echo on", nil); err != nil || r.Out != "on\n" {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := s.sh(soon(t), "echo on", nil); !errors.Is(err, ErrLost) {
		t.Errorf("a closed session says %v", err)
	}
}

func TestLostInTheMiddle(t *testing.T) {
	h := newHost(t)
	s := h.connect(h.options())
	_, err := s.sh(soon(t), "echo go; read x </dev/tty || timeout 20 cat /dev/zero >/dev/null", func(Text) { h.drop() })
	if !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "proxy") {
		t.Errorf("got %v", err)
	}
	for _, call := range map[string]func() error{
		"Sh":    func() error { _, err := s.sh(soon(t), "true", nil); return err },
		"Facts": func() error { _, err := s.Facts(soon(t), []Query{ReadRun("a", "true")}); return err },
		"Exec":  func() error { _, err := s.Exec(soon(t), ReadRun("", "true")); return err },
		"Dial":  func() error { _, err := s.DialContext(soon(t), "tcp", "127.0.0.1:1"); return err },
	} {
		if err := call(); !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "proxy") {
			t.Errorf("afterwards: %v", err)
		}
	}
}

func TestShellThatDies(t *testing.T) {
	h := newHost(t)
	s := h.connect(h.options())
	if _, err := s.sh(soon(t), "kill -9 $$", nil); !errors.Is(err, ErrLost) {
		t.Errorf("got %v", err)
	}
}

func TestSilentHost(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.silent = true
	ctx, cancel := context.WithCancelCause(context.Background())
	given := errors.New("given up")
	h.accepted = func() { cancel(given) }
	if _, err := Connect(ctx, h.target(), h.options()); !errors.Is(err, given) {
		t.Errorf("got %v", err)
	}
}

func TestLoginShellThatAllowsNothing(t *testing.T) {
	h := newHost(t)
	h.shell = []string{"/bin/sh", "-c", "echo This account is \x1b[5mnot available."}
	_, err := Connect(soon(t), h.target(), h.options())
	if err == nil || !strings.Contains(err.Error(), "This account is not available") || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("got %v", err)
	}
}

func TestJump(t *testing.T) {
	far, near := newHost(t), newHost(t)
	var dialled []string
	near.forward = func(a string) (ssh.RejectionReason, string) { dialled = append(dialled, a); return 0, "" }
	o := far.options()
	near.known(o, edKey)
	hop := near.target()
	hop.Name = "hop"
	target := far.target()
	target.Via = &hop
	s, err := Connect(soon(t), target, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b, err := again(t, s)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if near.logins.Load() != 2 || far.logins.Load() != 2 || strings.Join(dialled, " ") != far.address()+" "+far.address() {
		t.Errorf("%d and %d logins, dialled %v", near.logins.Load(), far.logins.Load(), dialled)
	}
	near.drop()
	if _, err := s.sh(soon(t), "echo on", nil); !errors.Is(err, ErrLost) {
		t.Errorf("with the hop gone: %v", err)
	}
}

func TestJumpThatLeadsToItself(t *testing.T) {
	h := newHost(t)
	target := h.target()
	target.Via = &target
	if _, err := Connect(soon(t), target, h.options()); err == nil || !strings.Contains(err.Error(), "back to itself") {
		t.Errorf("got %v", err)
	}
}

func TestConcurrentSh(t *testing.T) {
	h := newHost(t)
	s := h.connect(h.options())
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if r, err := s.sh(soon(t), fmt.Sprintf("echo %d; exit %d", i, i), nil); err != nil || r.Code != i || r.Out != fmt.Sprintln(i) {
				t.Errorf("%d: %+v, %v", i, r, err)
			}
		})
	}
	wg.Wait()
}

func TestConfigThatCannotBeRead(t *testing.T) {
	h := newHost(t)
	o := h.options()
	o.writeConfig(t, "Match exec \"false\"\n  Bogus yes\nHost [\n")
	var log []string
	o.Log = func(_, line string) { log = append(log, line) }
	h.connect(o)
	if !strings.Contains(strings.Join(log, "\n"), "going on with what was typed") {
		t.Errorf("told %q", log)
	}
}

func TestProxyCommandIsRefused(t *testing.T) {
	h := newHost(t)
	o := h.options()
	o.writeConfig(t, "Host *\n ProxyCommand nc %h %p\n")
	if _, err := Connect(soon(t), h.target(), o); err == nil || !strings.Contains(err.Error(), "ProxyJump") {
		t.Errorf("got %v", err)
	}
}

func TestProxyJumpOfTheConfig(t *testing.T) {
	far, near, nearer := newHost(t), newHost(t), newHost(t)
	o := far.options()
	near.known(o, edKey)
	nearer.known(o, edKey)
	for _, h := range []*host{near, nearer} {
		h.target() // serve
	}
	farHost, farPort, _ := net.SplitHostPort(far.address())
	o.writeConfig(t, fmt.Sprintf("Host far\n HostName %s\n Port %s\n User root\n ProxyJump a@%s,b@%s\n", farHost, farPort, nearer.address(), near.address()))
	far.target()
	s, err := Connect(soon(t), Target{Name: "mail", SSH: "far"}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if r, err := s.sh(soon(t), "echo on", nil); err != nil || r.Out != "on\n" || near.logins.Load() != 1 || nearer.logins.Load() != 1 {
		t.Errorf("%+v, %v, %d, %d", r, err, near.logins.Load(), nearer.logins.Load())
	}
}
