package wizard

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"postern/wizard/draw"
)

// contentsPage is the first page: every chapter with its state, and what there is beside them.
type contentsPage struct {
	*shell
	picked int
}

func newContents(w *shell) page { return &contentsPage{shell: w} }

// entry is one thing to open from the contents.
type entry struct {
	line draw.Line
	says string // what is not in the line where that is narrow
	open func() tea.Cmd
}

// besideText is how wide a page must be for words beside a chapter's state.
const besideText = 52

func (p *contentsPage) entries(width int) []entry {
	var list []entry
	if p.file != nil {
		for _, c := range p.chapters {
			l := draw.Row(draw.Text(draw.Plain, fmt.Sprintf("%d %s ", c.step.Chapter, draw.Pad(c.step.Title, 12))), draw.Text(c.state.style(), draw.Pad(string(c.state), 7)))
			if width >= besideText {
				l.Spans = append(l.Spans, draw.Text(draw.Plain, p.says(c)))
			}
			list = append(list, entry{l, p.says(c), func() tea.Cmd { return chapterOf(c.step.ID) }})
		}
		list = append(list,
			entry{draw.Say(draw.Plain, "All checks"), "", func() tea.Cmd { return open(newOverview(p.shell)) }},
			entry{draw.Say(draw.Plain, "Look at the hosts again"), "", func() tea.Cmd { return p.lookAgain() }},
			entry{draw.Say(draw.Plain, "Ways in, when a host is not reached"), "", func() tea.Cmd { return open(newWays(p.shell, "")) }})
	}
	if p.o.Sites.List != nil {
		list = append(list, entry{draw.Say(draw.Plain, "Other sites"), "", func() tea.Cmd {
			s := newSites(p.shell)
			return tea.Batch(open(s), s.load())
		}})
	}
	return list
}

// says is a chapter's state in words.
func (p *contentsPage) says(c *chapter) string {
	if n := changesOf(c.plan); c.state == needed && n > 0 {
		return counted(n, "change") + " to review"
	}
	return means[c.state]
}

func (p *contentsPage) lookAgain() tea.Cmd {
	if !p.enough() {
		return note("first say how the hosts are reached: chapter 1")
	}
	p.moved = true
	return p.look()
}

func (p *contentsPage) Update(m tea.Msg) (page, tea.Cmd) {
	k, ok := m.(tea.KeyPressMsg)
	if !ok {
		return p, nil
	}
	list := p.entries(80)
	switch k.String() {
	case "up", "k", "shift+tab":
		p.picked = max(0, p.picked-1)
	case "down", "j", "tab":
		p.picked = min(len(list)-1, p.picked+1)
	case "enter":
		if p.picked < len(list) {
			return p, list[p.picked].open()
		}
	}
	return p, nil
}

func (p *contentsPage) View(width, height int) view {
	v := view{title: "contents", keys: []key{{"enter", "open"}, {"up/down", "choose"}, {"1-9", "chapter"}}, help: contentsHelp}
	v.lines = append(v.lines, draw.Prose(draw.Plain, p.greeting(), width-1)...)
	v.lines = append(v.lines, draw.Line{})
	v.lines = append(v.lines, p.warnings(width)...)
	for i, e := range p.entries(width) {
		v.lines = append(v.lines, draw.Pick(e.line, i == p.picked))
		if i == p.picked {
			v.focus = len(v.lines) - 1
			if width < besideText && e.says != "" {
				v.pinned = []draw.Line{draw.Say(draw.Plain, "  %s", e.says)}
			}
		}
	}
	if p.busy != nil && p.last.Text != "" {
		v.pinned = draw.Prose(draw.Plain, " "+eventWords(p.last), width)
	}
	return v
}

func (p *contentsPage) greeting() string {
	switch {
	case p.busy != nil && p.busy.verb == look:
		return "Looking at the hosts: what is in place is read from them, and nothing is changed."
	case p.first("") == nil && len(p.chapters) > 0:
		return "Every chapter is in place."
	}
	return "A public server as the gate of a hidden mail server, chapter by chapter. Each one asks, looks, shows every change before it is made, and proves that it works."
}

const contentsHelp = `All chapters with their state, as the hosts said it last, not as this program remembers it.
[ok] in place   [--] not in place yet   [  ] not looked at   [todo] for you to do by hand   [FAIL] in place, but a check fails   [warn] cannot be set up like this
Every chapter can be opened at any time, also one that is in place. Answers are kept in the file after each question.`
