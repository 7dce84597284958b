//go:build linux

package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"postern/site"
)

// TestGuided: a person in an empty folder types postern, answers what it asks, at a terminal and with passwords, and ends
// with both hosts set up. Nothing is known before: no answers, no host keys.
func TestGuided(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	folder := t.TempDir()
	p := sit(t, l, folder)
	p.replies = []reply{
		{`\(host\.proxy\.ssh\)`, "admin@203.0.113.10"},
		{`\(host\.mail\.ssh\)`, "admin@192.168.50.2"},
		{`was not seen before:`, "yes"},
		{`Make these preparations now\?`, "y"},
		{`Do this now\?`, "y"},
	}
	if code := p.run("postern", "--plain"); code != 0 {
		t.Fatalf("exit %d:\n%s", code, p.text())
	}
	for _, said := range []string{"Chapter 1", "Chapter 3", "In place and proven: Network, Firewall and WireGuard", "Not proven by this program: "} {
		if !strings.Contains(p.text(), said) {
			t.Errorf("it does not say %q:\n%s", said, p.text())
		}
	}
	if strings.Contains(p.text(), adminPassword) {
		t.Error("a typed password is on the screen")
	}

	path := filepath.Join(folder, "postern.toml")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the answers have mode %o", info.Mode().Perm())
	}
	file, err := site.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if s := file.Site; s.Host("mail").SSH != "admin@192.168.50.2" || s.Tunnel.Mail.String() != "10.0.0.2" {
		t.Errorf("the answers are not those given: %q, %s", s.Host("mail").SSH, s.Tunnel.Mail)
	}
	listen(t, l, "10.0.0.2", "993")
	listen(t, l, "10.0.0.2", "587")
	listen(t, l, "10.0.0.2", "465")
	wantClientsSeen(t, l)

	// Whoever runs it again is asked no question that was answered.
	again := sit(t, l, folder)
	if code := again.run("postern", "--plain"); code != 0 || strings.Contains(again.text(), "(host.proxy.ssh)") {
		t.Errorf("a second walk: exit %d:\n%s", code, again.text())
	}
}

// person sits at a terminal of the laptop, reads what is asked, and types.
type person struct {
	t       *testing.T
	l       *Lab
	folder  string
	replies []reply
	seen    bytes.Buffer
	read    int // of seen, up to the last question answered
	asked   int // questions so far
}

// reply is what a person types when a question's words were shown; an empty line where none fits.
type reply struct{ words, answer string }

func sit(t *testing.T, l *Lab, folder string) *person {
	t.Helper()
	return &person{t: t, l: l, folder: folder}
}

func (p *person) text() string { return p.seen.String() }

// question is how each ends: the prompt of a field, of yes or no, of a host key, of a password.
var question = regexp.MustCompile(`(?:> (?:\[[^\n]*\] )?|\[y/N\] |if it is the same: |password[^\n]*: )$`)

// run runs a command with a terminal of its own, answers until it ends, and gives its exit code.
func (p *person) run(argv ...string) int {
	p.t.Helper()
	cmd, err := p.l.Command(p.t.Context(), "laptop", "script", "-qec", strings.Join(argv, " "), "/dev/null")
	if err != nil {
		p.t.Fatal(err)
	}
	cmd.Dir = p.folder
	cmd.WaitDelay = 10 * time.Second
	keys, err := cmd.StdinPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	screen, err := cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	b := make([]byte, 32<<10)
	for err = nil; err == nil; {
		var n int
		n, err = screen.Read(b)
		p.seen.Write(bytes.ReplaceAll(b[:n], []byte("\r"), nil))
		if question.Match(p.seen.Bytes()[p.read:]) {
			asked := p.text()[p.read:]
			p.read = p.seen.Len()
			if p.asked++; p.asked > 200 {
				p.t.Fatalf("it asks without end:\n%s", p.text())
			}
			if _, err := io.WriteString(keys, p.answer(asked)+"\n"); err != nil {
				p.t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait()
	return cmd.ProcessState.ExitCode()
}

// answer is what the person types to what was shown since the last question.
func (p *person) answer(asked string) string {
	lines := strings.Split(strings.TrimSpace(asked), "\n")
	if strings.Contains(lines[len(lines)-1], "password") {
		return adminPassword
	}
	for _, r := range p.replies {
		if regexp.MustCompile(r.words).MatchString(asked) {
			return r.answer
		}
	}
	return ""
}
