package draw

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// most is how much of one piece of text is looked at per column: what does not fit is not worth cleaning.
const most = 16

// Draw is the gate: every string that goes to the screen goes through it. It drops what could move the cursor, change the
// terminal or turn the direction of writing, and cuts the line to a width in columns, with a mark where something is cut.
func (th *Theme) Draw(l Line, width int) string {
	if width <= 0 {
		return ""
	}
	var b strings.Builder
	left := width
	for _, s := range l.Spans {
		text := s.Text
		if s.Style == Widget {
			text = colourOnly(text)
		} else {
			text = th.Clean(th.state(s.Style, text), most*(left+1)+most)
		}
		if w := ansi.StringWidth(text); w > left {
			mark := th.Clean("…", 8)
			if left < 2 {
				mark = ""
			}
			text = ansi.Truncate(text, left, mark)
		}
		left -= ansi.StringWidth(text)
		b.WriteString(th.paint(s.Style, text, l.Chosen))
		if left <= 0 {
			break
		}
	}
	if l.Chosen && left > 0 {
		b.WriteString(th.paint(Chosen, strings.Repeat(" ", left), true))
	}
	return b.String()
}

// paint puts one style around clean text of one line.
func (th *Theme) paint(s Style, text string, picked bool) string {
	switch {
	case text == "" || s == Widget:
		return text
	case picked && s == Bad:
		return th.styles[Bad].Reverse(true).Render(text)
	case picked:
		return th.styles[Chosen].Render(text)
	case s == Plain:
		return text
	}
	return th.styles[s].Render(text)
}

// Clean makes text harmless and one line of it: escape sequences go whole, control characters and invisible marks vanish,
// invalid UTF-8 and, on an ASCII screen, every sign that is none of ours becomes "?". At most limit bytes of the text are looked at.
func (th *Theme) Clean(text string, limit int) string {
	if len(text) > limit {
		text = text[:limit]
	}
	return strings.Map(func(r rune) rune {
		switch plain, ours := plainly[r]; {
		case r == '\n':
			return ' '
		case ours && th.ascii:
			return plain
		case r == utf8.RuneError, r >= utf8.RuneSelf && th.ascii:
			return '?'
		}
		return r
	}, Readable(text))
}

// Readable is text as it is measured: without escape sequences and invisible signs, tabs as blanks. Only line ends stay.
func Readable(text string) string {
	if harmless(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\r':
			return ' '
		case r != '\n' && invisible(r):
			return -1
		}
		return r
	}, ansi.Strip(strings.ToValidUTF8(text, "?")))
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
			b.WriteString(Readable(seq))
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
