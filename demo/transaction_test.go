package demo

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

	"postern/remote"
)

// ground is a host with files to change.
type ground struct {
	*testing.T
	h *Host
	s *remote.Session
}

func newGround(t *testing.T) *ground {
	w := newWorld(t)
	g := &ground{t, w.Proxy, nil}
	for name, text := range map[string]string{"a.conf": "old a\n", "b.conf": "old b without end", "gone.conf": "to be removed\n", "late.conf": "old late\n"} {
		g.h.files.write("/srv/x/"+name, text, 0o640)
	}
	g.h.files.chmod("/srv/x/b.conf", 0o604)
	g.h.files.chown("/srv/x/b.conf", 7, 12)
	g.h.files.write("/srv/run", "old\n", 0o600)
	g.s = connect(t, g.h)
	return g
}

func (g *ground) file(name string) *remote.File {
	text, err := g.h.files.read("/srv/x/" + name)
	if err != nil {
		return nil
	}
	return &remote.File{Text: text}
}

// change touches a file of every kind, and something that runs.
func (g *ground) change(id string, deadline time.Duration) remote.Transaction {
	const d = "/srv/x/"
	return remote.Transaction{ID: id, Operator: "ann@laptop", Deadline: deadline, Changes: []remote.Change{
		{ID: "a", Step: "one", Title: "rewrite a", Path: d + "a.conf", Old: g.file("a.conf"), New: &remote.File{Text: "new a, it's\n", Mode: 0o600, Owner: "root:root"},
			Test: `grep -q new "$NEW"`, Do: "[ $(umask) = 0022 ] && echo half >/srv/run", Undo: "echo old >/srv/run"},
		{ID: "b", Step: "one", Title: "rewrite b", Path: d + "b.conf", Old: g.file("b.conf"), New: &remote.File{Text: "new b without end"}},
		{ID: "new", Step: "two", Title: "make a file", Path: d + "deep/er/new.conf", New: &remote.File{Text: "brand new\n", Mode: 0o644, Owner: "root:root"}},
		{ID: "gone", Step: "two", Title: "remove a file", Path: d + "gone.conf", Old: g.file("gone.conf")},
		{ID: "late", Step: "two", Title: "a file at confirm", Path: d + "late.conf", Old: g.file("late.conf"), New: &remote.File{Text: "new late\n"}, AtConfirm: true,
			Do: `grep -q 'new late' "$NEW" && echo new >/srv/run`, Keep: "echo kept >>/srv/run"},
	}, Answers: &remote.File{Text: "schema = 1\n", Mode: 0o600}}
}

// print is all that the changes touch, to compare.
func (g *ground) print() string {
	var b strings.Builder
	var walk func(string)
	walk = func(p string) {
		a, err := g.h.files.lstat(p)
		if err != nil {
			return
		}
		fmt.Fprintf(&b, "%s %o %d:%d %q\n", p, a.mode, a.uid, a.gid, g.h.files.text(p))
		names, _ := g.h.files.list(p)
		for _, n := range names {
			walk(path.Join(p, n))
		}
	}
	walk("/srv")
	return b.String()
}

func (g *ground) begin(tx remote.Transaction) (id string) {
	g.Helper()
	if err := g.s.Begin(soon(g), tx, nil); err != nil {
		g.Fatal(err)
	}
	return tx.ID
}

// confirm confirms over a new login.
func (g *ground) confirm(id string) error {
	over, err := g.s.Again(soon(g))
	if err != nil {
		return err
	}
	defer over.Close()
	return over.Confirm(soon(g), id)
}

// settled waits until the host has nothing open any more.
func (g *ground) settled() remote.Status {
	g.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		st, err := connect(g.T, g.h).Status(soon(g))
		if err == nil && st.ID == "" {
			return st
		}
		if time.Now().After(end) {
			g.Fatalf("still open: %+v, %v\n%s", st, err, g.h.files.text("/var/lib/postern/open/log"))
		}
	}
}

// clean proves that nothing is left of a transaction, in files or in units.
func (g *ground) clean() {
	g.Helper()
	out, _ := shOut(g.h, "ls -A /var/lib/postern /srv/x; ls /etc/systemd/system | grep postern; systemctl list-units | grep postern")
	for _, bad := range []string{".postern.", "\nopen\n", "in.", "postern-", "site.toml.", "LOCK"} {
		if strings.Contains("\n"+out, bad) {
			g.Errorf("left behind:\n%s", out)
			return
		}
	}
}

