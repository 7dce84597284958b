//go:build unix

package remote

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skeema/knownhosts"
)

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
