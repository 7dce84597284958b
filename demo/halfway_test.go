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

// TestUnfinished: while a host cannot finish what was confirmed, what comes last is not begun; the next run does it.
func TestUnfinished(t *testing.T) {
	story(func(t *testing.T) {
		o := newOperator(t, 10*time.Minute)
		usual := o.w.Proxy.Fault
		o.w.Proxy.Fault = func(ctx context.Context, c run.Call) error {
			if c.Verb == "confirm" && c.Done {
				return &remote.ErrUnkept{}
			}
			return usual(ctx, c)
		}
		var out run.Outcome
		err := o.run(func(ctx context.Context, r *run.Runner) (err error) { out, err = r.Apply(ctx, nil); return err })
		if err == nil || !strings.HasPrefix(err.Error(), "the rest was not begun, and what was confirmed before is kept: proxy could not finish") || errors.Is(err, run.ErrRefused) || !out.Changed {
			t.Fatalf("%v, %+v\n%s", err, out, o.told())
		}
		o.w.Proxy.Fault = usual
		if err := o.apply(); err != nil {
			t.Fatal(err)
		}
		o.idle()
		o.proven("after the rest")
	})(t)
}
