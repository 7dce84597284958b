//go:build unix

package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestExec(t *testing.T) {
	h := newHost(t)
	s := h.connect(h.options())
	for _, c := range []struct {
		script, out string
		code        int
	}{
		{"echo a; echo b >&2; exit 9", "a\nb\n", 9},
		{"printf x", "x", 0},
		{"cat; echo $LC_ALL; echo $SSH_CONNECTION | cut -c1-9", "C\n127.0.0.1\n", 0},
		{"if", "", 2},
		{"cat <<E\nit's \"x\"\nE", "it's \"x\"\n", 0},
	} {
		a, err := s.Exec(soon(t), ReadRun("", c.script))
		if err != nil || c.code != a.Code || c.code != 2 && a.Out != c.out {
			t.Errorf("%q: %+v, %v", c.script, a, err)
		}
	}
}

func TestExecAtOnce(t *testing.T) {
	for most, want := range map[int32]int32{0: 1 + 12, 3: 0, 1: 1} {
		h := newHost(t)
		h.maxSessions = most
		s := h.connect(h.options())
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() {
				if a, err := s.Exec(soon(t), ReadRun("", fmt.Sprint("echo ", i))); err != nil || a.Out != fmt.Sprintln(i) {
					t.Errorf("MaxSessions %d: %d: %+v, %v", most, i, a, err)
				}
			})
		}
		wg.Wait()
		if got := h.sessions.Load(); want != 0 && got != want {
			t.Errorf("MaxSessions %d: %d sessions, want %d", most, got, want)
		}
		deaf := `sh -c 'trap "" TERM; while sleep 1; do echo y; done' & sleep 1000; true`
		if a, err := s.Exec(soon(t), ReadRun("", deaf)); err != nil || !a.Late {
			t.Errorf("MaxSessions %d: what does not hear: %+v, %v", most, a, err)
		}
		if r, err := s.sh(soon(t), "sleep 3; echo on", nil); err != nil || r.Out != "on\n" {
			t.Errorf("MaxSessions %d: the held shell afterwards: %.200q, %v", most, r.Out, err)
		}
	}
}

// A fifo tells without waiting blindly: its reader comes to an end when the last writer is gone.
func TestExecLeavesNothingBehind(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip("no setsid here")
	}
	h := newHost(t)
	s := h.connect(h.options())
	fifo := filepath.Join(t.TempDir(), "alive")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		f, err := os.Open(fifo) // opens once the script runs
		if err == nil {
			defer f.Close()
		}
		cancel()
	}()
	if _, err := s.Exec(ctx, ReadRun("", "exec 4>"+Quote(fifo)+"; sh -c 'sleep 1000; true'; true")); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	f, err := os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	syscall.SetNonblock(int(f.Fd()), false)
	if _, err := io.ReadAll(f); err != nil { // ends only when the script's children have
		t.Fatal(err)
	}
}

// In the held shell only the host can end a script; it must, or every later call would wait for it.
func TestExecInTheHeldShellEnds(t *testing.T) {
	h := newHost(t)
	h.maxSessions = 1
	s := h.connect(h.options())
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if _, err := s.Exec(ctx, ReadRun("", "sleep 1000; true")); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	if r, err := s.sh(soon(t), "echo on", nil); err != nil || r.Out != "on\n" {
		t.Errorf("%+v, %v", r, err)
	}
}

// What hangs is ended and told as late, and what never ends is ended once it said more than is kept.
func TestExecOfToolsThatHang(t *testing.T) {
	t.Parallel()
	for _, most := range []int32{0, 1} { // 1: in the held shell
		h := newHost(t)
		h.maxSessions = most
		o := h.options()
		o.Look = 3 * time.Second
		s := h.connect(o)
		if a, err := s.Exec(soon(t), ReadRun("", "echo a; sleep 1000; true")); err != nil || !a.Late || strings.TrimSuffix(a.Out, "\nTerminated") != "a" { // which a shell says that was first
			t.Errorf("MaxSessions %d: what hangs: %+v, %v", most, a, err)
		}
		if a, err := s.Exec(soon(t), ReadRun("", "yes")); err != nil || !a.Cut || len(a.Out) != MaxAnswer || a.Late != (most == 1) {
			t.Errorf("MaxSessions %d: what never ends: %d bytes, %v, %v, %v", most, len(a.Out), a.Cut, a.Late, err)
		}
		deaf := `sh -c 'trap "" TERM; while sleep 1; do echo y; done' & sleep 1000; true`
		if a, err := s.Exec(soon(t), ReadRun("", deaf)); err != nil || !a.Late {
			t.Errorf("MaxSessions %d: what does not hear: %+v, %v", most, a, err)
		}
		if r, err := s.sh(soon(t), "sleep 3; echo on", nil); err != nil || r.Out != "on\n" {
			t.Errorf("MaxSessions %d: the held shell afterwards: %.200q, %v", most, r.Out, err)
		}
	}
}

// A host that ends a script before its time is over here is believed to have: the answer is not whole.
func TestEndedByTheHostFirst(t *testing.T) {
	over, cancel := context.WithTimeoutCause(t.Context(), 0, errLate)
	defer cancel()
	for limit, late := range map[context.Context]bool{over: true, t.Context(): false} {
		if a, err := ended(limit, Answer{Code: 143}, nil); a.Late != late || err != nil {
			t.Errorf("late %t, want %t, %v", a.Late, late, err)
		}
	}
}
