package draw

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"postern/report"
)

// longest is how much text is shown at most, in bytes, as much as a host may say in one answer.
const longest = 64 << 10

// Prose breaks text into lines of at most width columns, at spaces where there are any; "\n" ends a line. Lines after the
// first of each begin where its text began, so that lists and indented commands stay in shape.
func Prose(s Style, text string, width int) []Line {
	var lines []Line
	if len(text) > longest {
		text = text[:longest] + "\n[cut: there is more]"
	}
	for part := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		body := strings.TrimLeft(part, " ")
		indent := min(len(part)-len(body), max(0, width-20))
		margin := strings.Repeat(" ", indent)
		body = Readable(body)
		for _, piece := range wrapped(body, max(1, width-indent)) {
			lines = append(lines, Say(s, "%s", margin+piece))
		}
	}
	return lines
}

// wrapped breaks one line at spaces, and inside a word only where that alone is wider than the screen.
func wrapped(text string, width int) []string {
	if len(text) <= width && harmless(text) {
		return []string{text}
	}
	var lines []string
	var b strings.Builder
	used := 0
	end := func() {
		lines = append(lines, strings.TrimRight(b.String(), " "))
		b.Reset()
		used = 0
	}
	for word := range strings.SplitSeq(text, " ") {
		w := ansi.StringWidth(word)
		if used > 0 && used+w > width {
			end()
		}
		if w > width {
			parts := strings.Split(ansi.Hardwrap(word, width, true), "\n")
			lines = append(lines, parts[:len(parts)-1]...)
			word = parts[len(parts)-1]
			w = ansi.StringWidth(word)
		}
		b.WriteString(word + " ")
		used += w + 1
	}
	end()
	return lines
}

// Report fits lines of a report into a width. Sentences, diffs and commands break between words, and inside a word only where
// that alone is wider than the row, so that nothing is out of reach.
func Report(lines []report.Line, width int) []Line { return fitted(lines, width, false) }

// Whole does so without ever breaking a word, for whoever scrolls sideways: a word may be wider than the width.
func Whole(lines []report.Line, width int) []Line { return fitted(lines, width, true) }

func fitted(lines []report.Line, width int, whole bool) []Line {
	var out []Line
	for _, l := range lines {
		text := Readable(l.Text)
		if l.Prose {
			text = report.Wrap(text, width)
		}
		for part := range strings.SplitSeq(text, "\n") {
			for i, piece := range broken(part, width, whole) {
				if i > 0 {
					piece = continued + piece
				}
				out = append(out, Say(l.Style, "%s", piece))
			}
		}
	}
	return out
}

// continued begins the rows after the first of a line that is wider than the screen.
const continued = "    "

// broken cuts a line that is wider than the width into pieces that fit, those after the first behind an indentation: at a
// blank where there is one, else anywhere, or behind the word where words stay whole.
func broken(text string, width int, whole bool) []string {
	var pieces []string
	for width > 2*len(continued) {
		head := text
		if len(head) > most*width { // more than fits: a line may be very long
			head = strings.ToValidUTF8(head[:most*width], "")
		}
		if len(head) == len(text) && ansi.StringWidth(text) <= width {
			break
		}
		piece := ansi.Truncate(head, width, "")
		if piece == "" || !strings.HasPrefix(text, piece) {
			break
		}
		switch at := strings.LastIndexByte(piece, ' '); {
		case text[len(piece)] == ' ':
		case at > 0 && strings.TrimSpace(piece[:at]) != "":
			piece = piece[:at]
		case whole:
			word, _, _ := strings.Cut(text[len(piece):], " ")
			piece += word
		}
		pieces = append(pieces, piece)
		if text = strings.TrimLeft(text[len(piece):], " "); text == "" {
			return pieces
		}
		if len(pieces) == 1 {
			width -= len(continued)
		}
	}
	return append(pieces, text)
}
