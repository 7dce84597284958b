//go:build linux

package agent_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/remote"
)

// seen is a file as Facts shows it.
func (g *ground) seen(t testing.TB, name string) *remote.File {
	t.Helper()
	f, err := g.s.Facts(bg(), []remote.Query{remote.ReadFile(g.root + "/" + name)})
	if err != nil {
		t.Fatal(err)
	}
	file, known := f.File(g.root + "/" + name)
	if !known {
		t.Fatalf("%s cannot be seen", name)
	}
	return file
}

func (g *ground) do(t testing.TB, changes ...remote.Change) {
	t.Helper()
	id, err := g.begin(remote.Transaction{ID: newID(), Operator: "ann", Deadline: time.Hour, Changes: changes})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.confirm(id); err != nil {
		t.Fatal(err)
	}
}

func (g *ground) records(t testing.TB) map[string]remote.Record {
	t.Helper()
	list, err := g.s.Recorded(bg())
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]remote.Record{}
	for _, r := range list {
		m[r.ID] = r
	}
	return m
}

// secretFile has its keys in every layout people write.
const secretFile = "[Interface]\nPrivateKey=AAAAsecretA=\nprivatekey =  BBBBsecretB= \t\r\n# PrivateKey = old CCCC\nListenPort = 1\n[Peer]\n\tPresharedKey\t=\tDDDDsecretD=\nDBPASS=EEEEsecretE\n#API_KEY=FFFFsecretF \r\nDBROOT = GGGGsecretG\nno end"

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

func TestUndoIsByteForByte(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	os.WriteFile(g.root+"/wg.conf", []byte(secretFile), 0o640)
	chown(g.root+"/wg.conf", other)
	want := g.fingerprint()

	shown := g.seen(t, "wg.conf")
	if strings.Contains(shown.Text, "secret") {
		t.Fatal("the secret was shown")
	}
	g.do(t, remote.Change{ID: "wg", Step: "s", Title: "one", Path: g.root + "/wg.conf", Old: shown,
		New: &remote.File{Text: "[Interface]\nPrivateKey = redacted:" + hashOf("AAAAsecretA=") + "\n", Mode: 0o600, Owner: own}, Do: "echo 1 >" + g.run(), Undo: "echo old >" + g.run()},
		remote.Change{ID: "made", Step: "s", Title: "a new one", Path: g.root + "/dir/made", New: &remote.File{Text: "x", Owner: own}},
		remote.Change{ID: "runs", Step: "s", Title: "no file", Do: "true", Undo: "true"})
	if got := g.file("wg.conf").Text; got != "[Interface]\nPrivateKey = AAAAsecretA=\n" {
		t.Fatalf("the secret was not filled in: %q", got)
	}
	// The second transaction touches the same file: what was there before the first one still counts.
	g.do(t, remote.Change{ID: "wg", Step: "s", Title: "two", Path: g.root + "/wg.conf", Old: g.seen(t, "wg.conf"),
		New: &remote.File{Text: "PresharedKey = redacted:" + hashOf("DDDDsecretD=") + "\n"}, Do: "echo 2 >" + g.run(), Undo: "echo 1 >" + g.run()})

	recs := g.records(t)
	rec := recs["wg"]
	if len(recs) != 3 || rec.Touched || rec.Title != "two" || rec.Undo != "echo old >"+g.run() || rec.Do != "echo 2 >"+g.run() {
		t.Fatalf("records are %+v", recs)
	}
	if rec.Original == nil || strings.Contains(rec.Original.Text, "secretA") || rec.Original.Mode != 0o640 {
		t.Fatalf("the original is %+v", rec.Original)
	}
	os.WriteFile(g.root+"/dir/made", []byte("x y"), 0o600)
	if recs = g.records(t); !recs["made"].Touched || recs["wg"].Touched {
		t.Errorf("touched: %+v", recs)
	}

	// An undo that is not confirmed leaves everything, and the record.
	now := g.fingerprint()
	undo := []remote.Change{recs["runs"].Restore(nil), recs["made"].Restore(g.seen(t, "dir/made")), recs["wg"].Restore(g.seen(t, "wg.conf"))}
	id, err := g.begin(remote.Transaction{ID: newID(), Operator: "ann", Deadline: time.Hour, Changes: undo})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.s.Cancel(bg(), id); err != nil {
		t.Fatal(err)
	}
	if err := g.was(now); err != nil {
		t.Error(err)
	}
	if len(g.records(t)) != 3 {
		t.Error("a cancelled undo changed the records")
	}

	g.do(t, undo...)
	if err := g.was(want); err != nil {
		t.Error(err)
	}
	if left := g.records(t); len(left) != 0 {
		t.Errorf("records are left: %+v", left)
	}
	if err := g.free(); err != nil {
		t.Error(err)
	}
}

