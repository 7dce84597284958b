package wizard

import (
	"fmt"

	"postern/site"
)

// View lists the rows, the picked one with its editor, and below, always in sight, what is wrong and what the answer is for.
func (p *askPage) View(width, height int) view {
	v := view{title: "answers", typing: p.edit != nil, help: p.helpText()}
	alone, usual, seldom := p.fields()
	add := func(l line, key string) {
		if key == p.picked {
			v.focus = len(v.lines)
		}
		v.lines = append(v.lines, l)
	}
	if len(alone) > 0 {
		v.lines = append(v.lines, say(strong, " Only you know"))
		for _, f := range alone {
			add(p.row(f, width), f.Key)
		}
	}
	if len(usual) > 0 {
		v.lines = append(v.lines, line{}, say(strong, " Usual values (tab to change one)"))
		for _, f := range usual {
			add(p.row(f, width), f.Key)
		}
	}
	if len(seldom) > 0 {
		add(pick(say(plain, "+ %d more that hardly anybody changes", len(seldom)), p.picked == showMore), showMore)
	}
	v.lines = append(v.lines, line{})
	add(pick(say(strong, "[ go on ]"), p.picked == goOn), goOn)
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
	case p.edit != nil && p.edit.choices != nil:
		return []key{{"enter", "next"}, {"left/right", "choose"}, {"tab", "down"}, {"shift+tab", "up"}}
	}
	return []key{{"enter", "next"}, {"tab", "down"}, {"shift+tab", "up"}, {"ctrl+u", "clear"}, {"ctrl+o", "ways in"}}
}

// row is one question: its title, its value or the editor, and, where there is room, where the value comes from.
func (p *askPage) row(f site.Field, width int) line {
	titles, origin := titleWidth(width), 11
	if width < 50 {
		origin = 4
	}
	values := width - 2 - titles - 1 - origin - 1
	value, from := p.shown(f)
	if columns(from.text) > origin {
		from.text = ""
	}
	l := row(span{plain, "  "}, span{plain, pad(f.Title, titles) + " "}, span{plain, middle(value, values)})
	if f.Key == p.picked {
		l = row(span{strong, "> "}, span{strong, pad(f.Title, titles) + " "}, p.edit.draw(values))
	}
	return behind(l, 2+titles+1+values, span{plain, " "}, from)
}

// titleWidth is how wide the column of titles is.
func titleWidth(width int) int {
	if width < 50 {
		return 16
	}
	return 24
}

// behind puts what belongs into a column of its own behind a line.
func behind(l line, column int, after ...span) line {
	l = fill(l, column)
	l.spans = append(l.spans, after...)
	return l
}

// shown is a question's value in words, and where it comes from.
func (p *askPage) shown(f site.Field) (string, span) {
	value := f.Get(p.file.Site)
	switch {
	case p.wrong[f.Key] != "" || p.isDraft(f.Key) && f.Key != p.picked:
		return p.drafts[f.Key], span{bad, "[!]"}
	case p.file.Has(f.Key) && value != "":
		return value, span{good, "answered"}
	case value == "" && p.found != nil && f.Get(p.found) != "":
		return f.Get(p.found), span{plain, "found there"}
	case value == "" && f.Choices != nil:
		return "(find out)", span{plain, "usual"}
	case value == "" && p.passed[f.Key]:
		return "-", span{plain, "left empty"}
	case value == "":
		return "-", span{plain, ""}
	case value == f.Default():
		return value, span{plain, "usual"}
	}
	return value, span{plain, "suggested"}
}

// below is what is always in sight: errors first, then what was found out, then what the answer is for.
func (p *askPage) below(width int) []line {
	var lines []line
	for _, key := range []string{p.picked, goOn} {
		if why := p.wrong[key]; why != "" {
			lines = append(lines, indented(prose(bad, "[!] "+why, width-2), 1)...)
			break
		}
	}
	if p.told != "" {
		lines = append(lines, indented(prose(amber, p.told, width-2), 1)...)
	}
	lines = append(lines, p.reach.lines(p.picked, width)...)
	if f, err := site.FieldOf(p.file.Site, p.picked); err == nil {
		help := f.Help
		if columns(f.Title) > titleWidth(width) {
			help = f.Title + ": " + help
		}
		lines = append(lines, indented(prose(plain, help, width-2), 1)...)
	} else if len(lines) == 0 && p.picked == goOn {
		lines = append(lines, indented(prose(plain, p.ahead(), width-2), 1)...)
	}
	return lines
}

// ahead says what enter on the last row does.
func (p *askPage) ahead() string {
	if p.chapter(p.id).step.ByHand() {
		return "enter shows what there is to do by hand, with these answers filled in."
	}
	return "enter looks at the hosts and shows what would be changed. Nothing is changed before you agree."
}

func (p *askPage) helpText() string {
	text := "What is asked here is kept in the answers file after each question. Only what nobody can guess is asked by itself; " +
		"the other values are usual ones, or were found on the hosts, and stand beside where they come from."
	if f, err := site.FieldOf(p.file.Site, p.picked); err == nil {
		value, from := p.shown(f)
		text = fmt.Sprintf("%s (%s)\n%s\nNow: %s  %s\n\n%s", f.Title, f.Key, f.Help, value, from.text, text)
	}
	if why := p.wrong[p.picked]; why != "" {
		text = "[!] " + why + "\n\n" + text
	}
	return text
}
