package remote

import (
	"errors"
	"syscall"
	"testing"
	"time"
)

// TestTidy: what is guarded is left alone and told; what nobody guards any more is taken back.
func TestTidy(t *testing.T) {
	needRoot(t)
	g := newGround(t)
	if err := g.s.Tidy(bg()); err != nil {
		t.Errorf("with nothing open: %v", err)
	}
	old := g.fingerprint()
	if _, err := g.s.Begin(bg(), g.change(time.Minute), nil); err != nil {
		t.Fatal(err)
	}
	var locked *ErrLocked
	if err := g.s.Tidy(bg()); !errors.As(err, &locked) || locked.Owner.String() == "" {
		t.Errorf("while it is guarded: %v", err)
	}
	if g.fingerprint() == old {
		t.Fatal("the change shows nowhere")
	}
	for _, pid := range g.watchdogs() {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
	if err := g.s.Tidy(bg()); err != nil {
		t.Errorf("with no watchdog left: %v", err)
	}
	if err := errors.Join(g.was(old), g.free()); err != nil {
		t.Error(err)
	}
}
