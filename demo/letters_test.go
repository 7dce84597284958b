package demo_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"postern/checks"
	"postern/run"
)

// sends sends a message each way, and gives what came of them.
func (o *operator) sends(t *testing.T) (results []checks.Result) {
	t.Helper()
	if err := o.run(func(ctx context.Context, r *run.Runner) (err error) {
		r.SendTo = []string{"ann@example.org", "bob@friend.test"}
		results, err = r.Check(ctx, []string{"smtp.message"})
		return err
	}); err != nil {
		t.Error(err)
	}
	return results
}

// TestLetters: messages that the operator agreed to go their whole way, on either path, and each hop is told.
func TestLetters(t *testing.T) {
	for path, hops := range map[string]map[string]string{
		"haraka": {"smtp.message.in": "mail took it from unknown[198.51.100.7]; delivered", "smtp.message.in.v6": "delivered", "smtp.message.bounce": "taken by proxy; word of it came home",
			"smtp.message.out": "taken by proxy; delivered to mx.friend.test[192.0.2.25]"},
		"direct": {"smtp.message.in": "mail took it from unknown[198.51.100.7]; delivered", "smtp.message.bounce": "given up there; word of it came home",
			"smtp.message.out": "taken by mx.friend.test[192.0.2.25]:25"},
	} {
		t.Run(path, story(func(t *testing.T) {
			o := newOperator(t, 10*time.Minute)
			o.site.Mail.Path = path
			if err := o.apply(); err != nil {
				t.Fatalf("%v\n%s", err, o.told())
			}
			results := o.sends(t)
			for _, one := range results {
				if want := hops[one.ID]; want == "" || one.Outcome != checks.OK || !strings.Contains(one.Saw.String(), want) {
					t.Errorf("%s is %s: %s, want %q", one.ID, one.Outcome, one.Saw, want)
				}
			}
			if len(results) != len(hops) {
				t.Errorf("%d results, want %d", len(results), len(hops))
			}
		}))
	}
}
