package wizard

import (
	tea "charm.land/bubbletea/v2"
)

// helpPage answers "?" for the screen it was asked on.
type helpPage struct {
	*shell
	of view
}

func newHelp(w *shell, of view) page { return helpPage{w, of} }

func (p helpPage) Update(tea.Msg) (page, tea.Cmd) { return p, nil }

func (p helpPage) View(width, height int) view {
	v := view{title: "help", keys: []key{{"up/down", "scroll"}}}
	if p.of.help != "" {
		v.lines = append(v.lines, prose(plain, p.of.help, width-1)...)
		v.lines = append(v.lines, line{})
	}
	v.lines = append(v.lines, say(strong, "Keys here"))
	for _, k := range p.of.keys {
		v.lines = append(v.lines, hanging(k.press, k.does, 12, width)...)
	}
	v.lines = append(v.lines, line{}, say(strong, "Keys everywhere"))
	for _, k := range []key{
		{"esc", "one page back, always"},
		{"ctrl+c", "leave; all answers are kept, and 'postern' goes on where you were. While hosts are being changed: stop after this action; again: leave at once"},
		{"pgup pgdn", "scroll what does not fit"},
		{"1 to 9", "open a chapter (where no text is typed)"},
		{"? or F1", "this help"},
	} {
		v.lines = append(v.lines, hanging(k.press, k.does, 12, width)...)
	}
	if p.chapter(p.at) != nil {
		v.lines = append(v.lines, line{})
		v.lines = append(v.lines, prose(plain, "The guide's chapter: "+p.chapter(p.at).step.Guide, width-1)...)
	}
	if p.file != nil {
		v.lines = append(v.lines, prose(plain, "Answers: "+p.file.Path, width-1)...)
	}
	if p.o.Log != nil && p.o.Log() != "" {
		v.lines = append(v.lines, prose(plain, "Log: "+p.o.Log(), width-1)...)
	}
	v.lines = append(v.lines, prose(plain, "Line mode, for screen readers and scripts: postern --plain", width-1)...)
	return v
}

// hanging is a word in a column of its own, and text beside it that breaks inside its own column.
func hanging(word, text string, column, width int) []line {
	if width < column+16 {
		column = 4
		return append(prose(strong, " "+word, width), indented(prose(plain, text, width-column), column)...)
	}
	lines := indented(prose(plain, text, width-column-2), column+1)
	if len(lines) == 0 {
		lines = []line{{}}
	}
	first := lines[0].text()
	lines[0] = row(span{strong, " " + pad(word, column)}, span{plain, first[min(len(first), column+1):]})
	return lines
}

// indented moves lines to the right.
func indented(lines []line, by int) []line {
	for i, l := range lines {
		lines[i] = line{spans: append([]span{{plain, pad("", by)}}, l.spans...), chosen: l.chosen}
	}
	return lines
}
