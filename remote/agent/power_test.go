//go:build linux

package agent_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"postern/remote"
	"postern/remote/agent"
)

// A power cut loses what nobody asked to be on the disk, or only a part of that: each file system writes when it likes. So the
// host's two, of the agent's folder and of everything else, are pictured whenever the agent asks for one to be flushed, and once
// more when the power goes; after the cut each of them is either as it was flushed last or as it was in the end.
const flushes = `flush() {
	[ ! -e "$D/../disk/cut" ] || return 0
	for at in "$@"; do
		case $at in "$D/etc"*) at=root ;; "$D"*) at=var ;; *) at=root ;; esac
		picture $at flushed
		[ ! -e "$D/../disk/one" ] || picture $([ $at = var ] && echo root || echo var) flushed
	done
}
picture() {
	[ -d "$D/../disk" ] || return 0 # not formatted yet
	to=$D/../disk/$1.$2 new=$D/../disk/new.$$
	rm -rf "$new" && mkdir "$new"
	if [ $1 = root ]; then
		cp -a "$D/../root" "$new/root"
		[ ! -e "$D/etc" ] || cp -a "$D/etc" "$new/etc"
	else
		# A picture is of one moment: another watchdog may turn the marker meanwhile, which would be in none.
		while cp -a "$D" "$new/state"; [ "$(ls "$D/open" 2>&1)" != "$(ls "$new/state/open" 2>&1 | sed "s|$new/state|$D|")" ]; do rm -rf "$new/state"; done
		rm -rf "$new/state/etc"
	fi
	rm -rf "$to" && mv "$new" "$to"
}
`

// cutHere is the fault that cuts the power: what is there at that moment is pictured, and whatever still runs does so in vain.
const cutHere = `picture root there && picture var there && : >"$D/../disk/cut"; kill -9 $$`

// forgetful is an agent whose flush is pictured.
func forgetful(t *testing.T) string {
	text, _ := faulty(hasty(agent.Text("linux")))
	at := strings.Index(text, "flush() {")
	if at < 0 {
		t.Fatal("the agent flushes nothing")
	}
	end := at + strings.Index(text[at:], "\n")
	return text[:at] + flushes + text[end+1:]
}

func (g *ground) disk(name string) string { return filepath.Dir(g.state) + "/disk/" + name }

func (g *ground) cut() bool { _, err := os.Stat(g.disk("cut")); return err == nil }

// format begins with all on the disk. one says that the host has but one file system.
func (g *ground) format(one bool) error {
	os.MkdirAll(g.disk(""), 0o700)
	if one {
		os.WriteFile(g.disk("one"), nil, 0o600)
	}
	return g.picture("flushed")
}

// picture pictures both file systems.
func (g *ground) picture(when string) error {
	script := "D=" + remote.Quote(g.state) + "\n" + flushes + "picture root " + when + " && picture var " + when
	out, err := exec.Command("/bin/sh", "-c", script).CombinedOutput()
	if err != nil {
		return fmt.Errorf("picture: %w: %s", err, out)
	}
	return nil
}

// writeBack is what a kernel does after half a minute with what nobody asked it to write.
func (g *ground) writeBack() error {
	if g.cut() {
		return nil
	}
	return g.picture("flushed")
}

