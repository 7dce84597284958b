//go:build linux

package main

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestPartedHosts: one host decides otherwise than the other, is not to be asked any more, is started anew, or is slow, and a second
// operator comes in between. What is said of it is one thing, and true of both.
func TestPartedHosts(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	o := newOperator(t, l, nil)
	o.run(0, "apply", "--yes")
	runBadDays(t, l, o.site, []badDay{
		{"one kept the change, and it is taken back there", splitUndone},
		{"one kept the change, and it is finished", splitFinished},
		{"one cannot be asked any more", notSeenToGoBack},
		{"one is started anew", startedAnew},
		{"both are slow", slowHosts},
		{"a second operator undoes a chapter", secondUndo}, // in the end nothing is left
	})
}

// prints are what both hosts are like.
func prints(t *testing.T, l *Lab) map[string]string {
	t.Helper()
	return map[string]string{"proxy": printOf(t, l, "proxy"), "mail": printOf(t, l, "mail")}
}

func wantPrints(t *testing.T, l *Lab, want map[string]string) {
	t.Helper()
	for host, now := range prints(t, l) {
		if now != want[host] {
			t.Errorf("%s is not as it should be:\n%s", host, apart(now, want[host]))
		}
	}
}

func wantSaid(t *testing.T, out string, said ...string) {
	t.Helper()
	for _, words := range said {
		if !strings.Contains(out, words) {
			t.Errorf("it does not say %q:\n%s", words, out)
		}
	}
}

// split changes a port, and has mail go back by itself, as when its link was cut in the moment of the confirm.
func split(t *testing.T, l *Lab, o *operator) (before, after map[string]string) {
	t.Helper()
	before = prints(t, l)
	o.run(0, "--set", "ports.imaps=1993", "apply", "--yes")
	after = prints(t, l)
	want(t, l, "mail", "sh", "-ec", `cd /var/lib/postern; d=$(ls -t done.*/PERSISTED.* | head -n 1); sh ${d%%/*}/agent revert ${d##*PERSISTED.} || [ $? = 14 ]`)
	for _, args := range [][]string{{"check", "host.ssh"}, {"plan"}} {
		out, _ := o.try(args...)
		wantSaid(t, out, "the last change was kept on one host and taken back on the other", "postern apply", "postern undo --last")
		if said := regexp.MustCompile(`proxy has answers (\d+), mail has answers (\d+)`).FindAllString(out, -1); len(said) != 1 {
			t.Errorf("%v: it is told %q, want it in one line:\n%s", args, said, out)
		}
	}
	return before, after
}

func splitUndone(t *testing.T, l *Lab, o *operator) {
	before, _ := split(t, l, o)
	o.run(0, "undo", "--last", "--yes")
	wantPrints(t, l, before)
	if out := o.run(0, "check"); strings.Contains(out, "has answers") {
		t.Errorf("the hosts agree, and it says:\n%s", out)
	}
}

func splitFinished(t *testing.T, l *Lab, o *operator) {
	before, after := split(t, l, o)
	o.run(0, "--set", "ports.imaps=1993", "apply", "--yes")
	wantPrints(t, l, after)
	if out := o.run(0, "apply", "--yes"); strings.Contains(out, "kept on one host") {
		t.Errorf("the hosts agree, and it says:\n%s", out)
	}
	wantPrints(t, l, before)
}

// whileApplied begins a change of both hosts, does something once one has applied it, and gives what was said and the exit code.
func whileApplied(t *testing.T, o *operator, host string, do func(f *flight) error) (string, int) {
	t.Helper()
	f := fly(o, "--set", "ports.imaps=1993", "--deadline", killDeadline.String(), "apply", "--yes")
	if _, on := f.stopAt(pointNamed(t, "applied"), host); !on {
		t.Fatalf("the run ended early:\n%s", f.printed())
	}
	if err := do(f); err != nil {
		t.Fatal(err)
	}
	f.goOn()
	<-f.ended
	return f.printed() + f.errs.String(), f.cmd.ProcessState.ExitCode()
}

