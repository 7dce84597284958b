// Package report puts what happened, what was found and what would be done into lines for people. Line mode prints them and
// the wizard draws them, so that both say the same words. It knows how to say things; it refuses to know terminals, colours
// and sizes, and nothing here asks, decides or does I/O.
package report

import (
	"fmt"
	"strings"
	"time"

	"postern/remote"
)

// Style is what a line means. The words say it too: a style only makes it stand out where there are colours.
type Style uint8

// The styles.
const (
	Plain  Style = iota
	Strong       // headings
	Good         // ok, added lines
	Amber        // warnings
	Bad          // failures, removed lines
)

// Line is one row of text, without a line end. It may hold text of a host: whoever shows it cleans it.
type Line struct {
	Style Style
	Text  string
	Prose bool // sentences, which may be wrapped between words; other lines are diffs, commands and what is to be copied
}

// Text is lines as plain text, for a file or the clipboard: nothing in it steers a terminal.
func Text(lines []Line) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(remote.Clean(l.Text).String() + "\n")
	}
	return b.String()
}

// Said remembers what was told already, so that it is told once in a run. A nil one remembers nothing.
type Said map[string]bool

// first says whether something was not told before, and notes that it is now.
func (s Said) first(what string) bool {
	if s == nil {
		return true
	}
	was := s[what]
	s[what] = true
	return !was
}

// text collects lines.
type text struct{ lines []Line }

// line adds one line, or several.
func (t *text) line(s Style, format string, args ...any) { t.add(s, false, format, args...) }

// prose adds sentences.
func (t *text) prose(s Style, format string, args ...any) { t.add(s, true, format, args...) }

func (t *text) add(s Style, prose bool, format string, args ...any) {
	for one := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		t.lines = append(t.lines, Line{s, one, prose})
	}
}

// hang indents the lines after the first.
func hang(text string, by int) string {
	return strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", by))
}

// Seconds is how long something took, in seconds with one digit behind the point.
func Seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// Plural is a number of things: "1 change", "2 changes".
func Plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
