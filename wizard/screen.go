package wizard

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// span is a piece of a line in one style.
type span struct {
	style style
	text  string
}

// line is one row of a screen before it is cut to the screen's width.
type line struct {
	spans  []span
	chosen bool // the whole row is the selected one; it also begins with ">"
}

// say is a line of one style.
func say(s style, format string, args ...any) line {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	return line{spans: []span{{s, format}}}
}

// row is a line of several pieces.
func row(spans ...span) line { return line{spans: spans} }

// text is what a line says, without styles.
func (l line) text() string {
	var b strings.Builder
	for _, s := range l.spans {
		b.WriteString(s.text)
	}
	return b.String()
}

// most is how much of one piece of text is looked at per column: what does not fit is not worth cleaning.
const most = 16

// draw is the gate: every string that goes to the screen goes through it. It drops what could move the cursor, change the
// terminal or turn the direction of writing, and cuts the line to a width in columns, with a mark where something is cut.
func (th *theme) draw(l line, width int) string {
	if width <= 0 {
		return ""
	}
	var b strings.Builder
	left := width
	for _, s := range l.spans {
		text := s.text
		if s.style == drawn {
			text = colourOnly(text)
		} else {
			text = th.clean(text, most*(left+1)+most)
		}
		if w := ansi.StringWidth(text); w > left {
			mark := ">"
			if left < 2 {
				mark = ""
			}
			text = ansi.Truncate(text, left, mark)
		}
		left -= ansi.StringWidth(text)
		b.WriteString(th.paint(s.style, text, l.chosen))
		if left <= 0 {
			break
		}
	}
	if l.chosen && left > 0 {
		b.WriteString(th.paint(chosen, strings.Repeat(" ", left), true))
	}
	return b.String()
}

// paint puts one style around clean text of one line.
func (th *theme) paint(s style, text string, picked bool) string {
	switch {
	case text == "" || s == drawn:
		return text
	case picked && s == bad:
		return th.styles[bad].Reverse(true).Render(text)
	case picked:
		return th.styles[chosen].Render(text)
	case s == plain:
		return text
	}
	return th.styles[s].Render(text)
}

// clean makes text harmless and one line of it: escape sequences go whole, control characters and invisible marks vanish,
// invalid UTF-8 and, on an ASCII screen, every other sign becomes "?". At most limit bytes of the text are looked at.
func (th *theme) clean(text string, limit int) string {
	if len(text) > limit {
		text = text[:limit]
	}
	if harmless(text) {
		return text
	}
	text = ansi.Strip(strings.ToValidUTF8(text, "?"))
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			b.WriteByte(' ')
		case r == utf8.RuneError:
			b.WriteByte('?')
		case invisible(r):
		case r >= utf8.RuneSelf && th.ascii:
			b.WriteByte('?')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// harmless says whether text is printable ASCII, as nearly all is.
func harmless(text string) bool {
	for i := range len(text) {
		if text[i] < 0x20 || text[i] > 0x7e {
			return false
		}
	}
	return true
}

// invisible says whether a sign shows nothing but does something: controls, marks of direction, private use, line ends.
func invisible(r rune) bool {
	return unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r) || unicode.Is(unicode.Cs, r) ||
		unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || unicode.Is(unicode.Variation_Selector, r)
}

// visible takes out what shows nothing.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if invisible(r) {
			return -1
		}
		return r
	}, text)
}

// colourOnly lets nothing but printable text and colours through: what a widget of ours drew.
func colourOnly(text string) string {
	var b strings.Builder
	state := byte(0)
	for len(text) > 0 {
		seq, width, n, next := ansi.DecodeSequence(text, state, nil)
		if n == 0 {
			break
		}
		if width > 0 && utf8.ValidString(seq) {
			b.WriteString(visible(seq))
		} else if strings.HasPrefix(seq, "\x1b[") && strings.HasSuffix(seq, "m") && parameters(seq[2:len(seq)-1]) {
			b.WriteString(seq)
		}
		state, text = next, text[n:]
	}
	return b.String()
}

// parameters says whether text is the inside of a colour sequence.
func parameters(text string) bool {
	return strings.Trim(text, "0123456789;:") == ""
}

// longest is how much text is shown at most, in bytes, as much as a host may say in one answer.
const longest = 64 << 10

// prose breaks text into lines of at most width columns, at spaces where there are any; "\n" ends a line. Lines after the
// first of each begin where its text began, so that lists and indented commands stay in shape.
func prose(s style, text string, width int) []line {
	var lines []line
	if len(text) > longest {
		text = text[:longest] + "\n[cut: there is more]"
	}
	for part := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		body := strings.TrimLeft(part, " ")
		indent := min(len(part)-len(body), max(0, width-20))
		margin := strings.Repeat(" ", indent)
		body = visible(strings.ReplaceAll(ansi.Strip(strings.ToValidUTF8(body, "?")), "\t", " "))
		for _, piece := range wrapped(body, max(1, width-indent)) {
			lines = append(lines, say(s, "%s", margin+piece))
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

// middle shortens a name in its middle, where it matters least.
func middle(text string, width int) string {
	if ansi.StringWidth(text) <= width || width < 5 {
		return text
	}
	head := (width - 2) / 2
	return ansi.Truncate(text, head, "") + ".." + ansi.TruncateLeft(text, ansi.StringWidth(text)-(width-2-head), "")
}

// pad fills text with spaces up to a width, and cuts what is longer.
func pad(text string, width int) string {
	if w := ansi.StringWidth(text); w < width {
		return text + strings.Repeat(" ", width-w)
	}
	return ansi.Truncate(text, width, "")
}

// columns is how many columns text takes.
func columns(text string) int { return ansi.StringWidth(text) }

// fill makes a line at least a width wide.
func fill(l line, to int) line {
	if gap := to - columns(l.text()); gap > 0 {
		l.spans = append(l.spans[:len(l.spans):len(l.spans)], span{plain, strings.Repeat(" ", gap)})
	}
	return l
}
