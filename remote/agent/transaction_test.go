//go:build linux

package agent_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"postern/remote"
)

func TestConfirmKeeps(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	before := g.s.RoundTrips()
	tx := g.change()
	tx.Changes[0].Do += "\necho told: it was dark for 2 s\necho and no more of it"
	var titles []string
	id := tx.ID
	err := g.s.Begin(context.Background(), tx, func(p remote.Progress) { titles = append(titles, fmt.Sprintf("%d/%d %s", p.N, p.Of, p.Text)) })
	if err != nil {
		t.Fatal(err)
	}
	if n := g.s.RoundTrips() - before; n != 1 {
		t.Errorf("begin took %d round trips, want 1", n)
	}
	if got := strings.Join(titles, ";"); !strings.Contains(got, "1/5 rewrite a;1/5 it was dark for 2 s;2/5 rewrite b") {
		t.Errorf("progress was %q", got)
	}
	if f := g.file("late.conf"); f.Text != "old late\n" {
		t.Errorf("the file that is due at confirm is there before: %q", f.Text)
	}
	if err := g.s.Confirm(context.Background(), id, nil); err == nil {
		t.Error("confirming over the same connection was accepted")
	}
	if err := g.confirm(id); err != nil {
		t.Fatal(err)
	}
	if err := g.confirm(id); err != nil {
		t.Errorf("confirmed already is no success: %v", err)
	}
	if got := g.fingerprint(); !strings.Contains(got, `/late.conf -rw-r----- `+own+` "new late\n"`) || !strings.Contains(got, `/b.conf -rw----r-- `+other+` "new b without end"`) ||
		!strings.Contains(got, `runs "new\nkept\n"`) || strings.Contains(got, "gone.conf") || !strings.Contains(got, `/deep/er/new.conf -rw-r--r-- `+own) {
		t.Errorf("the host is\n%s", got)
	}
	if b, _ := os.ReadFile(g.state + "/site.toml"); string(b) != "schema = 1\n" {
		t.Errorf("the answers on the host are %q", b)
	}
	if err := g.free(); err != nil {
		t.Error(err)
	}
	if err := g.s.Cancel(context.Background(), id); err == nil {
		t.Error("a confirmed change was cancelled")
	}
}

func TestCancelRestores(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	want := g.fingerprint()
	id, err := g.begin(g.change())
	if err != nil {
		t.Fatal(err)
	}
	if err := g.s.Cancel(context.Background(), id); err != nil {
		t.Fatal(err)
	}
	if err := g.was(want); err != nil {
		t.Error(err)
	}
	if err := g.s.Cancel(context.Background(), id); err != nil {
		t.Errorf("cancelled already is no success: %v", err)
	}
	if err := g.confirm(id); !errors.Is(err, remote.ErrTooLate) {
		t.Errorf("confirming after cancel: %v, want too late", err)
	}
	if err := g.free(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(g.state + "/site.toml"); err == nil {
		t.Error("answers were left though nothing was confirmed")
	}
	if left := g.running(); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
}
