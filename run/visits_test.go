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
	"postern/seen"
	"postern/site"
	"postern/steps"
)

// Whoever connects six times in 30 s is turned away by ufw's limit: twenty runs one after the other, each a process of its own
// that knows the others by the diary alone, stay below that, and say why they wait. A rule of pf that allows less is kept to as well: it
// bans for days.
func TestRunsKeepBelowALimit(t *testing.T) {
	for _, limit := range []seen.Limit{{Count: 6, Seconds: 30}, {Count: 4, Seconds: 90}, {Count: 20, Seconds: 30}} {
		keepsBelow(t, limit)
	}
}

func keepsBelow(t *testing.T, limit seen.Limit) {
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
			r.diary().limited("root@proxy", limit, true)
			time.Sleep(time.Second)
		}
		for i := range at {
			n := 0
			for _, other := range at[:i+1] {
				if at[i].Sub(other) <= time.Duration(limit.Seconds)*time.Second {
					n++
				}
			}
			if n >= limit.Count {
				t.Fatalf("%d connections within %d s: %v", n, limit.Seconds, at)
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

// A look at a FreeBSD host tells the pace: its pf has a rule that bans who connects too often to sshd, and one that does not concern it.
func TestABanRuleOfPFIsHeeded(t *testing.T) {
	rules := func(rate string) remote.Facts {
		f := remote.Facts{Answers: map[string]remote.Answer{}}
		for id, text := range map[string]string{"ssh": "== connection\n198.51.100.20 40000 203.0.113.10 22\n== sshd\nport 22\n", "listeners": "== sockets\n", "rules": "== absent\n",
			"pfrules": "== main\nblock drop in all\npass in proto tcp from any to any port = 22 flags S/SA keep state (source-track rule, max-src-conn-rate " + rate + ", overload <bruteforce> flush)\n" +
				"pass in proto tcp from any to any port = 25 flags S/SA keep state (source-track rule, max-src-conn-rate 1/600, overload <bruteforce> flush)\n== table bruteforce\n"} {
			f.Answers[id] = remote.Answer{Out: text + "== end\n"}
		}
		return f
	}
	for rate, want := range map[string]visits{"8/15": {Limit: true}, "3/60": {Limit: true, Most: 2, Span: 61 * time.Second}, "1/600": {Limit: true, Most: 2, Span: 601 * time.Second}} {
		r := &Runner{Clock: time.Now, hosts: map[string]*host{"proxy": {target: remote.Target{SSH: "root@proxy"}}}}
		r.heed("proxy", rules(rate))
		if got := *r.diary().to("root@proxy"); got.Limit != want.Limit || got.Most != want.Most || got.Span != want.Span {
			t.Errorf("%s: %+v, want %+v", rate, got, want)
		}
		r.heed("proxy", remote.Facts{}) // a look that did not ask changes nothing
		if got := *r.diary().to("root@proxy"); !got.Limit {
			t.Errorf("%s is forgotten", rate)
		}
	}
}
