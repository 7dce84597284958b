package run

import (
	"strings"
	"testing"

	"postern/remote"
	"postern/site"
	"postern/steps"
)

// undone is what undoPlan makes of records of a step that strips by taking lines of ours out.
func undone(t *testing.T, records map[string][]remote.Record) (steps.Plan, []string) {
	t.Helper()
	step := steps.Step{ID: "x", Strip: func(s *site.Site, look steps.Look, paths map[string]bool) steps.Plan {
		var p steps.Plan
		for host := range look {
			part := steps.Part{Host: host}
			for path := range paths {
				if path == "/etc/whole" {
					continue // nothing in it can be told to be ours
				}
				part.Changes = append(part.Changes, remote.Change{ID: "edited", Step: "x", Path: path, New: &remote.File{Text: "theirs"}})
			}
			part.Changes = append(part.Changes, remote.Change{ID: "load", Step: "x", Do: "load again"})
			p.Parts = append(p.Parts, part)
		}
		return p
	}}
	return undoPlan(site.Default(), step, records, steps.Look{"proxy": {}, "mail": {}})
}

func change(t *testing.T, p steps.Plan, host, id string) remote.Change {
	t.Helper()
	var found []remote.Change
	for _, part := range p.Parts {
		for _, c := range part.Changes {
			if part.Host == host && c.ID == id {
				found = append(found, c)
			}
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d changes %s on %s, want one: %+v", len(found), id, host, p.Parts)
	}
	return found[0]
}

// A file that somebody edited since is stripped on the host where that was, and restored on the other.
func TestUndoStripsOnlyWhatOthersEdited(t *testing.T) {
	original := &remote.File{Text: "before us"}
	file := remote.Record{ID: "edited", Step: "x", Path: "/etc/x", Original: original}
	load := remote.Record{ID: "load", Step: "x", Do: "load", Undo: "unload"}
	touched := file
	touched.Touched = true
	p, _ := undone(t, map[string][]remote.Record{"proxy": {file, load}, "mail": {touched, load}})
	if c := change(t, p, "proxy", "edited"); c.New != original || !c.Forget {
		t.Errorf("proxy: %+v", c)
	}
	if c := change(t, p, "mail", "edited"); c.New == nil || c.New.Text != "theirs" || !c.Forget {
		t.Errorf("mail: %+v, want what is theirs, and its record forgotten", c)
	}
	if c := change(t, p, "mail", "load"); c.Do != "unload" || !c.Forget {
		t.Errorf("what runs is not taken back as it was: %+v", c)
	}
	if len(p.Notes) != 1 || p.Notes[0].Host != "mail" || !strings.Contains(p.Notes[0].Text, "/etc/x") {
		t.Errorf("notes %+v", p.Notes)
	}
}

// What is taken out of an edited file is worked out on the host as it will be: a firewall that was off before us locks nobody out.
func TestUndoStripsTheHostAsItWillBe(t *testing.T) {
	was := remote.Facts{Answers: map[string]remote.Answer{"/etc/a": {Out: "ours"}, "/etc/b": {Out: "ours"}}}
	got := was.After([]remote.Change{{Path: "/etc/a", New: &remote.File{Text: "before us"}}, {Path: "/etc/b"}, {Do: "unload"}})
	if a, _ := got.File("/etc/a"); a == nil || a.Text != "before us" {
		t.Errorf("restored: %+v", a)
	}
	if b, known := got.File("/etc/b"); b != nil || !known {
		t.Errorf("taken away: %+v, known %v", b, known)
	}
	if a, _ := was.File("/etc/a"); a.Text != "ours" {
		t.Error("what was seen is changed")
	}
}

// A file of which nobody can tell our part from theirs stays, and that is said.
func TestUndoTellsWhatItLeaves(t *testing.T) {
	whole := remote.Record{ID: "whole", Step: "x", Path: "/etc/whole", Touched: true}
	p, stays := undone(t, map[string][]remote.Record{"mail": {whole}})
	if len(p.Notes) != 0 || len(stays) != 1 || !strings.Contains(stays[0], "mail: /etc/whole, which others edited") {
		t.Errorf("notes %+v, stays %q", p.Notes, stays)
	}
}

// What was prepared goes when it says how, after everything else and without a guard; otherwise it stays and is named.
func TestUndoOfPreparations(t *testing.T) {
	key := remote.Record{ID: "key", Step: "x", Title: "a key", Do: "make", Undo: "rm", Inert: true}
	file := remote.Record{ID: "lock", Step: "x", Path: "/srv/lock", Original: &remote.File{Text: "before us"}, Do: "npm ci", Inert: true}
	packages := remote.Record{ID: "packages", Step: "x", Title: "install y", Do: "apt", Inert: true}
	p, stays := undone(t, map[string][]remote.Record{"mail": {packages, key, file}})
	if len(p.Parts) != 1 || !p.Parts[0].Inert {
		t.Fatalf("parts %+v, want one that is inert", p.Parts)
	}
	if c := change(t, p, "mail", "key"); c.Do != "rm" || c.Undo != "" || !c.Forget {
		t.Errorf("key: %+v", c)
	}
	if c := change(t, p, "mail", "lock"); c.New != file.Original || c.Undo != "" || !c.Forget {
		t.Errorf("a file: %+v", c)
	}
	if len(stays) != 1 || !strings.Contains(stays[0], "mail: install y") {
		t.Errorf("stays %q", stays)
	}
}

// The answers go from the hosts on which they lie, and only when the undo is confirmed.
func TestForgetAnswers(t *testing.T) {
	s := site.Default()
	file := remote.Answer{Out: "schema = 1\n", Mode: 0o600, Owner: "root:root"}
	look := steps.Look{"proxy": {}, "mail": {Answers: map[string]remote.Answer{remote.ReadFile(remote.AnswersPath).ID: file}}}
	p := forgetAnswers(s, look)
	if len(p.Parts) != 1 || p.Parts[0].Host != "mail" || len(p.Parts[0].Changes) != 1 {
		t.Fatalf("parts %+v", p.Parts)
	}
	c := p.Parts[0].Changes[0]
	if c.Path != remote.AnswersPath || c.Old == nil || c.Old.Text != file.Out || c.New != nil || !c.AtConfirm || !c.Forget {
		t.Errorf("%+v", c)
	}
}
