package saved

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"postern/remote"
	"postern/seen"
	"postern/site"
)

// maxAnswers bounds how many answers a file may have.
const maxAnswers = 10_000

// Parse reads the file of a saved look. Nothing in it is trusted; the error is one line, with the number of the line that makes no sense.
func Parse(text string) (*Look, error) {
	switch {
	case len(text) > MaxFile:
		return nil, fmt.Errorf("it is longer than a look may be (%d bytes)", MaxFile)
	case strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff"):
		return nil, fmt.Errorf("it is UTF-16, as PowerShell writes what goes into a file: save it as UTF-8")
	}
	first, rest, _ := strings.Cut(strings.TrimPrefix(text, "\ufeff"), "\n")
	switch v, ok := strings.CutPrefix(strings.TrimRight(first, "\r"), title); {
	case !ok:
		return nil, fmt.Errorf("it is no saved look: its first line is not %q", title+version)
	case v != version:
		return nil, fmt.Errorf("it is of a form that this postern does not know: %q, not %q", remote.Clean(v).Line(20), version)
	}
	r, n := reader{had: map[string]bool{}}, 1
	for line := range strings.Lines(rest) {
		n++
		if err := r.line(strings.TrimRight(line, "\r\n")); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if !r.ended {
		return nil, fmt.Errorf("it broke off after line %d: the last line of a look is %q", n, wordEnd+": COUNT")
	}
	return &r.look, nil
}

// reader reads a file line by line.
type reader struct {
	look  Look
	had   map[string]bool // the words of the head, or of the answer that is read, that were there
	now   *answer         // that is read; nil in the head
	out   strings.Builder // what was said of it
	over  bool            // its last line had no end
	ended bool            // the file is
}

// line takes in one line.
func (r *reader) line(line string) error {
	switch {
	case line == "" || line[0] == '#':
		return nil
	case r.ended:
		return fmt.Errorf("%s stands behind the end", show(line))
	case line[0] == '|' || line[0] == '"':
		return r.said(line)
	case line == unended:
		if r.out.Len() == 0 || r.over {
			return fmt.Errorf("%s stands behind no line of the host", show(line))
		}
		r.over = true
		return nil
	}
	word, value, ok := strings.Cut(line, ": ")
	if ok && value != "" && value[0] == '"' {
		var err error
		if value, err = strconv.Unquote(value); err != nil {
			return fmt.Errorf("%s is no text in quotes", show(line))
		}
	}
	if !ok {
		return fmt.Errorf("%s is no line of a look", show(line))
	}
	return r.set(word, value)
}

// said takes in a line of what the host said.
func (r *reader) said(line string) error {
	text := strings.TrimPrefix(line[1:], " ")
	if line[0] == '"' {
		var err error
		if text, err = strconv.Unquote(line); err != nil || strings.Contains(text, "\n") {
			return fmt.Errorf("%s is no line in quotes", show(line))
		}
	}
	switch {
	case r.now == nil:
		return fmt.Errorf("%s is of no answer", show(line))
	case r.over:
		return fmt.Errorf("%s stands behind a line that has no end", show(line))
	case r.out.Len()+len(text) > 2*remote.MaxAnswer: // what stands for secrets may be longer than they are
		return fmt.Errorf("the answer to %s is longer than one may be (%d bytes)", show(r.now.id), 2*remote.MaxAnswer)
	}
	r.out.WriteString(text + "\n")
	return nil
}

// set takes in a word with its value.
func (r *reader) set(word, value string) error {
	switch word {
	case wordQuestion, wordFile, wordEnd:
		return r.next(word, value)
	}
	switch words := r.words(); {
	case words[word] == nil:
		return fmt.Errorf("%s has no place here", show(word))
	case r.had[word]:
		return fmt.Errorf("%s stands here twice", word)
	case r.out.Len() > 0:
		return fmt.Errorf("%s stands behind what the host said", word)
	case !words[word](value):
		return fmt.Errorf("%s is no %s", show(value), word)
	}
	r.had[word] = true
	return nil
}

// words are those that have a place where the file is read, each with what takes in its value, and says whether it is one.
func (r *reader) words() map[string]func(string) bool {
	a := r.now
	if a == nil {
		return map[string]func(string) bool{
			wordHost: func(v string) bool { r.look.Host = v; return seen.Name(v) },
			wordRole: func(v string) bool {
				r.look.Role = site.Role(v)
				return r.look.Role == site.Proxy || r.look.Role == site.Mail
			},
			wordBy: func(v string) bool { r.look.By = remote.Clean(v).Line(60); return true },
			wordAt: func(v string) bool {
				at, err := time.Parse(time.RFC3339Nano, v)
				r.look.At = at
				return err == nil
			},
		}
	}
	number := func(v string, base, least, most int, to func(int)) bool {
		n, err := strconv.ParseInt(v, base, 32)
		to(int(n))
		return err == nil && int(n) >= least && int(n) <= most
	}
	return map[string]func(string) bool{
		wordWording: func(v string) bool { a.wording = v; return seen.Name(v) && !r.had[wordFile] },
		wordExit:    func(v string) bool { return number(v, 10, -1, 255, func(n int) { a.Code = n }) },
		wordMode:    func(v string) bool { return number(v, 8, 0, 0o7777, func(n int) { a.Mode = modeOf(uint32(n)) }) },
		wordOwner:   func(v string) bool { a.Owner = v; return strings.Contains(v, ":") },
		wordCut:     func(v string) bool { a.Cut = true; return v == "yes" },
		wordLate:    func(v string) bool { a.Late = true; return v == "yes" },
	}
}

// next ends what was read, and begins an answer, or ends the file.
func (r *reader) next(word, value string) error {
	if err := r.whole(); err != nil {
		return err
	}
	if word == wordEnd {
		r.ended = true
		if value != strconv.Itoa(len(r.look.answers)) {
			return fmt.Errorf("there are %d answers, and not %s: some are missing, or were added", len(r.look.answers), show(value))
		}
		return nil
	}
	if value == "" || word == wordFile && value[0] != '/' {
		return fmt.Errorf("%s is no %s", show(value), word)
	}
	r.now, r.over = &answer{id: value}, false
	r.had = map[string]bool{word: true}
	r.out.Reset()
	return nil
}

// whole takes in the head, or the answer, that was read. The error says what it lacks.
func (r *reader) whole() error {
	needs, of := []string{wordHost, wordRole, wordAt, wordBy}, "the head"
	if a := r.now; a != nil {
		needs, of = []string{wordExit}, show(a.id)
		switch {
		case r.had[wordQuestion]:
			needs = append(needs, wordWording)
		case a.Code == 0:
			needs = append(needs, wordMode, wordOwner)
		}
	}
	for _, word := range needs {
		if !r.had[word] {
			return fmt.Errorf("%s has no line %q", of, word)
		}
	}
	if r.now == nil {
		return nil
	}
	switch {
	case r.look.find(r.now.id, r.now.wording) != nil:
		return fmt.Errorf("%s is answered twice", show(r.now.id))
	case len(r.look.answers) == maxAnswers:
		return fmt.Errorf("there are more than %d answers", maxAnswers)
	}
	r.now.Out = r.out.String()
	if r.over {
		r.now.Out = strings.TrimSuffix(r.now.Out, "\n")
	}
	r.look.answers = append(r.look.answers, *r.now)
	return nil
}

// show is text of the file in an error: short, and without anything that steers a terminal.
func show(text string) string { return strconv.Quote(remote.Clean(text).Line(60)) }
