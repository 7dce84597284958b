package wizard

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"postern/report"
)

// styleOf is a style of package tell on a screen.
var styleOf = map[report.Style]style{report.Plain: plain, report.Strong: strong, report.Good: good, report.Amber: amber, report.Bad: bad}

// told fits lines of package tell into a width. Sentences break between words, diffs and commands where the row ends, so
// that nothing is out of reach.
func told(lines []report.Line, width int) []line {
	var out []line
	for _, l := range lines {
		s := styleOf[l.Style]
		text := readable(l.Text)
		if l.Prose {
			text = report.Wrap(text, width)
		}
		for part := range strings.SplitSeq(text, "\n") {
			for i, piece := range broken(part, width) {
				if i > 0 {
					piece = continued + piece
				}
				out = append(out, say(s, "%s", piece))
			}
		}
	}
	return out
}

// continued begins the rows after the first of a line that is wider than the screen.
const continued = "    "

// broken cuts a line that is wider than the width into pieces that fit, those after the first behind an indentation: at a
// blank where there is one near the end, else anywhere.
func broken(text string, width int) []string {
	var pieces []string
	for width > 2*len(continued) {
		head := beginning(text, most*width) // more than fits: a line may be very long
		if len(head) == len(text) && ansi.StringWidth(text) <= width {
			break
		}
		piece := ansi.Truncate(head, width, "")
		if piece == "" || !strings.HasPrefix(text, piece) {
			break
		}
		if at := strings.LastIndexByte(piece, ' '); at > len(piece)/2 && text[len(piece)] != ' ' {
			piece = piece[:at]
		}
		pieces = append(pieces, piece)
		text = strings.TrimLeft(text[len(piece):], " ")
		if len(pieces) == 1 {
			width -= len(continued)
		}
	}
	return append(pieces, text)
}

// beginning is the first bytes of a text, n at most, and no half sign.
func beginning(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// readable is text as it is measured: without escape sequences and invisible signs, tabs as blanks. The gate does the same
// again; here it is only so that widths are true.
func readable(text string) string {
	if harmless(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\r':
			return ' '
		case r == '\n':
			return r
		case invisible(r):
			return -1
		}
		return r
	}, ansi.Strip(strings.ToValidUTF8(text, "?")))
}
