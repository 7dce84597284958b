package wizard

import (
	"context"
	"errors"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"postern/report"
	"postern/wizard/draw"
)

// contentsPage is the first page: every chapter with its state, and what there is beside them.
type contentsPage struct {
	*board
	menu  draw.Split
	again bool // a look was asked for here, and has not ended
}

func newContents(b *board) page { return &contentsPage{board: b} }

// item is one thing to open from the contents.
type item struct {
	line draw.Line
	says string // what is not in the line where that is narrow
	open func() tea.Msg
}

// besideText is how wide a page must be for words beside a chapter's state.
const besideText = 52

func (p *contentsPage) entries(width int) []item {
	var list []item
	if p.file != nil {
		for _, c := range p.chapters {
			l := draw.Row(draw.Text(draw.Plain, fmt.Sprintf("%d %s ", c.step.Chapter, draw.Pad(c.step.Title, 12))), draw.Text(c.state.style(), draw.Pad(string(c.state), 7)))
			if width >= besideText {
				l.Spans = append(l.Spans, draw.Text(draw.Plain, p.says(c)))
			}
			list = append(list, item{l, p.says(c), func() tea.Msg { return chapterMsg{step: c.step.ID} }})
		}
		list = append(list,
			item{draw.Say(draw.Plain, "All checks"), "", func() tea.Msg { return openMsg{newOverview(p.board)} }},
			item{draw.Say(draw.Plain, "Look at the hosts again"), "", p.lookAgain},
			item{draw.Say(draw.Plain, "Ways in, when a host is not reached"), "", func() tea.Msg { return openMsg{&waysPage{board: p.board}} }},
			item{draw.Say(draw.Plain, "Port 25, the checklist"), "", func() tea.Msg { return openPort25(p.board) }})
	}
	if p.o.Sites.List != nil {
		list = append(list, item{draw.Say(draw.Plain, "Other sites"), "", func() tea.Msg { return openSites(p.board) }})
	}
	return list
}

// says is a chapter's state in words.
func (p *contentsPage) says(c *chapter) string {
	if _, worked := p.worked(c.step.ID); c.state == needed && changesOf(c.plan) > 0 && !worked {
		n := changesOf(c.plan)
		return report.Plural(n, "change") + " to review"
	}
	return p.board.says(c)
}

func (p *contentsPage) lookAgain() tea.Msg {
	if !p.enough() {
		return noteMsg("first say how the hosts are reached: chapter 1")
	}
	if p.busy != nil {
		return noteMsg("one moment: the hosts are being asked already")
	}
	p.again = true
	return lookMsg{}
}

// looked answers a look that was asked for here.
func (p *contentsPage) looked(m doneMsg) tea.Msg {
	if !p.again || m.job.verb != look {
		return nil
	}
	switch p.again = false; {
	case errors.Is(m.err, context.Canceled):
		return noteMsg("stopped; nothing is known anew")
	case m.err != nil:
		return openMsg{newTrouble(p.board, m.err)}
	case p.standing():
		return noteMsg("looked at the hosts just now: all that the answers ask for is in place")
	}
	return noteMsg("looked at the hosts just now: the list says what is in place")
}

// Update takes keys.
func (p *contentsPage) Update(m tea.Msg) tea.Msg {
	if done, ended := m.(doneMsg); ended {
		return p.looked(done)
	}
	list := p.entries(80)
	k, ok := m.(tea.KeyPressMsg)
	if ok && !p.menu.Key(k.String(), len(list)) && k.String() == "enter" && p.menu.Picked < len(list) {
		return list[p.menu.Picked].open()
	}
	return nil
}

// View lists them.
func (p *contentsPage) View(width, height int) view {
	v := view{title: "contents", keys: []key{{"enter", "open"}, {"up/down", "choose"}, {"1-9", "chapter"}}, help: contentsHelp}
	v.add(draw.Prose(draw.Plain, p.greeting(), width-1)...)
	v.add(draw.Line{})
	v.add(p.warnings(width)...)
	var rows []draw.Line
	for i, e := range p.entries(width) {
		rows = append(rows, e.line)
		if i == p.menu.Picked && width < besideText && e.says != "" {
			v.pinned = []draw.Line{draw.Say(draw.Plain, "  %s", e.says)}
		}
	}
	v.list(rows, p.menu.Picked)
	if p.busy != nil && p.last.Text != "" {
		v.pinned = draw.Prose(draw.Plain, " "+report.Doing(p.last), width)
	}
	return v
}

func (p *contentsPage) greeting() string {
	switch {
	case p.busy != nil && p.busy.verb == look:
		return "Looking at the hosts: what is in place is read from them, and nothing is changed."
	case p.first("") == nil && len(p.chapters) > 0:
		return "No chapter needs anything. What is proven, the checks say."
	}
	if p.file != nil && p.file.Site.Layout == "toaster" {
		return "The jails of one host, let in to by pf, chapter by chapter. Each one asks, looks, shows every change before it is made, and proves that it works."
	}
	return "A public server as the gate of a hidden mail server, chapter by chapter. Each one asks, looks, shows every change before it is made, and proves that it works."
}

const contentsHelp = `All chapters with their state, as the hosts said it last, not as this program remembers it.
[ok] in place, and its checks say so   [set] nothing to change, checks not asked yet   [?] some could not be asked   [--] not in place yet   [  ] not looked at   [todo] for you to do by hand   [FAIL] in place, but a check fails   [warn] cannot be set up like this
Every chapter can be opened at any time, also one that is in place. Answers are kept in the file after each question.`