func TestConfirmKeeps(t *testing.T) {
	g := newGround(t)
	start := time.Now()
	id := g.begin(g.change("c1", time.Minute))
	if err := g.s.Confirm(soon(t), id); err == nil {
		t.Error("confirmed over the same connection")
	}
	if err := g.confirm(id); err != nil {
		t.Fatal(err)
	}
	t.Logf("a transaction took %v", time.Since(start))
	got := g.print()
	for _, want := range []string{`/srv/x/a.conf 600 0:0 "new a, it's\n"`, `/srv/x/b.conf 604 7:12 "new b without end"`, `/late.conf 640 0:0 "new late\n"`,
		`/srv/run 600 0:0 "new\nkept\n"`, `/srv/x/deep/er/new.conf 644`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if strings.Contains(got, "gone.conf") || g.h.files.text(remote.AnswersPath) != "schema = 1\n" {
		t.Errorf("the host is\n%s", got)
	}
	g.clean()
	records, err := g.s.Recorded(soon(t))
	if err != nil || len(records) != 5 || records[0].Original == nil || records[0].Original.Text != "old a\n" {
		t.Errorf("records: %+v, %v", records, err)
	}
	if err := g.s.Cancel(soon(t), id); err == nil {
		t.Error("a confirmed change was cancelled")
	}
	if err := g.s.Revert(soon(t), "c1"); err != nil {
		t.Fatal(err)
	}
	if after := g.print(); strings.Contains(after, "new a") || !strings.Contains(after, "gone.conf") {
		t.Errorf("reverted to\n%s", after)
	}
	if records, _ := g.s.Recorded(soon(t)); len(records) != 0 {
		t.Errorf("records after a revert: %+v", records)
	}
	g.clean()
}

// waysBack are what ends a change that is not kept; each host must be as it was.
var waysBack = map[string]func(g *ground){
	"cancelled": func(g *ground) {
		id := g.begin(g.change("t1", time.Minute))
		if err := g.s.Cancel(soon(g), id); err != nil {
			g.Error(err)
		}
		if err := g.confirm(id); !errors.Is(err, remote.ErrTooLate) {
			g.Errorf("confirmed after cancel: %v", err)
		}
	},
	"expired": func(g *ground) { g.begin(g.change("t1", 10*time.Second)) },
	"failed": func(g *ground) {
		tx := g.change("t1", time.Minute)
		tx.Changes[4].Do = "echo no such luck; false"
		err := g.s.Begin(soon(g), tx, nil)
		var back *remote.ErrRolledBack
		if !errors.As(err, &back) || back.Why != "failed" || !strings.Contains(back.Out.String(), "no such luck") {
			g.Errorf("begin: %v", err)
		}
	},
	"slow": func(g *ground) {
		tx := g.change("t1", 10*time.Second)
		tx.Changes[4].Do = "sleep 300; echo never >/srv/run"
		err := g.s.Begin(soon(g), tx, nil)
		var back *remote.ErrRolledBack
		if !errors.As(err, &back) || back.Why != "expired" {
			g.Errorf("begin: %v", err)
		}
	},
	"untested": func(g *ground) {
		tx := g.change("t1", time.Minute)
		tx.Changes[0].Test = "echo bad file; false"
		var bad *remote.ErrTest
		if err := g.s.Begin(soon(g), tx, nil); !errors.As(err, &bad) {
			g.Errorf("begin: %v", err)
		}
	},
	"changed": func(g *ground) {
		tx := g.change("t1", time.Minute)
		tx.Changes[0].Old.Text = "something else"
		var changed *remote.ErrChanged
		if err := g.s.Begin(soon(g), tx, nil); !errors.As(err, &changed) {
			g.Errorf("begin: %v", err)
		}
	},
	"rebooted": func(g *ground) {
		g.begin(g.change("t1", time.Minute))
		g.h.reboot()
		g.h.files.write("/srv/run", "old\n", 0o600)
	},
	"client gone": func(g *ground) {
		tx := g.change("t1", 10*time.Second)
		tx.Changes[4].Do = "sleep 4; echo new >/srv/run"
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		if err := g.s.Begin(ctx, tx, nil); err == nil {
			g.Error("it was not slow")
		}
		g.s.Close()
	},
}

func TestTakenBack(t *testing.T) {
	for name, how := range waysBack {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGround(t)
			want := g.print()
			how(g)
			g.settled()
			if got := g.print(); got != want {
				t.Errorf("the host is\n%s\nwant\n%s", got, want)
			}
			g.clean()
			s := connect(t, g.h)
			tx := g.change("free", time.Minute)
			if err := s.Begin(soon(t), tx, nil); err != nil {
				t.Fatalf("the host is not free: %v", err)
			}
			if err := s.Cancel(soon(t), tx.ID); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestLocked(t *testing.T) {
	g := newGround(t)
	g.begin(g.change("t1", time.Minute))
	var locked *remote.ErrLocked
	if err := connect(t, g.h).Begin(soon(t), g.change("t2", time.Minute), nil); !errors.As(err, &locked) || !strings.Contains(locked.Owner.String(), "ann@laptop") {
		t.Errorf("a second begin: %v", err)
	}
	st, err := connect(t, g.h).Status(soon(t))
	if err != nil || st.ID != "t1" || st.State != "ARMED" || !st.Applied {
		t.Errorf("status: %+v, %v", st, err)
	}
}

func TestPrepare(t *testing.T) {
	g := newGround(t)
	var said []string
	err := g.s.Prepare(soon(t), "job1", []remote.Change{{ID: "k", Step: "one", Title: "make a key", Do: "echo working; sleep 1; echo key >/srv/key", Undo: "rm -f /srv/key"}},
		func(p remote.Progress) { said = append(said, p.Text.String()) })
	if err != nil || g.h.files.text("/srv/key") != "key\n" {
		t.Fatalf("%v %q", err, said)
	}
	if !strings.Contains(strings.Join(said, "|"), "make a key|working") {
		t.Errorf("it said %q", said)
	}
	if err := g.s.Prepare(soon(t), "job2", []remote.Change{{ID: "k", Step: "one", Title: "fail", Do: "echo because; exit 1"}}, nil); err == nil || !strings.Contains(err.Error(), "because") {
		t.Errorf("a job that fails: %v", err)
	}
}
