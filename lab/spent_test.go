//go:build linux

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// booted are the hosts that something is spent on.
var booted = []string{"proxy", "mail"}

// spent is what a host spent: processes and threads that were started on it, and time of a processor. What people rent has one slow
// processor, so this is what they wait for; and other than the time it takes, it is the same beside other work.
type spent struct {
	started int
	cpu     time.Duration
}

// BenchmarkSpending says what each verb has the hosts spend, and on what. It can run beside other work.
func BenchmarkSpending(b *testing.B) {
	onHosts(b, func(m *bench) {
		m.run(0, "apply", "--yes") // installs the packages
		m.spends("nothing to change: postern apply", 240, "apply", "--yes")
		m.spends("postern check", 136, "check")
		m.spends("postern undo --all", 460, "undo", "--all", "--yes")
		m.spends("chapters 2 and 3 for the first time", 740, "apply", "--yes", "firewall", "wireguard")
	})
}

// spentOn is what a host has spent since it was booted. It asks a process of the host for its number, for the kernel counts them up: that
// one is the last of those counted.
func (l *Lab) spentOn(t testing.TB, host string) spent {
	t.Helper()
	cpu, err := cpuOf(l.cgroup(host))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(want(t, l, host, "sh", "-c", "echo $$"))
	if err != nil {
		t.Fatal(err)
	}
	return spent{pid, cpu}
}

// less is what was spent since, without the process that told.
func (s spent) less(since spent) spent {
	d := spent{s.started - since.started - 1, s.cpu - since.cpu}
	if most, err := os.ReadFile("/proc/sys/kernel/pid_max"); err == nil && d.started < 0 { // the numbers began again
		n, _ := strconv.Atoi(strings.TrimSpace(string(most)))
		d.started += n - 300
	}
	return d
}

// phase names what an event of a host ends, by the event before it and whether the host is guarded already.
func phase(kind, before string, guarded bool) string {
	switch {
	case kind == "connect" && guarded:
		return "new login"
	case kind == "connect":
		return "login"
	case kind == "look", kind == "prove" && !guarded:
		return "look"
	case kind == "change" && before != "change":
		return "checks, arm, test"
	case kind == "change", kind == "guard":
		return "apply"
	case kind == "confirm":
		return "checks, confirm"
	}
	return ""
}

// spends runs the program and tells what it had each host spend: in all, and on what.
func (m *bench) spends(what string, limit float64, args ...string) {
	m.b.Helper()
	var order []string
	first, last, before, guarded := map[string]spent{}, map[string]spent{}, map[string]string{}, map[string]bool{}
	by := map[string]map[string]spent{}
	book := func(name, host string) {
		now := m.l.spentOn(m.b, host)
		if by[name] == nil {
			by[name], order = map[string]spent{}, append(order, name)
		}
		d, had := now.less(last[host]), by[name][host]
		by[name][host], last[host] = spent{had.started + d.started, had.cpu + d.cpu}, now
	}
	for _, host := range booted {
		first[host] = m.l.spentOn(m.b, host)
		last[host] = first[host]
	}
	start := time.Now()
	cmd := m.command(m.b.Context(), append([]string{"--json", "--events"}, args...)...)
	events(m.b, cmd, func(kind, of string) {
		for _, host := range booted {
			if name := phase(kind, before[host], guarded[host]); name != "" && (of == host || of == "") {
				before[host], guarded[host] = kind, guarded[host] || kind == "guard"
				book(name, host)
			}
		}
	})
	took := time.Since(start).Seconds()
	if code := cmd.ProcessState.ExitCode(); code != 0 {
		m.b.Fatalf("%s: exit %d", what, code)
	}
	for _, host := range booted {
		book("what is left", host)
		var all spent
		for _, name := range order {
			all.started, all.cpu = all.started+by[name][host].started, all.cpu+by[name][host].cpu
		}
		m.row(what+": started on "+host, float64(all.started), limit, "processes", fmt.Sprintf("%.2f s of its processor, %.2f s in all", all.cpu.Seconds(), took))
	}
	for _, name := range order {
		for _, host := range booted {
			fmt.Fprintf(&m.table, "    %-20s %-6s %5d processes %6.2f s\n", name, host, by[name][host].started, by[name][host].cpu.Seconds())
		}
	}
}
