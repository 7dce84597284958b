//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"postern/steps/haraka"
)

// event is one line that the program streams.
type event struct{ Event, Host, Text string }

// flight is one run of the program that something is done to on its way.
type flight struct {
	t      testing.TB
	l      *Lab
	cmd    *exec.Cmd
	inits  map[string]int // the hosts' first processes, as they were at the start
	errs   bytes.Buffer
	ended  chan struct{}
	mu     sync.Mutex
	line   []byte
	out    bytes.Buffer
	events []event
}

// fly starts the program.
func fly(o *operator, args ...string) *flight {
	o.t.Helper()
	f := &flight{t: o.t, l: o.l, ended: make(chan struct{}), inits: map[string]int{}, cmd: o.command(context.WithoutCancel(o.t.Context()), args...)}
	for _, host := range []string{"proxy", "mail"} {
		pid, err := o.l.HostPID(host)
		if err != nil {
			o.t.Fatal(err)
		}
		f.inits[host] = pid
	}
	f.cmd.Stdout, f.cmd.Stderr = f, &f.errs
	if err := f.cmd.Start(); err != nil {
		o.t.Fatal(err)
	}
	go func() { _ = f.cmd.Wait(); close(f.ended) }()
	return f
}

// Write takes what the program prints.
func (f *flight) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.out.Write(b)
	f.line = append(f.line, b...)
	for {
		i := bytes.IndexByte(f.line, '\n')
		if i < 0 {
			return len(b), nil
		}
		var e event
		if json.Unmarshal(f.line[:i], &e) == nil && e.Event != "" {
			f.events = append(f.events, e)
		}
		f.line = f.line[i+1:]
	}
}

// said says whether an event of that kind and host, with those words, was streamed.
func (f *flight) said(kind, host, words string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.events {
		if e.Event == kind && e.Host == host && strings.Contains(e.Text, words) {
			return true
		}
	}
	return false
}

// outcome is how the program says that its change ended, in the object it ends with.
func (f *flight) outcome() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := f.out.Bytes()
	at := bytes.LastIndex(text, []byte("\n{\n"))
	var last struct{ Outcome string }
	if at < 0 || json.Unmarshal(text[at:], &last) != nil {
		return ""
	}
	return last.Outcome
}

// told is all that was printed, for a failure.
func (f *flight) told() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b strings.Builder
	for _, e := range f.events {
		fmt.Fprintf(&b, "%s %s: %s\n", e.Event, e.Host, e.Text)
	}
	return b.String() + f.errs.String()
}

// state lists what lies in a folder of a host's state, without going through the host.
func (f *flight) state(host string, folder ...string) string {
	entries, err := os.ReadDir(strings.Join(append([]string{fmt.Sprintf("/proc/%d/root/var/lib/postern", f.inits[host])}, folder...), "/"))
	if err != nil {
		return ""
	}
	var b strings.Builder
	for _, e := range entries {
		b.WriteString(" " + e.Name())
	}
	return b.String() + " "
}

func (f *flight) open(host string) string { return f.state(host, "open") }

// point is a place between arming and persisting that a run comes to.
type point struct {
	name    string
	reached func(f *flight, host string) bool
	then    func(f *flight) bool // with the program stopped, what is waited for; nil for nothing
}

// installing is when the host does what is made first, Haraka itself.
var installing = point{name: "installing", reached: func(f *flight, host string) bool {
	_, err := os.Stat(fmt.Sprintf("/proc/%d/root/opt/postern/haraka/%s/node_modules", f.inits[host], haraka.Version))
	return err == nil
}}

var points = []point{
	{name: "armed", reached: func(f *flight, host string) bool { return strings.Contains(f.open(host), " ARMED.") }},
	{name: "applying", reached: func(f *flight, host string) bool { return strings.Contains(f.open(host), " PLACED ") }},
	{name: "applied", reached: func(f *flight, host string) bool { return strings.Contains(f.open(host), " APPLIED ") }},
	{name: "login", reached: func(f *flight, host string) bool { return f.said("connect", host, "a new login works") }},
	{name: "proving", reached: func(f *flight, host string) bool { return f.said("prove", "", "over the new logins") }},
	{name: "confirm", reached: confirming},
	{name: "between", reached: func(f *flight, _ string) bool { return confirming(f, "mail") },
		then: func(f *flight) bool { return f.open("mail") == "" }},
	{name: "persist", reached: func(f *flight, host string) bool {
		// The answers are put in place after every file and every command that makes the change last.
		open := f.open(host)
		return strings.Contains(open, " CONFIRMED.") && !strings.Contains(f.state(host), " site.toml.") || strings.Contains(open, " PERSISTED.") ||
			f.said("confirm", host, "kept")
	}},
}

