//go:build unix

package remote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
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
	{"S9b reboot while confirmed and not persisted", rebootConfirmed},
	{"S10 watchdogs killed before apply", watchdogsKilled},
	{"S11 apply still running at the deadline", applySlow},
	{"S12 one watchdog killed after apply", oneWatchdog},
	{"S13 both watchdogs and boot at once", allAtOnce},
	{"S14 both watchdogs killed after apply", noWatchdog},
	{"apply killed", applyKilled},
}

func TestScenarios(t *testing.T) {
	needRoot(t)
	text, _ := faulty(agentText)
	useAgent(t, text)
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			if err := sc.run(newGround(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestBrokenAgents proves that the scenarios bite: each broken agent of testdata must fail its scenario.
func TestBrokenAgents(t *testing.T) {
	needRoot(t)
	for file, run := range map[string]func(g *ground) error{"v1_liveness.sh": watchdogsKilled, "v1_expire.sh": applySlow} {
		t.Run(file, func(t *testing.T) {
			broken, err := os.ReadFile("testdata/" + file)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := faulty(agentText)
			at := strings.LastIndex(text, "verb=$1\n")
			useAgent(t, text[:at]+string(broken)+text[at:])
			err = run(newGround(t))
			if err == nil {
				t.Fatal("the scenario did not notice")
			}
			t.Logf("noticed: %v", err)
		})
	}
}

func bg() context.Context { return context.Background() }

// back is how every scenario that must end old is judged.
func (g *ground) back(want string, limit time.Duration) error {
	st, ok := g.settled(limit)
	if !ok {
		return fmt.Errorf("still open: %+v", st)
	}
	return errors.Join(g.was(want), g.free())
}

func clientGone(g *ground) error {
	want := g.fingerprint()
	tx := g.change(time.Second)
	tx.Changes[1].Do = "touch " + g.state + "/slow; sleep 0.5"
	ctx, cancel := context.WithCancel(bg())
	go func() {
		for i := 0; i < 500 && exec.Command("test", "-e", g.state+"/slow").Run() != nil; i++ {
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
	}()
	if err := g.s.Begin(ctx, tx, nil); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("begin: %w", err)
	}
	g.s.Close()
	return g.back(want, 10*time.Second)
}

func confirmLate(g *ground) error {
	want := g.fingerprint()
	id, err := g.begin(g.change(time.Second))
	if err != nil {
		return err
	}
	if _, ok := g.settled(10 * time.Second); !ok {
		return errors.New("not taken back")
	}
	if err := g.confirm(id); !errors.Is(err, ErrTooLate) {
		return fmt.Errorf("confirm: %w, want too late", err)
	}
	return g.back(want, 0)
}

func applyFails(g *ground) error {
	want := g.fingerprint()
	tx := g.change(time.Minute)
	tx.Changes[3].Do = "echo first; echo it broke >&2; exit 3"
	err := g.s.Begin(bg(), tx, nil)
	var back *ErrRolledBack
	if !errors.As(err, &back) || back.Why != "failed" || back.Change != "remove a file" || !strings.Contains(err.Error(), "it broke") {
		return fmt.Errorf("begin: %w", err)
	}
	return g.back(want, 0)
}

// reboot ends everything of the transaction that runs, and then does what the next boot does.
func (g *ground) reboot() error {
	for _, pid := range g.watchdogs() {
		syscall.Kill(-pid, syscall.SIGKILL)
	}
	guard := g.state + "/etc/rcS.d/S01postern-boot"
	if _, err := os.Stat(guard); err != nil {
		return fmt.Errorf("no boot guard: %w", err)
	}
	out, err := exec.Command("/bin/sh", guard).CombinedOutput()
	if err != nil {
		return fmt.Errorf("boot: %w: %s", err, out)
	}
	return nil
}

func rebootArmed(g *ground) error {
	want := g.fingerprint()
	id, err := g.begin(g.change(time.Minute))
	if err != nil {
		return err
	}
	if err := g.reboot(); err != nil {
		return err
	}
	if err := g.confirm(id); !errors.Is(err, ErrTooLate) {
		return fmt.Errorf("confirm after boot: %w", err)
	}
	return g.back(want, 0)
}

func rebootConfirmed(g *ground) error {
	want := g.fingerprint()
	id, err := g.begin(g.change(time.Minute))
	if err != nil {
		return err
	}
	if err := g.fault("persist.2", "kill -9 $$"); err != nil {
		return err
	}
	var unkept *ErrUnkept
	if err := g.confirm(id); !errors.As(err, &unkept) {
		return fmt.Errorf("confirm that was killed: %w", err)
	}
	if err := g.reboot(); err != nil {
		return err
	}
	if err := g.confirm(id); err != nil {
		return fmt.Errorf("confirm after boot: %w", err)
	}
	return errors.Join(g.ended(Ended{Kept: true}, true, want), g.free())
}

func watchdogsKilled(g *ground) error {
	want := g.fingerprint()
	// Where the watchdogs were stand two processes that are dead and not reaped, as their parent sleeps.
	if err := g.fault("arm.6", `for w in a b; do
	read -r x <"$O/PID.1$w"
	kill -9 "$x"
	sh -c 'sleep 0.1 & echo $! >"$1"; exec sleep 3' z "$O/PID.1$w" >/dev/null 2>&1 9<&- &
done
sleep 0.5`); err != nil {
		return err
	}
	err := g.s.Begin(bg(), g.change(2*time.Second), nil)
	if !g.hit("arm.6") {
		return errors.New("the fault was not reached")
	}
	if !errors.Is(err, ErrNoGuard) {
		return fmt.Errorf("begin with dead watchdogs: %w", err)
	}
	return g.back(want, 0)
}

func applySlow(g *ground) error {
	want := g.fingerprint()
	tx := g.change(time.Second)
	tx.Changes[1].Do = "sleep 3; echo late >" + g.run() + "; echo late >" + g.root + "/a.conf"
	err := g.s.Begin(bg(), tx, nil)
	if !errors.Is(err, ErrTooLate) {
		return fmt.Errorf("begin past the deadline: %w", err)
	}
	g.settled(5 * time.Second)
	for wait := 0; wait < 40; wait++ { // the slow command must not come after
		if err := g.was(want); err != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return g.back(want, 0)
}

func oneWatchdog(g *ground) error {
	want := g.fingerprint()
	if err := g.s.Begin(bg(), g.change(2*time.Second), nil); err != nil {
		return err
	}
	syscall.Kill(-g.watchdogs()[0], syscall.SIGKILL)
	return g.back(want, 15*time.Second)
}

func noWatchdog(g *ground) error {
	want := g.fingerprint()
	if err := g.s.Begin(bg(), g.change(time.Minute), nil); err != nil {
		return err
	}
	for _, pid := range g.watchdogs() {
		syscall.Kill(-pid, syscall.SIGKILL)
	}
	var changed *ErrChanged // the next one finds it and takes it back first, and so what it was shown is not true any more
	if err := g.free(); !errors.As(err, &changed) {
		return fmt.Errorf("the next begin: %w", err)
	}
	return errors.Join(g.was(want), g.free())
}

func allAtOnce(g *ground) error {
	want := g.fingerprint()
	tx := g.change(time.Minute)
	if err := g.s.Begin(bg(), tx, nil); err != nil {
		return err
	}
	var wg sync.WaitGroup
	for _, verb := range [][]string{{"expire", tx.ID, "1"}, {"expire", tx.ID, "1"}, {"boot"}} {
		wg.Go(func() { exec.Command("/bin/sh", append([]string{g.state + "/open/agent"}, verb...)...).Run() })
	}
	wg.Wait()
	return g.back(want, 5*time.Second)
}

func applyKilled(g *ground) error {
	want := g.fingerprint()
	if err := g.fault("apply.8", "kill -9 $$"); err != nil {
		return err
	}
	err := g.s.Begin(bg(), g.change(time.Minute), nil)
	var back *ErrRolledBack
	if !errors.As(err, &back) {
		return fmt.Errorf("begin: %w", err)
	}
	return g.back(want, 0)
}
