package run

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"postern/remote"
)

// ground is a fake host with a file and something that runs, and a transaction that changes both.
func ground() (*Fake, remote.Transaction) {
	f := &Fake{Name: "proxy", Clock: time.Now}
	f.Write("/etc/a", &remote.File{Text: "old", Mode: 0o600, Owner: "root:adm"})
	f.Do = func(c remote.Change, phase string, say func(string)) error {
		script := map[string]string{"test": c.Test, "do": c.Do, "undo": c.Undo, "keep": c.Keep}[phase]
		if script == "fail" {
			say("no such luck")
			return errors.New("exit status 1")
		}
		f.Write("/run/a", &remote.File{Text: script})
		return nil
	}
	return f, remote.Transaction{ID: "t1", Operator: "ann", Deadline: time.Minute, Answers: &remote.File{Text: "answers"}, Changes: []remote.Change{
		{ID: "a", Step: "one", Title: "a file", Path: "/etc/a", Old: f.File("/etc/a"), New: &remote.File{Text: "new"}, Do: "runs new", Undo: "runs old"},
		{ID: "b", Step: "one", Title: "a file at confirm", Path: "/etc/b", New: &remote.File{Text: "late"}, AtConfirm: true, Keep: "kept"},
	}}
}

// told is what there is to see of the host from outside.
func told(f *Fake) string {
	text := ""
	for _, path := range []string{"/etc/a", "/etc/b", "/run/a", remote.AnswersPath} {
		if file := f.File(path); file != nil {
			text += fmt.Sprintf("%s=%s ", path, file.Text)
		}
	}
	for _, e := range remote.ParseStatus(f.status()).Ended {
		return fmt.Sprint(text, e.ID, " ", e.Kept, " ", e.Why)
	}
	return text
}

func in(t *testing.T, f *Fake) Login {
	t.Helper()
	l, err := Fakes(f)(context.Background(), remote.Target{Name: f.Name})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

const old, fresh = "/etc/a=old /run/a=runs old ", "/etc/a=new /etc/b=late /run/a=kept /var/lib/postern/site.toml=answers "

// walks are what can become of a transaction.
var walks = []struct {
	name string
	do   func(t *testing.T, f *Fake, tx remote.Transaction, l Login) error
	err  error  // what the last of it says
	want string // how the host is then
}{
	{"kept", func(t *testing.T, f *Fake, tx remote.Transaction, l Login) error {
		return errors.Join(l.Begin(t.Context(), tx, nil), in(t, f).Confirm(t.Context(), "t1", nil), in(t, f).Confirm(t.Context(), "t1", nil))
	}, nil, fresh + "t1 true "},
	{"confirmed over the login that began", func(t *testing.T, f *Fake, tx remote.Transaction, l Login) error {
		if err := errors.Join(l.Begin(t.Context(), tx, nil)); err != nil || l.Confirm(t.Context(), "t1", nil) == nil {
			t.Error(err, "or it was confirmed")
		}
		return l.Cancel(t.Context(), "t1")
	}, nil, old + "t1 false cancelled"},
	{"too late", func(t *testing.T, f *Fake, tx remote.Transaction, l Login) error {
		err := l.Begin(t.Context(), tx, nil)
		time.Sleep(2 * time.Minute)
		return errors.Join(err, in(t, f).Confirm(t.Context(), "t1", nil))
	}, remote.ErrTooLate, old + "t1 false expired"},
	{"does not apply", func(t *testing.T, f *Fake, tx remote.Transaction, l Login) error {
		tx.Changes[0].Do = "fail"
		err := l.Begin(t.Context(), tx, nil)
		var back *remote.ErrRolledBack
		if !errors.As(err, &back) || back.Change != "a file" || back.Out.Line(20) != "no such luck" {
			t.Error(err)
		}
		return in(t, f).Cancel(t.Context(), "t1")
	}, nil, old + "t1 false failed"},
	{"a reboot, and the old logins are gone", func(t *testing.T, f *Fake, tx remote.Transaction, l Login) error {
		err := l.Begin(t.Context(), tx, nil)
		f.Reboot()
		return errors.Join(err, l.Cancel(t.Context(), "t1"))
	}, remote.ErrLost, old + "t1 false boot"},
	{"reverted", func(t *testing.T, f *Fake, tx remote.Transaction, l Login) error {
		err := errors.Join(l.Begin(t.Context(), tx, nil), in(t, f).Confirm(t.Context(), "t1", nil), l.Revert(t.Context(), "t1"))
		if list, _ := l.Recorded(t.Context()); len(list) > 0 {
			t.Errorf("still recorded: %+v", list)
		}
		return err
	}, nil, old + "t1 false reverted"},
	{"the answer to confirm is lost", func(t *testing.T, f *Fake, tx remote.Transaction, l Login) error {
		f.Fault = func(_ context.Context, c Call) error {
			if c == (Call{"confirm", 1, true}) {
				return remote.ErrLost
			}
			return nil
		}
		over, err := in(t, f), l.Begin(t.Context(), tx, nil)
		if err := over.Confirm(t.Context(), "t1", nil); !errors.Is(err, remote.ErrLost) {
			t.Error(err)
		}
		return errors.Join(err, in(t, f).Confirm(t.Context(), "t1", nil), over.Tidy(t.Context()))
	}, remote.ErrLost, fresh + "t1 true "},
	{"held by another", func(t *testing.T, f *Fake, tx remote.Transaction, l Login) error {
		err := l.Begin(t.Context(), tx, nil)
		tx.ID = "t2"
		var locked *remote.ErrLocked
		if err := in(t, f).Begin(t.Context(), tx, nil); !errors.As(err, &locked) || locked.Owner.Line(9) != "ann" {
			t.Error(err)
		}
		return errors.Join(err, l.Cancel(t.Context(), "t2"))
	}, remote.ErrUnknownID, old + "t1 false expired"},
	{"not what was shown", func(t *testing.T, f *Fake, tx remote.Transaction, l Login) error {
		tx.Changes[0].Old = nil
		var changed *remote.ErrChanged
		if err := l.Begin(t.Context(), tx, nil); !errors.As(err, &changed) {
			t.Error(err)
		}
		return l.Tidy(t.Context())
	}, nil, "/etc/a=old "},
}

func TestFakeTransaction(t *testing.T) {
	for _, c := range walks {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, tx := ground()
				if err := c.do(t, f, tx, in(t, f)); !errors.Is(err, c.err) {
					t.Errorf("it ended with %v, want %v", err, c.err)
				}
				time.Sleep(time.Hour)
				if got := told(f); got != c.want {
					t.Errorf("the host is\n%s\nwant\n%s", got, c.want)
				}
			})
		})
	}
}

