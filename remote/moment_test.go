package remote

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Whoever comes last has all told, one right after the other; one who waits for somebody that does not come is told alone, and
// who comes after that at once.
func TestMoment(t *testing.T) {
	for _, c := range []struct {
		awaited int
		come    []time.Duration
		told    []time.Duration
	}{
		{1, []time.Duration{0}, []time.Duration{0}},
		{2, []time.Duration{0, 2 * time.Second}, []time.Duration{2 * time.Second, 2 * time.Second}},
		{2, []time.Duration{0}, []time.Duration{longestMoment}},
		{3, []time.Duration{0, time.Second}, []time.Duration{longestMoment, longestMoment}},
		{2, []time.Duration{0, 5 * time.Second}, []time.Duration{longestMoment, 5 * time.Second}},
		{2, []time.Duration{0, 0, time.Second}, []time.Duration{0, 0, time.Second}}, // the last asks once more
	} {
		synctest.Test(t, func(t *testing.T) {
			m, began := NewMoment(c.awaited), time.Now()
			var mu sync.Mutex
			var told []time.Duration
			var all sync.WaitGroup
			for _, after := range c.come {
				all.Go(func() {
					time.Sleep(after)
					m.come(t.Context(), func() {
						mu.Lock()
						defer mu.Unlock()
						told = append(told, time.Since(began))
					})
				})
			}
			all.Wait()
			if !slices.Equal(told, c.told) {
				t.Errorf("%d awaited, who come after %v: told after %v, want %v", c.awaited, c.come, told, c.told)
			}
		})
	}
}

// A program that dies before the moment has told nobody: no shell does anything of a script whose end it did not get.
func TestScriptWithoutItsEndDoesNothing(t *testing.T) {
	for _, shell := range []string{"sh", "dash", "bash", "ksh", "busybox"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		for _, whole := range []bool{false, true} {
			mark := filepath.Join(t.TempDir(), "mark")
			script := wrap("nonce", "touch "+Quote(mark))
			if !whole {
				script = strings.TrimSuffix(script, wrapEnd)
			}
			argv := []string{path}
			if shell == "busybox" {
				argv = append(argv, "sh")
			}
			cmd := exec.Command(argv[0], argv[1:]...)
			cmd.Stdin = strings.NewReader(script)
			out, _ := cmd.CombinedOutput()
			if _, err := os.Stat(mark); (err == nil) != whole {
				t.Errorf("%s, whole %t: done %t\n%s", shell, whole, err == nil, out)
			}
		}
	}
}

// Two hosts are told at one moment: the one that comes first does nothing before the other has come.
func TestConfirmAtOneMoment(t *testing.T) {
	m := NewMoment(2)
	one, two := newHost(t), newHost(t)
	first, second := one.connect(one.options()), two.connect(two.options())
	done := make(chan string, 2)
	say := func(name string, s *Session) {
		if code, err := s.shell.runAt(soon(t), m, nonce(), "true", func([]byte) {}, nil); code != 0 || err != nil {
			t.Errorf("%s: %d, %v", name, code, err)
		}
		done <- name
	}
	go say("first", first)
	select {
	case <-done:
		t.Error("the first did not wait")
	case <-time.After(time.Second):
	}
	go say("second", second)
	<-done
	<-done
}