func notSeenToGoBack(t *testing.T, l *Lab, o *operator) {
	before := prints(t, l)
	out, code := whileApplied(t, o, "mail", func(*flight) error { return l.Fault(t.Context(), "cut:mail", true) })
	said := regexp.MustCompile(`mail could not be asked any more, and will have taken the change back by (\d\d:\d\d:\d\d), without us`).FindStringSubmatch(out)
	if said == nil || code != 4 || strings.Contains(out, "Nothing of it is kept") {
		t.Errorf("exit %d, want 4 and one headline for both:\n%s", code, out)
	} else if by, err := time.ParseInLocation(time.DateTime, time.Now().Format(time.DateOnly)+" "+said[1], time.Local); err == nil {
		time.Sleep(time.Until(by))
	}
	if open := want(t, l, "mail", "sh", "-c", "ls -d /var/lib/postern/open 2>/dev/null; :"); open != "" {
		t.Errorf("by the time that was told, mail has not gone back")
	}
	if err := l.Fault(t.Context(), "cut:mail", false); err != nil {
		t.Fatal(err)
	}
	wantPrints(t, l, before)
}

func startedAnew(t *testing.T, l *Lab, o *operator) {
	before := prints(t, l)
	out, code := whileApplied(t, o, "proxy", func(*flight) error { return l.Reboot(t.Context(), "proxy") })
	if code != 4 || strings.Contains(out, "accept-risk") {
		t.Errorf("exit %d, want 4 and nothing to be accepted", code)
	}
	wantSaid(t, out, "proxy rebooted before the change was confirmed")
	o.afterReboot()
	wantPrints(t, l, before)
}

// slowHosts: where it takes them long to say what is so, they wait longer; where the operator allows less, that is said.
func slowHosts(t *testing.T, l *Lab, o *operator) {
	if !torture() {
		t.Skip("skipped: it runs only in make torture: it waits five minutes")
	}
	before := prints(t, l)
	slow := func(do string) {
		onBoth(t, func(host string) error {
			_, err := l.Exec(t.Context(), host, "sh", "-ec", `for tool in /usr/sbin/iptables-save /usr/bin/ss; do `+do+`; done`)
			return err
		})
	}
	slow(`mv $tool $tool.was; printf '#!/bin/bash\nsleep 12\nexec -a %s %s "$@"\n' ${tool##*/} $tool.was >$tool; chmod 755 $tool`)
	defer slow(`mv $tool.was $tool`)
	out, code := o.try("--set", "ports.imaps=1993", "--deadline", "10", "apply", "--yes")
	if code != 4 {
		t.Errorf("exit %d, want 4", code)
	}
	wantSaid(t, out, "it was not proven within the ", "--deadline gives them more")
	wantPrints(t, l, before)
	out = o.run(0, "--set", "ports.imaps=1993", "apply", "--yes")
	waits := regexp.MustCompile(`the host takes it back by itself in (\S+) unless`).FindStringSubmatch(out)
	if waits == nil {
		t.Fatalf("it does not say how long the hosts wait:\n%s", out)
	}
	if d, err := time.ParseDuration(waits[1]); err != nil || d <= 2*time.Minute {
		t.Errorf("slow hosts wait %s, want more than the usual two minutes", waits[1])
	}
	o.run(0, "apply", "--yes")
}

// secondUndo: who undoes a chapter while all is being undone is told who holds the host, and the first is not disturbed.
func secondUndo(t *testing.T, l *Lab, o *operator) {
	other := *o
	other.site = copySite(t, o.site)
	f := fly(o, "--json", "--events", "--yes", "undo", "--all")
	if _, on := f.stopAt(pointNamed(t, "applied"), "proxy"); !on {
		t.Fatalf("the first run ended early:\n%s", f.told())
	}
	out, code := other.try("undo", "firewall", "--yes")
	f.goOn()
	<-f.ended
	if code != 1 {
		t.Errorf("the second: exit %d, want 1", code)
	}
	wantSaid(t, out, "is being changed by another run", "root@", "since ")
	if code := f.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the first: exit %d\n%s", code, f.told())
	}
	if left := rules(t, l, "proxy"); strings.Contains(strings.ToLower(left), "postern") {
		t.Errorf("something of ours is left:\n%s", left)
	}
}
