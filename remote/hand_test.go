//go:build unix

package remote

import (
	"os"
	"strings"
	"sync"
	"testing"
)

// TestHand: a secret comes to its place as it is, whatever is in it, for root alone, and no transcript holds it.
func TestHand(t *testing.T) {
	h := newHost(t)
	o := h.options()
	o.StateDir = t.TempDir()
	var mu sync.Mutex
	var log strings.Builder
	o.Log = func(_, line string) { mu.Lock(); defer mu.Unlock(); log.WriteString(line + "\n") }
	s := h.connect(o)
	path := o.StateDir + "/secret"
	for _, secret := range []string{"spade", `it's $HOME "quoted" 100% \\n`, "-n", "%s%d", "schlüssel", " blanks "} {
		if err := s.Hand(soon(t), secret); err != nil {
			t.Fatalf("%q: %v", secret, err)
		}
		text, err := os.ReadFile(path)
		info, _ := os.Stat(path)
		if err != nil || string(text) != secret || info.Mode().Perm() != 0o600 {
			t.Errorf("%q arrives as %q, %v, %v", secret, text, info, err)
		}
		if mu.Lock(); strings.Contains(log.String(), secret) {
			t.Errorf("%q is in the transcript:\n%s", secret, log.String())
		}
		mu.Unlock()
	}
	for _, odd := range []string{"two\nlines", "a\rb", "a\x00b"} {
		if s.Hand(soon(t), odd) == nil {
			t.Errorf("%q is handed over", odd)
		}
	}
	if err := s.Hand(soon(t), ""); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
	if err := os.RemoveAll(o.StateDir); err != nil || s.Hand(soon(t), "spade") == nil {
		t.Errorf("what cannot be written is handed over (%v)", err)
	}
}
