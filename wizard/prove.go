package wizard

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"postern/checks"
	"postern/report"
	"postern/steps"
	"postern/wizard/draw"
)

// provePage shows what the checks of a chapter found.
type provePage struct{ checklist }

func newProve(w *shell, ids []string) page {
	return &provePage{checklist{shell: w, ids: ids}}
}

// Update takes keys; enter goes on to what is not in place yet.
func (p *provePage) Update(m tea.Msg) (page, tea.Cmd) {
	switch m := m.(type) {
	case tea.KeyPressMsg:
		list := p.shown()
		if cmd, taken := p.press(m, len(list), p.chosen(list)); taken {
			return p, cmd
		}
		switch m.String() {
		case "enter":
			if len(p.ids) == 0 && p.asking() {
				return p, note("one moment: all is being asked")
			}
			return p, next
		case "o":
			return p, open(newOverview(p.shell))
		case "t":
			if tasks := p.tasks(); len(p.ids) > 0 && len(tasks) > 0 {
				return p, open(newTasks(p.shell, p.ids[0], tasks))
			}
		}
	}
	return p, nil
}

func (p *provePage) chosen(list []checks.Result) *checks.Result {
	if p.split.Picked < len(list) {
		return &list[p.split.Picked]
	}
	return nil
}

// View is the table, on its first finding until a person chooses.
func (p *provePage) View(width, height int) view {
	list := p.shown()
	if !p.moved {
		p.split.Picked = firstBad(list)
	}
	v := view{title: p.heading(p.titled(job{steps: p.ids}, "proof"), width), keys: append([]key{{"enter", "go on"}}, checkKeys...), help: checkHelp, typing: p.filtering, holds: true}
	v.pinned = append(p.state(), p.conclusion(list, width)...)
	if most := height / 3; len(v.pinned) > most {
		v.pinned = v.pinned[:max(1, most)]
	}
	var rows []draw.Line
	for i, r := range list {
		rows = append(rows, draw.Pick(p.row(r, width), i == p.split.Picked))
	}
	if len(rows) == 0 {
		v.lines = draw.Prose(draw.Plain, p.nothing(), width-1)
		return v
	}
	p.split.Pick(p.split.Picked, len(list))
	v.lines = p.split.Draw(rows, p.split.Picked, "", p.about(list[p.split.Picked], width), width, height-len(v.pinned))
	return v
}

// firstBad is the first failure in a table, or else the first that asks for somebody to look at it, or the first of all.
func firstBad(list []checks.Result) int {
	if i := slices.IndexFunc(list, func(r checks.Result) bool { return r.Outcome == checks.Fail }); i >= 0 {
		return i
	}
	return max(0, slices.IndexFunc(list, amiss))
}

// nothing is what stands in an empty table.
func (p *provePage) nothing() string {
	switch {
	case p.filter != "":
		return "No check has these words. esc shows all."
	case p.busy != nil:
		return "The checks are being asked: each one from every place it must be asked from."
	}
	return "Nothing was asked yet: R asks."
}

// conclusion is what the results come to, when all are there.
func (p *provePage) conclusion(list []checks.Result, width int) []draw.Line {
	if p.asking() || len(list) == 0 || p.filter != "" {
		return nil
	}
	text, s := " Proven. enter goes on.", draw.Good
	switch o, _ := worst(list); o {
	case checks.Fail:
		text, s = " Not proven: choose a [FAIL], f mends it. enter goes on all the same.", draw.Bad
	case checks.Unknown:
		text, s = " Not all of it could be asked: that is not ok. enter goes on all the same.", draw.Amber
	case checks.Warn:
		text = " Proven, with a warning to read. enter goes on."
	}
	if n := len(p.tasks()); n > 0 {
		text += " " + report.Plural(n, "task") + " for you: t."
	}
	return draw.Prose(s, text, width-1)
}

// tasks are what is left for a person in the chapters that were proven.
func (p *provePage) tasks() []steps.Task {
	var list []steps.Task
	for _, c := range p.chapters {
		if slices.Contains(p.ids, c.step.ID) {
			list = append(list, p.left(c.plan.Tasks)...)
		}
	}
	return list
}
