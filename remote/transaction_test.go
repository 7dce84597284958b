//go:build unix

package remote

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func init() { leastDeadline = time.Second }

// ground is a host for tests: this machine, with a state folder and files of its own, guarded without systemd.
type ground struct {
	state, root string
	s           *Session
}

func newGround(t testing.TB) *ground {
	t.Helper()
	dir, err := os.MkdirTemp("", "postern")
	if err != nil {
		t.Fatal(err)
	}
	g, err := groundAt(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.end(); os.RemoveAll(dir) })
	return g
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: the agent changes owners")
	}
	if _, err := os.Stat("/run/systemd/system"); err == nil {
		t.Skip("this machine runs systemd: the lab's tests cover that")
	}
}

func groundAt(dir string) (*ground, error) {
	g := &ground{state: dir + "/state", root: dir + "/root"}
	for _, d := range []string{g.state, g.root, dir + "/run"} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	for name, text := range map[string]string{"a.conf": "old a\n", "b.conf": "old b without end", "gone.conf": "to be removed\n", "late.conf": "old late\n"} {
		if err := os.WriteFile(g.root+"/"+name, []byte(text), 0o640); err != nil {
			return nil, err
		}
	}
	os.Chmod(g.root+"/b.conf", 0o604)
	os.Chown(g.root+"/b.conf", 7, 12)
	os.WriteFile(g.run(), []byte("old\n"), 0o600)
	var err error
	g.s, err = g.login()
	return g, err
}

func (g *ground) run() string { return filepath.Dir(g.root) + "/run/state" }

func (g *ground) login() (*Session, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return Connect(ctx, Target{Name: "here", Local: true}, Options{StateDir: g.state})
}

// end closes the session and ends the watchdogs that are left.
func (g *ground) end() {
	g.s.Close()
	for _, pid := range g.watchdogs() {
		syscall.Kill(-pid, syscall.SIGKILL)
	}
}

// watchdogs are the process ids of the watchdogs that were started, alive or not.
func (g *ground) watchdogs() []int {
	files, _ := filepath.Glob(g.state + "/open/PID.*")
	sort.Strings(files)
	var list []int
	for _, f := range files {
		b, _ := os.ReadFile(f)
		if pid, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && pid > 1 {
			list = append(list, pid)
		}
	}
	return list
}

func newID() string {
	b := make([]byte, 6)
	rand.Read(b)
	return "t" + hex.EncodeToString(b)
}

// file reads a file as a look would.
func (g *ground) file(name string) *File {
	b, err := os.ReadFile(g.root + "/" + name)
	if err != nil {
		return nil
	}
	return &File{Text: string(b)}
}

// change is a transaction that touches a file of every kind, and something that runs.
func (g *ground) change(deadline time.Duration) Transaction {
	return Transaction{ID: newID(), Operator: "ann@laptop", Deadline: deadline, Changes: []Change{
		{ID: "a", Step: "one", Title: "rewrite a", Path: g.root + "/a.conf", Old: g.file("a.conf"), New: &File{Text: "new a, it's\n", Mode: 0o600, Owner: "root:root"},
			Test: `grep -q new "$NEW"`, Do: "[ $(umask) = 0022 ] && echo half >" + g.run(), Undo: "echo old >" + g.run()},
		{ID: "b", Step: "one", Title: "rewrite b", Path: g.root + "/b.conf", Old: g.file("b.conf"), New: &File{Text: "new b without end"}},
		{ID: "new", Step: "two", Title: "make a file", Path: g.root + "/deep/er/new.conf", New: &File{Text: "brand new\n", Mode: 0o644, Owner: "root:root"}},
		{ID: "gone", Step: "two", Title: "remove a file", Path: g.root + "/gone.conf", Old: g.file("gone.conf")},
		{ID: "late", Step: "two", Title: "a file at confirm", Path: g.root + "/late.conf", Old: g.file("late.conf"), New: &File{Text: "new late\n"}, AtConfirm: true,
			Do: `grep -q 'new late' "$NEW" && echo new >` + g.run(), Keep: "echo kept >>" + g.run()},
	}, Answers: &File{Text: "schema = 1\n", Mode: 0o600}}
}

// fingerprint is every file under the root, and what runs: name, mode, owner, content.
func (g *ground) fingerprint() string {
	var b strings.Builder
	filepath.WalkDir(g.root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || strings.HasPrefix(d.Name(), ".postern.") {
			return nil //nolint:nilerr // gone meanwhile
		}
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // gone meanwhile
		}
		st := info.Sys().(*syscall.Stat_t)
		text, _ := os.ReadFile(p)
		fmt.Fprintf(&b, "%s %v %d:%d %q\n", strings.TrimPrefix(p, g.root), info.Mode(), st.Uid, st.Gid, text)
		return nil
	})
	run, _ := os.ReadFile(g.run())
	fmt.Fprintf(&b, "runs %q\n", run)
	return b.String()
}

