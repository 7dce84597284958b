package run

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/site"
	"postern/steps"
)

// TestLast: what is made last is kept when all works as before, undoes itself when it fails, and is undone when something does
// not work any more.
func TestLast(t *testing.T) {
	for _, c := range []struct {
		name  string
		fails bool
		bound bool
		finds checks.Outcome // once it runs
		want  string         // what runs, and the file
		err   error
		kept  int // records
	}{
		{"kept", false, true, checks.OK, "up compose", nil, 3},
		{"fails", true, false, checks.OK, "down compose", new(remote.ErrTest), 2},
		{"fails whole", true, true, checks.OK, "down -", new(remote.ErrTest), 1},
		{"breaks something", false, false, checks.Fail, "down -", ErrRolledBack, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &Fake{Name: "mail", Clock: time.Now}
				runs := "nothing"
				f.Do = func(one remote.Change, phase string, say func(string)) error {
					time.Sleep(5 * time.Minute)
					if runs = one.Do; phase == "undo" {
						runs = one.Undo
					}
					if c.fails && runs == "up" {
						return errors.New("exit status 1")
					}
					return nil
				}
				s := site.Default()
				s.Hosts = []*site.Host{s.Host("mail")}
				r := &Runner{Site: s, Connect: Fakes(f), Clock: time.Now, NewID: func() string { return "j" + time.Now().Format("150405") }}
				if err := r.connect(t.Context()); err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				check := checks.Check{ID: "x", Settles: time.Second, Ask: func(context.Context, *checks.Env) []checks.Result {
					if runs == "up" {
						return []checks.Result{{Outcome: c.finds}}
					}
					return []checks.Result{{Outcome: checks.OK}}
				}}
				part := steps.Part{Host: "mail", Inert: true, Last: true, Changes: []remote.Change{
					{ID: "packages", Step: "x", Title: "packages", Do: "install"},
					{ID: "file", Step: "x", Title: "a file", Path: "/srv/compose", New: &remote.File{Text: "compose"}, Bound: c.bound},
					{ID: "up", Step: "x", Title: "start it", Do: "up", Undo: "down", Takes: time.Hour},
				}}
				_, _, err := r.last(t.Context(), &Proposal{Site: s, proof: []checks.Check{check}}, []steps.Part{part})
				var broke *remote.ErrTest
				if c.fails != errors.As(err, &broke) || !c.fails && !errors.Is(err, c.err) {
					t.Errorf("it ended with %v, want %v", err, c.err)
				}
				file := "-"
				if f.File("/srv/compose") != nil {
					file = f.File("/srv/compose").Text
				}
				if runs+" "+file != c.want {
					t.Errorf("in the end %s %s, want %s", runs, file, c.want)
				}
				if list, _ := r.hosts["mail"].session.Recorded(t.Context()); len(list) != c.kept {
					t.Errorf("recorded: %+v, want %d", list, c.kept)
				}
			})
		})
	}
}

// What is made last is not asked about before everything else is in place, but named.
func TestLastComesLast(t *testing.T) {
	part := func(id string, inert, last bool) steps.Part {
		return steps.Part{Host: "mail", Inert: inert, Last: last, Changes: []remote.Change{{ID: id, Title: id}}}
	}
	for _, c := range []struct {
		parts  []steps.Part
		inert  string
		guards string
		later  int
	}{
		{[]steps.Part{part("z", true, true), part("a", true, false), part("b", false, false)}, "a", "b", 1},
		{[]steps.Part{part("z", true, true), part("b", false, false)}, "", "b", 1},
		{[]steps.Part{part("z", true, true)}, "z", "", 0},
	} {
		p := &Proposal{Site: site.Default(), Plans: []steps.Plan{{Step: "x", Parts: c.parts}}}
		ids := func(list []steps.Part) (all string) {
			for _, one := range list {
				for _, change := range one.Changes {
					all += change.ID
				}
			}
			return all
		}
		if got := ids(p.Parts(true)); got != c.inert || ids(p.Parts(false)) != c.guards || len(p.later(p.Plans[0])) != c.later {
			t.Errorf("inert %q, guarded %q, later %v; want %+v", got, ids(p.Parts(false)), p.later(p.Plans[0]), c)
		}
	}
}

// A plan that asks for the same again and again, though it was made and kept, ends the apply.
func TestEndless(t *testing.T) {
	part := func(host string, ids ...string) (list []steps.Part) {
		one := steps.Part{Host: host}
		for _, id := range ids {
			one.Changes = append(one.Changes, remote.Change{ID: id, Title: "do " + id})
		}
		return []steps.Part{one}
	}
	made := deeds{}
	for round := range 3 {
		if err := made.endless(part("proxy", "x.a")); (err != nil) != (round == 2) {
			t.Errorf("round %d: %v", round, err)
		}
		made.note(part("proxy", "x.a", "x.b"))
	}
	for _, other := range [][]steps.Part{nil, part("mail", "x.a"), part("proxy", "x.a", "x.c"), append(part("proxy", "x.a"), part("mail", "x.a")...)} {
		if err := made.endless(other); err != nil {
			t.Errorf("%+v: %v", other, err)
		}
	}
}

// What came last in an apply is not made in it once more, though it is not in place: what else there is still comes.
func TestLastsOnce(t *testing.T) {
	last := func(ids ...string) steps.Part {
		part := steps.Part{Host: "mail", Inert: true, Last: true}
		for _, id := range ids {
			part.Changes = append(part.Changes, remote.Change{ID: id})
		}
		return part
	}
	made := deeds{}
	made.note([]steps.Part{last("x.a", "x.b")})
	for _, c := range []struct {
		part steps.Part
		want int
	}{
		{last("x.a", "x.b"), 0}, {last("x.b"), 0}, {last("x.a", "x.c"), 1},
		{steps.Part{Host: "proxy", Inert: true, Last: true, Changes: last("x.a").Changes}, 1},
		{steps.Part{Host: "mail", Inert: true, Changes: last("x.a").Changes}, 1},
	} {
		p := &Proposal{Plans: []steps.Plan{{Step: "x", Parts: []steps.Part{c.part}}}}
		if made.without(p); len(p.Plans[0].Parts) != c.want {
			t.Errorf("of %+v are left %d parts, want %d", c.part, len(p.Plans[0].Parts), c.want)
		}
	}
}
