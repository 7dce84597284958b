//go:build linux

package agent_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postern/remote"
	"postern/steps/does"
)

const (
	oldRules = `# by hand
ext = "vtnet0"
table <admin> persist { 198.51.100.7 }
table <bruteforce> persist
table <sshguard> persist
set skip on lo0
scrub in all
nat on $ext inet from 172.16.0.0/19 to any -> 203.0.113.10
rdr-anchor "rdr/*"
block in quick from <bruteforce>
pass in on $ext proto tcp from any to any port 22
`
	newRules = `table <admin> persist { 198.51.100.7, 198.51.100.8 }
table <bruteforce> persist { 192.0.2.99 }
rdr on vtnet0 inet proto tcp from any to (vtnet0) port 993 -> 10.0.0.2
block in log
pass out
pass in proto tcp from any to any port 22
`
	jailRules = "rdr inet proto tcp from any to any port 993 -> 172.16.15.15\n"
)

// pf runs pfctl on the host.
func (g *ground) pf(args ...string) (string, error) {
	out, err := exec.Command(g.bin+"/pfctl", args...).Output() //nolint:gosec // the test's own
	return string(out), err
}

// fill makes pf what it is before a change: on, and with bans that stand in no file and the anchor of a jail; or off.
func (g *ground) fill(on, banned bool) error {
	g.on = on
	sh := `cd "$1" && set -e
[ "$2" ] || { sysrc pf_rules="$1/pf.conf" >/dev/null; exit 0; }
sysrc pf_enable=YES pf_rules="$1/pf.conf" >/dev/null
kldload pf
pfctl -f pf.conf
pfctl -e
[ "$3" ] || exit 0
pfctl -t bruteforce -T add 192.0.2.1 192.0.2.2
pfctl -t sshguard -T add 192.0.2.3
pfctl -t admin -T add 192.0.2.4
pfctl -a rdr/dovecot -f jail.conf
pfctl -a rdr/dovecot -t mua -T add 192.0.2.5`
	say := map[bool]string{true: "yes"}
	for name, text := range map[string]string{"pf.conf": oldRules, "jail.conf": jailRules} {
		if err := os.WriteFile(g.root+"/"+name, []byte(text), 0o600); err != nil {
			return err
		}
	}
	cmd := exec.Command("/bin/sh", "-c", sh, "sh", g.root, say[on], say[banned])
	cmd.Env = []string{"PATH=" + g.bin + ":/usr/bin:/bin"}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	os.Remove(g.bin + "/../kernel/log")
	os.Remove(g.bin + "/../kernel/calls")
	return nil
}

// ruled gives every second host of FreeBSD rules that run, which a boot loads, too; the others have them in a file only.
func (g *ground) ruled(i int) error {
	if !g.bsd {
		return nil
	}
	return g.fill(i%2 == 0, false)
}

// rules is the change that has pf run others.
func (g *ground) rules(text string) remote.Change {
	undo := ""
	if !g.on {
		undo = "sysrc -x pf_enable\n"
	}
	return does.PF{File: g.root + "/pf.conf", Off: !g.on}.Load(remote.Change{ID: "pf", Step: "firewall", Title: "load the rules", Path: g.root + "/pf.conf",
		Old: g.file("pf.conf"), New: &remote.File{Text: text, Mode: 0o600}, AtConfirm: true, Keep: "sysrc pf_enable=YES", Undo: undo})
}

