package run

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"postern/remote"
	"postern/steps"
)

// TestHand: what a change needs of the operator is asked for before anything is changed, and is gone from its place whatever becomes of the change.
func TestHand(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		asked  error
		broken error
		want   string
		taken  bool
	}{
		"given":           {answer: "spade", taken: true},
		"nobody there":    {asked: remote.ErrNoAnswer, want: "refused before anything was changed"},
		"empty":           {want: "the password of ann: one line is wanted"},
		"two lines":       {answer: "a\nb", want: "the password of ann: one line is wanted"},
		"a job that ends": {answer: "spade", broken: errors.New("no space"), want: "it did not work"},
	} {
		t.Run(name, func(t *testing.T) {
			taken, asks := false, 0
			f := &Fake{Name: "proxy", Clock: time.Now}
			f.Do = func(_ remote.Change, phase string, _ func(string)) error {
				file := f.File(remote.HandedPath)
				if taken = phase == "do" && file != nil && file.Text == c.answer && file.Mode == 0o600; c.broken != nil {
					return c.broken
				}
				return nil
			}
			in, err := Fakes(f)(t.Context(), remote.Target{Name: "proxy"})
			if err != nil {
				t.Fatal(err)
			}
			r := &Runner{Clock: time.Now, NewID: func() string { return "j1" }, hosts: map[string]*host{"proxy": {name: "proxy", session: in}},
				Ask: func(_ context.Context, p remote.Prompt) (string, error) {
					if asks++; p.Kind != remote.Handed || p.Host != "proxy" || p.Text.String() != "password of ann" {
						t.Errorf("asked %+v", p)
					}
					return c.answer, c.asked
				}}
			parts := []steps.Part{{Host: "proxy", Inert: true, Changes: []remote.Change{{ID: "x.p", Step: "x", Title: "p", Do: "cat " + remote.HandedPath, Secret: "password of ann"}}}}
			if err = r.hand(t.Context(), parts); err == nil {
				err = r.prepare(t.Context(), parts)
			}
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if asks != 1 || c.taken && !taken || f.File(remote.HandedPath) != nil {
				t.Errorf("asked %d times; the change found it: %v; it is left behind: %v", asks, taken, f.File(remote.HandedPath))
			}
		})
	}
	if r := (&Runner{}); !errors.Is(r.hand(t.Context(), []steps.Part{{Host: "proxy", Changes: []remote.Change{{Secret: "x"}}}}), remote.ErrNoAnswer) {
		t.Error("without anybody to ask it goes on")
	}
}
