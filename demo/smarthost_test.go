package demo_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"postern/remote"
	"postern/run"
)

// TestSmartHost: with a smart host in the answers its password is asked for once, is in no record and in no event, and goes with the chapter.
func TestSmartHost(t *testing.T) {
	story(func(t *testing.T) {
		const secret = "it's a secret"
		o := newOperator(t, 10*time.Minute)
		m := &o.site.Smarthost
		m.Host, m.User, m.SPF = "relay.example.net", "ann", []string{"ip4:198.51.100.25"}
		answer := ""
		verb := func(do func(context.Context, *run.Runner) error) error {
			return o.run(func(ctx context.Context, r *run.Runner) error {
				r.Ask = func(_ context.Context, p remote.Prompt) (string, error) {
					o.note("asked %s %s %s", p.Kind, p.Host, p.Text)
					return answer, nil
				}
				return do(ctx, r)
			})
		}
		apply := func(ctx context.Context, r *run.Runner) error { _, err := r.Apply(ctx, nil); return err }
		if err := verb(apply); err == nil || !strings.Contains(err.Error(), "refused before anything was changed: the password of ann at relay.example.net") {
			t.Errorf("an empty answer: %v", err)
		}
		if answer = secret; verb(apply) != nil {
			t.Fatalf("%s\n%s", bad(o.last), o.told())
		}
		o.proven("after the apply")
		o.idle()
		asked := "asked handed proxy password of ann at relay.example.net\n"
		if n := strings.Count(o.told(), asked); n != 2 || strings.Contains(o.told(), secret) {
			t.Errorf("it was asked for %d times:\n%s", n, o.told())
		}
		at := ""
		for _, path := range o.w.Proxy.Paths() {
			if strings.Contains(o.w.Proxy.File(path).Text, secret) {
				at += path + " "
			}
		}
		if !strings.HasPrefix(at, "/opt/haraka-out/password.") || strings.Count(at, " ") != 1 {
			t.Errorf("the password is in %q", at)
		}
		m = &o.site.Smarthost
		if m.User = "bob"; verb(apply) != nil || strings.Count(o.told(), "password of bob") == 0 {
			t.Errorf("another user has the same password:\n%s", o.told())
		}
		if err := o.undo("haraka"); err != nil {
			t.Error(err)
		}
		for _, path := range o.w.Proxy.Paths() {
			if strings.Contains(o.w.Proxy.File(path).Text, secret) {
				t.Errorf("the password is still in %s", path)
			}
		}
	})(t)
}
