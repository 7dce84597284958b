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
