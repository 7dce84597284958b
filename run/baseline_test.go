package run

import (
	"context"
	"testing"
	"time"

	"postern/checks"
	"postern/site"
)

// A baseline that was asked early counts only while it is young and holds every check that is compared later.
func TestBaselineIsAskedAnew(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	asked := func(age time.Duration, ids ...string) *baseline {
		b := &baseline{since: now.Add(-age), done: make(chan struct{}), results: []checks.Result{{ID: "early"}}}
		for _, id := range ids {
			b.list = append(b.list, checks.Check{ID: id})
		}
		close(b.done)
		return b
	}
	for _, c := range []struct {
		name  string
		early *baseline
		anew  bool
	}{
		{"young and whole", asked(time.Second, "a", "b"), false},
		{"with more", asked(time.Second, "b", "c", "a"), false},
		{"without one", asked(time.Second, "a"), true},
		{"old", asked(2*time.Minute, "a", "b"), true},
		{"none", nil, true},
	} {
		r := &Runner{Site: &site.Site{}, Clock: func() time.Time { return now }}
		results, err := r.before(t.Context(), c.early, []checks.Check{answering("a"), answering("b")})
		if err != nil {
			t.Fatal(err)
		}
		if anew := results[0].ID != "early"; anew != c.anew {
			t.Errorf("%s: asked anew is %t, want %t", c.name, anew, c.anew)
		}
	}
}

func answering(id string) checks.Check {
	return checks.Check{ID: id, Ask: func(context.Context, *checks.Env) []checks.Result { return []checks.Result{{Outcome: checks.OK}} }}
}
