//go:build linux

package agent_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/remote"
	"postern/remote/agent"
)

// scenarios are the bad days of reference transaction, each on a fresh host; an error says what went wrong.
var scenarios = []struct {
	name string
	run  func(g *ground) error
}{
	{"S3 client gone while applying", clientGone},
	{"S4 confirm too late", confirmLate},
	{"S8 apply fails half way", applyFails},
	{"S9 reboot while armed", rebootArmed},
	{"S9b reboot while confirmed and not persisted", func(g *ground) error { return confirmKilled(g, g.reboot) }},
	{"S9c the deadline passes while confirmed and not persisted", func(g *ground) error { return confirmKilled(g, g.expired) }},
	{"S10 watchdogs killed before apply", watchdogsKilled},
	{"S11 apply still running at the deadline", applySlow},
	{"S12 one watchdog killed after apply", oneWatchdog},
	{"S13 both watchdogs and boot at once", allAtOnce},
	{"S14 both watchdogs killed after apply", noWatchdog},
	{"apply killed", applyKilled},
	{"an undo fails twice", undoFailsTwice},
	{"an undo fails for ever", undoFails},
	{"confirmed while it is applied", confirmEarly},
	{"keep fails", keepFails},
	{"another cannot use the id again", idTwice},
}

// hasty does not rest between two attempts to go back.
func hasty(text string) string { return strings.Replace(text, `sleep "$try" 9<&-`, ":", 1) }

func TestScenarios(t *testing.T) {
	t.Parallel()
	text, _ := faulty(hasty(agent.Text("linux")))
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			if err := sc.run(newGroundOf(t, text)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestBrokenAgents proves that the scenarios bite: each broken agent of testdata must fail its scenario.
func TestBrokenAgents(t *testing.T) {
	t.Parallel()
	for file, run := range map[string]func(g *ground) error{"v1_liveness.sh": watchdogsKilled, "v1_expire.sh": applySlow} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			broken, err := os.ReadFile("testdata/" + file)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := faulty(agent.Text("linux"))
			at := strings.LastIndex(text, "verb=$1\n")
			if err = run(newGroundOf(t, text[:at]+string(broken)+text[at:])); err == nil {
				t.Fatal("the scenario did not notice")
			}
			t.Logf("noticed: %v", err)
		})
	}
}

func bg() context.Context { return context.Background() }

func clientGone(g *ground) error {
	want := g.fingerprint()
	tx := g.change()
	tx.Changes[1].Do = g.slow()
	ctx, cancel := context.WithCancel(bg())
	go func() {
		g.exists("slow")
		cancel()
	}()
	if err := g.s.Begin(ctx, tx, nil); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("begin: %w", err)
	}
	g.s.Close()
	var err error
	if g.s, err = g.login(); err != nil {
		return err
	}
	g.goOn()
	if err := g.exists("open/APPLIED"); err != nil {
		return err
	}
	g.expire()
	return g.back(want)
}

// slow is a command that tells that it has begun, and ends once it may go on.
func (g *ground) slow() string {
	return "touch " + g.state + "/slow; while [ ! -e " + g.state + "/go ]; do sleep 0.05; done"
}

func (g *ground) goOn() { os.WriteFile(g.state+"/go", nil, 0o600) }

// confirmLate is the one whose deadline passes as it does on a host.
func confirmLate(g *ground) error {
	want := g.fingerprint()
	tx := g.change()
	tx.Deadline = 10 * time.Second
	if err := g.s.Begin(bg(), tx, nil); err != nil && !errors.Is(err, remote.ErrTooLate) {
		return err
	}
	if _, err := g.settled(); err != nil {
		return err
	}
	if err := g.confirm(tx.ID); !errors.Is(err, remote.ErrTooLate) {
		return fmt.Errorf("confirm: %w, want too late", err)
	}
	return g.back(want)
}

func applyFails(g *ground) error {
	want := g.fingerprint()
	tx := g.change()
	tx.Changes[3].Do = "echo first; echo it broke >&2; exit 3"
	err := g.s.Begin(bg(), tx, nil)
	var back *remote.ErrRolledBack
	if !errors.As(err, &back) || back.Why != "failed" || back.Change != "remove a file" || !strings.Contains(err.Error(), "it broke") {
		return fmt.Errorf("begin: %w", err)
	}
	return g.back(want)
}

// reboot ends everything of the transaction that runs, and then does what the next boot does.
func (g *ground) reboot() error {
	kill(g.watchdogs()...)
	guard, boot := g.state+"/etc/rcS.d/S01postern-boot", []string{"/bin/sh", g.state + "/etc/rcS.d/S01postern-boot"}
	if g.bsd {
		guard, boot = g.state+"/etc/rc.d/postern_boot", []string{g.bin + "/rc", g.state + "/etc"}
	}
	if _, err := os.Stat(guard); err != nil {
		return fmt.Errorf("no boot guard: %w", err)
	}
	out, err := exec.Command(boot[0], boot[1:]...).CombinedOutput() //nolint:gosec // ours
	if err != nil {
		return fmt.Errorf("boot: %w: %s", err, out)
	}
	return nil
}

