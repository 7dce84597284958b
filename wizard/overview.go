package wizard

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"postern/checks"
	"postern/report"
	"postern/steps"
	"postern/wizard/draw"
)

// overviewPage shows all there is to know: the site's picture with what the checks say at each arrow, all checks of all
// chapters, and the tasks of the chapters that nothing measures.
type overviewPage struct{ checklist }

func newOverview(w *shell) page { return &overviewPage{checklist{shell: w, picture: true}} }

// overviewEntry is one row to choose: the picture, a result, or a task of a person.
type overviewEntry struct {
	result *checks.Result
	task   *steps.Task
	step   string
}

func (p *overviewPage) entries() []overviewEntry {
	var list []overviewEntry
	if p.filter == "" {
		list = append(list, overviewEntry{})
	}
	for _, r := range p.shown() {
		list = append(list, overviewEntry{result: &r, step: r.Step})
	}
	for _, c := range p.chapters {
		if len(c.step.Proof) > 0 {
			continue
		}
		for _, t := range c.plan.Tasks {
			if p.matchesTask(c, t) {
				list = append(list, overviewEntry{task: &t, step: c.step.ID})
			}
		}
	}
	return list
}

func (p *overviewPage) matchesTask(c *chapter, t steps.Task) bool {
	w, from := p.taskWord(t)
	text := strings.ToLower(strings.Join([]string{t.Title, c.step.ID, c.step.Title, w.Text, from}, " "))
	for _, word := range strings.Fields(strings.ToLower(p.filter)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// Update takes keys; enter opens the chapter of the chosen row.
func (p *overviewPage) Update(m tea.Msg) (page, tea.Cmd) {
	k, ok := m.(tea.KeyPressMsg)
	if !ok {
		return p, nil
	}
	list := p.entries()
	var at overviewEntry
	if p.split.Picked < len(list) {
		at = list[p.split.Picked]
	}
	if cmd, taken := p.press(k, len(list), at.result); taken {
		return p, cmd
	}
	if k.String() == "enter" {
		switch {
		case at.task != nil:
			return p, open(newTasks(p.shell, at.step, p.chapter(at.step).plan.Tasks))
		case at.step != "":
			return p, chapterOf(at.step)
		}
	}
	return p, nil
}

// View is the list, and all about the chosen row: of the first one that is the picture.
func (p *overviewPage) View(width, height int) view {
	list := p.entries()
	results := p.shown()
	v := view{title: p.heading("all checks", width), typing: p.filtering, holds: true, help: checkHelp,
		keys: append([]key{{"enter", "chapter"}}, checkKeys...)}
	v.pinned = p.state()
	if len(v.pinned) == 0 && height >= 12 {
		v.pinned = p.summary(results, width)
	}
	p.split.Pick(p.split.Picked, max(1, len(list)))
	var rows []draw.Line
	for i, e := range list {
		rows = append(rows, draw.Pick(p.entryRow(e, width), i == p.split.Picked))
	}
	if len(rows) == 0 {
		v.lines = draw.Prose(draw.Plain, "No check has these words. esc shows all.", width-1)
		return v
	}
	v.lines = p.split.Draw(rows, p.split.Picked, "", p.entryAbout(list[p.split.Picked], width), width, height-len(v.pinned))
	return v
}

// summary is what all of it comes to.
func (p *overviewPage) summary(results []checks.Result, width int) []draw.Line {
	o, asked := worst(results)
	todo := 0
	for _, c := range p.chapters {
		if len(c.step.Proof) == 0 {
			todo += len(p.left(c.plan.Tasks))
		}
	}
	text, s := " All that is measured is proven.", draw.Good
	switch {
	case !asked:
		text, s = " Nothing was asked yet: R asks all checks.", draw.Plain
	case o == checks.Fail:
		text, s = " Something fails: choose it, f mends it.", draw.Bad
	case o == checks.Unknown:
		text, s = " Not all of it could be asked: that is not ok.", draw.Amber
	case o == checks.Warn:
		text = " All that is measured works; there are warnings to read."
	}
	if todo > 0 {
		text += " By hand: " + report.Plural(todo, "task") + " left, not measured."
	}
	return draw.Prose(s, text, width-1)
}

func (p *overviewPage) entryRow(e overviewEntry, width int) draw.Line {
	switch {
	case e.result != nil:
		return p.row(*e.result, width)
	case e.task != nil:
		w, _ := p.taskWord(*e.task)
		w.Text = draw.Pad(w.Text, 11)
		room, from := width-2-1-11, ""
		if width >= 54 {
			from, room = "you    ", room-14
		}
		title := fmt.Sprintf("%d %s", p.chapter(e.step).step.Chapter, draw.Readable(e.task.Title))
		return draw.Row(draw.Text(draw.Plain, draw.Pad(draw.Short(title, room), room)+" "), draw.Text(draw.Plain, from), w)
	}
	return draw.Say(draw.Strong, "the site, with what the checks say")
}

func (p *overviewPage) entryAbout(e overviewEntry, width int) []draw.Line {
	switch {
	case e.result != nil:
		return p.about(*e.result, width)
	case e.task != nil:
		t := tasksPage{shell: p.shell}
		return t.about(*e.task, width)
	}
	return draw.Picture(p.site(), width, p.marks())
}

// marks are what the checks say at each arrow of the picture.
func (p *overviewPage) marks() map[string]draw.Span {
	marks := map[string]draw.Span{}
	for arrow, prefixes := range map[string][]string{
		draw.ArrowIn:      {"firewall.open", "firewall.closed"},
		draw.ArrowTunnel:  {"tunnel."},
		draw.ArrowForward: {"firewall.dnat", "firewall.clients"},
		draw.ArrowOut:     {"firewall.relay"},
	} {
		var list []checks.Result
		asking := false
		for key, r := range p.results {
			for _, prefix := range prefixes {
				if strings.HasPrefix(r.ID, prefix) {
					list, asking = append(list, r), asking || p.pending[key]
				}
			}
		}
		marks[arrow] = draw.Text(draw.Plain, "[  ]")
		if o, asked := worst(list); asking {
			marks[arrow] = draw.Text(draw.Plain, "[..]")
		} else if asked {
			marks[arrow] = word(o)
		}
	}
	return marks
}