// boots has the host come up with each file system as it was flushed last, or as it was when the power went.
func (g *ground) boots(root, state string) error {
	g.s.Close() // the power took it, too
	for _, pid := range g.running() {
		syscall.Kill(-pid, syscall.SIGKILL)
		syscall.Kill(pid, syscall.SIGKILL)
	}
	script := `cd "$1" && rm -rf root state && cp -a "disk/root.$2/root" root && cp -a "disk/var.$3/state" state &&
		if [ -e "disk/root.$2/etc" ]; then cp -a "disk/root.$2/etc" state/etc; fi; rm -f state/fault.* state/hit.* state/trace`
	if out, err := exec.Command("/bin/sh", "-c", script, "sh", filepath.Dir(g.state), root, state).CombinedOutput(); err != nil {
		return fmt.Errorf("boot: %w: %s", err, out)
	}
	if err := g.reboot(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var err error
	g.s, err = g.login()
	return err
}

// onDisk is every file of the host, and what is in it.
func (g *ground) onDisk() string {
	var b strings.Builder
	for _, line := range strings.Split(g.fingerprint(), "\n") {
		if name, _, _ := strings.Cut(line, " "); name != "runs" && !strings.Contains(line, " d") {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// spell is one way through a change, or back from it, on which the power is cut: what the host is told to do, and how that
// is to end as the operator hears it.
type spell struct {
	kept  bool // a change was kept before, which it goes on from
	walk  func(g *ground, tx remote.Transaction) error
	heard string // when walk returns nil: kept or back
}

var spells = map[string]spell{
	"confirm": {walk: func(g *ground, tx remote.Transaction) error {
		return errors.Join(g.s.Begin(bg(), tx, nil), g.confirm(tx.ID))
	}, heard: "kept"},
	"cancel": {walk: func(g *ground, tx remote.Transaction) error {
		return errors.Join(g.s.Begin(bg(), tx, nil), g.writeBack(), g.s.Cancel(bg(), tx.ID))
	}, heard: "back"},
	"expire": {walk: func(g *ground, tx remote.Transaction) error {
		return errors.Join(g.s.Begin(bg(), tx, nil), g.writeBack(), g.expired())
	}, heard: "back"},
	"fail": {walk: func(g *ground, tx remote.Transaction) error {
		tx.Changes[4].Do = "false"
		var back *remote.ErrRolledBack
		if err := g.s.Begin(bg(), tx, nil); !errors.As(err, &back) || back.Ongoing {
			return fmt.Errorf("not taken back: %w", err)
		}
		return nil
	}, heard: "back"},
	"revert": {kept: true, walk: func(g *ground, tx remote.Transaction) error { return g.s.Revert(bg(), tx.ID) }, heard: "back"},
	"undo": {kept: true, walk: func(g *ground, tx remote.Transaction) error {
		back, err := g.undoing(tx)
		return errors.Join(err, g.s.Begin(bg(), back, nil), g.confirm(back.ID))
	}, heard: "kept"},
}

// undoing is the change that takes back all that another did, by its records.
func (g *ground) undoing(tx remote.Transaction) (remote.Transaction, error) {
	back := remote.Transaction{ID: "u" + tx.ID, Operator: "ann@laptop", Deadline: tx.Deadline}
	list, err := g.s.Recorded(bg())
	for _, rec := range slices.Backward(list) {
		back.Changes = append(back.Changes, rec.Restore(g.file(strings.TrimPrefix(rec.Path, g.root+"/"))))
	}
	return back, err
}

// powerCut walks a spell, cuts the power at one point, and wants of every way in which the disk may be left: the files are all old or all
// new, as the host says that it ended, and as the operator heard; and nothing is open that the next run does not bring to its end.
func (g *ground) powerCut(name, point string, one bool) error {
	s, tx := spells[name], g.change()
	before := g.onDisk()
	if s.kept {
		if err := errors.Join(g.s.Begin(bg(), tx, nil), g.confirm(tx.ID)); err != nil {
			return err
		}
		before = g.onDisk()
	}
	if err := errors.Join(g.format(one), g.fault(point, cutHere)); err != nil {
		return err
	}
	if point == "" {
		os.WriteFile(g.state+"/trace", nil, 0o600)
	}
	ctx, cancel := context.WithTimeout(bg(), long)
	defer cancel()
	err := s.walk(g, tx)
	heard := ""
	if err == nil && !g.cut() {
		heard = s.heard
	}
	switch {
	case point == "":
		return err
	case point == "end" && err != nil:
		return err
	case point == "end":
		if err := g.picture("there"); err != nil {
			return err
		}
		os.WriteFile(g.disk("cut"), nil, 0o600)
	case !g.hit(point):
		g.expire()
		_, err := g.settled()
		return err
	}
	if err := await("the power to go", g.cut); err != nil {
		return err
	}
	id := tx.ID
	if name == "undo" {
		id = "u" + tx.ID
	}
	for _, left := range [][2]string{{"flushed", "there"}, {"there", "flushed"}, {"flushed", "flushed"}} {
		if one && left[0] != left[1] {
			continue
		}
		err := g.boots(left[0], left[1])
		if err == nil {
			err = g.judge(ctx, id, before, heard, name == "revert")
		}
		if err != nil {
			return fmt.Errorf("/ as it was %s, /var as it was %s: %w", left[0], left[1], err)
		}
	}
	return nil
}

// judge wants one of two ends after a boot; before is what the files were when the spell began.
func (g *ground) judge(_ context.Context, id, before, heard string, reverts bool) error {
	st, err := g.settled()
	if err != nil {
		return err
	}
	end, open, known := st.Of(id)
	if open && st.State == "ARMED" {
		return fmt.Errorf("it is still armed after a boot: %+v", st)
	}
	now, kept := g.onDisk(), known && end.Kept
	same := kept == reverts // nothing changed: taken back before it was kept, or kept and not reverted
	if same != (now == before) {
		return fmt.Errorf("the host says kept: %v (%+v), and its files are\n%swere\n%s", kept, st, now, before)
	}
	if heard != "" && kept != (heard == "kept") {
		return fmt.Errorf("the operator heard that it is %s, and the host says %+v", heard, st)
	}
	return g.free()
}

// TestPowerCuts cuts the power at every point of every spell, with the agent's folder on a file system of its own and not.
func TestPowerCuts(t *testing.T) {
	t.Parallel()
	text := forgetful(t)
	names := slices.Sorted(maps.Keys(spells))
	var cases [][2]string // spell and point
	passed := make([][]string, len(names))
	together(t, text, len(names), func(g *ground, i int) error {
		err := g.powerCut(names[i], "", false)
		trace, _ := os.ReadFile(g.state + "/trace")
		passed[i] = strings.Fields(string(trace))
		return err
	})
	n, torture := 0, os.Getenv("POSTERN_TORTURE") != ""
	for i, name := range names {
		slices.Sort(passed[i])
		for _, point := range slices.Compact(passed[i]) {
			if n++; torture || n%80 == 0 { // by all points in turn, so that no spell and no function is left out
				cases = append(cases, [2]string{name, point})
			}
		}
		cases = append(cases, [2]string{name, "end"})
	}
	var cuts atomic.Int32
	for _, one := range []bool{false, true} {
		if one && !torture {
			break // what holds on two holds on one
		}
		together(t, text, len(cases), func(g *ground, i int) error {
			c := cases[i]
			err := g.powerCut(c[0], c[1], one)
			if g.cut() {
				cuts.Add(1)
			}
			if err != nil {
				return fmt.Errorf("%s, cut at %s, one file system %v: %w", c[0], c[1], one, err)
			}
			return nil
		})
	}
	t.Logf("%d of %d points; the power was cut %d times", len(cases), n+len(names), cuts.Load())
	if int(cuts.Load()) < len(cases)*9/10 {
		t.Errorf("the power was cut only %d times", cuts.Load())
	}
}
