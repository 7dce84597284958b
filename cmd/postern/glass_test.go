//go:build unix

package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
)

// glass is a seat with a screen of 80 by 24, on which what the program sends is drawn as a terminal draws it. The program's
// clock stands still unless it is set; that of the simulated hosts goes.
type glass struct {
	*seat
	clock string // the file that holds the time
	term  *vt.Emulator
	drawn int // how much of what was sent is drawn
	keys  int // pressed so far
}

// watch runs postern before a screen.
func watch(t testing.TB, environ []string, args ...string) *glass {
	t.Helper()
	clock := filepath.Join(t.TempDir(), "clock")
	set(clock, "06:12:00")
	environ = append([]string{"TERM=xterm-256color", "LANG=C.UTF-8", "POSTERN_TEST_CLOCK=" + clock}, environ...)
	g := before(t, sitDown(t, environ, args...))
	g.clock = clock
	return g
}

// before puts a screen before a seat.
func before(t testing.TB, s *seat) *glass {
	g := &glass{seat: s, term: vt.NewEmulator(80, 24)}
	answered := make(chan struct{})
	go func() { defer close(answered); _, _ = io.Copy(g.tty, g.term) }() // a terminal answers what it is asked
	t.Cleanup(func() {
		_ = g.term.InputPipe().(io.Closer).Close()
		<-answered
	})
	return g
}

// set sets a program's clock, on the day of all pictures.
func set(clock, at string) {
	if err := os.WriteFile(clock+".new", []byte("2026-11-21T"+at+"Z"), 0o600); err != nil {
		panic(err)
	}
	if err := os.Rename(clock+".new", clock); err != nil {
		panic(err)
	}
}

// inASCII makes of a screen what an ASCII screen shows: lines, and the words of states.
var inASCII = strings.NewReplacer("─", "-", "│", "|", "├", "+", "┤", "+", "…", ">", "✓ ok", "[ok]", "✗ FAIL", "[FAIL]", "▲ warn", "[warn]", "? unknown", "[unknown]",
	"○ todo", "[todo]", "▸ run", "[run]", "○ set", "[set]")

// look draws what was sent since the last look, and gives the rows as an ASCII screen has them.
func (g *glass) look() string {
	text := g.text()
	_, _ = g.term.Write([]byte(text[g.drawn:]))
	g.drawn = len(text)
	var b strings.Builder
	for row := range strings.SplitSeq(g.term.String(), "\n") {
		b.WriteString(strings.TrimRight(inASCII.Replace(row), " ") + "\n")
	}
	return b.String()
}

// until waits for a screen that is as wanted, and gives it. It waits long: a busy machine is no failure.
func (g *glass) until(what string, is func(screen string) bool) string {
	g.t.Helper()
	for end := time.After(2 * time.Minute); ; {
		screen := g.look()
		if is(screen) {
			return screen
		}
		select {
		case <-end:
			g.t.Fatalf("the screen is never %s:\n%s", what, screen)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// shows waits for all of the words.
func (g *glass) shows(words ...string) string {
	g.t.Helper()
	return g.until(strings.Join(words, " + "), func(screen string) bool { return hasAll(screen, words) })
}

func hasAll(screen string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(screen, w) {
			return false
		}
	}
	return true
}

// press sends keys, each of one byte.
func (g *glass) press(keys string) {
	g.t.Helper()
	g.keys += len(keys)
	g.types(keys)
}

// What a screen of the wizard waits for.
var (
	onRow   = regexp.MustCompile(`(?m)^.{21}[|+] > (.{0,24})`)
	keyOf   = regexp.MustCompile(`(\w+) shows a host key that was not seen before`)
	changes = regexp.MustCompile(`(Preparations|Guarded|Afterwards): \d+ changes?`)
	working = regexp.MustCompile(`(?m)^. (at work|checking|looking) \d`)
)

// asked is what a screen waits for: the header and what makes it another question than the one before. It is "" while the
// program works. answer says whether it is a question, and not only a page to read.
func asked(screen string) (what string, answer bool) {
	header, _, _ := strings.Cut(screen, "\n")
	_, page, _ := strings.Cut(header, "/ ")
	row := onRow.FindStringSubmatch(screen)
	switch {
	case page == "answers" && row != nil:
		return header + row[1], !strings.Contains(row[1], "go on")
	case keyOf.MatchString(screen):
		return header + keyOf.FindString(screen), true
	case page == "review" && changes.MatchString(screen):
		return header + changes.FindString(screen), true
	case page == "before this":
		return header, true
	case strings.Contains(header, "proof  ") && strings.Contains(screen, "enter goes on.") && !working.MatchString(screen):
		return "proof " + header[:strings.Index(header, "proof")], false
	case strings.HasPrefix(page, "for you") && strings.Contains(screen, "\nenter go on"):
		return header[:strings.Index(header, "for you")] + "for you", false
	case page == "" && strings.Contains(screen, "\nenter go on") && !strings.Contains(header, "proof"):
		return header, false
	}
	return "", false
}