// log is what was asked of pf, rc and daemon, line by line.
func (g *ground) log() []string {
	b, _ := os.ReadFile(g.bin + "/../kernel/log")
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

// ordered wants the rules parsed first, then both watchdogs armed, and only then loaded; and pf neither restarted nor flushed, ever.
func (g *ground) ordered() error {
	seen := ""
	for _, line := range g.log() {
		switch {
		case strings.Contains(line, "-n -f"):
			seen += "parse "
		case strings.Contains(line, "expire"):
			seen += "timer "
		case strings.HasPrefix(line, "pfctl -f"):
			seen += "load "
		case strings.HasPrefix(line, "service pf"), strings.Contains(line, "-F all"):
			return fmt.Errorf("it was asked for %q", line)
		}
	}
	if !strings.HasPrefix(seen, "parse timer timer load ") {
		return fmt.Errorf("the order was %q", seen)
	}
	return nil
}

// stands says whether the old file is back and runs, where pf ran, and nothing is open.
func (g *ground) stands(on bool) error {
	rule := ""
	if on {
		rule = "block in quick from <bruteforce>"
	}
	if g.file("pf.conf").Text != oldRules {
		return errors.New("the old file is not back")
	}
	return errors.Join(g.runs(on, rule), g.free())
}

// runs wants pf on or off, and that rule in it.
func (g *ground) runs(on bool, rule string) error {
	_, off := g.pf("-s", "Running")
	rules, _ := g.pf("-sr")
	if on != (off == nil) || !strings.Contains(rules, rule) {
		return fmt.Errorf("pf runs: %v, with\n%s\nwant %v, with %q", off == nil, rules, on, rule)
	}
	return nil
}

// pfEnds are the ways that a change of the rules ends, and how the host is to be then.
var pfEnds = map[string]func(g *ground, on bool) error{
	"confirmed": func(g *ground, on bool) error {
		id, err := g.begin(g.change())
		if err != nil {
			return err
		}
		if g.file("pf.conf").Text != oldRules {
			return errors.New("the file is there before it is confirmed")
		}
		if err := errors.Join(g.confirm(id), g.ordered(), g.runs(true, "block in log")); err != nil {
			return err
		}
		if jail, _ := g.pf("-a", "rdr/dovecot", "-sn"); on && jail != jailRules {
			return fmt.Errorf("the jail's anchor is %q", jail)
		}
		if conf := g.file("rc.conf").Text; g.file("pf.conf").Text != newRules || !strings.Contains(conf, `pf_enable="YES"`) {
			return fmt.Errorf("it does not last: %s", conf)
		}
		return nil
	},
	"cancelled": func(g *ground, on bool) error {
		return g.takenBack(g.change(), func(id string) error { return g.s.Cancel(bg(), id) })
	},
	"not confirmed": func(g *ground, on bool) error {
		return g.takenBack(g.change(), func(string) error { return g.expired() })
	},
	"reverted": func(g *ground, on bool) error {
		return g.takenBack(g.change(), func(id string) error { return errors.Join(g.confirm(id), g.s.Revert(bg(), id)) })
	},
	"a change after it fails": func(g *ground, on bool) error {
		want := g.fingerprint()
		var back *remote.ErrRolledBack
		if err := g.s.Begin(bg(), failing(g.change()), nil); !errors.As(err, &back) {
			return fmt.Errorf("begin: %w", err)
		}
		return errors.Join(g.ordered(), g.was(want))
	},
	"a reboot before it is confirmed": func(g *ground, on bool) error {
		if _, err := g.begin(g.change()); err != nil {
			return err
		}
		if err := errors.Join(g.runs(true, "block in log"), g.reboot()); err != nil {
			return err
		}
		return g.stands(on)
	},
	"undone later": func(g *ground, on bool) error {
		tx := g.change()
		tx.Changes = tx.Changes[len(tx.Changes)-1:] // of the rules alone: the others cannot be done twice
		if err := errors.Join(g.s.Begin(bg(), tx, nil), g.confirm(tx.ID)); err != nil {
			return err
		}
		undo, err := g.undoing(tx)
		ours := g.fingerprint()
		if err := errors.Join(err, g.s.Begin(bg(), undo, nil), g.s.Cancel(bg(), undo.ID), g.was(ours)); err != nil {
			return fmt.Errorf("an undo that is not confirmed: %w", err)
		}
		undo.ID += "x"
		if err := errors.Join(g.s.Begin(bg(), undo, nil), g.confirm(undo.ID)); err != nil {
			return err
		}
		return g.stands(on)
	},
	"a file that does not parse": func(g *ground, on bool) error {
		want := g.fingerprint()
		var refused *remote.ErrTest
		err := g.s.Begin(bg(), broken(g.change()), nil)
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "syntax error") {
			return fmt.Errorf("begin: %w", err)
		}
		if log := g.log(); len(log) != 1 {
			return fmt.Errorf("it was asked for more than to parse: %q", log)
		}
		return errors.Join(g.was(want), g.free())
	},
}

func failing(tx remote.Transaction) remote.Transaction {
	tx.Changes = append(tx.Changes, remote.Change{ID: "after", Step: "firewall", Title: "what comes after", Do: "exit 3"})
	return tx
}

func broken(tx remote.Transaction) remote.Transaction {
	tx.Changes[len(tx.Changes)-1].New.Text += "rdr on x nat-to y\n"
	return tx
}

// takenBack wants pf's rules, tables and anchors as they were, and on or off as it was.
func (g *ground) takenBack(tx remote.Transaction, back func(id string) error) error {
	want := g.fingerprint()
	if err := g.s.Begin(bg(), tx, nil); err != nil {
		return err
	}
	if err := errors.Join(g.runs(true, "block in log"), back(tx.ID)); err != nil {
		return err
	}
	return errors.Join(g.ordered(), g.was(want))
}

