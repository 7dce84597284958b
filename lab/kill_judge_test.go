//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// settled waits until no host has anything open: at most the deadline, and what a busy machine needs on top.
func (a *arena) settled(t *testing.T, f *flight) {
	t.Helper()
	for end := time.Now().Add(a.deadline() + time.Minute); ; time.Sleep(200 * time.Millisecond) {
		busy := ""
		for _, host := range []string{"mail", "proxy"} {
			out, err := a.l.Exec(t.Context(), host, "sh", "-c", `cd /var/lib/postern && ls -Ad open in.* 2>/dev/null; systemctl list-units --no-legend --plain 'postern-*' | grep -v -e '^postern-smtp\.' -e '^postern-certificate\.' -e '^postern-mailcow\.'; :`)
			if err != nil || strings.TrimSpace(out) != "" {
				busy += fmt.Sprintf("%s: %s %v\n", host, out, err)
			}
		}
		if busy == "" {
			return
		}
		if time.Now().After(end) {
			t.Errorf("not free long after the deadline: %s%s", busy, f.told())
			return
		}
	}
}

// logins tells after how long one could log in to both hosts.
func (a *arena) logins(t *testing.T, start time.Time) <-chan time.Duration {
	took := make(chan time.Duration, 1)
	go func() {
		for _, addr := range []string{"203.0.113.10", "192.168.50.2"} {
			for t.Context().Err() == nil {
				if a.login(t, addr) == nil {
					break
				}
				time.Sleep(500 * time.Millisecond)
			}
		}
		took <- time.Since(start)
	}()
	return took
}

func (a *arena) login(t *testing.T, addr string) error {
	_, err := a.l.Exec(t.Context(), "laptop", "ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=3", "root@"+addr, "true")
	return err
}

// judge compares the hosts with what they were and with what they should be.
func (a *arena) judge(t *testing.T, r *row, f *flight) {
	t.Helper()
	r.ends = map[string]string{}
	for _, host := range []string{"mail", "proxy"} {
		now := a.print(t, host)
		old, anew := a.prints[a.there][host], a.prints[!a.there][host]
		switch {
		case now == old && now == anew:
		case now == old:
			r.ends[host] = "OLD"
		case now == anew:
			r.ends[host] = "NEW"
		case now == a.half[host]:
			r.ends[host] = "HALF"
		default:
			r.ends[host] = "NEITHER"
			t.Errorf("%s (%s) is neither as it was:\n%s\nnor as it should be:\n%s\n%s", host, r.where, apart(now, old), apart(now, anew), f.told())
		}
	}
	if len(r.ends) == 2 && r.ends["mail"] != r.ends["proxy"] {
		t.Errorf("the hosts do not fit each other: %v (%s, exit %d)\n%s", r.ends, r.where, r.code, f.told())
	}
	for host, end := range r.ends {
		if end == "HALF" {
			if r.code == 0 {
				t.Errorf("%s: one of two chapters is there, and the program says that all went well:\n%s", host, f.told())
			}
			continue
		}
		kept := f.outcome() == "changed" || r.code == exitUnasked
		if r.code >= 0 && (end == "NEW") != kept {
			t.Errorf("%s ends %s, and the program says %q, exit code %d:\n%s", host, end, f.outcome(), r.code, f.told())
		}
	}
}

// exitUnasked is the program's exit code when a host was away when it was to be asked again.
const exitUnasked = 2

// goOn has the next run finish what is not, and the checks prove it.
func (a *arena) goOn(t *testing.T, o *operator, r *row) {
	t.Helper()
	undone := len(a.shape.set) == 0 && a.there // nothing is left that checks ask about
	if slices.Contains([]string{r.ends["mail"], r.ends["proxy"]}, "NEW") && !undone {
		o.checked(a.answers(!a.there)...)
	}
	a.emptied(t)
	said := a.apply(o)
	for _, host := range []string{"mail", "proxy"} {
		if now := a.print(t, host); now != a.prints[a.there][host] {
			t.Errorf("%s: the next run did not bring it where it should be:\n%s\n%s", host, apart(now, a.prints[a.there][host]), said)
		}
	}
}

// checked wants check to exit with 0 in the end: where only keepalives go through a tunnel, it is 120 s and one of their
// intervals until a rebooted end is shaken hands with again.
func (o *operator) checked(flags ...string) {
	o.t.Helper()
	var out string
	code := -1
	for end := time.Now().Add(4 * time.Minute); code != 0 && time.Now().Before(end); {
		out, code = o.try(append(flags, "check")...)
	}
	if code != 0 {
		o.t.Errorf("check: exit %d\n%s", code, out)
	}
}
