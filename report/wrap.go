package report

import (
	"strings"
	"unicode/utf8"
)

// Wrap breaks the lines of prose that are wider than width columns at a space, and indents what follows as the line's text
// is: behind its first word when that stands in a column of its own. A width of 0 leaves all as it is, as for a pipe or a
// screen reader's line mode.
func Wrap(text string, width int) string {
	if width <= 0 {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		body, end := strings.CutSuffix(line, "\n")
		b.WriteString(wrapLine(body, width))
		if end {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func wrapLine(line string, width int) string {
	margin := strings.Repeat(" ", textColumn(line))
	if len(margin) > width/2 {
		margin = ""
	}
	var b strings.Builder
	for utf8.RuneCountInString(line) > width {
		cut := width
		for i, n := 0, 0; i < len(line) && n <= width; n++ {
			if line[i] == ' ' && i > len(margin) {
				cut = i
			}
			_, size := utf8.DecodeRuneInString(line[i:])
			i += size
		}
		if line[cut:] == "" || line[cut] != ' ' {
			break // one word wider than the screen: the terminal breaks it
		}
		b.WriteString(strings.TrimRight(line[:cut], " ") + "\n")
		line = margin + strings.TrimLeft(line[cut:], " ")
	}
	b.WriteString(line)
	return b.String()
}

// textColumn is where a line's text starts: after its indentation, a number, or a first word that stands in a column.
func textColumn(line string) int {
	indent := len(line) - len(strings.TrimLeft(line, " "))
	word := strings.IndexByte(line[indent:], ' ')
	if word < 0 || indent+word > 16 {
		return indent
	}
	rest := line[indent+word:]
	gap := len(rest) - len(strings.TrimLeft(rest, " "))
	if gap > 1 || strings.HasSuffix(line[:indent+word], ".") || strings.HasSuffix(line[:indent+word], ":") {
		return indent + word + gap
	}
	return indent
}
