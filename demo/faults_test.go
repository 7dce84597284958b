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

// apply is one `apply` of everything.
func (o *operator) apply() error {
	o.Helper()
	return o.run(func(ctx context.Context, r *run.Runner) error {
		_, err := r.Apply(ctx, nil)
		return err
	})
}

// faultStories say what the engine makes of each fault.
var faultStories = map[string]func(t *testing.T, o *operator){
	"lockout": func(t *testing.T, o *operator) {
		err := o.apply()
		if !errors.Is(err, run.ErrRolledBack) {
			t.Errorf("apply: %v", err)
		}
	},
	"linkloss": func(t *testing.T, o *operator) {
		if err := o.apply(); err != nil && !errors.Is(err, run.ErrRolledBack) && !errors.Is(err, run.ErrUntold) {
			t.Errorf("apply: %v", err)
		}
		if err := o.apply(); err != nil {
			t.Errorf("again: %v", err)
		}
	},
	"port25": func(t *testing.T, o *operator) {
		if err := o.apply(); err != nil {
			t.Errorf("apply: %v", err)
		}
		if b := bad(o.last); !strings.Contains(b, "smtp") {
			t.Errorf("nothing is said of smtp:\n%s", b)
		}
	},
	"mtu": func(t *testing.T, o *operator) {
		if err := o.apply(); err != nil {
			t.Errorf("apply: %v", err)
		}
		if b := bad(o.last); !strings.Contains(b, "mtu") {
			t.Errorf("nothing is said of the MTU:\n%s", b)
		}
	},
	"apt": func(t *testing.T, o *operator) {
		if err := o.apply(); err != nil {
			t.Errorf("apply: %v", err)
		}
		if !strings.Contains(o.told(), "waiting for another apt to finish: 612/unattended-upgr") {
			t.Error("nobody waited for the other apt")
		}
	},
	"badkey": func(t *testing.T, o *operator) {
		err := o.apply()
		var changed *remote.ChangedKeyError
		if !errors.As(err, &changed) {
			t.Errorf("apply: %v", err)
		}
	},
	"password": func(t *testing.T, o *operator) {
		if err := o.apply(); err != nil {
			t.Errorf("apply: %v", err)
		}
	},
	"boot": func(t *testing.T, o *operator) {
		err := o.apply()
		if err == nil {
			t.Error("nobody noticed the reboot")
		}
		if err := o.apply(); err != nil {
			t.Errorf("again: %v", err)
		}
	},
}

// TestFaults tells each fault's story.
func TestFaults(t *testing.T) {
	for fault, story := range faultStories {
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
