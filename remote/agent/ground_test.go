//go:build linux

package agent_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"postern/remote"
)

// ground is a host for tests: this machine, with a state folder and files of its own, guarded as without systemd. Whoever runs
// the tests is its root. One whose agent is FreeBSD's has that system's tools, and no others.
type ground struct {
	state, root, bin string
	agent            string // what guards it; empty for the program's own
	bsd              bool
	on               bool // pf ran before
	s                *remote.Session
}

// own is who runs the tests, and other whom else a file may belong to.
var own, other = func() (string, string) {
	own := fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid())
	if os.Getuid() != 0 {
		return own, own
	}
	return own, "7:12"
}()

func newGround(t testing.TB) *ground { return newGroundOf(t, "") }

func newGroundOf(t testing.TB, agent string) *ground {
	t.Helper()
	dir, err := os.MkdirTemp("", "postern")
	if err != nil {
		t.Fatal(err)
	}
	g, err := groundAt(dir, agent)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.end(); os.RemoveAll(dir) })
	return g
}

func groundAt(dir, agent string) (*ground, error) {
	g := &ground{state: dir + "/state", root: dir + "/root", bin: dir + "/bin", agent: agent}
	for _, d := range []string{g.state, g.root, g.bin, dir + "/run"} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(g.bin+"/id", []byte("#!/bin/sh\necho 0\n"), 0o700); err != nil { //nolint:gosec // it is run
		return nil, err
	}
	for name, text := range map[string]string{"a.conf": "old a\n", "b.conf": "old b without end", "gone.conf": "to be removed\n", "late.conf": "old late\n"} {
		if err := os.WriteFile(g.root+"/"+name, []byte(text), 0o640); err != nil {
			return nil, err
		}
	}
	os.Chmod(g.root+"/b.conf", 0o604)
	chown(g.root+"/b.conf", other)
	os.WriteFile(g.run(), []byte("old\n"), 0o600)
	err := g.freeBSD()
	if err == nil {
		g.s, err = g.login()
	}
	return g, err
}

func chown(path, owner string) {
	user, group, _ := strings.Cut(owner, ":")
	uid, _ := strconv.Atoi(user)
	gid, _ := strconv.Atoi(group)
	os.Chown(path, uid, gid)
}

func (g *ground) run() string { return filepath.Dir(g.root) + "/run/state" }

func (g *ground) login() (*remote.Session, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	path := g.bin
	if !g.bsd {
		path += ":/usr/sbin:/usr/bin:/sbin:/bin"
	}
	return remote.Connect(ctx, remote.Target{Name: "here", Local: true}, remote.Options{StateDir: g.state, Agent: g.agent, Path: path})
}

// end closes the session and ends what is left.
func (g *ground) end() {
	g.s.Close()
	for _, pid := range g.running() {
		syscall.Kill(-pid, syscall.SIGKILL)
	}
}

// running are the processes of the host's agent, watchdogs among them. A dead one that nobody has reaped has no command line.
func (g *ground) running() []int {
	var list []int
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range all {
		if b, err := os.ReadFile(name); err == nil && strings.Contains(string(b), g.state) {
			pid, _ := strconv.Atoi(strings.Split(name, "/")[2])
			list = append(list, pid)
		}
	}
	return list
}

// watchdogs are the process ids of the watchdogs of every transaction, a before b, alive or not.
func (g *ground) watchdogs() []int {
	var list []int
	files, _ := filepath.Glob(g.state + "/*/PID.[ab]")
	for _, file := range files {
		b, _ := os.ReadFile(file)
		if pid, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil && pid > 1 {
			list = append(list, pid)
		}
	}
	return list
}

// kill ends watchdogs, and waits until they have: on a busy machine a killed one lives, and holds its lock, a while.
func kill(watchdogs ...int) {
	for _, pid := range watchdogs {
		syscall.Kill(-pid, syscall.SIGKILL)
		_ = await("a killed watchdog to end", func() bool {
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			return err != nil || strings.Contains(string(b), ") Z ")
		})
	}
}

// expire lets the time of every living watchdog come now: what it waits with is ended.
func (g *ground) expire() {
	for _, pid := range g.watchdogs() {
		waits := func() bool {
			b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			return len(b) > 0 && !strings.Contains(string(b), "\x00expire\x00")
		}
		for ; waits(); time.Sleep(time.Millisecond) {
			if child := childOf(pid); child != 0 {
				syscall.Kill(child, syscall.SIGKILL)
			}
		}
	}
}

// expired lets it come, and waits for what the watchdogs do then.
func (g *ground) expired() error {
	g.expire()
	_, err := g.settled()
	return err
}

// childOf is a living child of a process; 0 for none.
func childOf(parent int) int {
	all, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range all {
		b, _ := os.ReadFile(name)
		_, after, _ := strings.Cut(string(b), ") ")
		if f := strings.Fields(after); len(f) > 1 && f[0] != "Z" && f[1] == strconv.Itoa(parent) {
			pid, _ := strconv.Atoi(strings.Split(name, "/")[2])
			return pid
		}
	}
	return 0
}

// long is the time after which something that must happen is said not to, however slow the machine is.
const long = 3 * time.Minute

// await waits until something is so.
func await(what string, so func() bool) error {
	for end := time.Now().Add(long); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("waited %s for %s", long, what)
		}
	}
	return nil
}