func TestFreeBSDPF(t *testing.T) {
	t.Parallel()
	for _, shell := range shells(t) {
		for name, end := range pfEnds {
			for _, on := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %s, on before %v", label(shell), name, on), func(t *testing.T) {
					t.Parallel()
					g := newGroundOf(t, freeBSD(shell))
					if err := g.fill(on, true); err != nil {
						t.Fatal(err)
					}
					if err := end(g, on); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
}

// TestFreeBSDPFAnchor: an anchor of ours is loaded, changed and taken away, kept or not; the main ruleset and its file stay as they are.
func TestFreeBSDPFAnchor(t *testing.T) {
	t.Parallel()
	g := newGroundOf(t, freeBSD("/bin/dash"))
	if err := g.fill(true, true); err != nil {
		t.Fatal(err)
	}
	main, _ := g.pf("-sr")
	path := g.root + "/ours.conf"
	for _, text := range []string{"pass in proto tcp from any to any port 993\n", "table <mua> persist { 10.0.0.2 }\npass in from <mua>\n", ""} {
		c := remote.Change{ID: "anchor", Step: "firewall", Title: "our anchor", Path: path, Old: g.file("ours.conf"), New: &remote.File{Text: text}}
		if text == "" {
			c.New = nil
		}
		tx := remote.Transaction{ID: newID(), Operator: "ann", Deadline: time.Hour, Changes: []remote.Change{does.PF{File: path, Anchor: "filter/postern"}.Load(c)}}
		want := g.fingerprint()
		if err := errors.Join(g.s.Begin(bg(), tx, nil), g.s.Cancel(bg(), tx.ID), g.was(want)); err != nil {
			t.Errorf("%q, not kept: %v", text, err)
		}
		tx.ID = newID()
		if err := errors.Join(g.s.Begin(bg(), tx, nil), g.confirm(tx.ID)); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		runs, _ := g.pf("-a", "filter/postern", "-sr")
		if _, rule, _ := strings.Cut("\n"+text, "\npass"); runs != "pass"+rule && (text != "" || runs != "") {
			t.Errorf("%q: it runs %q", text, runs)
		}
		if now, _ := g.pf("-sr"); now != main || g.file("pf.conf").Text != oldRules {
			t.Errorf("%q: the main ruleset is\n%s", text, now)
		}
	}
	if err := g.free(); err != nil {
		t.Error(err)
	}
}

// TestFreeBSDPFKilled kills whoever loads or brings back rules, right before each thing that is asked of pf.
func TestFreeBSDPFKilled(t *testing.T) {
	t.Parallel()
	const most = 30 // as often as pf is asked for something, going there and back
	every := 3
	switch {
	case os.Getenv("POSTERN_TORTURE") != "":
		every = 1
	case testing.Short():
		every = 7
	}
	var killed atomic.Int32
	together(t, hasty(freeBSD("/bin/dash")), most/every, func(g *ground, i int) error {
		if err := g.fill(i%2 == 0, true); err != nil {
			return err
		}
		want := g.fingerprint()
		os.WriteFile(g.bin+"/../kernel/kill", fmt.Appendln(nil, 2+i*every), 0o600) // the first one parses, over our own connection
		if err := g.s.Begin(bg(), failing(g.change()), nil); err == nil {
			return errors.New("it went through")
		}
		if _, err := os.Stat(g.bin + "/../kernel/killed"); err == nil {
			killed.Add(1)
		}
		g.expire()
		return g.back(want)
	})
	t.Logf("%d of %d killed", killed.Load(), most/every)
	if n := int(killed.Load()); n < most/every/2 { // a host on which pf was off has less to ask
		t.Errorf("only %d were killed", n)
	}
}

// TestFreeBSDRefused: a host that cannot be guarded is not changed, and told why.
func TestFreeBSDRefused(t *testing.T) {
	t.Parallel()
	g := newGroundOf(t, freeBSD("/bin/dash"))
	want := g.fingerprint()
	os.WriteFile(g.bin+"/../kernel/old-lockf", nil, 0o600)
	if err := g.s.Begin(bg(), g.change(), nil); !errors.Is(err, remote.ErrNoGuard) || !strings.Contains(err.Error(), "locks a descriptor") {
		t.Errorf("with an old lockf: %v", err)
	}
	os.Remove(g.bin + "/../kernel/old-lockf")
	// What comes before the guard in rc's order would read what nobody confirmed.
	os.WriteFile(g.state+"/etc/rc.d/netif", []byte("#!/bin/sh\n# PROVIDE: netif\n# BEFORE: FILESYSTEMS\n"), 0o700) //nolint:gosec // rc reads it
	if err := g.s.Begin(bg(), g.change(), nil); !errors.Is(err, remote.ErrNoGuard) {
		t.Errorf("with a boot that cannot be guarded: %v", err)
	}
	os.WriteFile(g.state+"/etc/rc.d/netif", []byte("#!/bin/sh\n"+rcScripts["netif"]), 0o700) //nolint:gosec // rc reads it
	if err := errors.Join(g.was(want), g.free()); err != nil {
		t.Error(err)
	}
}