// What is undone leaves no record, and what others edited since is told.
func TestFakeRecords(t *testing.T) {
	f, tx := ground()
	l := in(t, f)
	if err := errors.Join(l.Begin(t.Context(), tx, nil), in(t, f).Confirm(t.Context(), "t1", nil)); err != nil {
		t.Fatal(err)
	}
	f.Write("/etc/b", &remote.File{Text: "edited"})
	list, err := l.Recorded(t.Context())
	if err != nil || len(list) != 2 || list[0].Touched || list[0].Original.Text != "old" || !list[1].Touched || list[1].First != "t1" {
		t.Fatalf("%+v, %v", list, err)
	}
	undo := remote.Transaction{ID: "t2", Deadline: time.Minute, Changes: []remote.Change{list[0].Restore(f.File("/etc/a")), list[1].Restore(f.File("/etc/b"))}}
	if err := errors.Join(l.Begin(t.Context(), undo, nil), in(t, f).Confirm(t.Context(), "t2", nil)); err != nil {
		t.Fatal(err)
	}
	if list, _ = l.Recorded(t.Context()); len(list) > 0 || f.File("/etc/b") != nil || f.File("/etc/a").Text != "old" || f.File("/etc/a").Owner != "root:adm" {
		t.Errorf("left: %+v, %s", list, told(f))
	}
}

// A job goes on without who began it, and is told from its start to who comes again.
func TestFakeJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, tx := ground()
		run := f.Do
		f.Do = func(c remote.Change, phase string, say func(string)) error {
			time.Sleep(time.Minute)
			return run(c, phase, say)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if err := in(t, f).Prepare(ctx, "j1", tx.Changes[:1], nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if st := remote.ParseStatus(f.status()); st.Job != "j1" || len(st.Doing) != 1 || st.Doing[0].String() != "a file" {
			t.Errorf("at work: %+v", st)
		}
		var locked *remote.ErrLocked
		if err := in(t, f).Begin(t.Context(), tx, nil); !errors.As(err, &locked) {
			t.Error(err)
		}
		var lines []string
		err := in(t, f).Watch(t.Context(), "j1", nil, func(p remote.Progress) { lines = append(lines, fmt.Sprint(p.N, p.Text)) })
		if err != nil || len(lines) != 1 || told(f) != "/etc/a=new /run/a=runs new " {
			t.Errorf("%v, %q, %s", err, lines, told(f))
		}
		tx.Changes[1].Do = "fail"
		var broke *remote.ErrTest
		if err := in(t, f).Prepare(t.Context(), "j2", tx.Changes[1:], nil); !errors.As(err, &broke) || f.File("/etc/b") != nil {
			t.Error(err)
		}
	})
}
