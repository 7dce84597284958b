//go:build linux

package agent_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"postern/remote"
	"postern/steps/does"
)

// TestFreeBSDPFAnchorOff: for an anchor of ours, pf is not switched on, nor put into the kernel.
func TestFreeBSDPFAnchorOff(t *testing.T) {
	t.Parallel()
	g := newGroundOf(t, freeBSD("/bin/dash"))
	if err := g.fill(false, false); err != nil {
		t.Fatal(err)
	}
	path := g.root + "/ours.conf"
	c := does.PF{File: path, Anchor: "postern"}.Load(remote.Change{ID: "anchor", Step: "firewall", Title: "our anchor", Path: path,
		New: &remote.File{Text: "pass in proto tcp from any to any port 993\n"}, AtConfirm: true})
	tx := remote.Transaction{ID: newID(), Operator: "ann", Deadline: time.Hour, Changes: []remote.Change{c}}
	want := g.fingerprint()
	if err := errors.Join(g.s.Begin(bg(), tx, nil), g.s.Cancel(bg(), tx.ID), g.was(want)); err != nil {
		t.Errorf("not kept: %v", err)
	}
	tx.ID = newID()
	if err := errors.Join(g.s.Begin(bg(), tx, nil), g.confirm(tx.ID)); err != nil || g.file("ours.conf") == nil {
		t.Errorf("kept: %v", err)
	}
	for _, line := range g.log() {
		if strings.Contains(line, "kldload") || strings.HasSuffix(line, "pfctl -e") {
			t.Errorf("it was asked for %q", line)
		}
	}
}

// TestFreeBSDPFElsewhere: what ran from another file runs from that again, taken back or undone later.
func TestFreeBSDPFElsewhere(t *testing.T) {
	t.Parallel()
	g := newGroundOf(t, freeBSD("/bin/dash"))
	if err := g.fill(true, true); err != nil {
		t.Fatal(err)
	}
	path := g.root + "/ours.conf"
	c := does.PF{File: path, Before: g.root + "/pf.conf"}.Load(remote.Change{ID: "pf", Step: "firewall", Title: "our rules", Path: path,
		New: &remote.File{Text: newRules}, AtConfirm: true})
	tx := remote.Transaction{ID: newID(), Operator: "ann", Deadline: time.Hour, Changes: []remote.Change{c}}
	want := g.fingerprint()
	if err := errors.Join(g.s.Begin(bg(), tx, nil), g.runs(true, "block in log"), g.s.Cancel(bg(), tx.ID), g.was(want)); err != nil {
		t.Errorf("not kept: %v", err)
	}
	tx.ID = newID()
	if err := errors.Join(g.s.Begin(bg(), tx, nil), g.confirm(tx.ID), g.runs(true, "block in log")); err != nil {
		t.Fatal(err)
	}
	undo, err := g.undoing(tx)
	if err := errors.Join(err, g.s.Begin(bg(), undo, nil), g.confirm(undo.ID), g.runs(true, "block in quick from <bruteforce>")); err != nil {
		t.Errorf("undone later: %v", err)
	}
}