func confirming(f *flight, host string) bool {
	open := f.open(host)
	return strings.Contains(open, " CONFIRMED.") || strings.Contains(open, " PERSISTED.") || f.said("confirm", host, "kept")
}

func pointNamed(t *testing.T, name string) point {
	t.Helper()
	for _, p := range append(slices.Clone(points), installing) {
		if p.name == name {
			return p
		}
	}
	t.Fatalf("there is no point %q", name)
	return point{}
}

// stopAt stops the program where it comes to the point, and says where the hosts are then.
func (f *flight) stopAt(p point, host string) (where string, ok bool) {
	f.t.Helper()
	for !p.reached(f, host) {
		select {
		case <-f.ended:
			return "", false
		case <-time.After(time.Millisecond):
		}
	}
	if err := f.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return "", false
	}
	for p.then != nil && !p.then(f) {
		time.Sleep(time.Millisecond)
	}
	for _, host := range []string{"mail", "proxy"} {
		where += host + marker(f.open(host)) + " "
	}
	return strings.TrimSpace(where), true
}

// marker is the marker among a transaction's files.
func marker(open string) string {
	for _, name := range strings.Fields(open) {
		word, _, found := strings.Cut(name, ".")
		if found && word == strings.ToUpper(word) && word != "WATCH" && word != "PID" {
			return ":" + word
		}
	}
	return ":-"
}

func (f *flight) goOn() { _ = f.cmd.Process.Signal(syscall.SIGCONT) }

// stop ends units by a pattern; one of them may end by itself meanwhile, which stops the rest from being stopped.
func stop(units string) string {
	return "systemctl stop '" + units + "' || systemctl stop '" + units + "'"
}

// blows are what can happen. Each is done to a host, or to the program, and gives what mends it when the hosts have settled.
var blows = map[string]func(f *flight, host string) (mend func() error, err error){
	"client killed": func(f *flight, _ string) (func() error, error) { return nil, f.cmd.Process.Kill() },
	"client stopped": func(f *flight, _ string) (func() error, error) { // it is: it only goes on late
		time.Sleep(killDeadline + 5*time.Second)
		return nil, nil
	},
	"sshd frozen": func(f *flight, host string) (func() error, error) {
		freeze := func(signal string) error {
			_, err := f.l.Exec(context.Background(), host, "pkill", "-"+signal, "-x", "sshd")
			return err
		}
		return func() error { return freeze("CONT") }, freeze("STOP")
	},
	"slow, and client killed": func(f *flight, host string) (func() error, error) {
		_, err := f.l.Exec(f.t.Context(), host, "systemd-run", "--quiet", "--unit=lab-slow", "sh", "-c", "for n in 1 2 3 4 5 6 7 8; do while :; do :; done & done; wait")
		return func() error {
			_, err := f.l.Exec(context.Background(), host, "systemctl", "stop", "lab-slow")
			return err
		}, errors.Join(err, f.cmd.Process.Kill())
	},
	"link cut": func(f *flight, host string) (func() error, error) {
		return func() error { return f.l.Fault(context.Background(), "cut:"+host, false) }, f.l.Fault(f.t.Context(), "cut:"+host, true)
	},
	"reboot":    func(f *flight, host string) (func() error, error) { return f.reboot(host, f.l.Reboot) },
	"power cut": func(f *flight, host string) (func() error, error) { return f.reboot(host, f.l.PowerCut) },
	"one watchdog killed": func(f *flight, host string) (func() error, error) {
		_, err := f.l.Exec(f.t.Context(), host, "sh", "-c", stop("postern-*a.timer"))
		return nil, err
	},
	"both watchdogs killed": func(f *flight, host string) (func() error, error) {
		_, err := f.l.Exec(f.t.Context(), host, "sh", "-c", stop("postern-*.timer"))
		return nil, err
	},
	"disk filled": func(f *flight, host string) (func() error, error) {
		return func() error { return f.l.Fault(context.Background(), "disk-full:"+host, false) }, f.l.Fault(f.t.Context(), "disk-full:"+host, true)
	},
}

// reboot begins a reboot; what mends it waits for the end of the boot.
func (f *flight) reboot(host string, how func(context.Context, string) error) (func() error, error) {
	done := make(chan error, 1)
	go func() { done <- how(context.WithoutCancel(f.t.Context()), host) }()
	return func() error { return <-done }, nil
}
