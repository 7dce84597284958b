//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// screen is a terminal of 80 by 24 at the laptop, with the wizard on it: what a person sees, and the keys.
type screen struct {
	t     testing.TB
	cmd   *exec.Cmd
	tty   *os.File
	ended chan struct{} // closed when the program has gone and all it drew was seen

	mu   sync.Mutex
	term *vt.Emulator
	drew chan struct{} // closed at the next change, and made anew
	raw  bytes.Buffer
}

// open starts the program at a terminal, in a folder, as somebody who typed its name there.
func open(t testing.TB, l *Lab, folder string, args ...string) *screen {
	t.Helper()
	s := &screen{t: t, ended: make(chan struct{}), drew: make(chan struct{}), term: vt.NewEmulator(80, 24)}
	cmd, err := l.Command(context.WithoutCancel(t.Context()), "laptop", append([]string{"postern"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	var env []string
	for _, kv := range cmd.Env {
		switch name, _, _ := strings.Cut(kv, "="); name {
		case "TERM", "LANG", "LC_ALL", "CI", "ACCESSIBLE", "NO_COLOR", "COLORTERM":
		default:
			env = append(env, kv)
		}
	}
	cmd.Dir, cmd.Env = folder, append(env, "TERM=xterm-256color", "LANG=C") // in ASCII: what is looked for are words
	s.cmd = cmd
	if s.tty, err = pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(s.tty, s.term) }() // a terminal answers what it is asked
	read := make(chan struct{})
	go func() { s.read(); close(read) }()
	go func() {
		_ = cmd.Wait()
		<-read
		close(s.ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-s.ended
		_ = s.term.InputPipe().(io.Closer).Close()
		s.tty.Close()
	})
	return s
}

// read draws what the program sends.
func (s *screen) read() {
	b := make([]byte, 32<<10)
	for {
		n, err := s.tty.Read(b)
		s.mu.Lock()
		_, _ = s.term.Write(b[:n])
		s.raw.Write(b[:n])
		close(s.drew)
		s.drew = make(chan struct{})
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// text is what is on the screen now. Of plain lines there is also what scrolled out above, and a line that is wider than the
// screen is one line.
func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var rows []string
	plain := !s.term.IsAltScreen()
	for y := range s.term.ScrollbackLen() {
		row := ""
		for x := range s.term.Width() {
			if c := s.term.ScrollbackCellAt(x, y); plain && c != nil {
				row += c.Content
			}
		}
		rows = append(rows, row)
	}
	if !plain {
		rows = nil
	}
	var b strings.Builder
	for _, row := range append(rows, strings.Split(s.term.String(), "\n")...) {
		row = strings.TrimRight(row, " ")
		b.WriteString(row)
		if !plain || len(row) < s.term.Width() {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// page is the right part of the screen as running text, so that words are found wherever a row breaks.
func page(text string) string {
	var words []string
	for row := range strings.SplitSeq(text, "\n") {
		if len(row) > 22 && strings.ContainsRune("|+", rune(row[0])) && strings.ContainsRune("|+", rune(row[21])) {
			row = strings.TrimSuffix(row[22:], "|")
		}
		words = append(words, strings.Fields(row)...)
	}
	return strings.Join(words, " ")
}

// patience is how long a screen may take to come: a busy machine is no failure, and a guard may have to run out.
const patience = 5 * time.Minute

// waits until the screen has one of the words, and gives which.
func (s *screen) waits(any ...string) int {
	s.t.Helper()
	at := -1
	s.until(strings.Join(any, " | "), func(text string) bool {
		for i, words := range any {
			if strings.Contains(text, words) || strings.Contains(page(text), words) {
				at = i
				return true
			}
		}
		return false
	})
	return at
}

// until waits until the screen is as wanted.
func (s *screen) until(what string, is func(text string) bool) {
	s.t.Helper()
	limit := time.After(patience)
	for {
		s.mu.Lock()
		drew := s.drew
		s.mu.Unlock()
		text := s.text()
		if is(text) {
			return
		}
		select {
		case <-drew:
		case <-s.ended:
			if text = s.text(); is(text) {
				return
			}
			s.t.Fatalf("the program ended (%v) before the screen had %q:\n%s", s.cmd.ProcessState, what, text)
		case <-limit:
			s.t.Fatalf("the screen has no %q:\n%s", what, text)
		}
	}
}

// shows waits until the screen has all the words.
func (s *screen) shows(all ...string) {
	s.t.Helper()
	s.until(strings.Join(all, " and "), func(text string) bool {
		for _, words := range all {
			if !strings.Contains(text, words) && !strings.Contains(page(text), words) {
				return false
			}
		}
		return true
	})
}

// turn presses a key and waits until words that were shown are gone.
func (s *screen) turn(key, gone string) {
	s.t.Helper()
	s.shows(gone)
	s.press(key)
	s.until("anything but "+gone, func(text string) bool { return !strings.Contains(page(text), gone) })
}

// keys are what a terminal sends for those that are no letters.
var keys = map[string]string{"enter": "\r", "esc": "\x1b", "tab": "\t", "ctrl+c": "\x03", "ctrl+u": "\x15", "up": "\x1b[A", "down": "\x1b[B", "pgdown": "\x1b[6~", "end": "\x1b[F"}

// press presses one key.
func (s *screen) press(key string) {
	s.t.Helper()
	if sent, ok := keys[key]; ok {
		key = sent
	}
	s.types(key)
}

// types types text.
func (s *screen) types(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s.tty, text); err != nil {
		s.t.Fatalf("typing %q: %v\n%s", text, err, s.text())
	}
}

// leave presses ctrl+c, wants that the program ends with that exit code, and gives what stays in the scrollback, which says
// how to go on.
func (s *screen) leave(code int) string {
	s.t.Helper()
	s.press("ctrl+c")
	select {
	case <-s.ended:
	case <-time.After(patience):
		s.t.Fatalf("the program does not end:\n%s", s.text())
	}
	text := s.text()
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		s.t.Errorf("exit code %d, want %d:\n%s", got, code, text)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.term.IsAltScreen() {
		s.t.Errorf("the program left the terminal with its screen:\n%s", text)
	}
	if secret := adminPassword; bytes.Contains(s.raw.Bytes(), []byte(secret)) {
		s.t.Error("a typed password was on the screen")
	}
	text = page(text)
	if !strings.Contains(text, "go on with: postern --site /") {
		s.t.Errorf("what stays does not say how to go on:\n%s", text)
	}
	return text
}

// kill kills the program as a crash would.
func (s *screen) kill() {
	s.t.Helper()
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Fatal(err)
	}
	<-s.ended
}
