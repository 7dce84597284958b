//go:build linux

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"postern/remote"
)

// BenchmarkPostern says how fast the program is, as ratios to what was measured beside it in the same run: make bench.
// A machine is never quiet, so each ratio is the median of several pairs.
func BenchmarkPostern(b *testing.B) {
	onHosts(b, func(bench *bench) {
		bench.run(0, "apply", "--yes") // installs the packages
		bench.unchanged()
		bench.check()
		bench.dark()
		bench.run(0, "undo", "--all", "--yes")
		bench.chapters()
		bench.trips()
	})
}

// onHosts measures on hosts that have all of the machine, or those parts of a processor each that POSTERN_CPU lists, such as "100 50 25".
func onHosts(b *testing.B, measure func(*bench)) {
	for _, percent := range strings.Fields(cmp.Or(os.Getenv("POSTERN_CPU"), "0")) {
		b.Run("cpu "+percent, func(b *testing.B) {
			cpu, err := strconv.Atoi(percent)
			if err != nil {
				b.Fatal(err)
			}
			bench := &bench{operator: newOperator(b, newLab(b, Options{CPU: cpu}), nil), b: b}
			measure(bench)
			fmt.Printf("\n%s\n", bench.table.String())
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkMail is the same of chapters 5 and 6.
func BenchmarkMail(b *testing.B) {
	bench := &bench{operator: newMailed(b, "haraka", Options{Suite: "trixie", Mail: "plain"}).operator, b: b}
	bench.run(0, "apply", "--yes")
	bench.check()
	bench.mail()
	fmt.Printf("\n%s\n", bench.table.String())
	b.ReportMetric(0, "ns/op")
}

// bench is an operator with a watch.
type bench struct {
	*operator
	b     *testing.B
	table strings.Builder
}

// row tells one measure, and is loud about one that is over its limit; a limit below 0 is none.
func (m *bench) row(what string, got, limit float64, unit, how string) {
	m.b.Helper()
	verdict := ""
	switch {
	case limit < 0:
	case got > limit:
		verdict = fmt.Sprintf("OVER THE LIMIT of %.4g", limit)
		m.b.Errorf("%s: %.2f %s is over the limit of %.4g (%s)", what, got, unit, limit, how)
	default:
		verdict = fmt.Sprintf("limit %.4g", limit)
	}
	fmt.Fprintf(&m.table, "%-58s %7.2f %-8s %-24s %s\n", what, got, unit, verdict, how)
}

// timed runs a command on the laptop and gives the seconds it took.
func (m *bench) timed(argv ...string) float64 {
	m.b.Helper()
	cmd, err := m.l.Command(m.b.Context(), "laptop", argv...)
	if err != nil {
		m.b.Fatal(err)
	}
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		m.b.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return time.Since(start).Seconds()
}

// login is what logging in and doing nothing takes.
func (m *bench) login() float64 {
	return m.timed("ssh", "-o", "BatchMode=yes", "root@203.0.113.10", "true")
}

func (m *bench) postern(args ...string) []string {
	return append([]string{"postern", "--site", m.site}, args...)
}

// unchanged compares a plan that finds nothing to change with a bare login, and an apply that does, which then proves all that is there,
// with a check.
func (m *bench) unchanged() {
	var plans, took, bare, proofs []float64
	for range 7 {
		ssh, plan := m.login(), m.timed(m.postern("plan")...)
		plans, took, bare = append(plans, plan/ssh), append(took, plan), append(bare, ssh)
		proofs = append(proofs, m.timed(m.postern("apply", "--yes")...)/m.timed(m.postern("check")...))
	}
	m.row("nothing to change: postern plan / ssh host true", median(plans), 2, "times", fmt.Sprintf("%.2f s / %.2f s", median(took), median(bare)))
	m.row("nothing to change: postern apply, which proves / check", median(proofs), 1.3, "times", "")
}

// check compares all checks with the slowest of them: they are asked at once.
func (m *bench) check() {
	var ratios, took, slowest []float64
	for range 5 {
		login := m.login()
		start := time.Now()
		cmd := m.command(m.b.Context(), "--json", "check")
		out, err := cmd.Output()
		if err != nil {
			m.b.Fatalf("check: %v\n%s", err, out)
		}
		all := time.Since(start).Seconds()
		var doc struct{ Results []struct{ Ms float64 } }
		if err := json.Unmarshal(out, &doc); err != nil {
			m.b.Fatal(err)
		}
		most := 0.0
		for _, r := range doc.Results {
			most = max(most, r.Ms/1000)
		}
		ratios, took, slowest = append(ratios, (all-login)/most), append(took, all), append(slowest, most)
	}
	m.row("postern check, less one login / its slowest check", median(ratios), 1.3, "times", fmt.Sprintf("%.2f s in all, %.2f s the slowest", median(took), median(slowest)))
}

// chapters compares chapters 2 and 3 on both hosts, packages present, until both have confirmed, with a plain script that
// does the same work on both at once, until the slower host is done.
func (m *bench) chapters() {
	script, err := os.ReadFile("testdata/plain.sh")
	if err != nil {
		m.b.Fatal(err)
	}
	plain := func(proxy, mail string) float64 {
		start := time.Now()
		err := together(
			func() error { return m.plain(script, "203.0.113.10", proxy) },
			func() error { return m.plain(script, "192.168.50.2", mail) },
		)
		if err != nil {
			m.b.Fatal(err)
		}
		return time.Since(start).Seconds()
	}
	var ratios, took, bare []float64
	for range 5 {
		slower := plain("proxy", "mail")
		plain("undo", "undo")
		guarded := m.confirmed()
		m.run(0, "undo", "--all", "--yes")
		ratios, took, bare = append(ratios, guarded/slower), append(took, guarded), append(bare, slower)
	}
	m.row("chapters 2 and 3 on both hosts, guarded / a plain script", median(ratios), 1.5, "times", fmt.Sprintf("%.2f s / %.2f s", median(took), median(bare)))
}

// mail compares chapter 6 on both hosts, proven, with the same commands as a script, one ssh for each host and stage; what is installed
// comes from the mirror each time.
func (m *bench) mail() {
	away := func() {
		m.run(0, "undo", "caddy", "haraka", "--yes")
		want(m.b, m.l, "proxy", "sh", "-ec", "apt-get -qq purge nodejs npm >/dev/null 2>&1; apt-get -qq autoremove --purge >/dev/null 2>&1; rm -rf /opt/postern/haraka")
	}
	back := func(scripts [][]byte) { // an undo knows nothing of what was done by hand
		for _, script := range slices.Backward(scripts) {
			for host, address := range map[string]string{"proxy": "203.0.113.10", "mail": "192.168.50.2"} {
				if bytes.Contains(script, []byte("\nundo-"+host+")\n")) || bytes.Contains(script, []byte("'undo-"+host+"')\n")) {
					if err := m.plain(script, address, "undo-"+host); err != nil {
						m.b.Fatal(err)
					}
				}
			}
		}
	}
	var ratios, took, bare []float64
	for range 3 {
		away()
		plain, scripts := 0.0, [][]byte(nil)
		for {
			script := []byte(m.output("plan", "--script", "haraka"))
			if bytes.Contains(script, []byte("nothing to change")) {
				break
			}
			scripts = append(scripts, script)
			start := time.Now()
			var runs []func() error
			for host, address := range map[string]string{"proxy": "203.0.113.10", "mail": "192.168.50.2"} {
				if bytes.Contains(script, []byte("\n# ---- "+host+" ----\n")) {
					runs = append(runs, func() error { return m.plain(script, address, host) })
				}
			}
			if err := together(runs...); err != nil {
				m.b.Fatal(err)
			}
			plain += time.Since(start).Seconds()
		}
		back(scripts)
		away()
		guarded := m.timed(m.postern("apply", "--yes", "haraka")...)
		ratios, took, bare = append(ratios, guarded/plain), append(took, guarded), append(bare, plain)
	}
	m.row("chapter 6 for the first time, guarded and proven / a plain script", median(ratios), 1.5, "times", fmt.Sprintf("%.2f s / %.2f s", median(took), median(bare)))
}

// plain runs the plain script on one host.
func (m *bench) plain(script []byte, address, what string) error {
	cmd, err := m.l.Command(m.b.Context(), "laptop", "ssh", "-o", "BatchMode=yes", "root@"+address, "sh", "-s", what)
	if err != nil {
		return err
	}
	cmd.Stdin = bytes.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("plain.sh %s on %s: %w\n%s", what, address, err, out)
	}
	return nil
}

// confirmed applies chapters 2 and 3 and gives the seconds until both hosts had confirmed.
func (m *bench) confirmed() float64 {
	m.b.Helper()
	cmd := m.command(m.b.Context(), "--json", "--events", "apply", "--yes", "firewall", "wireguard")
	hosts, took := 0, 0.0
	start := time.Now()
	events(m.b, cmd, func(kind, _ string) {
		if kind == "confirm" {
			hosts, took = hosts+1, time.Since(start).Seconds()
		}
	})
	if code := cmd.ProcessState.ExitCode(); code != 0 || hosts != 2 {
		m.b.Fatalf("apply: exit %d, %d hosts confirmed", code, hosts)
	}
	return took
}

// events runs the program and tells its events as they come.
func events(b *testing.B, cmd *exec.Cmd, tell func(kind, host string)) {
	b.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		var e struct{ Event, Host string }
		if json.Unmarshal(lines.Bytes(), &e) == nil && e.Event != "" {
			tell(e.Event, e.Host)
		}
	}
	_ = cmd.Wait()
}

// trips counts the round trips of a guarded transaction, new login included, and shows on a slow line that they are that
// many: each takes 100 ms more there.
func (m *bench) trips() {
	var added, quick, slow []float64
	counted := 0
	for i := range 5 {
		fast, n := m.transaction(fmt.Sprintf("quick%d", i))
		if err := m.l.Fault(m.b.Context(), "delay", true); err != nil {
			m.b.Fatal(err)
		}
		late, _ := m.transaction(fmt.Sprintf("slow%d", i))
		if err := m.l.Fault(m.b.Context(), "delay", false); err != nil {
			m.b.Fatal(err)
		}
		added, quick, slow, counted = append(added, (late-fast)/0.1), append(quick, fast), append(slow, late), max(counted, n)
	}
	m.row("a guarded transaction: round trips counted", float64(counted), 12, "trips", "")
	m.row("the same, by what a line of 100 ms adds", median(added), 13, "trips", fmt.Sprintf("%.2f s, and %.2f s without", median(slow), median(quick)))
}

// transaction makes a small guarded change and confirms it over a new login.
func (m *bench) transaction(id string) (seconds float64, trips int) {
	m.b.Helper()
	ctx := m.b.Context()
	o := remote.Options{Home: m.l.dir("laptop", "home"), User: "root", Dial: from{m.l, "laptop"}}
	proxy := remote.Target{Name: "proxy", SSH: "root@203.0.113.10"}
	s, err := remote.Connect(ctx, proxy, o)
	if err != nil {
		m.b.Fatal(err)
	}
	defer s.Close()
	before, start := s.RoundTrips(), time.Now()
	err = s.Begin(ctx, remote.Transaction{ID: id, Operator: "bench", Deadline: time.Minute, Changes: []remote.Change{
		{ID: "bench", Step: "bench", Title: "a file of no importance", Path: "/etc/postern-bench-" + id, New: &remote.File{Text: "x\n"}, Do: ":"},
	}}, nil)
	if err != nil {
		m.b.Fatal(err)
	}
	anew, err := remote.Connect(ctx, proxy, o)
	if err != nil {
		m.b.Fatal(err)
	}
	defer anew.Close()
	if err := anew.Confirm(ctx, id, nil); err != nil {
		m.b.Fatal(err)
	}
	return time.Since(start).Seconds(), s.RoundTrips() - before + anew.RoundTrips()
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}