// exists waits until a file of the state folder is there.
func (g *ground) exists(name string) error {
	return await(name, func() bool { _, err := os.Stat(g.state + "/" + name); return err == nil })
}

// settled waits until nothing of the agent runs any more, and tells how the host stands then.
func (g *ground) settled() (remote.Status, error) {
	if err := await("the agent to end", func() bool { return len(g.running()) == 0 }); err != nil {
		return remote.Status{}, err
	}
	return g.s.Status(context.Background())
}

func newID() string {
	b := make([]byte, 6)
	rand.Read(b)
	return "t" + hex.EncodeToString(b)
}

// file reads a file as a look would.
func (g *ground) file(name string) *remote.File {
	b, err := os.ReadFile(g.root + "/" + name)
	if err != nil {
		return nil
	}
	return &remote.File{Text: string(b)}
}

// change is a transaction that touches a file of every kind, and something that runs. Its deadline passes in no test by itself.
func (g *ground) change() remote.Transaction {
	inTurn := ":"
	if g.file("deep/er/new.conf") == nil {
		inTurn = "[ ! -e " + g.root + "/deep/er/new.conf ] && [ ! -e " + g.root + "/gone.conf ]"
	}
	tx := remote.Transaction{ID: newID(), Operator: "ann@laptop", Deadline: time.Hour, Changes: []remote.Change{
		{ID: "a", Step: "one", Title: "rewrite a", Path: g.root + "/a.conf", Old: g.file("a.conf"), New: &remote.File{Text: "new a, it's\n", Mode: 0o600, Owner: own},
			Test: `grep -q new "$NEW"`, Do: "[ $(umask) = 0022 ] && echo half >" + g.run(), Undo: "echo old >" + g.run()},
		{ID: "b", Step: "one", Title: "rewrite b", Path: g.root + "/b.conf", Old: g.file("b.conf"), New: &remote.File{Text: "new b without end"},
			Do: inTurn},
		{ID: "new", Step: "two", Title: "make a file", Path: g.root + "/deep/er/new.conf", New: &remote.File{Text: "brand new\n", Mode: 0o644, Owner: own}, InTurn: true,
			Do: "[ -e " + g.root + "/deep/er/new.conf ]"},
		{ID: "gone", Step: "two", Title: "remove a file", Path: g.root + "/gone.conf", Old: g.file("gone.conf")},
		{ID: "late", Step: "two", Title: "a file at confirm", Path: g.root + "/late.conf", Old: g.file("late.conf"), New: &remote.File{Text: "new late\n"}, AtConfirm: true,
			Do: `grep -q 'new late' "$NEW" && echo new >` + g.run(), Keep: "echo kept >>" + g.run()},
	}, Answers: &remote.File{Text: "schema = 1\n", Mode: 0o600}}
	if g.file("pf.conf") != nil {
		tx.Changes = append(tx.Changes, g.rules(newRules))
	}
	return tx
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
	b.WriteString(g.kernel())
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
	for _, pattern := range []string{"/open", "/in.*", "/etc/rcS.d/*", "/etc/init.d/*", "/etc/rc.d/postern*", "/site.toml.*"} {
		more, _ := filepath.Glob(g.state + pattern)
		list = append(list, more...)
	}
	return list
}

// begin begins over the session that is held; the id is the transaction's.
func (g *ground) begin(tx remote.Transaction) (id string, err error) {
	return tx.ID, g.s.Begin(context.Background(), tx, nil)
}

// confirm confirms over a new login.
func (g *ground) confirm(id string) error {
	over, err := g.login()
	if err != nil {
		return err
	}
	defer over.Close()
	return over.Confirm(context.Background(), id, nil)
}

// free proves that the lock is free, by a transaction that changes one file and goes back.
func (g *ground) free() error {
	tx := remote.Transaction{ID: newID(), Operator: "bob", Deadline: time.Hour, Changes: []remote.Change{{ID: "x", Step: "probe", Title: "probe",
		Path: g.root + "/a.conf", Old: g.file("a.conf"), New: &remote.File{Text: "probe"}}}}
	if _, err := g.begin(tx); err != nil {
		return fmt.Errorf("the lock is not free: %w", err)
	}
	if err := g.s.Cancel(context.Background(), tx.ID); err != nil {
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

// back is how every scenario that must end old is judged.
func (g *ground) back(want string) error {
	st, err := g.settled()
	if err != nil {
		return err
	}
	if st.ID != "" {
		return fmt.Errorf("still open: %+v", st)
	}
	return errors.Join(g.was(want), g.free())
}

// ended checks the files against how the transaction is said to have ended.
func (g *ground) ended(end remote.Ended, known bool, old string) error {
	if !known || !end.Kept {
		return g.was(old)
	}
	got := g.fingerprint()
	parts := []string{"new a, it's", "new b without end", "brand new", "new late", "runs \"new\\nkept\\n"}
	if g.file("pf.conf") != nil {
		parts = append(parts, "/pf/on", "/main/rules \"block in log", "pf_enable=\\\"YES")
	}
	for _, part := range parts {
		if !strings.Contains(got, part) {
			return fmt.Errorf("it was kept, but %q is missing:\n%s", part, got)
		}
	}
	return nil
}
