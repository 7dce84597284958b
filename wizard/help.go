package wizard

import (
	tea "charm.land/bubbletea/v2"

	"postern/wizard/draw"
)

// helpPage answers "?" for the screen it was asked on.
type helpPage struct {
	*board
	of view
}

// everywhere are the shell's own keys.
var everywhere = []key{
	{"esc", "one page back, always"},
	{"ctrl+c", "leave; what was answered is kept, but in the demo, and 'postern' goes on from there. While hosts are being changed: stop after this action; again: leave at once"},
	{"pgup pgdn", "scroll what does not fit"},
	{"1 to 9", "open a chapter (where no text is typed)"},
	{"? or F1", "this help"},
	{"o  /", "read a long text whole, or search in it (where the screen has one)"},
}

// Update has nothing to do: the shell scrolls and closes help.
func (p helpPage) Update(tea.Msg) tea.Msg { return nil }

// View says what the screen is for, and what every key does on it.
func (p helpPage) View(width, height int) view {
	v := view{title: "help", keys: []key{{"up/down", "scroll"}}}
	if p.of.help != "" {
		v.add(draw.Prose(draw.Plain, p.theme.Words(p.of.help), width-1)...)
	}
	for _, part := range []struct {
		title string
		keys  []key
	}{{"Keys here", p.of.keys}, {"Keys everywhere", everywhere}} {
		v.add(draw.Line{}, draw.Say(draw.Strong, "%s", part.title))
		for _, k := range part.keys {
			v.add(draw.Hanging(k.press, k.does, 12, width)...)
		}
	}
	say := func(text string) { v.add(draw.Prose(draw.Plain, text, width-1)...) }
	if c := p.chapter(p.at); c != nil {
		say("\nThe guide's chapter: " + c.step.Guide)
	}
	if p.file != nil {
		say("Answers: " + p.file.Path)
	}
	if log := p.log(); log != "" {
		say("Log (l shows it): " + log)
	}
	say("Line mode, for screen readers and scripts: postern --plain")
	v.reads(p.board, p, height)
	return v
}