// litter is what lies beside the files and should not.
func (g *ground) litter() []string {
	var list []string
	filepath.WalkDir(g.root, func(p string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(d.Name(), ".postern.") {
			list = append(list, p)
		}
		return nil
	})
	for _, pattern := range []string{"/open", "/in.*", "/etc/rcS.d/*", "/etc/init.d/*", "/site.toml.*"} {
		more, _ := filepath.Glob(g.state + pattern)
		list = append(list, more...)
	}
	return list
}

// begin begins over the session that is held; the id is the transaction's.
func (g *ground) begin(tx Transaction) (id string, err error) {
	return tx.ID, g.s.Begin(context.Background(), tx, nil)
}

// confirm confirms over a new login.
func (g *ground) confirm(id string) error {
	over, err := g.login()
	if err != nil {
		return err
	}
	defer over.Close()
	return over.Confirm(context.Background(), id)
}

// settled waits until nothing is open on the host, at most until limit; ok is false when something still was.
func (g *ground) settled(limit time.Duration) (Status, bool) {
	end := time.Now().Add(limit)
	for {
		over, err := g.login()
		if err != nil {
			return Status{}, false
		}
		st, err := over.Status(context.Background())
		over.Close()
		if err == nil && st.ID == "" {
			return st, true
		}
		if time.Now().After(end) {
			return st, false
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// free proves that the lock is free, by a transaction that changes one file and goes back.
func (g *ground) free() error {
	s, err := g.login()
	if err != nil {
		return err
	}
	defer s.Close()
	tx := Transaction{ID: newID(), Operator: "bob", Deadline: time.Minute, Changes: []Change{{ID: "x", Step: "probe", Title: "probe",
		Path: g.root + "/a.conf", Old: g.file("a.conf"), New: &File{Text: "probe"}}}}
	if err := s.Begin(context.Background(), tx, nil); err != nil {
		return fmt.Errorf("the lock is not free: %w", err)
	}
	if err := s.Cancel(context.Background(), tx.ID); err != nil {
		return err
	}
	if l := g.litter(); len(l) > 0 {
		return fmt.Errorf("left behind: %v", l)
	}
	return nil
}

// was checks that everything is as it was, or as wanted.
func (g *ground) was(want string) error {
	if got := g.fingerprint(); got != want {
		return fmt.Errorf("the host is\n%s\nwant\n%s", got, want)
	}
	return nil
}

func TestConfirmKeeps(t *testing.T) {
	needRoot(t)
	g := newGround(t)
	before := g.s.RoundTrips()
	tx := g.change(time.Minute)
	var titles []string
	id := tx.ID
	err := g.s.Begin(context.Background(), tx, func(p Progress) { titles = append(titles, fmt.Sprintf("%d/%d %s", p.N, p.Of, p.Text)) })
	if err != nil {
		t.Fatal(err)
	}
	if n := g.s.RoundTrips() - before; n != 1 {
		t.Errorf("begin took %d round trips, want 1", n)
	}
	if got := strings.Join(titles, ";"); !strings.Contains(got, "1/5 rewrite a;2/5 rewrite b") {
		t.Errorf("progress was %q", got)
	}
	if f := g.file("late.conf"); f.Text != "old late\n" {
		t.Errorf("the file that is due at confirm is there before: %q", f.Text)
	}
	if err := g.s.Confirm(context.Background(), id); err == nil {
		t.Error("confirming over the same connection was accepted")
	}
	if err := g.confirm(id); err != nil {
		t.Fatal(err)
	}
	if err := g.confirm(id); err != nil {
		t.Errorf("confirmed already is no success: %v", err)
	}
	if got := g.fingerprint(); !strings.Contains(got, `/late.conf -rw-r----- 0:0 "new late\n"`) || !strings.Contains(got, `/b.conf -rw----r-- 7:12 "new b without end"`) ||
		!strings.Contains(got, `runs "new\nkept\n"`) || strings.Contains(got, "gone.conf") || !strings.Contains(got, `/deep/er/new.conf -rw-r--r-- 0:0`) {
		t.Errorf("the host is\n%s", got)
	}
	if b, _ := os.ReadFile(g.state + "/site.toml"); string(b) != "schema = 1\n" {
		t.Errorf("the answers on the host are %q", b)
	}
	if err := g.free(); err != nil {
		t.Error(err)
	}
	if err := g.s.Cancel(context.Background(), id); err == nil {
		t.Error("a confirmed change was cancelled")
	}
}

func TestCancelRestores(t *testing.T) {
	needRoot(t)
	g := newGround(t)
	want := g.fingerprint()
	id, err := g.begin(g.change(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if err := g.s.Cancel(context.Background(), id); err != nil {
		t.Fatal(err)
	}
	if err := g.was(want); err != nil {
		t.Error(err)
	}
	if err := g.s.Cancel(context.Background(), id); err != nil {
		t.Errorf("cancelled already is no success: %v", err)
	}
	if err := g.confirm(id); !errors.Is(err, ErrTooLate) {
		t.Errorf("confirming after cancel: %v, want too late", err)
	}
	if err := g.free(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(g.state + "/site.toml"); err == nil {
		t.Error("answers were left though nothing was confirmed")
	}
	if out, _ := exec.Command("pgrep", "-f", g.state).Output(); len(out) > 0 {
		t.Errorf("processes are left: %s", out)
	}
}
