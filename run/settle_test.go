package run

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern/checks"
)

// TestSettling: what is not ok at once after a change is asked again for a while, and what cannot be told while the change is
// open once more when it is kept.
func TestSettling(t *testing.T) {
	for _, c := range []struct {
		finds checks.Outcome
		heals time.Duration
		kept  bool
		last  checks.Outcome
	}{
		{checks.Fail, 10 * time.Second, true, checks.OK},
		{checks.Unknown, 10 * time.Second, true, checks.OK},
		{checks.Fail, 10 * time.Minute, false, checks.Fail},
		{checks.Unknown, 10 * time.Minute, false, checks.Unknown},
		{checks.Warn, 0, true, checks.Warn},
		{checks.Skip, -1, true, checks.OK},
		{checks.Skip, 0, true, checks.Skip},
	} {
		d := &decided{fate: fates[0], hosts: []string{"mail", "proxy"}, finds: c.finds, heals: c.heals}
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			d.decide(t)
			defer d.r.Close()
			if kept := d.err == nil && state(d.struck) == "NEW"; kept != c.kept {
				t.Errorf("%s for %s: kept is %t, %v", c.finds, c.heals, kept, d.err)
			}
			if len(d.results) != 1 || d.results[0].Outcome != c.last {
				t.Errorf("%s for %s: in the end %+v, want %s", c.finds, c.heals, d.results, c.last)
			}
			if took := time.Since(began); took > time.Minute {
				t.Errorf("%s for %s: decided after %s", c.finds, c.heals, took)
			}
		})
	}
}

// TestSlowChange: a change has the time that it says it may take, and no more.
func TestSlowChange(t *testing.T) {
	for _, c := range []struct {
		says, takes time.Duration
		kept        bool
	}{{0, time.Minute, true}, {0, 3 * time.Minute, false}, {5 * time.Minute, 5 * time.Minute, true}, {time.Minute, 10 * time.Minute, false}} {
		d := &decided{fate: fates[0], hosts: []string{"mail", "proxy"}, finds: checks.OK, says: c.says, takes: c.takes}
		synctest.Test(t, func(t *testing.T) {
			d.decide(t)
			defer d.r.Close()
			if kept := d.err == nil && state(d.struck) == "NEW"; kept != c.kept || !c.kept && state(d.struck) != "OLD" {
				t.Errorf("says %s, takes %s: kept is %t, %s, %v", c.says, c.takes, kept, state(d.struck), d.err)
			}
		})
	}
}

// TestNearTheDeadline: what cannot be proven while the hosts have time to be confirmed is taken back, not confirmed on the last second.
func TestNearTheDeadline(t *testing.T) {
	for _, c := range []struct {
		takes time.Duration // of asking the check
		kept  bool
	}{{100 * time.Second, true}, {110 * time.Second, false}, {10 * time.Minute, false}} {
		d := &decided{fate: fates[0], hosts: []string{"mail", "proxy"}, finds: checks.OK, asks: c.takes}
		synctest.Test(t, func(t *testing.T) {
			d.decide(t)
			defer d.r.Close()
			if kept := d.err == nil && state(d.struck) == "NEW"; kept != c.kept {
				t.Errorf("asked for %s: kept is %t, %v", c.takes, kept, d.err)
			}
			if !c.kept && (!strings.Contains(d.err.Error(), "--deadline") || len(d.rolled) != 2) {
				t.Errorf("asked for %s: gone back are %v, %v", c.takes, d.rolled, d.err)
			}
			for host, f := range d.fakes {
				if n := f.asked["confirm"]; (n > 0) != c.kept {
					t.Errorf("asked for %s: %s was confirmed %d times", c.takes, host, n)
				}
			}
		})
	}
}

// TestGrave: a change of its own chapter with which something grave stands, or after which it is found, is not kept, whatever was known
// before; what is wanted by name is.
func TestGrave(t *testing.T) {
	for _, c := range []struct {
		was, finds, kept checks.Outcome
		accepts, stays   bool
	}{
		{was: checks.Skip, finds: checks.Fail}, {was: checks.Unknown, finds: checks.Fail}, {was: checks.Fail, finds: checks.Fail},
		{was: checks.Fail, finds: checks.OK, kept: checks.OK, stays: true},
		{was: checks.Skip, finds: checks.Skip, kept: checks.Fail},
		{was: checks.Skip, finds: checks.Fail, kept: checks.Fail, accepts: true, stays: true},
	} {
		d := &decided{fate: fates[0], hosts: []string{"mail", "proxy"}, was: c.was, finds: c.finds, kept: c.kept, grave: true, accepts: c.accepts}
		if c.finds == checks.Skip || c.finds == checks.OK {
			d.heals = -1
		}
		synctest.Test(t, func(t *testing.T) {
			d.decide(t)
			defer d.r.Close()
			want := map[bool]string{true: "NEW", false: "OLD"}[c.stays]
			if got := state(d.struck) + state(d.fakes["mail"]); got != want+want || (d.err == nil) != c.stays {
				t.Errorf("%+v: %s, %v", c, got, d.err)
			}
			if !c.stays && (!errors.Is(d.err, ErrRolledBack) || len(d.rolled) != 2 || !strings.Contains(d.err.Error(), "x@here must not stand")) {
				t.Errorf("%+v: gone back are %v, %v", c, d.rolled, d.err)
			}
		})
	}
}
