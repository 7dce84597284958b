//go:build linux

package agent_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"postern/remote"
)

// TestTidy: what is guarded is left alone and told; what nobody guards any more is taken back.
func TestTidy(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	if err := g.s.Tidy(bg()); err != nil {
		t.Errorf("with nothing open: %v", err)
	}
	old := g.fingerprint()
	if err := g.s.Begin(bg(), g.change(), nil); err != nil {
		t.Fatal(err)
	}
	var locked *remote.ErrLocked
	if err := g.s.Tidy(bg()); !errors.As(err, &locked) || locked.Owner.String() == "" {
		t.Errorf("while it is guarded: %v", err)
	}
	if g.fingerprint() == old {
		t.Fatal("the change shows nowhere")
	}
	kill(g.watchdogs()...)
	if err := g.s.Tidy(bg()); err != nil {
		t.Errorf("with no watchdog left: %v", err)
	}
	if err := errors.Join(g.was(old), g.free()); err != nil {
		t.Error(err)
	}
}

// TestRevertAnswers: who takes a confirmed change back also takes back the answers that came with it.
func TestRevertAnswers(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	answers := func() string {
		b, _ := os.ReadFile(g.state + "/site.toml")
		return string(b)
	}
	keep := func(text string) string {
		t.Helper()
		tx := g.change()
		tx.Answers = &remote.File{Text: text, Mode: 0o600}
		for i := range tx.Changes {
			if c := &tx.Changes[i]; c.Path != "" {
				c.Old = g.file(strings.TrimPrefix(c.Path, g.root+"/"))
			}
		}
		id, err := g.begin(tx)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.confirm(id); err != nil {
			t.Fatal(err)
		}
		if got := answers(); got != text {
			t.Fatalf("the answers are %q, want %q", got, text)
		}
		return tx.ID
	}
	revert := func(id, want string) {
		t.Helper()
		if err := g.s.Revert(bg(), id); err != nil {
			t.Fatal(err)
		}
		if got := answers(); got != want {
			t.Errorf("the answers are %q after going back, want %q", got, want)
		}
	}
	revert(keep("revision = 1\n"), "")
	keep("revision = 1\n")
	revert(keep("revision = 2\n"), "revision = 1\n")
}
