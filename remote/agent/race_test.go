//go:build linux

package agent_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postern/remote"
)

// rounds is how often a race is run; all of them when tortured.
func rounds(all int) int {
	if os.Getenv("POSTERN_TORTURE") != "" {
		return all
	}
	return all / 10
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: it mounts")
	}
}

// together runs n rounds, a few at a time, each on a host of its own with that agent.
func together(t *testing.T, agent string, n int, round func(g *ground, i int) error) {
	t.Helper()
	var wg sync.WaitGroup
	slots := make(chan struct{}, 6)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			dir, err := os.MkdirTemp("", "postern")
			if err != nil {
				t.Error(err)
				return
			}
			defer os.RemoveAll(dir)
			g, err := groundAt(dir, agent)
			if err == nil {
				defer g.end()
				err = round(g, i)
			}
			if err != nil {
				t.Errorf("round %d: %v", i, err)
			}
		})
	}
	wg.Wait()
}

// TestConfirmRacesExpiry lets a confirm and a watchdog meet at the same instant: one wins, and what it says is true.
func TestConfirmRacesExpiry(t *testing.T) {
	t.Parallel()
	for name, agent := range everySystem() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			confirmRacesExpiry(t, agent)
		})
	}
}

func confirmRacesExpiry(t *testing.T, agent string) {
	t.Helper()
	var kept, back atomic.Int32
	together(t, agent, rounds(100), func(g *ground, i int) error {
		old := g.fingerprint()
		id, err := g.begin(g.change())
		if err != nil {
			return err
		}
		over, err := g.login()
		if err != nil {
			return err
		}
		defer over.Close()
		done := make(chan struct{})
		go func() {
			time.Sleep(time.Duration(i%12) * time.Millisecond) // the way of a confirm is the longer one
			exec.Command("/bin/sh", g.state+"/open/agent", "expire", id).Run()
			close(done)
		}()
		err = over.Confirm(bg(), id, nil)
		<-done
		switch {
		case err == nil:
			kept.Add(1)
			err = g.ended(remote.Ended{Kept: true}, true, old)
		case errors.Is(err, remote.ErrTooLate):
			back.Add(1)
			err = g.was(old)
		}
		return errors.Join(err, g.free())
	})
	t.Logf("confirmed %d, taken back %d", kept.Load(), back.Load())
}

// TestLockRaces lets two operators begin at once: one holds the host, and the other is told who.
func TestLockRaces(t *testing.T) {
	t.Parallel()
	for name, agent := range everySystem() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lockRaces(t, agent)
		})
	}
}

func lockRaces(t *testing.T, agent string) {
	t.Helper()
	together(t, agent, rounds(60), func(g *ground, i int) error {
		old := g.fingerprint()
		other, err := g.login()
		if err != nil {
			return err
		}
		defer other.Close()
		var wg sync.WaitGroup
		ids, errs := make([]string, 2), make([]error, 2)
		for k, s := range []*remote.Session{g.s, other} {
			tx := g.change()
			ids[k] = tx.ID
			tx.Operator = fmt.Sprintf("operator%d", k)
			wg.Go(func() { errs[k] = s.Begin(bg(), tx, nil) })
		}
		wg.Wait()
		winner := 0
		if errs[0] != nil {
			winner = 1
		}
		if errs[winner] != nil || errs[1-winner] == nil {
			return fmt.Errorf("not exactly one holder: %v", errs)
		}
		var locked *remote.ErrLocked
		var changed *remote.ErrChanged // it came so early that it saw the other's files, or so late that it met the lock
		if !errors.As(errs[1-winner], &changed) && (!errors.As(errs[1-winner], &locked) || !strings.Contains(locked.Owner.String(), fmt.Sprintf("operator%d", winner))) {
			return fmt.Errorf("the loser was told %w", errs[1-winner])
		}
		if err := g.s.Cancel(bg(), ids[winner]); err != nil {
			return err
		}
		return errors.Join(g.was(old), g.free())
	})
}

// TestFullDisk fills the file system before a change, and after it.
func TestFullDisk(t *testing.T) {
	needRoot(t)
	t.Parallel()
	for name, agent := range everySystem() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fullDisk(t, agent)
		})
	}
}

func fullDisk(t *testing.T, agent string) {
	t.Helper()
	dir := t.TempDir()
	dir = strings.NewReplacer("(", "", ")", "").Replace(dir)
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=2500k,mode=700", "postern", dir).CombinedOutput(); err != nil {
		t.Skipf("no small file system here: %s", out)
	}
	defer exec.Command("umount", "-l", dir).Run()
	fill := func() { exec.Command("sh", "-c", "cat /dev/zero >"+dir+"/fill").Run() }
	g, err := groundAt(dir, agent)
	if err != nil {
		t.Fatal(err)
	}
	defer g.end()
	want := g.fingerprint()

	fill()
	if err := g.s.Begin(bg(), g.change(), nil); !errors.Is(err, remote.ErrDisk) {
		t.Errorf("begin on a full disk: %v", err)
	}
	if err := g.was(want); err != nil {
		t.Error(err)
	}
	for size := 48; size < 1500; size += 48 { // and on one that becomes full on the way
		exec.Command("truncate", "-s", "-48K", dir+"/fill").Run()
		id, err := g.begin(g.change())
		if err == nil {
			fill()
			if err := g.s.Cancel(bg(), id); err != nil {
				t.Errorf("going back on a full disk: %v", err)
			}
			if err := g.was(want); err != nil {
				t.Error(err)
			}
			os.Remove(dir + "/fill")
			if err := g.free(); err != nil {
				t.Error(err)
			}
			return
		}
		var back *remote.ErrRolledBack
		if !errors.Is(err, remote.ErrDisk) && !errors.Is(err, remote.ErrNoGuard) && !errors.As(err, &back) {
			t.Errorf("begin with %d kB: %v", size, err)
		}
		if err := g.was(want); err != nil {
			t.Fatalf("with %d kB: %v", size, err)
		}
	}
	t.Error("never enough room")
}

// TestReadOnly refuses before anything is changed.
func TestReadOnly(t *testing.T) {
	needRoot(t)
	t.Parallel()
	g := newGround(t)
	want := g.fingerprint()
	tx := g.change()
	if out, err := exec.Command("sh", "-c", "mount --bind "+g.root+" "+g.root+" && mount -o remount,bind,ro "+g.root).CombinedOutput(); err != nil {
		t.Skipf("no read-only mount here: %s", out)
	}
	err := g.s.Begin(bg(), tx, nil)
	exec.Command("umount", "-l", g.root).Run()
	if !errors.Is(err, remote.ErrDisk) || !strings.Contains(err.Error(), "ead-only") {
		t.Errorf("begin: %v", err)
	}
	if err := errors.Join(g.was(want), g.free()); err != nil {
		t.Error(err)
	}
}
