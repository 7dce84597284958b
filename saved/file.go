package saved

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// MaxFile is the longest file of a saved look, in bytes.
const MaxFile = 32 << 20

// title begins the file, with the version of its form behind it.
const (
	title   = "postern look "
	version = "1"
)

// about says in the file what it is, and how to read it.
const about = `# What one host answered when "postern look" asked it: "postern plan --facts THIS-FILE" plans from it, without a host.
# It has names, addresses and settings of the host in it, so read it before you send it. What looks like a secret is not in it:
# hidden-… stands in its place, %d times. A line of the host begins with | here, or stands in quotes where not all of it could be seen.
`

// unended follows an answer whose last line has no end.
const unended = `\ no newline at the end`

// The words that begin a line of the file, a colon and a value behind them.
const (
	wordHost     = "host"
	wordRole     = "role"
	wordAt       = "at"
	wordBy       = "by"
	wordQuestion = "question" // begins an answer of a snippet
	wordFile     = "file"     // begins an answer about a file
	wordWording  = "wording"  // stands for what was asked, word by word
	wordExit     = "exit"
	wordMode     = "mode"
	wordOwner    = "owner"
	wordCut      = "cut"  // yes: there was more
	wordLate     = "late" // yes: it was ended, because it took too long
	wordEnd      = "end"  // how many answers there are
)

// Text is the file. What looks like a secret is replaced by a hash made with key, which is to be forgotten: who has the file can
// compare two of them, and guess none. The count says how many were.
func (l *Look) Text(key []byte) (text string, hidden int, err error) {
	h := hider{key: key}
	var b strings.Builder
	for _, a := range l.answers {
		b.WriteString("\n" + a.text(&h))
	}
	set := func(word, value string) string { return word + ": " + quoted(value) + "\n" }
	text = title + version + "\n" + fmt.Sprintf(about, h.n) + set(wordHost, l.Host) + set(wordRole, string(l.Role)) +
		set(wordAt, l.At.UTC().Format(time.RFC3339Nano)) + set(wordBy, l.By) + b.String() + "\n" + set(wordEnd, strconv.Itoa(len(l.answers)))
	if len(text) > MaxFile {
		return "", 0, fmt.Errorf("%s said %d bytes; a look has %d at most", l.Host, len(text), MaxFile)
	}
	return text, h.n, nil
}

// text is one answer as it stands in the file.
func (a answer) text(h *hider) string {
	var b strings.Builder
	set := func(word, value string) { b.WriteString(word + ": " + quoted(value) + "\n") }
	if a.wording == "" {
		set(wordFile, a.id)
	} else {
		set(wordQuestion, a.id)
		set(wordWording, a.wording)
	}
	set(wordExit, strconv.Itoa(a.Code))
	if a.wording == "" && a.Code == 0 {
		set(wordMode, fmt.Sprintf("%04o", bits(a.Mode)))
		set(wordOwner, a.Owner)
	}
	if a.Cut {
		set(wordCut, "yes")
	}
	if a.Late {
		set(wordLate, "yes")
	}
	for line := range strings.Lines(h.text(a.Out)) {
		line, ended := strings.CutSuffix(line, "\n")
		switch {
		case line == "":
			b.WriteString("|\n")
		case plain(line):
			b.WriteString("| " + line + "\n")
		default:
			b.WriteString(strconv.QuoteToASCII(line) + "\n")
		}
		if !ended {
			b.WriteString(unended + "\n")
		}
	}
	return b.String()
}

// quoted is a value of one line, in quotes where it could be taken for something else.
func quoted(value string) string {
	if value == "" || value[0] == '"' || value[0] == ' ' || value[0] == '\t' || !plain(value) {
		return strconv.QuoteToASCII(value)
	}
	return value
}

// printable says whether a person sees a letter for what it is.
func printable(r rune) bool { return unicode.IsPrint(r) && r != utf8.RuneError }

// special are the bits of a file's mode beyond who may read, write and run it.
var special = map[uint32]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky}

// bits is a mode as chmod has it.
func bits(mode fs.FileMode) uint32 {
	n := uint32(mode.Perm())
	for bit, m := range special {
		if mode&m != 0 {
			n |= bit
		}
	}
	return n
}

// modeOf is the mode that chmod has so.
func modeOf(n uint32) fs.FileMode {
	mode := fs.FileMode(n & 0o777)
	for bit, m := range special {
		if n&bit != 0 {
			mode |= m
		}
	}
	return mode
}
