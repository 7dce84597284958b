package does

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand"
	"os"
	"strings"
	"testing"

	"postern/remote"
)

const lockText = `{"name":"app","lockfileVersion":3,"packages":{"":{"dependencies":{"one":"1.0.0"}},
"node_modules/one":{"version":"1.0.0","resolved":"https://packages.example.org/one/-/one-1.0.0.tgz","integrity":"sha512-x=="},
"node_modules/two":{"version":"1.0.0","resolved":"https://packages.example.org/two/-/two-1.0.0.tgz","integrity":"sha512-y=="}}}
`

const download = "what is fetched\nand is whole\n"

// draw gives a host of which some things are as wanted, some otherwise and some not there, and a table that wants them all.
func draw(t testing.TB, shell string, seed int64) (*world, Table) {
	r := rand.New(rand.NewSource(seed))
	w := newWorld(t, shell)
	some := func(name string, texts ...string) {
		if text := texts[r.Intn(len(texts))]; text != "" {
			w.write(name, text)
		}
	}
	half := func() bool { return r.Intn(2) == 0 }
	some("state/dpkg", "", "one\n", "one\ntwo\n")
	some("state/passwd", "", "root:x:0:0::/root:/bin/sh\n", "app:x:990:990::/:/bin/false\n")
	some("state/group", "", "app:x:990:\n", "other:x:5:\n")
	some("root/etc/app/own.conf", "", "a = 1\n", "theirs\n")
	some("root/etc/app/gone.conf", "", "to go\n")
	w.write("root/etc/app/app.ini", "[main]\nport=1\n\n; x\n[other]\nport=2\n")
	w.write("root/etc/app/default", "# c\nA=1\nB='x\ny'\n")
	some("root/etc/app/main.cf", "relayhost =\n  [old]\n", "# none\n", "relayhost = [10.0.0.1]:26\n")
	some("root/etc/app/shared", "theirs\n", "", "a\n"+BlockBegin+"\nold\n"+BlockEnd+"\nz\n")
	if _, err := os.Stat(w.dir + "/root/etc/app/shared"); err != nil {
		w.write("root/etc/app/shared", "no end")
	}
	some("root/opt/tool/tool", "", download, "an older one")
	w.write("web", download)
	const stack = "services:\n  web:\n  db:\n"
	some("root/opt/stack/compose.yml", "", stack, "services:\n  web:\n")
	w.write("state/docker/containers", "")
	if f := w.file(w.path("/opt/stack/compose.yml")); f != nil && half() {
		w.write("state/docker/containers", fmt.Sprintf("id1 web %s running 5\n", sum(f.Text)[:8]))
		w.write("state/docker/network", "")
	}
	if half() {
		w.must(os.MkdirAll(w.path("/var/spool"), []os.FileMode{0o700, 0o755}[r.Intn(2)]))
	}
	units(w, some, half)
	etc := w.path("/etc/app")
	left := "for f in " + w.path("/var/rules") + "; do rm -f $f; done" // what a unit of ours leaves behind when it is not ended as its file says
	table := Table{Step: "app", Things: []Thing{
		Unit{Name: "rules.service", File: w.path("/etc/systemd/system/rules.service"), Ends: left,
			Text: "[Service]\nExecStart=/bin/sh -c 'touch " + w.path("/var/rules") + "'\n" + ExecStop(left) + "\n"},
		Unit{Name: "own.service", File: w.path("/etc/systemd/system/own.service"), Text: "[Service]\nExecStart=/new\n", Config: []string{etc + "/"}},
		Unit{Name: "late.service", File: w.path("/etc/systemd/system/late.service"), Text: "[Service]\nExecStart=/late\n", Starts: OnceKept},
		Unit{Name: "theirs.service", Config: []string{etc + "/own.conf"}, Reload: half()},
		Unit{Name: "old.service", Starts: Never},
		Unit{Name: "other.service", File: w.path("/etc/systemd/system/other.service.d/10.conf"), Text: "[Unit]\n", Starts: ByOthers},
		File{Path: w.path("/opt/stack/compose.yml"), Text: stack, Owner: w.owner},
		Compose{Dir: w.path("/opt/stack"), Project: "stack"},
		Command{ID: "index", Title: "make an index", Test: "[ -e " + w.path("/var/index") + " ]", Do: "cp " + etc + "/own.conf " + w.path("/var/index"),
			Undo: "rm -f " + w.path("/var/index"), Config: []string{etc + "/own.conf"}},
		File{Path: etc + "/own.conf", Text: "a = 1\n", Owner: w.owner, Mode: 0o640},
		File{Path: etc + "/gone.conf", Gone: true},
		File{Path: w.path("/var/lib/app/deep/file"), Text: "x\n", Owner: w.owner},
		Keys{Path: etc + "/app.ini", Syntax: Ini, Set: []Key{{"main", "port", "25"}, {"new", "x", "y"}}},
		Keys{Path: etc + "/default", Syntax: Assignments, Set: []Key{{"", "B", `"z"`}, {"", "C", "1"}}},
		Block{Path: etc + "/shared", Text: "ours\n"},
		Npm{Dir: w.path("/opt/app/1.0"), Lock: lockText},
		Download{URL: "https://files.test/tool", Path: w.path("/opt/tool/tool"), Size: int64(len(download)), SHA256: sum(download), Mode: 0o755},
		Dir{Path: w.path("/var/spool/app/queue"), Owner: w.owner, Mode: 0o700},
		Dir{Path: w.path("/var/spool"), Owner: w.owner},
		User{Name: "app"},
		Packages{"one", "two"},
	}}
	if _, err := os.Stat(etc + "/main.cf"); err == nil {
		table.Things = append(table.Things, Keys{Path: etc + "/main.cf", Syntax: MainCF, Set: []Key{{"", "relayhost", "[10.0.0.1]:26"}}})
	}
	return w, table
}

