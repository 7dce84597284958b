//go:build linux

package agent_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"postern/remote"
)

func TestPrepare(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	var said []string
	err := g.s.Prepare(bg(), newID(), []remote.Change{
		{ID: "pkg", Step: "one", Title: "install", Do: "echo reading; [ $(umask) = 0022 ]; echo done >" + g.run()},
		{ID: "key", Step: "one", Title: "write a file", Path: g.root + "/made.conf", New: &remote.File{Text: "made\n", Mode: 0o600, Owner: own}, Do: `test "$NEW" = ` + g.root + "/made.conf"},
	}, func(p remote.Progress) { said = append(said, p.Text.String()) })
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(said, ";"); got != "install;reading;write a file" {
		t.Errorf("it said %q", got)
	}
	recs := g.records(t)
	if !recs["pkg"].Inert || !recs["key"].Inert || recs["key"].Path != g.root+"/made.conf" {
		t.Errorf("records: %+v", recs)
	}
	err = g.s.Prepare(bg(), newID(), []remote.Change{
		{ID: "bad", Step: "one", Title: "replace", Path: g.root + "/a.conf", Old: g.file("a.conf"), New: &remote.File{Text: "x"}, Do: "echo E: no network; exit 100"}}, nil)
	var failed *remote.ErrTest
	if !errors.As(err, &failed) || err.Error() != "replace: E: no network" {
		t.Errorf("prepare that fails: %v", err)
	}
	if g.file("a.conf").Text != "old a\n" {
		t.Error("the file of a change that failed was left")
	}
	if err := g.free(); err != nil {
		t.Error(err)
	}
}

// TestPrepareGoesOn loses the link in the middle: the job ends by itself, others are told about it, and it can be watched anew.
func TestPrepareGoesOn(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	id := newID()
	job := []remote.Change{{ID: "slow", Step: "one", Title: "slow", Do: "echo one; while [ ! -e " + g.state + "/go ]; do sleep 0.1; done; echo two; echo done >" + g.run()}}
	ctx, cancel := context.WithCancel(bg())
	err := g.s.Prepare(ctx, id, job, func(p remote.Progress) {
		if p.Text.String() == "one" {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	g.s.Close()
	if g.s, err = g.login(); err != nil {
		t.Fatal(err)
	}
	var locked *remote.ErrLocked
	if err := g.s.Begin(bg(), g.change(), nil); !errors.As(err, &locked) || !strings.Contains(err.Error(), "preparing") {
		t.Errorf("begin meanwhile: %v", err)
	}
	if err := g.s.Prepare(bg(), newID(), job, nil); !errors.As(err, &locked) {
		t.Errorf("another job meanwhile: %v", err)
	}
	if st, err := g.s.Status(bg()); err != nil || st.Job != id || st.Dead || len(st.Doing) != 1 {
		t.Errorf("status: %+v, %v", st, err)
	}
	os.WriteFile(g.state+"/go", nil, 0o600)
	var said []string
	if err := g.s.Prepare(bg(), id, job, func(p remote.Progress) { said = append(said, p.Text.String()) }); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(said, ";"); got != "slow;one;two" {
		t.Errorf("watched anew: %q", got)
	}
	if b, _ := os.ReadFile(g.run()); string(b) != "done\n" {
		t.Errorf("it ran %q", b)
	}
}
