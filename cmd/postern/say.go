package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/term"

	"postern/remote"
	"postern/report"
	"postern/run"
)

// Everything the program says goes through a voice, by these rules: text for people is cleaned line by line, so that no
// host can draw on the terminal; with --json, standard output carries JSON alone and people read standard error; errors
// and hints always go to standard error, with the program's name, without capitals and full stops.

// The exit codes of design.md 5. When several apply, 3 wins, then 4, 1 and 2.
const (
	exitOK       = 0
	exitFailed   = 1
	exitUnasked  = 2 // something could not be asked
	exitUsage    = 3 // wrong usage or unusable answers
	exitTakeback = 4 // a host took a change back
)

// The styles of lines, and how each stands out on a terminal that has colours; the words never depend on it.
const (
	plain = report.Plain
	bold  = report.Strong
	red   = report.Bad
	green = report.Good
	amber = report.Amber
)

var colour = map[report.Style]string{bold: "1", red: "31", green: "32", amber: "33"}

// voice is the only way to a terminal.
type voice struct {
	mu     sync.Mutex
	out    io.Writer // JSON, or text that is the command's result
	people io.Writer // progress and questions
	err    io.Writer
	colour bool
	width  int       // columns of the terminal people read; 0 when it is none
	asked  bool      // a question stands on the last line, without its answer
	spoken time.Time // when something was last said, for the heartbeat
	now    func() time.Time
	record func(line string) // the log of the run
}

// line says one line, or several, to people.
func (v *voice) line(s report.Style, format string, args ...any) {
	v.write(v.people, s, fmt.Sprintf(format, args...)+"\n")
}

// prose says sentences: on a terminal they are wrapped, so that no word is broken. Diffs, commands and what is to be copied
// are lines.
func (v *voice) prose(s report.Style, format string, args ...any) {
	v.line(s, "%s", report.Wrap(fmt.Sprintf(format, args...), v.width))
}

// lines says what package tell put into lines.
func (v *voice) lines(lines []report.Line) {
	for _, l := range lines {
		if l.Prose {
			v.prose(l.Style, "%s", l.Text)
		} else {
			v.line(l.Style, "%s", l.Text)
		}
	}
}

// prompt says a question whose answer stands on the same line.
func (v *voice) prompt(text string) {
	v.write(v.people, plain, text)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked = !strings.HasSuffix(text, "\n")
}

// bell rings the terminal that people read, if it is one.
func (v *voice) bell() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if f, is := v.people.(*os.File); is && term.IsTerminal(int(f.Fd())) {
		io.WriteString(f, "\a")
	}
}

// answered says that the operator ended the question's line.
func (v *voice) answered() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked = false
}

func (v *voice) write(w io.Writer, s report.Style, text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.spoken = v.now()
	var b strings.Builder
	if v.asked && text != "\n" {
		b.WriteByte('\n') // what comes meanwhile does not run into the question
	}
	v.asked = false
	for line := range strings.Lines(text) {
		body, newline := strings.CutSuffix(line, "\n")
		body = remote.Clean(body).String()
		if v.colour && s != plain && body != "" {
			body = "\x1b[" + colour[s] + "m" + body + "\x1b[0m"
		}
		b.WriteString(body)
		if newline {
			b.WriteByte('\n')
		}
	}
	io.WriteString(w, b.String())
}

// silence is how long nothing was said.
func (v *voice) silence() time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now().Sub(v.spoken)
}

// redirect changes where people read.
func (v *voice) redirect(to io.Writer) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.people = to
}

// raw writes a file's worth of text to standard output, such as a script to be run elsewhere: half of one must not pass for
// the whole.
func (v *voice) raw(text []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, err := v.out.Write(text); err != nil {
		return fmt.Errorf("what was asked for could not be written: %w", err)
	}
	return nil
}

// json writes one value to standard output, on one line or indented. Nothing in it can steer a terminal.
func (v *voice) json(value any, indent bool) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if indent {
		enc.SetIndent("", "  ")
	}
	if err := enc.Encode(value); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	var safe strings.Builder
	for _, r := range b.String() {
		if r != '\n' && (unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r)) && r < 0x10000 {
			fmt.Fprintf(&safe, `\u%04x`, r)
			continue
		}
		safe.WriteRune(r)
	}
	return v.raw([]byte(safe.String()))
}

// fail says what went wrong and what to do about it.
func (v *voice) fail(err error, hints ...string) {
	lines := strings.Split(strings.TrimRight(remote.Words(err), "\n"), "\n")
	for i, l := range lines {
		if i == 0 {
			l = "postern: error: " + l
		} else {
			l = "                " + l
		}
		v.write(v.err, plain, report.Wrap(l, v.width)+"\n")
		v.keep(l)
	}
	for _, h := range hints {
		v.write(v.err, plain, report.Wrap("postern: hint: "+h, v.width)+"\n")
	}
}

func (v *voice) keep(line string) {
	if v.record != nil {
		v.record(line)
	}
}

// problem is an error with the exit code and the hints that go with it.
type problem struct {
	code  int
	hints []string
	err   error
}

func (p *problem) Error() string { return p.err.Error() }
func (p *problem) Unwrap() error { return p.err }

// usage is a problem of the command line or of the answers.
func usage(hint, format string, args ...any) error {
	p := &problem{code: exitUsage, err: fmt.Errorf(format, args...)}
	if hint != "" {
		p.hints = []string{hint}
	}
	return p
}

// silent is an exit code whose reason has been said already.
type silent int

func (s silent) Error() string { return fmt.Sprintf("exit code %d", int(s)) }

// verdict is the exit code for err, and the hints to say with it.
func verdict(err error) (code int, hints []string) {
	var p *problem
	var s silent
	switch {
	case err == nil:
		return exitOK, nil
	case errors.As(err, &s):
		return int(s), nil
	case errors.As(err, &p):
		return p.code, p.hints
	case errors.Is(err, run.ErrStale):
		return exitUsage, nil
	case errors.Is(err, run.ErrRolledBack):
		return exitTakeback, []string{"nothing of this change is kept, or will be: where it was not seen to be taken back, the host does that without us"}
	case errors.Is(err, remote.ErrNoAnswer):
		return exitUnasked, []string{
			"run it at a terminal, or give --askpass CMD for passwords and host.NAME.fingerprint for host keys"}
	}
	return exitFailed, nil
}
