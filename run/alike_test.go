//go:build linux

package run

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sort"
	"strings"
	"testing"
	"time"

	"postern/remote"
)

// twin is one of two hosts that are asked the same: a fake one, and this machine with a state folder of its own.
type twin struct {
	root  string // of its files
	login func() (Login, error)
	read  func(path string) *remote.File
	write func(path, text string)
	held  Login
}

// undoneWalk begins walks: something is kept, undone, and then the undo is taken back.
var undoneWalk = []int{0, 5, 13, 5, 7}

// TestFakeIsAlike walks at random over a fake host and the real agent: what they say, and what is there afterwards, is the same.
func TestFakeIsAlike(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			both := []*twin{fakeTwin(), realTwin(t)}
			for _, w := range both {
				w.held, _ = w.login()
				w.write("a", "old a")
				w.write("b", "old b")
				w.step(t, 0, 2, "first", "")
				w.step(t, 6, 2, "", "first")
			}
			var walk []string
			begun := "first"
			dice := rand.New(rand.NewPCG(seed, 8))
			for n := range 20 {
				step, pick, id := dice.IntN(14), dice.IntN(3), fmt.Sprint("t", dice.IntN(n+1))
				if n < len(undoneWalk) && seed > 0 {
					step = undoneWalk[n]
				}
				if step < 5 || step == 13 {
					begun = fmt.Sprint("t", n)
				} else if dice.IntN(5) > 0 || n < len(undoneWalk) {
					id = begun
				}
				var said [2]string
				for i, w := range both {
					said[i] = w.step(t, step, pick, fmt.Sprint("t", n), id)
				}
				walk = append(walk, said[1])
				if said[0] != said[1] {
					t.Fatalf("after %s\nthe fake says %s\nthe agent   %s", strings.Join(walk, "\n"), said[0], said[1])
				}
			}
			for _, w := range both {
				for n := range 20 {
					_ = w.held.Cancel(t.Context(), fmt.Sprint("t", n))
				}
				w.held.Close()
			}
		})
	}
}

func fakeTwin() *twin {
	f := &Fake{Name: "here", Clock: time.Now}
	f.Do = func(c remote.Change, phase string, say func(string)) error {
		script := map[string]string{"test": c.Test, "do": c.Do, "undo": c.Undo, "keep": c.Keep}[phase]
		if script == "false" {
			return errors.New("exit status 1")
		}
		word, _, _ := strings.Cut(strings.TrimPrefix(script, "printf "), " ")
		f.Write("/r/run", &remote.File{Text: word})
		return nil
	}
	return &twin{root: "/r", read: f.File,
		login: func() (Login, error) { return Fakes(f)(context.Background(), remote.Target{Name: "here"}) },
		write: func(name, text string) {
			f.Write("/r/"+name, &remote.File{Text: text, Mode: 0o644, Owner: "root:root"})
		}}
}

