package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern/remote"
	"postern/site"
	"postern/steps"
)

// TestHalfWay: what is confirmed before the rest of a run cannot be begun is kept, and nobody is told that nothing was changed. Two
// chapters wrote a file, so they are taken back one after the other.
func TestHalfWay(t *testing.T) {
	full := func(n int) func(Call) error {
		return func(c Call) error {
			if c.Verb == "begin" && c.N >= n {
				return remote.ErrDisk
			}
			return nil
		}
	}
	for name, one := range map[string]struct {
		fault func(c Call) error
		lines int // of two
		want  string
	}{
		"the disk is full":         {full(4), 1, "the rest was not begun, and what was confirmed before is kept: mail: the host cannot write"},
		"the disk was full before": {full(3), 2, "refused before anything was changed: mail: the host cannot write"},
		"the host cannot finish": {func(c Call) error {
			if c.Verb == "confirm" && c.Done && c.N > 2 {
				return &remote.ErrUnkept{}
			}
			return nil
		}, 1, "the rest was not begun, and what was confirmed before is kept: mail could not finish what was confirmed, and goes on by itself"},
		"all goes well": {func(Call) error { return nil }, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &Fake{Name: "mail", Clock: time.Now, Fault: func(_ context.Context, c Call) error { return one.fault(c) }}
				n := 0
				r := &Runner{Site: site.Default(), Connect: Fakes(f, &Fake{Name: "proxy", Clock: time.Now}), Clock: time.Now, Deadline: time.Minute,
					NewID:   func() string { n++; return fmt.Sprint("j", n) },
					Approve: func(context.Context, *Proposal) (bool, error) { return true, nil }}
				if err := r.connect(t.Context()); err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				for i, step := range []string{"haraka", "caddy"} {
					change := remote.Change{ID: "a", Step: step, Title: "add a line", Path: "/etc/a", Old: f.File("/etc/a"), New: &remote.File{Text: strings.Repeat("line\n", i+1), Mode: 0o644}}
					if _, _, err := r.change(t.Context(), decision{site: r.Site, parts: []steps.Part{{Host: "mail", Changes: []remote.Change{change}}}}); err != nil {
						t.Fatal(err)
					}
				}
				out, err := r.Undo(t.Context(), []string{"caddy", "haraka"})
				said, had := "", 0
				if err != nil {
					said = err.Error()
				}
				if file := f.File("/etc/a"); file != nil {
					had = strings.Count(file.Text, "line")
				}
				if !strings.HasPrefix(said, one.want) || (one.want == "") != (err == nil) || out.Changed != (one.lines < 2) || errors.Is(err, ErrRefused) != (one.lines == 2) {
					t.Errorf("%+v: %v", out, err)
				}
				if had != one.lines {
					t.Errorf("%d lines, want %d", had, one.lines)
				}
			})
		})
	}
}