func rebootArmed(g *ground) error {
	want := g.fingerprint()
	id, err := g.begin(g.change())
	if err != nil {
		return err
	}
	if err := g.reboot(); err != nil {
		return err
	}
	if err := g.confirm(id); !errors.Is(err, remote.ErrTooLate) {
		return fmt.Errorf("confirm after boot: %w", err)
	}
	return g.back(want)
}

// confirmKilled: what was confirmed is carried on by whoever comes next, and never taken back.
func confirmKilled(g *ground, next func() error) error {
	want := g.fingerprint()
	id, err := g.begin(g.change())
	if err != nil {
		return err
	}
	if err := g.fault("persist.2", "kill -9 $$"); err != nil {
		return err
	}
	var unkept *remote.ErrUnkept
	if err := g.confirm(id); !errors.As(err, &unkept) {
		return fmt.Errorf("confirm that was killed: %w", err)
	}
	if err := next(); err != nil {
		return err
	}
	if err := g.confirm(id); err != nil {
		return fmt.Errorf("confirm afterwards: %w", err)
	}
	return errors.Join(g.ended(remote.Ended{Kept: true}, true, want), g.free())
}

func watchdogsKilled(g *ground) error {
	want := g.fingerprint()
	// Where the watchdogs were stand two processes that are dead and not reaped, as their parent sleeps.
	if err := g.fault("arm.5", `for w in a b; do
	read -r x <"$O/PID.$w"
	kill -s KILL -- "-$x"
	sh -c 'until grep -q sleep /proc/$$/comm; do :; done & echo $! >"$1"; exec sleep 30' z "$O/PID.$w" >/dev/null 2>&1 9<&- &
	until read -r y <"$O/PID.$w" && [ "$y" != "$x" ] && grep -q '^State:.Z' /proc/$y/status; do sleep 0.05; done
done
while held "$O/WATCH.a" || held "$O/WATCH.b"; do sleep 0.05; done`); err != nil {
		return err
	}
	err := g.s.Begin(bg(), g.change(), nil)
	if !g.hit("arm.5") {
		return errors.New("the fault was not reached")
	}
	if !errors.Is(err, remote.ErrNoGuard) {
		return fmt.Errorf("begin with dead watchdogs: %w", err)
	}
	return g.back(want)
}

func applySlow(g *ground) error {
	want := g.fingerprint()
	tx := g.change()
	tx.Changes[1].Do = "echo $$ >" + g.state + "/pid; " + g.slow() + "; echo late >" + g.run() + "; echo late >" + g.root + "/a.conf"
	done := make(chan error, 1)
	go func() { done <- g.s.Begin(bg(), tx, nil) }()
	if err := g.exists("slow"); err != nil {
		return err
	}
	g.expire()
	err := await("the end of the transaction", func() bool { _, err := os.Stat(g.state + "/done." + tx.ID); return err == nil })
	pid, _ := os.ReadFile(g.state + "/pid")
	cmdline, _ := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/cmdline")
	g.goOn()
	begun := <-done
	switch {
	case err != nil:
		return err
	case len(cmdline) > 0:
		return errors.New("it was taken back, and the slow command goes on")
	case !errors.Is(begun, remote.ErrTooLate):
		return fmt.Errorf("begin past the deadline: %w", begun)
	}
	return g.back(want)
}

func oneWatchdog(g *ground) error {
	want := g.fingerprint()
	if err := g.s.Begin(bg(), g.change(), nil); err != nil {
		return err
	}
	kill(g.watchdogs()[0])
	g.expire()
	return g.back(want)
}

func noWatchdog(g *ground) error {
	want := g.fingerprint()
	if err := g.s.Begin(bg(), g.change(), nil); err != nil {
		return err
	}
	kill(g.watchdogs()...)
	var changed *remote.ErrChanged // the next one finds it and takes it back first, and so what it was shown is not true any more
	if err := g.free(); !errors.As(err, &changed) {
		return fmt.Errorf("the next begin: %w", err)
	}
	return errors.Join(g.was(want), g.free())
}

func allAtOnce(g *ground) error {
	want := g.fingerprint()
	tx := g.change()
	if err := g.s.Begin(bg(), tx, nil); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for _, verb := range [][]string{{"expire", tx.ID}, {"expire", tx.ID}, {"boot"}} {
		wg.Go(func() { exec.Command("/bin/sh", append([]string{g.state + "/open/agent"}, verb...)...).Run() })
	}
	wg.Wait()
	return g.back(want)
}

func applyKilled(g *ground) error {
	want := g.fingerprint()
	if err := g.fault("apply.8", "kill -9 $$"); err != nil {
		return err
	}
	err := g.s.Begin(bg(), g.change(), nil)
	var back *remote.ErrRolledBack
	if !errors.As(err, &back) {
		return fmt.Errorf("begin: %w", err)
	}
	return g.back(want)
}
