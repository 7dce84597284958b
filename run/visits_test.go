package run

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"postern/remote"
	"postern/site"
	"postern/steps"
)

// Whoever connects six times in 30 s is turned away by ufw's limit: twenty runs one after the other, each a process of its own
// that knows the others by the diary alone, stay below that, and say why they wait.
func TestRunsKeepBelowALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kept []byte
		diary := Diary{Load: func() []byte { return kept }, Keep: func(text []byte) { kept = text }}
		var at []time.Time
		told := ""
		for range 20 {
			r := &Runner{Site: site.Default(), Clock: time.Now, Diary: diary, Emit: func(e steps.Event) { told += e.Text },
				Connect: func(context.Context, remote.Target) (Login, error) { at = append(at, time.Now()); return nil, nil }}
			if _, err := r.login(t.Context(), remote.Target{Name: "proxy", SSH: "root@proxy"}); err != nil {
				t.Fatal(err)
			}
			r.diary().limited("root@proxy", true)
			time.Sleep(time.Second)
		}
		for i := range at {
			n := 0
			for _, other := range at[:i+1] {
				if at[i].Sub(other) <= 30*time.Second {
					n++
				}
			}
			if n > 5 {
				t.Fatalf("%d connections within 30 s: %v", n, at)
			}
		}
		if !strings.Contains(told, "limits how often") {
			t.Error("it waits without a word")
		}
	})
}

// A port that turns us away soon after it let us in is told as a ban, after the time that a limit lasts; one that never let us
// in is told at once as what it may be.
func TestABanIsNotAnotherPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, away := time.Now(), atomic.Bool{}
		away.Store(true)
		r := &Runner{Site: site.Default(), Clock: time.Now, Connect: func(context.Context, remote.Target) (Login, error) {
			if away.Load() {
				return nil, fmt.Errorf("proxy: 203.0.113.10:22 refuses the connection: no SSH server listens there; is it another port? %w", remote.ErrTurnedAway)
			}
			return nil, nil
		}}
		to := remote.Target{Name: "proxy", SSH: "root@proxy"}
		if _, err := r.login(t.Context(), to); err == nil || time.Since(begun) > 0 || !strings.Contains(err.Error(), "another port") {
			t.Errorf("an unknown host: %v after %v", err, time.Since(begun))
		}
		away.Store(false)
		if _, err := r.login(t.Context(), to); err != nil {
			t.Fatal(err)
		}
		away.Store(true)
		if _, err := r.login(t.Context(), to); err == nil || !strings.Contains(err.Error(), "a ban or a limit") || strings.Contains(err.Error(), "is it another port") {
			t.Errorf("a ban is told as %v", err)
		}
		if waited := time.Since(begun); waited != visitsIn {
			t.Errorf("it waited %v, want the time of a limit, once", waited)
		}
		time.AfterFunc(visitsIn/2, func() { away.Store(false) })
		if _, err := r.login(t.Context(), to); err != nil {
			t.Errorf("a limit that ended: %v", err)
		}
	})
}
