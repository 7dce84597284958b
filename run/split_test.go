package run

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/site"
	"postern/steps"
)

// The program dies in the moment of the confirm, and one host never heard of it: the next look says so in one line, and the change can be
// taken back where it was kept, or finished.
func TestSplit(t *testing.T) {
	alone := fate{"the program is killed when only one host was asked to confirm", "confirm", func(c *decided, _ context.Context, call Call) error {
		for _, f := range c.fakes {
			for f != c.struck && f.Open() != "" {
				time.Sleep(time.Second)
			}
		}
		c.dead.Store(true)
		return remote.ErrLost
	}, dies}
	for _, hosts := range [][]string{{"proxy", "mail"}, {"mail", "proxy"}} {
		d := &decided{fate: alone, hosts: hosts, finds: checks.OK}
		synctest.Test(t, func(t *testing.T) {
			d.decide(t)
			time.Sleep(time.Hour)
			d.r.Close()
			d.dead.Store(false)
			d.fate.does = func(*decided, context.Context, Call) error { return nil }
			kept, back := hosts[0], hosts[1]
			if state(d.fakes[kept]) != "NEW" || state(d.fakes[back]) != "OLD" {
				t.Fatalf("%s is %s, %s is %s", kept, state(d.fakes[kept]), back, state(d.fakes[back]))
			}
			next := *d.r.Site
			r := &Runner{Site: &next, Connect: Fakes(d.fakes[kept], d.fakes[back]), Clock: time.Now}
			defer r.Close()
			said := ""
			r.Emit = func(e steps.Event) {
				if e.Kind == "warn" {
					said += e.Text
				}
			}
			if _, err := r.Check(t.Context(), []string{"host.ssh"}); err != nil {
				t.Fatal(err)
			}
			want := kept + " has answers 1, " + back + " has none: the last change was kept on one host and taken back on the other"
			if !strings.Contains(said, want) || strings.Count(said, "has answers") != 1 || !strings.Contains(said, "postern apply") || !strings.Contains(said, "postern undo --last") {
				t.Errorf("check says %q", said)
			}
			split, err := r.LastSplit(t.Context())
			if err != nil || split == nil || split.Kept != kept || split.Back != back {
				t.Fatalf("%+v, %v", split, err)
			}
			if err := r.UndoSplit(t.Context(), split); err != nil {
				t.Error(err)
			}
			for _, h := range hosts {
				if state(d.fakes[h]) != "OLD" {
					t.Errorf("%s is %s", h, state(d.fakes[h]))
				}
			}
			if split, err := r.LastSplit(t.Context()); split != nil || err != nil {
				t.Errorf("afterwards: %+v, %v", split, err)
			}
		})
	}
}

// Hosts agree when a decision was about one of them, when both kept it or both went back, and as long as one has not decided.
func TestHostsThatAgree(t *testing.T) {
	s := site.Default()
	look := func(proxy, mail string) steps.Look {
		answer := func(out string) remote.Facts {
			return remote.Facts{Answers: map[string]remote.Answer{remote.ReadStatus.ID: {Out: out}}}
		}
		return steps.Look{"proxy": answer(proxy), "mail": answer(mail)}
	}
	for _, c := range []struct {
		proxy, mail string
		split       bool
	}{
		{"ended PERSISTED.t1A\n", "ended ROLLEDBACK.t1B.expired\n", true},
		{"ended ROLLEDBACK.t1A.boot\n", "ended PERSISTED.t1B\n", true},
		{"ended PERSISTED.t1A\n", "ended PERSISTED.t1B\n", false},
		{"ended ROLLEDBACK.t1A.expired\n", "ended ROLLEDBACK.t1B.expired\n", false},
		{"ended PERSISTED.t2A\n", "ended ROLLEDBACK.t1B.expired\n", false},
		{"ended PERSISTED.t2A\nended PERSISTED.t1A\n", "ended ROLLEDBACK.t1B.expired\n", false},
		{"ended PERSISTED.t1A\n", "open t1B ARMED \n", false},
		{"ended PERSISTED.t1A\n", "", false},
		{"", "", false},
	} {
		if got := splitOf(s, look(c.proxy, c.mail)); (got != nil) != c.split {
			t.Errorf("%q and %q: %+v", c.proxy, c.mail, got)
		}
	}
}
