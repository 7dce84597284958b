package draw

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Span is a piece of a line in one style.
type Span struct {
	Style Style
	Text  string
}

// Line is one row of a screen before it is cut to the screen's width.
type Line struct {
	Spans  []Span
	Chosen bool // the whole row is the selected one; it also begins with ">"
	Rule   bool // it parts what is above from what is below
}

// Say is a line of one style.
func Say(s Style, format string, args ...any) Line {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	return Line{Spans: []Span{{s, format}}}
}

// Row is a line of several pieces.
func Row(spans ...Span) Line { return Line{Spans: spans} }

// String is what a line says, without styles.
func (l Line) String() string {
	var b strings.Builder
	for _, s := range l.Spans {
		b.WriteString(s.Text)
	}
	return b.String()
}

// Middle shortens a name in its middle, where it matters least.
func Middle(text string, width int) string {
	if ansi.StringWidth(text) <= width || width < 5 {
		return text
	}
	head := (width - 2) / 2
	return ansi.Truncate(text, head, "") + ".." + ansi.TruncateLeft(text, ansi.StringWidth(text)-(width-2-head), "")
}

// Pad fills text with spaces up to a width, and cuts what is longer.
func Pad(text string, width int) string {
	if w := ansi.StringWidth(text); w < width {
		return text + strings.Repeat(" ", width-w)
	}
	return ansi.Truncate(text, width, "")
}

// Columns is how many columns text takes.
func Columns(text string) int { return ansi.StringWidth(text) }

// Fill makes a line at least a width wide.
func Fill(l Line, to int) Line {
	if gap := to - Columns(l.String()); gap > 0 {
		l.Spans = append(l.Spans[:len(l.Spans):len(l.Spans)], Text(Plain, strings.Repeat(" ", gap)))
	}
	return l
}

// Pick makes a line one of a list to choose from: the chosen one has ">" before it and is reversed.
func Pick(l Line, chosen bool) Line {
	mark := "  "
	if chosen {
		mark = "> "
	}
	return Line{Spans: append([]Span{{Plain, mark}}, l.Spans...), Chosen: chosen}
}

// Hanging is a word in a column of its own, and text beside it that breaks inside its own column.
func Hanging(word, text string, column, width int) []Line {
	if width < column+16 {
		column = 4
		return append(Prose(Strong, " "+word, width), Indent(Prose(Plain, text, width-column), column)...)
	}
	lines := Indent(Prose(Plain, text, width-column-2), column+1)
	if len(lines) == 0 {
		lines = []Line{{}}
	}
	first := lines[0].String()
	lines[0] = Row(Text(Strong, " "+Pad(word, column)), Text(Plain, first[min(len(first), column+1):]))
	return lines
}

// Indent moves lines to the right.
func Indent(lines []Line, by int) []Line {
	for i, l := range lines {
		lines[i] = Line{Spans: append([]Span{{Plain, Pad("", by)}}, l.Spans...), Chosen: l.Chosen}
	}
	return lines
}

// Short cuts a text to a width, with a mark.
func Short(text string, to int) string {
	if Columns(text) <= to {
		return text
	}
	return Pad(text, to-1) + "…"
}

// Behind puts what belongs into a column of its own behind a line.
func Behind(l Line, column int, after ...Span) Line {
	l = Fill(l, column)
	l.Spans = append(l.Spans, after...)
	return l
}

// Inset is prose with a margin of one column.
func Inset(s Style, text string, width int) []Line { return Indent(Prose(s, text, width-2), 1) }

// Text is a piece of text in a style.
func Text(s Style, text string) Span { return Span{s, text} }
