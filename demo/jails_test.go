package demo_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"postern/checks"
	"postern/demo"
	"postern/remote"
	"postern/run"
	"postern/site"
)

// jailer is an operator of one host with jails.
func jailer(t *testing.T, faults ...string) *operator {
	t.Helper()
	w, err := demo.New(demo.Options{Faults: faults, Speed: 5, Jails: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	o := newOperator(t, 12*time.Second)
	o.w = w
	o.site.Layout, o.site.Hosts = "toaster", []*site.Host{{Name: "toaster", Role: site.Proxy, SSH: "root@" + demo.ProxyAddress}}
	o.connect = w.Connect(func(context.Context, remote.Prompt) (string, error) { return "yes", nil })
	return o
}

// A host with jails is set up, proven, found in place by the next run, whole after a reboot, and bare again after an undo.
func TestJailsFromBareToProven(t *testing.T) {
	story(func(t *testing.T) {
		o := jailer(t)
		bare := demo.Whole(o.w.Proxy)
		proven := func(when string, results []checks.Result) {
			t.Helper()
			ok := 0
			for _, r := range results {
				if r.Outcome == checks.Fail || strings.HasPrefix(r.ID, "jails.") && r.Outcome != checks.OK && r.Outcome != checks.Skip {
					t.Errorf("%s: %s is %s: %s", when, r.ID, r.Outcome, r.Saw)
				}
				if r.Outcome == checks.OK {
					ok++
				}
			}
			if ok < 30 {
				t.Errorf("%s: only %d checks are ok", when, ok)
			}
		}
		var out run.Outcome
		for _, changed := range []bool{true, false} {
			err := o.run(func(ctx context.Context, r *run.Runner) (err error) { out, err = r.Apply(ctx, nil); return err })
			if err != nil || out.Empty == changed {
				t.Fatalf("apply: empty %v, %v\n%s", out.Empty, err, o.told())
			}
			proven("applied", out.Results)
		}
		o.w.Proxy.Restart()
		proven("after a reboot", o.check())
		if err := o.undo(); err != nil {
			t.Fatal(err)
		}
		if got := demo.Whole(o.w.Proxy); got != bare {
			t.Errorf("after the undo:\n%s\nbefore all:\n%s", got, bare)
		}
	})(t)
}

// Where no new login works the host takes all of it back: pf is off again, and nothing is in its anchors.
func TestJailsAreTakenBack(t *testing.T) {
	story(func(t *testing.T) {
		o := jailer(t, "lockout")
		bare := demo.Whole(o.w.Proxy)
		if err := o.apply("firewall"); !errors.Is(err, run.ErrRolledBack) {
			t.Fatalf("it was kept without a new login: %v\n%s", err, o.told())
		}
		if got := demo.Whole(o.w.Proxy); got != bare {
			t.Errorf("after it was taken back:\n%s\nbefore all:\n%s", got, bare)
		}
	})(t)
}
