//go:build unix

package remote

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

func (o Options) recorded(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(o.Home, ".ssh", "known_hosts"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

func (o Options) record(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(o.Home, ".ssh", "known_hosts"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestUnknownHostKey(t *testing.T) {
	for answer, ok := range map[string]bool{"yes": true, "y": false, "Yes": false, "": false, "no": false, "yes ": false} {
		h := newHost(t)
		o := h.options()
		if err := os.RemoveAll(filepath.Join(o.Home, ".ssh")); err != nil {
			t.Fatal(err)
		}
		a := &asker{answers: map[Kind][]string{HostKey: {answer}}}
		o.Ask = a.ask
		s, err := Connect(soon(t), h.target(), o)
		address := knownhosts.Normalize(h.address())
		if len(a.asked) != 1 || a.asked[0].Host != "proxy" || a.asked[0].Text.String() != address+" shows ssh-ed25519 "+ssh.FingerprintSHA256(edKey.PublicKey()) {
			t.Errorf("%q: asked %v", answer, a.asked)
		}
		if !ok {
			if !errors.Is(err, ErrUnknownKey) || o.recorded(t) != "" || h.logins.Load() != 0 {
				t.Errorf("%q: %v, recorded %q", answer, err, o.recorded(t))
			}
			continue
		}
		if err != nil {
			t.Fatalf("%q: %v", answer, err)
		}
		s.Close()
		if want := xknownhosts.Line([]string{address}, edKey.PublicKey()) + "\n"; o.recorded(t) != want {
			t.Errorf("recorded %q, want %q", o.recorded(t), want)
		}
		if st, err := os.Stat(filepath.Join(o.Home, ".ssh", "known_hosts")); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", st.Mode(), err)
		}
		o.Memory = nil
		if s, err = Connect(soon(t), h.target(), o); err != nil || len(a.asked) != 1 {
			t.Errorf("the next day: %v, asked %v", err, a.asked)
		} else {
			s.Close()
		}
	}
}

func TestUnknownHostKeyWithNobodyToAsk(t *testing.T) {
	h := newHost(t)
	o := h.options()
	o.record(t, "")
	_, err := Connect(soon(t), h.target(), o)
	if !errors.Is(err, ErrUnknownKey) || !errors.Is(err, ErrNoAnswer) || !strings.Contains(err.Error(), ssh.FingerprintSHA256(edKey.PublicKey())) {
		t.Errorf("got %v", err)
	}
}

func TestRecordIsHashedWhereOthersAre(t *testing.T) {
	h := newHost(t)
	o := h.options()
	o.record(t, xknownhosts.Line([]string{xknownhosts.HashHostname("other.example.org")}, otherKey.PublicKey())) // and no line feed
	a := &asker{answers: map[Kind][]string{HostKey: {"yes"}}}
	o.Ask = a.ask
	h.connect(o)
	lines := strings.Split(o.recorded(t), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[1], "|1|") || strings.Contains(lines[1], "127.0.0.1") {
		t.Errorf("recorded %q", lines)
	}
	o.Ask, o.Memory = nil, nil
	h.connect(o)
}

func TestChangedHostKey(t *testing.T) {
	h := newHost(t)
	o := h.options()
	address := knownhosts.Normalize(h.address())
	o.record(t, "# a comment\n"+xknownhosts.Line([]string{address}, otherKey.PublicKey())+"\n")
	was := o.recorded(t)
	sent := h.wants("good")
	a := &asker{answers: map[Kind][]string{HostKey: {"yes"}, Password: {"good"}}}
	o.Ask = a.ask
	_, err := Connect(soon(t), h.target(), o)
	var changed *ChangedKeyError
	if !errors.As(err, &changed) || changed.Line != 2 || len(a.asked) != 0 || len(*sent) != 0 || o.recorded(t) != was {
		t.Fatalf("%v, asked %v, sent %v", err, a.asked, *sent)
	}
	for _, want := range []string{
		filepath.Join(o.Home, ".ssh", "known_hosts") + ":2", "proxy: ",
		ssh.FingerprintSHA256(edKey.PublicKey()), ssh.FingerprintSHA256(otherKey.PublicKey()), "ssh-keygen -f", "-R '" + address + "'",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

// A host with several keys, of which one is on record, must show that one.
func TestKnownByAnotherType(t *testing.T) {
	for _, known := range []ssh.Signer{edKey, ecKey, rsaKey} {
		h := newHost(t)
		h.config.AddHostKey(ecKey)
		h.config.AddHostKey(rsaKey)
		o := h.options()
		o.record(t, "")
		h.known(o, known)
		h.connect(o)
	}
}

func TestPinnedHostKey(t *testing.T) {
	for _, pin := range []ssh.Signer{edKey, ecKey, rsaKey, otherKey} {
		h := newHost(t)
		h.config.AddHostKey(ecKey)
		h.config.AddHostKey(rsaKey)
		o := h.options()
		o.record(t, "nonsense that nobody may read\n")
		target := h.target()
		target.Fingerprint = ssh.FingerprintSHA256(pin.PublicKey())
		s, err := Connect(soon(t), target, o)
		if pin == otherKey {
			var changed *ChangedKeyError
			if !errors.As(err, &changed) || h.logins.Load() != 0 || !strings.Contains(err.Error(), target.Fingerprint) {
				t.Errorf("a wrong pin: %v", err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", pin.PublicKey().Type(), err)
			continue
		}
		s.Close()
		if o.recorded(t) != "nonsense that nobody may read\n" {
			t.Errorf("recorded %q", o.recorded(t))
		}
	}
}

func TestRevokedHostKey(t *testing.T) {
	h := newHost(t)
	o := h.options()
	o.record(t, o.recorded(t)+"@revoked * "+strings.SplitN(xknownhosts.Line([]string{"x"}, edKey.PublicKey()), " ", 2)[1]+"\n")
	if _, err := Connect(soon(t), h.target(), o); !errors.Is(err, ErrRevoked) || !strings.Contains(err.Error(), "known_hosts:2") {
		t.Errorf("got %v", err)
	}
}

func TestUnreadableLinesAreLeftOut(t *testing.T) {
	h := newHost(t)
	o := h.options()
	good := o.recorded(t)
	o.record(t, "host ssh-ed25519 not-base64\n"+"one\n"+good)
	var log []string
	o.Log = func(_, line string) { log = append(log, line) }
	h.connect(o)
	if text := strings.Join(log, "\n"); !strings.Contains(text, "known_hosts:1 cannot be read") || !strings.Contains(text, "known_hosts:2 cannot be read") {
		t.Errorf("told %q", log)
	}
	o.record(t, "one\n"+xknownhosts.Line([]string{knownhosts.Normalize(h.address())}, otherKey.PublicKey())+"\n")
	var changed *ChangedKeyError
	if _, err := Connect(soon(t), h.target(), o); !errors.As(err, &changed) || changed.Line != 2 || changed.File != filepath.Join(o.Home, ".ssh", "known_hosts") {
		t.Errorf("got %v", err)
	}
}

// Every hop's key is looked at under the hop's own name.
func TestHostKeysOfHops(t *testing.T) {
	far, near := newHost(t), newHost(t)
	o := far.options()
	o.record(t, "")
	hop := near.target()
	hop.Name = "hop"
	target := far.target()
	target.Via = &hop
	a := &asker{answers: map[Kind][]string{HostKey: {"yes"}}}
	o.Ask = a.ask
	s, err := Connect(soon(t), target, o)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if got := fmt.Sprint(a.asked[0].Host, " ", a.asked[1].Host); len(a.asked) != 2 || got != "hop proxy" {
		t.Errorf("asked %v", a.asked)
	}
	o.record(t, "")
	o.Memory = nil
	near.known(o, otherKey)
	var changed *ChangedKeyError
	if _, err := Connect(soon(t), target, o); !errors.As(err, &changed) || !strings.HasPrefix(err.Error(), "hop: ") {
		t.Errorf("got %v", err)
	}
}