// units gives a host some, each running or not, and enabled or not.
func units(w *world, some func(name string, texts ...string), half func() bool) {
	for _, unit := range []string{"theirs.service", "old.service"} {
		w.write("state/units/"+unit+".packaged", "")
		w.write("state/units/"+unit+".loaded", "[Service]\n")
	}
	some("root/etc/systemd/system/own.service", "", "[Service]\nExecStart=/old\n")
	some("root/etc/systemd/system/late.service", "", "[Service]\nExecStart=/old\n")
	w.run("systemctl daemon-reload", "")
	for _, unit := range []string{"theirs.service", "old.service", "own.service", "late.service"} {
		if _, err := os.Stat(w.dir + "/state/units/" + unit + ".loaded"); err != nil {
			continue
		}
		if half() {
			w.run("systemctl start "+unit, "")
		}
		if half() {
			w.run("systemctl enable "+unit, "")
		}
	}
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// owners makes files of the table this user's own, who cannot give any to root.
func (w *world) plan(table Table) (Stage, []remote.Change) {
	w.t.Helper()
	stage, changes, err := table.Plan(w.look(table))
	w.must(err)
	for i := range changes {
		if changes[i].New != nil {
			changes[i].New.Owner = w.owner
		}
	}
	return stage, changes
}

// settle plans and applies until nothing is left to do.
func (w *world) settle(table Table) (done []deed, whole bool) {
	w.t.Helper()
	for range 5 {
		stage, changes := w.plan(table)
		if len(changes) == 0 {
			return done, true
		}
		now, whole := w.apply(stage, changes)
		if done = append(done, now...); !whole {
			return done, false
		}
	}
	_, changes := w.plan(table)
	w.t.Fatalf("planned again and again: %s", changes[0].ID)
	return nil, false
}

// TestThings draws hosts. Planned again there is nothing to do; undone, or cut short at any command and undone, the host is byte
// for byte what it was; and then it can be brought there all the same.
func TestThings(t *testing.T) {
	seeds, cuts := 4, 4
	if os.Getenv("POSTERN_TORTURE") != "" {
		seeds, cuts = 40, 40
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w, table := draw(t, []string{"sh", "dash", "bash"}[seed%3], int64(seed))
			before, packages := w.print(), w.file(w.dir+"/state/dpkg").Text
			w.write("count", "")
			done, _ := w.settle(table)
			steps := len(w.file(w.dir + "/count").Text)
			there := w.print()
			w.same("undone", before, func() { w.undo(done) })
			r := rand.New(rand.NewSource(int64(seed)))
			for range cuts {
				w.write("count", "")
				w.write("state/dpkg", packages)
				w.kill, w.when = fmt.Sprint(1+r.Intn(steps)), []string{"before", "after"}[r.Intn(2)]
				done, whole := w.settle(table)
				if whole {
					t.Fatalf("the cut at %s of %d cut nothing of %d", w.kill, steps, len(w.file(w.dir+"/count").Text))
				}
				w.same("cut "+w.when+" "+w.kill+" and undone", before, func() { w.undo(done) })
				w.kill = ""
				done, _ = w.settle(table)
				w.same("done after a cut", there, func() {})
				w.undo(done)
			}
		})
	}
}

// same wants the host to be as it was once that is done.
func (w *world) same(what, was string, do func()) {
	w.t.Helper()
	do()
	if now := w.print(); now != was {
		w.t.Fatalf("%s, the host differs:\n%s", what, apart(now, was))
	}
}

func apart(now, was string) string {
	var b strings.Builder
	for _, l := range strings.Split(now, "\n") {
		if !strings.Contains("\n"+was+"\n", "\n"+l+"\n") {
			b.WriteString("+ " + l + "\n")
		}
	}
	for _, l := range strings.Split(was, "\n") {
		if !strings.Contains("\n"+now+"\n", "\n"+l+"\n") {
			b.WriteString("- " + l + "\n")
		}
	}
	return b.String()
}
