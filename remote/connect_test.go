//go:build unix

package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

func TestConnectAndAsk(t *testing.T) {
	h := newHost(t)
	h.noise = "Welcome \x1b]0;owned\x07\x1b[2J to\r\nhost; motd without an end"
	s := h.connect(h.options())
	r, err := s.Sh(soon(t), "id -u; echo $SSH_CONNECTION; exit 4")
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
	b, err := s.Again(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if h.logins.Load() != 2 || len(h.conns) != 2 {
		t.Errorf("%d logins over %d connections", h.logins.Load(), len(h.conns))
	}
	s.Close()
	if r, err := b.Sh(soon(t), "echo on"); err != nil || r.Out != "on\n" {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := s.Sh(soon(t), "echo on"); !errors.Is(err, ErrLost) {
		t.Errorf("a closed session says %v", err)
	}
}

func TestLostInTheMiddle(t *testing.T) {
	h := newHost(t)
	s := h.connect(h.options())
	_, err := s.ShOut(soon(t), "echo go; read x </dev/tty || timeout 20 cat /dev/zero >/dev/null", func(Text) { h.drop() })
	if !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "proxy") {
		t.Errorf("got %v", err)
	}
	for _, call := range map[string]func() error{
		"Sh":    func() error { _, err := s.Sh(soon(t), "true"); return err },
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
	if _, err := s.Sh(soon(t), "kill -9 $$"); !errors.Is(err, ErrLost) {
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
	b, err := s.Again(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if near.logins.Load() != 2 || far.logins.Load() != 2 || strings.Join(dialled, " ") != far.address()+" "+far.address() {
		t.Errorf("%d and %d logins, dialled %v", near.logins.Load(), far.logins.Load(), dialled)
	}
	near.drop()
	if _, err := s.Sh(soon(t), "echo on"); !errors.Is(err, ErrLost) {
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
			if r, err := s.Sh(soon(t), fmt.Sprintf("echo %d; exit %d", i, i)); err != nil || r.Code != i || r.Out != fmt.Sprintln(i) {
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
	if r, err := s.Sh(soon(t), "echo on"); err != nil || r.Out != "on\n" || near.logins.Load() != 1 || nearer.logins.Load() != 1 {
		t.Errorf("%+v, %v, %d, %d", r, err, near.logins.Load(), nearer.logins.Load())
	}
}

// Apart from the operator's machine, nothing of it is read, nothing is written, and no script runs on it.
func TestApart(t *testing.T) {
	h := newHost(t)
	o := h.options()
	o.Apart, o.Memory = true, NewMemory()
	o.record(t, "")
	if err := os.WriteFile(filepath.Join(o.Home, ".ssh", "config"), []byte("Host *\n  Port 1\n  ProxyCommand false\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := os.ReadDir(filepath.Join(o.Home, ".ssh"))
	if err != nil {
		t.Fatal(err)
	}
	a := &asker{answers: map[Kind][]string{HostKey: {"yes"}}}
	o.Ask = a.ask
	s, err := Connect(soon(t), h.target(), o)
	if err != nil {
		t.Fatalf("the operator's settings were used: %v", err)
	}
	s.Close()
	if len(a.asked) != 1 || a.asked[0].Kind != HostKey {
		t.Errorf("asked %v, want once for the host key", a.asked)
	}
	if o.recorded(t) != "" {
		t.Errorf("the host key was recorded: %q", o.recorded(t))
	}
	if after, _ := os.ReadDir(filepath.Join(o.Home, ".ssh")); len(after) != len(keys) {
		t.Errorf("it wrote files: %v", after)
	}
	if _, err := Connect(soon(t), Target{Name: "mail", Local: true}, o); err == nil || !strings.Contains(err.Error(), "this machine") {
		t.Errorf("a script would run on this machine: %v", err)
	}

	o.Memory.keepHostKey(knownhosts.Normalize(h.address()), string(otherKey.PublicKey().Marshal()))
	var changed *ChangedKeyError
	if _, err := Connect(soon(t), h.target(), o); !errors.As(err, &changed) || !strings.Contains(changed.Error(), "SHA256:") {
		t.Errorf("another key than before is taken: %v", err)
	}
}
