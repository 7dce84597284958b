package wizard

import (
	"fmt"

	"postern/site"
	"postern/wizard/draw"
)

// View lists the rows, the picked one with its editor, and below, always in sight, what is wrong and what the answer is for.
func (p *askPage) View(width, height int) view {
	v := view{title: "answers", typing: p.edit != nil, help: p.helpText()}
	alone, usual, seldom := p.fields()
	add := func(l draw.Line, key string) {
		if key == p.picked {
			v.focus = len(v.lines)
		}
		v.lines = append(v.lines, l)
		if key == p.picked && p.edit != nil {
			v.lines = append(v.lines, draw.Indent(p.edit.Options(), 2+titleWidth(width)+1)...)
		}
	}
	if len(alone) > 0 {
		v.lines = append(v.lines, draw.Say(draw.Strong, " Only you know"))
		for _, f := range alone {
			add(p.row(f, width), f.Key)
		}
	}
	if len(usual) > 0 {
		v.lines = append(v.lines, draw.Line{}, draw.Say(draw.Strong, " Usual values (tab to change one)"))
		for _, f := range usual {
			add(p.row(f, width), f.Key)
		}
	}
	if len(seldom) > 0 {
		add(draw.Pick(draw.Say(draw.Plain, "+ %d more that hardly anybody changes", len(seldom)), p.picked == showMore), showMore)
	}
	v.lines = append(v.lines, draw.Line{})
	add(draw.Pick(draw.Say(draw.Strong, "[ go on ]"), p.picked == goOn), goOn)
	v.pinned = p.below(width)
	v.keys = p.keyList()
	return v
}

func (p *askPage) keyList() []key {
	switch {
	case p.picked == goOn:
		return []key{{"enter", "go on"}, {"tab", "change a value"}, {"ctrl+o", "ways in"}}
	case p.picked == showMore:
		return []key{{"enter", "list them"}, {"tab", "next"}}
	case p.edit != nil && p.edit.Lists():
		return []key{{"enter", "take it"}, {"up/down", "choose; letters search"}, {"tab", "next row"}}
	case p.edit != nil && p.edit.Choices != nil:
		return []key{{"enter", "next"}, {"y/n", "choose"}, {"tab", "down"}, {"shift+tab", "up"}}
	}
	return []key{{"enter", "next"}, {"tab", "down"}, {"shift+tab", "up"}, {"ctrl+u", "clear"}, {"ctrl+o", "ways in"}}
}

// row is one question: its title, its value or the editor, and, where there is room, where the value comes from.
func (p *askPage) row(f site.Field, width int) draw.Line {
	titles, origin := titleWidth(width), 11
	if width < 50 {
		origin = 4
	}
	values := width - 2 - titles - 1 - origin - 1
	value, from := p.shown(f)
	if draw.Columns(from.Text) > origin {
		from.Text = ""
	}
	mark, s, cell := "  ", draw.Plain, draw.Text(draw.Plain, draw.Middle(value, values))
	if f.Key == p.picked {
		mark, s, cell = "> ", draw.Strong, p.edit.Draw(values)
	}
	return draw.Behind(draw.Row(draw.Text(s, mark+draw.Pad(draw.Short(f.Title, titles), titles)+" "), cell), 2+titles+1+values, draw.Text(draw.Plain, " "), from)
}

// titleWidth is how wide the column of titles is.
func titleWidth(width int) int {
	if width < 50 {
		return 16
	}
	return 23
}

// shown is a question's value in words, and where it comes from.
func (p *askPage) shown(f site.Field) (string, draw.Span) {
	value := f.Get(p.file.Site)
	if f.Default() == "false" {
		value = draw.Choice(value)
	}
	switch {
	case p.wrong[f.Key] != "" || p.isDraft(f.Key) && f.Key != p.picked:
		return p.drafts[f.Key], draw.Text(draw.Bad, "[!]")
	case p.file.Has(f.Key) && value != "":
		return value, draw.Text(draw.Good, "answered")
	case value == "" && p.found != nil && f.Get(p.found) != "":
		return f.Get(p.found), draw.Text(draw.Plain, "found there")
	case value == "" && p.passed[f.Key]:
		return "-", draw.Text(draw.Plain, "left empty")
	case value == "":
		return "-", draw.Text(draw.Plain, "")
	case f.Get(p.file.Site) == f.Default():
		return value, draw.Text(draw.Plain, "usual")
	}
	return value, draw.Text(draw.Plain, "suggested")
}

// below is what is always in sight: errors first, then what was found out, then what the answer is for.
func (p *askPage) below(width int) []draw.Line {
	var lines []draw.Line
	for _, key := range []string{p.picked, goOn} {
		if why := p.wrong[key]; why != "" {
			lines = append(lines, draw.Inset(draw.Bad, "[!] "+p.titles(why), width)...)
			break
		}
	}
	if p.pasteNote != "" {
		lines = append(lines, draw.Inset(draw.Amber, p.pasteNote, width)...)
	}
	lines = append(lines, p.leads.lines(p.picked, width)...)
	if f, err := site.FieldOf(p.file.Site, p.picked); err == nil {
		help := f.Help
		if draw.Columns(f.Title) > titleWidth(width) {
			help = f.Title + ": " + help
		}
		lines = append(lines, draw.Inset(draw.Plain, help, width)...)
	} else if len(lines) == 0 && p.picked == goOn {
		lines = append(lines, draw.Inset(draw.Plain, p.ahead(), width)...)
	}
	return lines
}

// ahead says what enter on the last row does.
func (p *askPage) ahead() string {
	if p.chapter(p.id).step.OfAnswers() {
		return "enter shows what there is to do for you, with these answers filled in."
	}
	return "enter looks at the hosts and shows what would be changed. Nothing is changed before you agree."
}

func (p *askPage) helpText() string {
	text := "What is asked here is kept in the answers file after each question. Only what nobody can guess is asked by itself; " +
		"the other values are usual ones, or were found on the hosts, and stand beside where they come from."
	if f, err := site.FieldOf(p.file.Site, p.picked); err == nil {
		value, from := p.shown(f)
		text = fmt.Sprintf("%s (%s)\n%s\nNow: %s  %s\n\n%s", f.Title, f.Key, f.Help, value, from.Text, text)
	}
	if why := p.wrong[p.picked]; why != "" {
		text = "[!] " + p.titles(why) + "\n\n" + text
	}
	return text
}
