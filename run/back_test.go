package run

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/site"
)

// What became of a change is told for each host: of one that nobody could see any more, by when it has gone back; and then it has.
func TestHeadlineIsTrueForEveryHost(t *testing.T) {
	dark := fate{"it is not seen again once it began", "begin", func(c *decided, _ context.Context, call Call) error {
		if call.Done {
			c.dark.Store(true)
			return remote.ErrLost
		}
		return nil
	}, goesBack}
	for _, hosts := range [][]string{{"proxy", "mail"}, {"mail"}, {"proxy"}} {
		d := &decided{fate: dark, hosts: hosts, finds: checks.OK}
		synctest.Test(t, func(t *testing.T) {
			d.decide(t)
			defer d.r.Close()
			var back *TakenBack
			if !errors.As(d.err, &back) || !errors.Is(d.err, ErrRolledBack) {
				t.Fatal(d.err)
			}
			by, due := back.Due[d.struck.Name]
			if said := back.Headline(); !due || len(back.Due) != 1 || !strings.Contains(said, d.struck.Name+" could not be asked") || !strings.Contains(said, by.Format("15:04:05")) ||
				strings.Contains(said, "taken back on") != (len(hosts) > 1) || !slices.Equal(back.Hosts, hosts[:len(hosts)-1]) {
				t.Errorf("%v: %+v, %q", hosts, back, said)
			}
			for _, h := range back.Hosts {
				if state(d.fakes[h]) != "OLD" {
					t.Errorf("%s is said to have gone back, and is %s", h, state(d.fakes[h]))
				}
			}
			time.Sleep(time.Until(by))
			if state(d.struck) != "OLD" || d.struck.Open() != "" {
				t.Errorf("%s should have gone back by now, and is %s", d.struck.Name, state(d.struck))
			}
		})
	}
}

// Hosts that were slow when they were asked have the time to be as slow again, within what is allowed; without, it is said that
// the time ran out, and nothing of what broke.
func TestSlowHosts(t *testing.T) {
	for _, c := range []struct {
		slow, longest time.Duration
		kept          bool
	}{
		{0, 0, true},
		{40 * time.Second, 0, true},
		{110 * time.Second, 10 * time.Minute, true},
		{110 * time.Second, 0, false},
		{110 * time.Second, 2 * time.Minute, false},
		{20 * time.Minute, 10 * time.Minute, false},
	} {
		d := &decided{fate: fates[0], hosts: []string{"mail", "proxy"}, finds: checks.OK, slow: c.slow, longest: c.longest}
		synctest.Test(t, func(t *testing.T) {
			d.decide(t)
			defer d.r.Close()
			var late *OutOfTime
			var broke *Regression
			if (d.err == nil) != c.kept || errors.As(d.err, &late) == c.kept || errors.As(d.err, &broke) {
				t.Errorf("checks of %s, %s allowed: %v", c.slow, c.longest, d.err)
			}
			if guard := d.r.guard(nil, nil); guard < d.r.Deadline || guard > max(d.r.Deadline, c.longest) {
				t.Errorf("checks of %s, %s allowed: a guard of %s", c.slow, c.longest, guard)
			}
		})
	}
}

// The time that a check may take to settle counts from when all were asked once: on a slow host that takes as long by itself.
func TestTheFirstRoundIsNoSettling(t *testing.T) {
	for _, round := range []time.Duration{time.Second, 40 * time.Second} {
		for _, settles := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				began, asked := time.Now(), 0
				check := checks.Check{ID: "x", Settles: checks.Usual, Ask: func(context.Context, *checks.Env) []checks.Result {
					if asked++; asked == 1 {
						time.Sleep(round)
					}
					if !settles || time.Since(began) < round+15*time.Second {
						return []checks.Result{checks.Question{From: checks.Here}.Fail("not yet", "", "")}
					}
					return []checks.Result{checks.Question{From: checks.Here}.OK("it is")}
				}}
				r := &Runner{Site: &site.Site{}, Clock: time.Now}
				_, lost, err := r.settle(t.Context(), []checks.Check{check}, nil, []checks.Result{{ID: "x", From: checks.Here, Outcome: checks.OK}}, nil)
				if err != nil || (len(lost) == 0) != settles {
					t.Errorf("a first round of %s, settles %t: %v lost, %v", round, settles, lost, err)
				}
				if took := time.Since(began); took > round+checks.Usual+2*time.Second {
					t.Errorf("a first round of %s, settles %t: it was asked for %s", round, settles, took)
				}
			})
		}
	}
}
