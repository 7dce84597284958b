//go:build linux

package agent_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"postern/remote"
)

// jobOf is a job of a change that stays and one that stops at every point it can: its file, then what it runs.
func jobOf(g *ground, do string, takes time.Duration) []remote.Change {
	return []remote.Change{
		{ID: "stays", Step: "one", Title: "what stays", Path: g.root + "/stays.conf", New: &remote.File{Text: "stays\n", Mode: 0o600, Owner: own}},
		{ID: "stops", Step: "one", Title: "what stops", Path: g.root + "/a.conf", Old: g.file("a.conf"), New: &remote.File{Text: "new a\n"},
			Do: "echo half >" + g.run() + "; " + do, Undo: "grep -q 'old a' " + g.root + "/a.conf && echo old >" + g.run(), Takes: takes},
	}
}

// undone says what is not as it was before the change that stopped.
func undone(g *ground) error {
	run, _ := os.ReadFile(g.run())
	records := map[string]bool{}
	list, err := g.s.Recorded(bg())
	for _, r := range list {
		records[r.ID] = true
	}
	switch {
	case err != nil:
		return err
	case string(run) != "old\n" || g.file("a.conf").Text != "old a\n":
		return errors.New("it is not taken back: " + string(run) + g.file("a.conf").Text)
	case g.file("stays.conf") == nil || !records["stays"] || records["stops"]:
		return errors.New("what was through before it is not as it should be")
	}
	return g.free()
}

// TestJobTakesBackWhatFails, from where it stopped: it says why, and what was made before stays.
func TestJobTakesBackWhatFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do, says string
		takes    time.Duration
	}{
		"fails":      {"echo no image; exit 3", "what stops: no image", 0},
		"fails soon": {"echo no image; exit 3", "what stops: no image", time.Hour},
		"too slow":   {"echo pulling; sleep 600", "what stops: ended, because it took more than 1 s", time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGround(t)
			var broke *remote.ErrTest
			if err := g.s.Prepare(bg(), newID(), jobOf(g, c.do, c.takes), nil); !errors.As(err, &broke) || err.Error() != c.says {
				t.Errorf("it said %v", err)
			}
			if err := undone(g); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestJobTakesBackWhatIsBound: what a later change needs goes with it, and its record.
func TestJobTakesBackWhatIsBound(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	job := jobOf(g, "exit 3", 0)
	job[0].Bound = true
	var broke *remote.ErrTest
	if err := g.s.Prepare(bg(), newID(), job, nil); !errors.As(err, &broke) {
		t.Error(err)
	}
	list, err := g.s.Recorded(bg())
	if run, _ := os.ReadFile(g.run()); err != nil || len(list) > 0 || g.file("stays.conf") != nil || string(run) != "old\n" {
		t.Errorf("left: %+v, %v, %v, it runs %q", list, err, g.file("stays.conf"), run)
	}
	if err := g.free(); err != nil {
		t.Error(err)
	}
}

// TestJobTakesBackTheFolders that it made for a file, once its Undo has taken out what else came to lie there.
func TestJobTakesBackTheFolders(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	dir := g.root + "/made/deep"
	job := []remote.Change{{ID: "stops", Step: "one", Title: "what stops", Path: dir + "/lock", New: &remote.File{Text: "x\n", Owner: own},
		Do: "touch " + dir + "/more; exit 3", Undo: "rm -f " + dir + "/more"}}
	var broke *remote.ErrTest
	if err := g.s.Prepare(bg(), newID(), job, nil); !errors.As(err, &broke) {
		t.Error(err)
	}
	if _, err := os.Stat(g.root + "/made"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder is left: %v", err)
	}
}

// TestDeadJob: what a reboot stops in the middle is told, and taken back by whoever comes next.
func TestDeadJob(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]func(g *ground) error{
		"tidied": func(g *ground) error { return g.s.Tidy(bg()) },
		"another job": func(g *ground) error {
			return g.s.Prepare(bg(), newID(), []remote.Change{{ID: "x", Step: "two", Title: "x", Do: "true"}}, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGround(t)
			id, said := newID(), make(chan error, 1)
			go func() { said <- g.s.Prepare(bg(), id, jobOf(g, "touch "+g.state+"/half; sleep 600", 0), nil) }()
			for _, err := os.Stat(g.state + "/half"); err != nil; _, err = os.Stat(g.state + "/half") {
				time.Sleep(time.Millisecond)
			}
			started, _ := os.ReadFile(filepath.Join(g.state, "job."+id, "started"))
			pid, _ := strconv.Atoi(strings.TrimSpace(string(started)))
			syscall.Kill(-pid, syscall.SIGKILL)
			if err := <-said; err == nil || !strings.Contains(err.Error(), "started again") {
				t.Errorf("who watched it heard %v", err)
			}
			if st, err := g.s.Status(bg()); err != nil || st.Job != id || !st.Dead || len(st.Doing) != 2 {
				t.Errorf("status: %+v, %v", st, err)
			}
			if err := next(g); err != nil {
				t.Error(err)
			}
			if err := undone(g); err != nil {
				t.Error(err)
			}
			if st, err := g.s.Status(bg()); err != nil || st.Job != "" {
				t.Errorf("status afterwards: %+v, %v", st, err)
			}
		})
	}
}

// A job knows the secrets that the operator was not shown, as a guarded change does: of what it expects to find, and of what it writes.
func TestJobKeepsSecrets(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	if err := os.WriteFile(g.root+"/wg.conf", []byte(secretFile), 0o600); err != nil {
		t.Fatal(err)
	}
	shown := g.seen(t, "wg.conf")
	if err := g.s.Prepare(bg(), newID(), []remote.Change{{ID: "wg", Step: "s", Title: "one", Path: g.root + "/wg.conf", Old: shown,
		New: &remote.File{Text: shown.Text + "\nmore\n", Mode: 0o600, Owner: own}}}, nil); err != nil {
		t.Fatal(err)
	}
	if got := g.file("wg.conf").Text; got != secretFile+"\nmore\n" {
		t.Errorf("it wrote %q", got)
	}
}
