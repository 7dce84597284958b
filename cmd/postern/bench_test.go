//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// BenchmarkDrawn says how quick the drawn wizard is, at a terminal, on the demo: make bench. A measure over its limit fails.
func BenchmarkDrawn(b *testing.B) {
	program := filepath.Join(b.TempDir(), "postern")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	firstFrame(b, program)
	perKey(b, program)
	idle(b, program)
	b.ReportMetric(0, "ns/op")
}

// measured prints one measure, and is loud about one that is over its limit.
func measured(b *testing.B, what string, got, limit float64, unit, how string) {
	b.Helper()
	verdict := fmt.Sprintf("limit %.4g", limit)
	if got > limit {
		verdict = fmt.Sprintf("OVER THE LIMIT of %.4g", limit)
		b.Errorf("%s: %.2f %s is over the limit of %.4g (%s)", what, got, unit, limit, how)
	}
	fmt.Printf("%-58s %7.2f %-8s %-24s %s\n", what, got, unit, verdict, how)
}

func middleOf(list []float64) float64 { return slices.Sorted(slices.Values(list))[len(list)/2] }

// demoAt runs the program's demo at a terminal.
func demoAt(b *testing.B, program string) *seat {
	return sitDownAt(b, program, []string{"TERM=xterm-256color", "LANG=C.UTF-8"}, "demo")
}

// firstFrame is the time from start to the last row of the first frame.
func firstFrame(b *testing.B, program string) {
	var took, bare []float64
	for range 7 {
		start := time.Now()
		if err := exec.Command(program, "--version").Run(); err != nil {
			b.Fatal(err)
		}
		bare = append(bare, ms(start))
		start = time.Now()
		s := demoAt(b, program)
		for !strings.Contains(s.text(), "ctrl+c") {
			if time.Since(start) > time.Minute {
				b.Fatalf("nothing is drawn: %q", s.text())
			}
			time.Sleep(200 * time.Microsecond)
		}
		took = append(took, ms(start))
		leave(b, s)
	}
	measured(b, "first frame of the demo, from the program's start", middleOf(took), 100, "ms", fmt.Sprintf("median of 7, %.0f to %.0f; %.0f for --version beside it", slices.Min(took), slices.Max(took), middleOf(bare)))
}

func ms(since time.Time) float64 { return float64(time.Since(since).Microseconds()) / 1000 }

func leave(b *testing.B, s *seat) {
	s.types("\x03")
	if err := <-s.done; err != nil {
		b.Errorf("leaving: %v", err)
	}
}

// perKey is how much goes to the terminal for each key that is typed into a field.
func perKey(b *testing.B, program string) {
	g := before(b, demoAt(b, program))
	g.shows("ctrl+c quit")
	g.types("\r")
	g.shows("Network / answers")
	g.types("\x15")
	g.shows("> Mail domain             ")
	var sent []float64
	typed := ""
	for _, letter := range "mail.our-house.example.org" {
		at := g.rest()
		g.types(string(letter))
		typed = (typed + string(letter))[max(0, len(typed)-9):] // what does not fit is scrolled
		g.shows(typed)
		sent = append(sent, float64(g.rest()-at))
	}
	how := fmt.Sprintf("%d keys typed into a field, the last ones scroll it", len(sent))
	measured(b, "sent to the terminal per typed key, at most", slices.Max(sent), 64, "bytes", how)
	measured(b, "sent to the terminal per typed key, median", middleOf(sent), 15, "bytes", how)
	leave(b, g.seat)
}

// rest waits until nothing more is sent, and gives how much was sent in all.
func (g *glass) rest() int {
	for n := -1; ; time.Sleep(120 * time.Millisecond) { // two frames and more
		now := len(g.text())
		if now == n {
			return n
		}
		n = now
	}
}

// idle is how much of a processor the wizard takes, logged in to both hosts, while nobody does anything. What waking up costs
// is the machine's: a program that does nothing but wake as often as the screen is looked after is measured beside it.
func idle(b *testing.B, program string) {
	g := before(b, demoAt(b, program))
	through(g, func(what, _ string) bool { return strings.HasSuffix(what, "2 of 7  Firewall") }, func(string) {})
	g.until("at rest", func(screen string) bool { return !working.MatchString(screen) })
	g.rest()
	bare := exec.Command(os.Args[0])
	bare.Env = []string{"POSTERN_TEST_AS_TIMER=50ms"}
	if err := bare.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = bare.Process.Kill(); _ = bare.Wait() }()
	time.Sleep(time.Second) // until it has begun
	const span = 5 * time.Second
	ours, theirs := spent(b, g.cmd.Process.Pid), spent(b, bare.Process.Pid)
	time.Sleep(span)
	percent := func(pid int, since time.Duration) float64 {
		return 100 * (spent(b, pid) - since).Seconds() / span.Seconds()
	}
	all, waking := percent(g.cmd.Process.Pid, ours), percent(bare.Process.Pid, theirs)
	measured(b, "processor time of the idle wizard, logged in, less a timer's", all-waking, 1, "%",
		fmt.Sprintf("%.2f %% less %.2f %%, simulated hosts included", all, waking))
	leave(b, g.seat)
}

// spent is how long the threads of a process have been on a processor.
func spent(b *testing.B, pid int) time.Duration {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(threads) == 0 {
		b.Fatalf("nobody says what %d spent: %v", pid, err)
	}
	sum := time.Duration(0)
	for _, t := range threads {
		text, err := os.ReadFile(t)
		if err != nil {
			b.Fatal(err)
		}
		n, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64) // in nanoseconds
		if err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(n)
	}
	return sum
}
