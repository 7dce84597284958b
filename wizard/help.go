package wizard

import (
	tea "charm.land/bubbletea/v2"

	"postern/wizard/draw"
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
		v.lines = append(v.lines, draw.Prose(draw.Plain, p.of.help, width-1)...)
		v.lines = append(v.lines, draw.Line{})
	}
	v.lines = append(v.lines, draw.Say(draw.Strong, "Keys here"))
	for _, k := range p.of.keys {
		v.lines = append(v.lines, draw.Hanging(k.press, k.does, 12, width)...)
	}
	v.lines = append(v.lines, draw.Line{}, draw.Say(draw.Strong, "Keys everywhere"))
	for _, k := range []key{
		{"esc", "one page back, always"},
		{"ctrl+c", "leave; all answers are kept, and 'postern' goes on where you were. While hosts are being changed: stop after this action; again: leave at once"},
		{"pgup pgdn", "scroll what does not fit"},
		{"1 to 9", "open a chapter (where no text is typed)"},
		{"? or F1", "this help"},
	} {
		v.lines = append(v.lines, draw.Hanging(k.press, k.does, 12, width)...)
	}
	if p.chapter(p.at) != nil {
		v.lines = append(v.lines, draw.Line{})
		v.lines = append(v.lines, draw.Prose(draw.Plain, "The guide's chapter: "+p.chapter(p.at).step.Guide, width-1)...)
	}
	if p.file != nil {
		v.lines = append(v.lines, draw.Prose(draw.Plain, "Answers: "+p.file.Path, width-1)...)
	}
	if p.o.Log != nil && p.o.Log() != "" {
		v.lines = append(v.lines, draw.Prose(draw.Plain, "Log: "+p.o.Log(), width-1)...)
	}
	v.lines = append(v.lines, draw.Prose(draw.Plain, "Line mode, for screen readers and scripts: postern --plain", width-1)...)
	return v
}