func realTwin(t *testing.T) *twin {
	dir := t.TempDir()
	root := dir + "/r"
	if err := errors.Join(os.Mkdir(root, 0o755), os.Mkdir(dir+"/state", 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/id", []byte("#!/bin/sh\necho 0\n"), 0o700); err != nil { //nolint:gosec // it is run: whoever runs the test is root here
		t.Fatal(err)
	}
	connect := SSH(remote.Options{StateDir: dir + "/state", Path: dir + ":/usr/sbin:/usr/bin:/sbin:/bin"})
	return &twin{root: root,
		login: func() (Login, error) {
			return connect(context.Background(), remote.Target{Name: "here", Local: true})
		},
		read: func(path string) *remote.File {
			text, err := os.ReadFile(path)
			if err != nil {
				return nil
			}
			return &remote.File{Text: string(text)}
		},
		write: func(name, text string) { _ = os.WriteFile(root+"/"+name, []byte(text), 0o644) }}
}

// step does one thing and tells what was said, and what is there then.
func (w *twin) step(t *testing.T, step, pick int, fresh, id string) string {
	name := []string{"a", "b", "c"}[pick]
	path, own := w.root+"/"+name, fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid())
	now, next := w.read(path), &remote.File{Text: "text of " + fresh, Owner: own}
	if now != nil && strings.HasPrefix(now.Text, "text") && pick == 1 {
		next = nil // it is removed
	}
	list := []remote.Change{
		{ID: name, Step: "one", Title: "file " + name, Path: path, Old: now, New: next, Do: "printf on >" + w.root + "/run", Undo: "printf off >" + w.root + "/run"},
		{ID: "late", Step: "one", Title: "late", Path: w.root + "/late", Old: w.read(w.root + "/late"), New: &remote.File{Text: fresh, Owner: own}, AtConfirm: true},
	}
	tx := remote.Transaction{ID: fresh, Operator: "ann", Deadline: time.Hour, Changes: list}
	var err error
	what := ""
	over, fail := w.login()
	if fail != nil {
		t.Fatal(fail)
	}
	defer over.Close()
	switch step {
	case 0, 1, 2:
		what = "begin " + fresh + " " + name
		err = w.held.Begin(t.Context(), tx, nil)
	case 3:
		what = "begin what fails " + fresh
		tx.Changes[0].Do = "false"
		err = w.held.Begin(t.Context(), tx, nil)
	case 4:
		what = "begin what is not so " + fresh
		tx.Changes[0].Old = &remote.File{Text: "never"}
		err = w.held.Begin(t.Context(), tx, nil)
	case 5, 10, 11:
		what = "confirm " + id
		err = over.Confirm(t.Context(), id, nil)
	case 6:
		what = "cancel " + id
		err = over.Cancel(t.Context(), id)
	case 7, 12:
		what = "revert " + id
		err = over.Revert(t.Context(), id)
	case 8:
		what = "prepare " + fresh
		tx.Changes[0].Bound, tx.Changes[1].AtConfirm = pick > 0, false
		if pick == 1 {
			tx.Changes[1].Do = "false"
		}
		err = over.Prepare(t.Context(), fresh, tx.Changes, nil)
	case 13:
		what = "undo " + fresh
		tx.Changes = nil
		records, fail := over.Recorded(t.Context())
		for _, r := range records {
			tx.Changes = append(tx.Changes, r.Restore(w.read(r.Path)))
		}
		if err = fail; len(records) > 0 && fail == nil {
			err = w.held.Begin(t.Context(), tx, nil)
		}
	case 9:
		what = "edited " + name
		w.write(name, "edited at "+fresh)
	}
	return what + ": " + kind(err) + w.there(t, over)
}

// kind is what a caller can tell of an error.
func kind(err error) string {
	if err == nil {
		return "done"
	}
	var locked *remote.ErrLocked
	var changed *remote.ErrChanged
	var broke *remote.ErrTest
	var back *remote.ErrRolledBack
	text := ""
	for name, is := range map[string]bool{"locked": errors.As(err, &locked), "changed": errors.As(err, &changed), "test": errors.As(err, &broke),
		"too late": errors.Is(err, remote.ErrTooLate), "unknown": errors.Is(err, remote.ErrUnknownID), "not ready": errors.Is(err, remote.ErrNotReady),
		"stuck": errors.Is(err, remote.ErrStuck), "lost": errors.Is(err, remote.ErrLost)} {
		if is {
			text += name + " "
		}
	}
	if errors.As(err, &back) {
		text = "back " + back.Why + " " + text
	}
	words := strings.Fields(text)
	sort.Strings(words)
	if len(words) == 0 {
		return "refused "
	}
	return strings.Join(words, " ")
}

// there is what can be seen of the host: its files, who holds it, how the last change ended, and what is recorded.
func (w *twin) there(t *testing.T, over Login) string {
	text := ""
	for _, name := range []string{"a", "b", "c", "late", "run"} {
		if f := w.read(w.root + "/" + name); f != nil {
			text += fmt.Sprintf(" %s=%q", name, f.Text)
		}
	}
	records, err := over.Recorded(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		was := "absent"
		if r.Original != nil {
			was = r.Original.Text
		}
		text += fmt.Sprintf(" [%s %s was %q, first %s, inert %t, touched %t]", r.ID, r.Title, was, r.First, r.Inert, r.Touched)
	}
	return text
}
