//go:build unix

package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// prompt is how every question of line mode ends. What happens on the other host meanwhile may be told below it.
var prompt = regexp.MustCompile(`(?:> (?:\[[^\n]*\] )?|\[y/N\] |if it is the same: )(?:\n  (?:connect|look) [^\n]*)*\n?$`)

// visit answers what postern asks until it ends, as a person would who takes what is suggested. It counts the questions and the keys.
func visit(t *testing.T, s *seat, replies func(asked string) string) (questions, keys int) {
	t.Helper()
	read := 0
	for end := time.After(2 * time.Minute); ; {
		text := strings.ReplaceAll(s.text(), "\r", "")
		if asked := text[read:]; prompt.MatchString(asked) {
			read = len(text)
			answer := replies(asked) + "\n"
			questions, keys = questions+1, keys+len(answer)
			s.types(answer)
			continue
		}
		select {
		case err := <-s.done:
			if err != nil {
				t.Errorf("it ends with %v:\n%s", err, text)
			}
			return questions, keys
		case <-end:
			t.Fatalf("it neither asks nor ends:\n%s", text)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// agreeable takes every suggestion and agrees to every change.
func agreeable(asked string) string {
	switch {
	case strings.Contains(asked, "if it is the same:"):
		return "yes"
	case strings.Contains(asked, "Chapter 5"):
		return "1,2"
	case strings.Contains(asked, "[y/N] "):
		return "y"
	}
	return ""
}

// From nothing to proven, on hosts where everything can be detected: few questions, few keys.
func TestDemoInLineMode(t *testing.T) {
	t.Parallel()
	s := sitDown(t, []string{"TERM=xterm-256color", "LANG=C.UTF-8"}, "demo", "--plain")
	questions, keys := visit(t, s, agreeable)
	t.Logf("%d questions, %d keys", questions, keys)
	if questions > 22 || keys > 60 {
		t.Errorf("%d questions and %d keys for all chapters; at most 22 and 60", questions, keys)
	}
	for _, said := range []string{"[ok] Network is in place", "[ok] Firewall is in place", "[ok] WireGuard is in place", "[ok] Mailcow is in place", "[ok] DNS is in place", "[ok] Haraka is in place", "[ok] Caddy is in place", "In place and proven: Network, Firewall, WireGuard, Mailcow, DNS, Haraka and Caddy"} {
		if !strings.Contains(strings.Join(strings.Fields(s.text()), " "), said) {
			t.Errorf("it does not say %q:\n%s", said, s.text())
		}
	}
}

// Half a script or half an object must not pass for the whole, so what cannot be written is no success.
func TestWhatCannotBeWrittenIsNoSuccess(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no /dev/full here")
	}
	defer full.Close()
	for _, args := range [][]string{{"--demo", "plan", "--script"}, {"--json", "fields"}} {
		said, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		w := world{stdin: os.Stdin, stdout: full, stderr: said, getenv: func(string) string { return "" }, environ: func() []string { return nil },
			now: time.Now, home: t.TempDir(), user: "ann", hostname: "laptop", config: t.TempDir()}
		code := command(args, w)
		text, _ := os.ReadFile(said.Name())
		if code != exitFailed || !strings.Contains(string(text), "could not be written") {
			t.Errorf("%v: exit %d\n%s", args, code, text)
		}
	}
}
