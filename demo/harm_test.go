package demo_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"postern/run"
)

// TestKeptOff: an open relay that stood before chapter 6 takes the chapter back, and the firewall keeps the world off, by an answer that is
// kept here, too.
func TestKeptOff(t *testing.T) {
	story(keptOff)(t)
}

func keptOff(t *testing.T) {
	o := newOperator(t, 2*time.Minute, "relay")
	o.site.Mail.Path = "direct"
	for _, chapter := range []string{"network", "firewall", "wireguard", "mailcow"} {
		if err := o.apply(chapter); err != nil {
			t.Fatalf("%v\n%s", err, o.told())
		}
	}
	err := o.apply("haraka")
	if !errors.Is(err, run.ErrRolledBack) || !strings.Contains(err.Error(), "must not stand") || strings.Contains(err.Error(), "kept off") {
		t.Fatalf("an open relay ends with %v\n%s", err, o.told())
	}
	if told := o.told(); o.given["from.smtp"] != "192.0.2.1" || !strings.Contains(told, "the world is kept off now, by from.smtp=192.0.2.1") {
		t.Errorf("the answers given are %v\n%s", o.given, told)
	}
	_ = o.run(func(ctx context.Context, r *run.Runner) error {
		_, err := r.Check(ctx, []string{"smtp.relay"})
		return err
	})
	for _, r := range o.last {
		if r.ID == "smtp.relay.smtp" && !strings.Contains(r.Saw.String(), "open to 192.0.2.1/32 only") {
			t.Errorf("afterwards %s is %s: %s", r.ID, r.Outcome, r.Saw)
		}
	}
}