func TestRevert(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.do(t, remote.Change{ID: "a", Step: "one", Title: "before", Path: g.root + "/a.conf", Old: g.file("a.conf"), New: &remote.File{Text: "first\n"}})
	want, before := g.fingerprint(), g.records(t)
	id, err := g.begin(g.change())
	if err != nil {
		t.Fatal(err)
	}
	if err := g.confirm(id); err != nil {
		t.Fatal(err)
	}
	if len(g.records(t)) != 5 {
		t.Fatalf("records: %+v", g.records(t))
	}
	if err := g.s.Revert(bg(), id); err != nil {
		t.Fatal(err)
	}
	if err := g.was(want); err != nil {
		t.Error(err)
	}
	after := g.records(t)
	if len(after) != 1 || after["a"].Touched || after["a"].First != before["a"].First {
		t.Errorf("records after: %+v", after)
	}
	if err := g.s.Revert(bg(), id); err != nil {
		t.Errorf("reverted already is no success: %v", err)
	}
	if err := g.free(); err != nil {
		t.Error(err)
	}
	if err := g.s.Revert(bg(), newID()); err == nil {
		t.Error("an unknown transaction was reverted")
	}
}

// TestRevertOfAnUndo: one host confirmed an undo and the other went back. The first goes back too, and must know what of ours is
// on it, or nothing would ever take it away.
func TestRevertOfAnUndo(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	before := g.fingerprint()
	mine := remote.Change{ID: "a", Step: "one", Title: "mine", Path: g.root + "/a.conf", Old: g.file("a.conf"), New: &remote.File{Text: "mine\n"},
		Do: "echo 1 >" + g.run(), Undo: "echo old >" + g.run()}
	g.do(t, mine, remote.Change{ID: "made", Step: "one", Title: "made", Path: g.root + "/dir/made", New: &remote.File{Text: "x", Owner: own}},
		remote.Change{ID: "shared", Step: "one", Title: "shared", Path: g.root + "/dir/shared", New: &remote.File{Text: "x", Owner: own}})
	os.WriteFile(g.root+"/dir/shared", []byte("x and theirs"), 0o600)
	there, recs := g.fingerprint(), g.records(t)
	undo := func() string {
		id, err := g.begin(remote.Transaction{ID: newID(), Operator: "ann", Deadline: time.Hour, Changes: []remote.Change{
			recs["shared"].Restore(g.seen(t, "dir/shared")), recs["made"].Restore(g.seen(t, "dir/made")), recs["a"].Restore(g.seen(t, "a.conf"))}})
		if err != nil {
			t.Fatal(err)
		}
		if err := g.confirm(id); err != nil {
			t.Fatal(err)
		}
		return id
	}
	id := undo()
	if err := g.was(before); err != nil || len(g.records(t)) > 0 {
		t.Fatalf("%v: records %+v", err, g.records(t))
	}
	if err := g.s.Revert(bg(), id); err != nil {
		t.Fatal(err)
	}
	if err := g.was(there); err != nil {
		t.Error(err)
	}
	after := g.records(t)
	if len(after) != 3 || after["a"].Title != "mine" || after["a"].Undo != mine.Undo || after["a"].Touched || !after["shared"].Touched {
		t.Fatalf("records are %+v, were %+v", after, recs)
	}
	undo()
	if err := g.was(before); err != nil || len(g.records(t)) > 0 {
		t.Errorf("the next undo leaves records %+v: %v", g.records(t), err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, try := range map[string]struct {
		change func(g *ground) remote.Change
		want   string
	}{
		"changed since": {func(g *ground) remote.Change {
			return remote.Change{ID: "a", Step: "s", Title: "t", Path: g.root + "/a.conf", Old: &remote.File{Text: "old a"}, New: &remote.File{Text: "n"}}
		}, "somebody changed"},
		"there now": {func(g *ground) remote.Change {
			return remote.Change{ID: "a", Step: "s", Title: "t", Path: g.root + "/a.conf", New: &remote.File{Text: "n"}}
		}, "somebody changed"},
		"gone now": {func(g *ground) remote.Change {
			return remote.Change{ID: "a", Step: "s", Title: "t", Path: g.root + "/none", Old: &remote.File{Text: "n"}, New: &remote.File{Text: "m"}}
		}, "somebody changed"},
		"link": {func(g *ground) remote.Change {
			os.Symlink("a.conf", g.root+"/link")
			return remote.Change{ID: "a", Step: "s", Title: "t", Path: g.root + "/link", Old: g.file("a.conf"), New: &remote.File{Text: "n"}}
		}, "symbolic link"},
		"folder": {func(g *ground) remote.Change {
			os.Mkdir(g.root+"/folder", 0o700)
			return remote.Change{ID: "a", Step: "s", Title: "t", Path: g.root + "/folder", New: &remote.File{Text: "n"}}
		}, "not a plain file"},
		"secret": {func(g *ground) remote.Change {
			return remote.Change{ID: "a", Step: "s", Title: "t", Path: g.root + "/n", New: &remote.File{Text: "PrivateKey = redacted:0123456789abcdef\n"}}
		}, "secret"},
		"test": {func(g *ground) remote.Change {
			return remote.Change{ID: "a", Step: "s", Title: "look at it", Path: g.root + "/deep/n", New: &remote.File{Text: "x", Owner: own}, Test: `cat "$NEW"; echo " is bad"; false`}
		}, "look at it: x is bad"},
		"owner": {func(g *ground) remote.Change {
			return remote.Change{ID: "a", Step: "s", Title: "t", Path: g.root + "/n", New: &remote.File{Text: "x", Owner: "nobody:nosuchgroup"}}
		}, "nosuchgroup"},
		"path": {func(g *ground) remote.Change {
			return remote.Change{ID: "a", Step: "s", Title: "t", Path: g.root + "/../x y", New: &remote.File{Text: "x"}}
		}, "not an absolute path"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGround(t)
			c := try.change(g)
			want := g.fingerprint()
			c.Do = "echo ran >" + g.run()
			err := g.s.Begin(bg(), remote.Transaction{ID: newID(), Operator: "ann", Deadline: time.Hour, Changes: []remote.Change{c}}, nil)
			if err == nil || !strings.Contains(err.Error(), try.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("begin: %v, want one line with %q", err, try.want)
			}
			if err := g.was(want); err != nil {
				t.Error(err)
			}
			if err := g.free(); err != nil {
				t.Error(err)
			}
		})
	}
}

// What a second operator cannot read while the host is being changed says who changes it, and not what of it is gone already.
func TestRecordsOfAHeldHost(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	g.do(t, remote.Change{ID: "a", Step: "one", Title: "rewrite a", Path: g.root + "/a.conf", Old: g.file("a.conf"), New: &remote.File{Text: "new a\n"}})
	if _, err := g.begin(g.change()); err != nil {
		t.Fatal(err)
	}
	originals, _ := filepath.Glob(g.state + "/base/*/*/orig")
	if len(originals) != 1 {
		t.Fatalf("the records' originals are %v", originals)
	}
	os.Rename(originals[0], originals[0]+".away") // as an undo does at its end
	ask := func() error {
		list, err := g.s.Recorded(bg())
		if err == nil {
			err = fmt.Errorf("no error, and %+v", list)
		}
		return err
	}
	// The agent tells of no original that is not there; the look finds none where it told of one.
	os.Mkdir(originals[0], 0o700)
	var locked *remote.ErrLocked
	if err := ask(); !errors.As(err, &locked) || !strings.Contains(locked.Owner.String(), "ann@laptop") {
		t.Errorf("while it is held: %v", err)
	}
	if err := g.expired(); err != nil {
		t.Fatal(err)
	}
	if err := ask(); err == nil || errors.As(err, &locked) || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("when nobody holds it: %v", err)
	}
}
