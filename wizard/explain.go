package wizard

import (
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"postern/report"
	"postern/steps"
	"postern/wizard/draw"
)

// explainPage says what a chapter is for, what the hosts said of it, and shows the site's picture.
type explainPage struct {
	*board
	id string
}

// choices are what can be done with the chapter.
func (p *explainPage) choices() []choice {
	c := p.chapter(p.id)
	list := []choice{{key{"enter", when(c.state == unasked, "prove", "go on")}, func() tea.Msg { return p.forward(c) }}}
	if len(c.asks(p.file.Site)) > 0 {
		list = append(list, choice{key{"e", "answers"}, func() tea.Msg { return openMsg{newAsk(p.board, p.id, "")} }})
	}
	if len(c.plan.Tasks) > 0 {
		list = append(list, choice{key{"t", "tasks"}, func() tea.Msg { return openMsg{newTasks(p.board, p.id, c.plan.Tasks)} }})
	}
	ids := []string{p.id}
	if p.enough() {
		list = append(list, choice{key{"c", "check"}, func() tea.Msg { return p.prove(ids) }})
	}
	if c.step.Strip != nil && p.enough() && (p.busy == nil || !p.busy.changes()) {
		list = append(list, choice{key{"u", "undo"}, func() tea.Msg { return p.begin(job{verb: undo, steps: ids}) }})
	}
	return list
}

// prove asks the checks of chapters, and shows what they say.
func (b *board) prove(ids []string) tea.Msg {
	return all{openMsg{newProve(b, ids)}, job{verb: check, steps: ids}}
}

// Update takes keys.
func (p *explainPage) Update(m tea.Msg) tea.Msg {
	if k, ok := m.(tea.KeyPressMsg); ok {
		return pressed(p.choices(), k.String())
	}
	return nil
}

// forward goes on from a chapter that is in place. Else it asks what the chapter asks, or, where it asks nothing, goes on to
// what there is to do.
func (p *explainPage) forward(c *chapter) tea.Msg {
	switch {
	case c.state == unasked:
		return p.prove([]string{p.id})
	case c.state == inPlace || c.state == unsure || c.state == skipped:
		return nextMsg{}
	}
	ask := newAsk(p.board, p.id, "")
	if len(c.asks(p.file.Site)) == 0 || c.step.OfAnswers() && ask.picked == goOn {
		return p.bring(p.id)
	}
	return openMsg{ask}
}

// View tells all of it.
func (p *explainPage) View(width, height int) view {
	c := p.chapter(p.id)
	v := view{help: c.step.About(p.site()) + "\n\nThis page only tells: nothing is done on it. The next one asks; every change is shown before it is made."}
	v.add(draw.Row(draw.Text(draw.Strong, fmt.Sprintf(" %d %s  ", c.step.Chapter, c.step.Title)), draw.Text(c.state.style(), string(c.state))))
	if width >= besideText {
		v.lines[0].Spans = append(v.lines[0].Spans, draw.Text(draw.Plain, " "+p.says(c)))
	} else {
		v.add(draw.Prose(draw.Plain, " "+p.says(c), width)...)
	}
	v.add(draw.Line{})
	if p.file.Site.Revision == 0 && p.id == p.chapters[0].step.ID {
		v.add(draw.Inset(draw.Plain, when(p.file.Site.Layout == "toaster", welcomeJails, welcome)+when(p.o.Simulated == "", "You can leave at any time (ctrl+c) and go on where you were.",
			"This is the demo: no host of yours is touched, nothing is kept, and ctrl+c leaves."), width)...)
		v.add(draw.Line{})
	}
	v.add(p.warnings(width)...)
	v.add(draw.Inset(draw.Plain, c.step.About(p.site()), width)...)
	v.add(p.seen(c, width)...)
	v.add(draw.Line{})
	v.add(draw.Picture(p.site(), width, nil)...)
	if c.step.Guide != "" {
		v.add(draw.Line{})
		v.add(draw.Inset(draw.Plain, "The guide's chapter: "+c.step.Guide, width)...)
	}
	if p.busy != nil && p.busy.verb == look {
		v.pinned = draw.Prose(draw.Plain, fmt.Sprintf(" looking at the hosts  %s  %s", clock(p.elapsed()), report.Doing(p.last)), width)
	}
	v.keys = keysOf(p.choices())
	v.reads(p.board, p, height)
	return v
}

// welcomeJails is the same for who has one host with jails.
const welcomeJails = "This program lets the world in to the jails of your host, and to nothing else of it, in a few chapters. " +
	"Each says what it is for and asks what only you know. Every change is shown before it is made, and the host takes it back by itself unless a new login works. "

// welcome is what somebody reads first who has never done this.
const welcome = "This program makes a public server the gate of a mail server that stays hidden behind it, in seven chapters. " +
	"Each says what it is for and asks what only you know. Every change is shown before it is made, and the hosts take it back by themselves " +
	"unless a new login works. "

// seen is what the last look said of the chapter.
func (p *explainPage) seen(c *chapter, width int) []draw.Line {
	var lines []draw.Line
	add := func(head string, s draw.Style, texts ...string) {
		for i, text := range texts {
			if i == 0 && head != "" {
				lines = append(lines, draw.Line{}, draw.Say(draw.Strong, " %s", head))
			}
			lines = append(lines, draw.Indent(draw.Prose(s, text, width-4), 2)...)
		}
	}
	add("It cannot be set up like this", draw.Bad, append(slices.Clone(c.plan.Refused), c.plan.Foreign...)...)
	add("You would be locked out", draw.Bad, c.plan.LockOut...)
	head := "What its checks say"
	for _, r := range (&checksPage{board: p.board}).shown() {
		if w, s := report.Word(r.Outcome); r.Step == p.id && report.Amiss(r) > 0 {
			add(head, s, fmt.Sprintf("%s %s, from %s: %s", w, titleOf(r), r.From, r.Saw.Line(120)))
			head = ""
		}
	}
	var notes, warnings []string
	for _, n := range c.plan.Notes {
		if text := report.Doing(steps.Event{Host: n.Host, Text: n.Text}); n.Warn {
			warnings = append(warnings, "[warn] "+text)
		} else {
			notes = append(notes, text)
		}
	}
	add("To know", draw.Amber, warnings...)
	add("Found on the hosts", draw.Plain, notes...)
	if n := changesOf(c.plan); n > 0 {
		_, worked := p.worked(c.step.ID)
		add(when(worked, "Not in place any more", "Not in place yet"), draw.Plain, report.Plural(n, "change")+"; each is shown before it is made")
	}
	if n := len(c.plan.Tasks); n > 0 {
		add("For you", draw.Plain, report.Plural(n, "thing")+" to do by hand (t shows them)")
	}
	return lines
}
