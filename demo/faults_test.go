package demo_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"postern/remote"
	"postern/run"
)

// TestFaults tells each fault's story: what the engine makes of it, and that the hosts are whole afterwards.
func TestFaults(t *testing.T) {
	apply := func(o *operator) (run.Outcome, error) {
		var out run.Outcome
		err := o.run(func(ctx context.Context, r *run.Runner) error {
			var err error
			out, err = r.Apply(ctx, nil)
			return err
		})
		return out, err
	}
	for fault, story := range map[string]func(t *testing.T, o *operator){
		"lockout": func(t *testing.T, o *operator) {
			_, err := apply(o)
			if !errors.Is(err, run.ErrRolledBack) {
				t.Errorf("apply: %v", err)
			}
		},
		"linkloss": func(t *testing.T, o *operator) {
			if _, err := apply(o); err != nil && !errors.Is(err, run.ErrRolledBack) && !errors.Is(err, run.ErrUntold) {
				t.Errorf("apply: %v", err)
			}
			if _, err := apply(o); err != nil {
				t.Errorf("again: %v", err)
			}
		},
		"port25": func(t *testing.T, o *operator) {
			if _, err := apply(o); err != nil {
				t.Errorf("apply: %v", err)
			}
			if b := bad(o.last); !strings.Contains(b, "smtp") {
				t.Errorf("nothing is said of smtp:\n%s", b)
			}
		},
		"mtu": func(t *testing.T, o *operator) {
			if _, err := apply(o); err != nil {
				t.Errorf("apply: %v", err)
			}
			if b := bad(o.last); !strings.Contains(b, "mtu") {
				t.Errorf("nothing is said of the MTU:\n%s", b)
			}
		},
		"apt": func(t *testing.T, o *operator) {
			if _, err := apply(o); err != nil {
				t.Errorf("apply: %v", err)
			}
			if !strings.Contains(o.told(), "waiting for another apt to finish: 612/unattended-upgr") {
				t.Error("nobody waited for the other apt")
			}
		},
		"badkey": func(t *testing.T, o *operator) {
			_, err := apply(o)
			var changed *remote.ChangedKeyError
			if !errors.As(err, &changed) {
				t.Errorf("apply: %v", err)
			}
		},
		"password": func(t *testing.T, o *operator) {
			if _, err := apply(o); err != nil {
				t.Errorf("apply: %v", err)
			}
		},
		"boot": func(t *testing.T, o *operator) {
			_, err := apply(o)
			if err == nil {
				t.Error("nobody noticed the reboot")
			}
			if _, err := apply(o); err != nil {
				t.Errorf("again: %v", err)
			}
		},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			speed, deadline := 10.0, 10*time.Minute
			switch fault {
			case "lockout", "badkey", "linkloss": // the hosts' guards and the engine's patience go by one clock
				speed, deadline = 1, 12*time.Second
			}
			o := newOperator(t, speed, deadline, fault)
			story(t, o)
			if t.Failed() {
				t.Logf("%s\n%s", bad(o.last), o.told())
			}
		})
	}
}
