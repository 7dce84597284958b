//go:build linux

package agent_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"postern/remote"
)

func undoFailsTwice(g *ground) error {
	want := g.fingerprint()
	tx := g.change()
	tx.Changes[1].Undo = "echo x >>" + g.state + "/tries; [ $(grep -c x " + g.state + "/tries) -ge 3 ]"
	id, err := g.begin(tx)
	if err != nil {
		return err
	}
	if err := g.s.Cancel(bg(), id); err != nil {
		return err
	}
	return g.back(want)
}

// undoFails must keep the lock, restore all that can be restored, and go on when a person has mended the host.
func undoFails(g *ground) error {
	want := g.fingerprint()
	tx := g.change()
	tx.Changes[1].Undo = "echo cannot; [ -e " + g.state + "/mended ]"
	id, err := g.begin(tx)
	if err != nil {
		return err
	}
	if err := g.s.Cancel(bg(), id); !errors.Is(err, remote.ErrStuck) {
		return fmt.Errorf("cancel: %w", err)
	}
	os.RemoveAll(g.root + "/deep") // folders of ours that are empty stay until the end
	if err := g.was(want); err != nil {
		return err
	}
	if err := g.free(); !errors.Is(err, remote.ErrStuck) {
		return fmt.Errorf("the next begin: %w", err)
	}
	if st, err := g.s.Status(bg()); err != nil || st.State != "STUCK" || st.Why != "cancelled" {
		return fmt.Errorf("status: %+v, %w", st, err)
	}
	os.WriteFile(g.state+"/mended", nil, 0o600)
	if out, err := exec.Command("/bin/sh", g.state+"/open/agent", "boot").CombinedOutput(); err != nil {
		return fmt.Errorf("boot: %w: %s", err, out)
	}
	return g.back(want)
}

func confirmEarly(g *ground) error {
	want := g.fingerprint()
	tx := g.change()
	tx.Changes[1].Do = g.slow()
	done := make(chan error, 1)
	go func() { done <- g.s.Begin(bg(), tx, nil) }()
	if err := g.exists("slow"); err != nil {
		return err
	}
	over, err := g.login()
	if err != nil {
		return err
	}
	defer over.Close()
	if err := over.Confirm(bg(), tx.ID, nil); !errors.Is(err, remote.ErrNotReady) {
		return fmt.Errorf("confirm: %w", err)
	}
	g.goOn()
	if err := <-done; err != nil {
		return err
	}
	before := over.RoundTrips()
	if err := over.Confirm(bg(), tx.ID, nil); err != nil {
		return err
	}
	if n := over.RoundTrips() - before; n != 1 {
		return fmt.Errorf("confirm took %d round trips", n)
	}
	return errors.Join(g.ended(remote.Ended{Kept: true}, true, want), g.free())
}

func keepFails(g *ground) error {
	tx := g.change()
	tx.Changes[1].Keep = "echo it does not last; false"
	id, err := g.begin(tx)
	if err != nil {
		return err
	}
	var unkept *remote.ErrUnkept
	if err := g.confirm(id); !errors.As(err, &unkept) || !strings.Contains(err.Error(), "it does not last") {
		return fmt.Errorf("confirm: %w", err)
	}
	return errors.Join(g.ended(remote.Ended{Kept: true}, true, ""), g.free())
}

func idTwice(g *ground) error {
	tx := g.change()
	id, err := g.begin(tx)
	if err != nil {
		return err
	}
	if err := g.s.Begin(bg(), tx, nil); err == nil || !strings.Contains(err.Error(), "begun before") {
		return fmt.Errorf("begun twice: %w", err)
	}
	if err := g.s.Cancel(bg(), id); err != nil {
		return err
	}
	return g.free()
}
