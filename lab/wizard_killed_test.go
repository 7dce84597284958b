//go:build linux

package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// TestWizardKilled: the wizard dies in the middle of a change. Started again, it tells what the hosts made of that, and goes
// on to hosts that are proven.
func TestWizardKilled(t *testing.T) {
	needLab(t)
	t.Parallel()
	for _, c := range []struct {
		name, point, deadline string
		again                 string // "settled": when the hosts are done with it; "open": while the change is open; "": at once
		torture               bool
	}{
		{name: "taken back", point: "applied", deadline: "12s", again: "settled"},
		{name: "still open", point: "applied", deadline: "90s", again: "open", torture: true},
		{name: "logged in", point: "login", deadline: "30s", again: "settled", torture: true},
		{name: "one host confirmed", point: "between", deadline: "120s", torture: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.torture {
				needTorture(t)
			}
			t.Parallel()
			l := newLab(t, Options{})
			o := newOperator(t, l, nil)
			s := o.open("--deadline", c.deadline)
			s.goOn(2, "Firewall")
			s.turn("a", "Preparations: 2 changes on 2 hosts")
			s.shows("Guarded: ")
			before := map[string]string{"proxy": rules(t, l, "proxy"), "mail": rules(t, l, "mail")}
			f := aboard(t, l, s)
			s.agree()
			where, ok := f.stopAt(seenFromHosts(t, c.point), "proxy")
			if !ok {
				t.Fatalf("the program ended before the change was %s:\n%s", c.point, s.text())
			}
			s.kill()
			t.Log("killed with " + where)
			switch c.again {
			case "settled":
				f.settle()
				sameRules(t, l, before)
				s = o.open()
				s.shows("2 of 7 Firewall", "[warn] proxy: it took its last change", "back by itself, because nobody confirmed it in time; all is as it was before")
			case "open":
				s = o.open()
				s.shows("2 of 7 Firewall", "[warn] proxy: a change is open on it, which it may still take back")
				s.press("enter")
				s.shows("> [ go on ]")
				s.press("enter")
				s.shows("Refused before anything was changed", "or a program that died did", "try again")
				f.settle()
				sameRules(t, l, before)
				s.turn("r", "not begun")
				s.shows("Guarded: ")
				s.agree()
				s.shows("Firewall / proof", "enter goes on")
				s.turn("enter", "Firewall / proof")
			default:
				s = o.open()
			}
			s.toProven()
			s.leave(0)
			o.inPlace()
		})
	}
}

// effective are the rules that do something: a table that was never used has none, and one that was emptied has none.
func effective(rules string) string {
	var list []string
	for row := range strings.SplitSeq(rules, "\n") {
		if !strings.HasPrefix(row, "*") && row != "COMMIT" && !strings.HasSuffix(strings.TrimSpace(row), " ACCEPT") || strings.HasPrefix(row, "-A") {
			list = append(list, row)
		}
	}
	return strings.TrimSpace(strings.Join(list, "\n"))
}

// sameRules wants both hosts to filter as before.
func sameRules(t *testing.T, l *Lab, before map[string]string) {
	t.Helper()
	for host, old := range before {
		if now := effective(rules(t, l, host)); now != effective(old) {
			t.Errorf("%s: the change was not taken back:\n%s\nwere\n%s", host, now, old)
		}
	}
}

// open starts the wizard with the operator's answers.
func (o *operator) open(args ...string) *screen {
	o.t.Helper()
	return open(o.t, o.l, o.t.TempDir(), append([]string{"--site", o.site}, args...)...)
}

// toProven goes on from wherever the hosts are until all checks are ok.
func (s *screen) toProven() {
	s.t.Helper()
	chapters := []string{"Firewall", "WireGuard"}
	for range chapters {
		const gone = "Not in place any more: "
		at := s.waits("2 of 7 Firewall", "3 of 7 WireGuard", gone+"2", gone+"3", "all checks")
		if at == 2*len(chapters) {
			break
		}
		if at >= len(chapters) {
			at -= len(chapters)
			s.press(strconv.Itoa(at + 2))
		}
		s.bring(at+2, chapters[at])
		if chapters[at] == "WireGuard" {
			break
		}
	}
	s.allProven()
}

// bring brings a chapter in place: it agrees to what its reviews show, sees the proof, and goes on.
func (s *screen) bring(n int, title string) {
	s.t.Helper()
	s.goOn(n, title)
	if s.waits("Preparations: ", "Guarded: ") == 0 {
		s.turn("a", "Preparations: ")
	}
	s.shows("Guarded: ")
	s.agree()
	s.shows(title+" / proof", "enter goes on")
	s.turn("enter", title+" / proof")
}

// aboard is the flight of the wizard on a screen, to see from the hosts how far it is.
func aboard(t *testing.T, l *Lab, s *screen) *flight {
	t.Helper()
	f := &flight{t: t, l: l, cmd: s.cmd, ended: s.ended, inits: map[string]int{}}
	for _, host := range hosts {
		pid, err := l.HostPID(host)
		if err != nil {
			t.Fatal(err)
		}
		f.inits[host] = pid
	}
	return f
}

// seenFromHosts is a point of a run. The wizard streams no events, so what they would tell is read from the hosts.
func seenFromHosts(t *testing.T, name string) point {
	t.Helper()
	p := pointNamed(t, name)
	if name == "login" { // it comes after the change is applied everywhere, and before it is confirmed anywhere
		p.reached = func(f *flight, _ string) bool {
			return strings.Contains(f.open("proxy"), " APPLIED ") && strings.Contains(f.open("mail"), " APPLIED ")
		}
	}
	return p
}

// settle waits until no host has an open change.
func (f *flight) settle() {
	f.t.Helper()
	if err := poll(f.t.Context(), 2*patience, func() bool { return f.open("proxy") == "" && f.open("mail") == "" }); err != nil {
		f.t.Fatal(fmt.Errorf("a change stays open: proxy %q, mail %q: %w", f.open("proxy"), f.open("mail"), err))
	}
}
