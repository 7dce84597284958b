//go:build unix

package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// seat is a person's place at a terminal: what the program shows, and the keys.
type seat struct {
	t    testing.TB
	tty  *os.File
	cmd  *exec.Cmd
	done chan error

	mu   sync.Mutex
	seen bytes.Buffer
}

// sitDown runs postern at a terminal of 80 by 24 with an environment of its own.
func sitDown(t testing.TB, environ []string, args ...string) *seat {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return sitDownAt(t, self, append([]string{"POSTERN_TEST_AS_COMMAND=1"}, environ...), args...)
}

// sitDownAt does so with another program than this one.
func sitDownAt(t testing.TB, program string, environ []string, args ...string) *seat {
	t.Helper()
	s := &seat{t: t, cmd: exec.Command(program, args...), done: make(chan error, 1)}
	s.cmd.Dir = t.TempDir()
	s.cmd.Env = append([]string{"HOME=" + s.cmd.Dir, "PATH=" + os.Getenv("PATH")}, environ...)
	var err error
	if s.tty, err = pty.StartWithSize(s.cmd, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Skipf("no terminal to be had: %v", err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		b := make([]byte, 32<<10)
		for {
			n, err := s.tty.Read(b)
			s.mu.Lock()
			s.seen.Write(b[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	go func() {
		err := s.cmd.Wait()
		<-read // what it showed last may still be on its way
		s.done <- err
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		s.tty.Close()
		<-read
	})
	return s
}

func (s *seat) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen.String()
}

func (s *seat) types(keys string) {
	s.t.Helper()
	if _, err := io.WriteString(s.tty, keys); err != nil {
		s.t.Fatal(err)
	}
}

// waits until the terminal shows one of the words, and gives that one. It waits long: a busy machine is no failure.
func (s *seat) waits(words ...string) string {
	s.t.Helper()
	for end := time.After(60 * time.Second); ; {
		text := s.text()
		for _, w := range words {
			if strings.Contains(text, w) {
				return w
			}
		}
		select {
		case <-end:
			s.t.Fatalf("none of %q is shown:\n%q", words, text)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

const (
	altScreen = "\x1b[?1049h"
	lineMode  = "Chapter 1: Network\r\n"
)

var (
	coloured = regexp.MustCompile(`\x1b\[(\d+;)*3[1-7](;\d+)*m`)
	notASCII = regexp.MustCompile(`[^\x00-\x7f]`)
)

// Who can see a screen gets one; everybody else gets lines.
func TestWhoGetsAScreen(t *testing.T) {
	full := []string{"TERM=xterm-256color", "LANG=C.UTF-8"}
	with := func(more ...string) []string { return append(append([]string(nil), full...), more...) }
	for name, c := range map[string]struct {
		environ       []string
		args          []string
		lines         bool
		noColor, only bool // no colour; ASCII only
	}{
		"terminal":       {environ: full},
		"NO_COLOR":       {environ: with("NO_COLOR=0"), noColor: true},
		"empty NO_COLOR": {environ: with("NO_COLOR=")},
		"--no-color":     {environ: full, args: []string{"--no-color"}, noColor: true},
		"CLICOLOR=0":     {environ: with("CLICOLOR=0"), noColor: true},
		"--ascii":        {environ: full, args: []string{"--ascii"}, only: true},
		"linux console":  {environ: []string{"TERM=linux", "LANG=C.UTF-8"}, only: true},
		"no UTF-8":       {environ: []string{"TERM=xterm-256color", "LANG=C"}, only: true},
		"TERM=dumb":      {environ: with("TERM=dumb"), lines: true},
		"no TERM":        {environ: []string{"LANG=C.UTF-8"}, lines: true},
		"CI":             {environ: with("CI=true"), lines: true},
		"ACCESSIBLE":     {environ: with("ACCESSIBLE=1"), lines: true},
		"POSTERN_PLAIN":  {environ: with("POSTERN_PLAIN=1"), lines: true},
		"--plain":        {environ: full, args: []string{"--plain"}, lines: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sitDown(t, c.environ, append([]string{"demo"}, c.args...)...)
			if got := s.waits(altScreen, lineMode); (got == lineMode) != c.lines {
				t.Fatalf("it begins with %q", got)
			}
			if c.lines {
				s.waits("(domain)")
				if strings.Contains(s.text(), "\x1b") {
					t.Errorf("escape sequences among the lines: %q", s.text())
				}
				return
			}
			s.waits("Caddy") // the last chapter of the list
			s.types("\x03")
			if err := <-s.done; err != nil {
				t.Errorf("leaving: %v", err)
			}
			if text := s.text(); coloured.MatchString(text) == c.noColor || notASCII.MatchString(text) && c.only {
				t.Errorf("drawn as\n%q", text)
			}
			if after := s.text()[strings.LastIndex(s.text(), "\x1b[?1049l")+1:]; !strings.Contains(after, "simulated") {
				t.Errorf("no summary stays: %q", after)
			}
		})
	}
}

// Without a terminal nothing is drawn and nothing assumed: the end of input is an error.
func TestPipesGetLines(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "demo")
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"POSTERN_TEST_AS_COMMAND=1", "HOME=" + cmd.Dir, "TERM=xterm-256color"}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != exitUsage || !bytes.Contains(out, []byte("end of input")) || bytes.Contains(out, []byte("\x1b")) {
		t.Errorf("%v: %s", err, out)
	}
	if left, _ := os.ReadDir(cmd.Dir); len(left) > 0 {
		t.Errorf("the demo wrote %v", left)
	}
}

// What can be wrong is told before the screen is taken.
func TestWrongFlagsDrawNothing(t *testing.T) {
	for _, args := range [][]string{{"demo", "--fault", "nosuch"}, {"demo", "--site", "x"}, {"--fault", "linkloss"}, {"--site", "/dev"}, {"--set", "domain=example.org"}} {
		s := sitDown(t, []string{"TERM=xterm-256color", "LANG=C.UTF-8"}, args...)
		s.waits("postern: error: ")
		<-s.done
		if code := s.cmd.ProcessState.ExitCode(); code != exitUsage || strings.Contains(s.text(), "\x1b") {
			t.Errorf("%q: exit code %d, %q", args, code, s.text())
		}
	}
}

// A secret typed the moment it is asked for is not on the screen: it is asked for when the terminal echoes no more.
func TestHushed(t *testing.T) {
	outside, tty, err := pty.Open()
	if err != nil {
		t.Skipf("no terminal to be had: %v", err)
	}
	defer outside.Close()
	defer tty.Close()
	before, err := term.GetState(int(tty.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string)
	go func() {
		time.Sleep(30 * time.Millisecond) // as on a busy machine
		secret, _ := term.ReadPassword(int(tty.Fd()))
		got <- string(secret)
	}()
	hushed(int(tty.Fd()), before)
	if _, err := io.WriteString(outside, "open sesame\n"); err != nil {
		t.Fatal(err)
	}
	if secret := <-got; secret != "open sesame" {
		t.Errorf("read %q", secret)
	}
	if _, err := io.WriteString(tty, "end"); err != nil {
		t.Fatal(err)
	}
	shown := make([]byte, 100)
	n, err := outside.Read(shown)
	if err != nil || strings.Contains(string(shown[:n]), "sesame") {
		t.Errorf("the screen shows %q, %v", shown[:n], err)
	}
}
