package wizard

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"postern/checks"
	"postern/report"
	"postern/run"
	"postern/steps"
	"postern/wizard/draw"
)

// tasksPage shows what is left for a person: what to do, text to copy, and how it is known to be done.
type tasksPage struct {
	*board
	step  string
	tasks []steps.Task
	split draw.Split
}

func newTasks(b *board, step string, tasks []steps.Task) page {
	p := &tasksPage{board: b, step: step, tasks: tasks}
	for i, t := range tasks {
		if !b.isDone(t) {
			p.split.Picked = i
			break
		}
	}
	return p
}

// isDone says whether a task is done: measured, or else marked by hand.
func (b *board) isDone(t steps.Task) bool {
	o, measured := b.measured(t)
	return measured && o == checks.OK || !measured && b.file.Site.Done[t.ID] != ""
}

// measured is what the check of a task said last, if it was asked.
func (b *board) measured(t steps.Task) (checks.Outcome, bool) {
	return worst(b.said(t))
}

// said is what the check of a task said last.
func (b *board) said(t steps.Task) []checks.Result {
	var list []checks.Result
	for _, key := range slices.Sorted(maps.Keys(b.results)) {
		r := b.results[key]
		if t.Check != "" && (r.ID == t.Check || strings.HasPrefix(r.ID, t.Check+".")) {
			list = append(list, r)
		}
	}
	return list
}

// left are the tasks that are not done.
func (b *board) left(tasks []steps.Task) []steps.Task {
	return slices.DeleteFunc(slices.Clone(tasks), b.isDone)
}

// taskWord is the state of a task in a word, and where that is known from.
func (b *board) taskWord(t steps.Task) (draw.Span, string) {
	if o, measured := b.measured(t); measured {
		return word(o), "measured"
	}
	if date := b.file.Site.Done[t.ID]; date != "" {
		return draw.Text(draw.Good, "[done]"), "by hand, " + date
	}
	if t.Check != "" {
		return draw.Text(draw.Amber, "[todo]"), "not measured yet"
	}
	return draw.Text(draw.Amber, "[todo]"), "by hand"
}

// Update takes keys.
func (p *tasksPage) Update(m tea.Msg) tea.Msg {
	switch m := m.(type) {
	case doneMsg:
		if c := p.chapter(p.step); c != nil && len(c.plan.Tasks) > 0 {
			p.tasks = c.plan.Tasks
			p.split.Pick(p.split.Picked, len(p.tasks))
		}
	case tea.KeyPressMsg:
		return p.press(m.String())
	}
	return nil
}

func (p *tasksPage) press(key string) tea.Msg {
	if p.split.Key(key, len(p.tasks)) {
		return nil
	}
	if len(p.tasks) == 0 && key != "enter" {
		return noteMsg("nothing is left for you here")
	}
	var t steps.Task
	if len(p.tasks) > 0 {
		t = p.tasks[p.split.Picked]
	}
	switch key {
	case "enter":
		if c := p.chapter(p.step); c != nil && !c.state.stands() && c.state != todo {
			return backMsg{} // the chapter itself comes first
		}
		return nextMsg{}
	case "space":
		if _, measured := p.measured(t); measured {
			return noteMsg("this one is measured: m asks again")
		}
		return markMsg{t.ID, when(p.file.Site.Done[t.ID] == "", p.o.Clock().Format(time.DateOnly), "")}
	case "y":
		return copied(taskCopy(t))
	case "Y":
		var texts []string
		for _, one := range p.left(p.tasks) {
			if copy := strings.TrimSpace(one.Copy); copy != "" {
				texts = append(texts, "; "+one.Title+"\n"+copy)
			}
		}
		return copied(strings.Join(texts, "\n\n"))
	case "x":
		text := t.Title + "\n\n" + t.Text + "\n\n" + taskCopy(t) + "\n"
		return p.write(strings.ReplaceAll(t.ID, ".", "-")+".txt", func() ([]byte, error) { return []byte(text), nil })
	case "p":
		if strings.HasPrefix(t.ID, "provider.port25.") {
			return openPort25(p.board)
		}
	case "m":
		if c, ok := checks.Of(t.Check); ok {
			return job{verb: check, steps: []string{c.Step}}
		}
		return noteMsg("no check can measure this: space marks it as done")
	}
	return nil
}

// taskCopy is what is worth copying of a task.
func taskCopy(t steps.Task) string {
	if strings.TrimSpace(t.Copy) != "" {
		return strings.TrimSpace(t.Copy)
	}
	return t.Text
}

// View is the list of tasks, and all about the chosen one.
func (p *tasksPage) View(width, height int) view {
	v := view{title: fmt.Sprintf("for you: %d of %d done", len(p.tasks)-len(p.left(p.tasks)), len(p.tasks)), help: tasksHelp,
		keys: []key{{"enter", "go on"}, {"space", "done"}, {"m", "measure"}, {"y", "copy"}, {"Y", "copy all"}, {"x", "save"}, {"up/down", "choose"}, {"pgup/pgdn", "text"}}}
	if p.busy != nil && p.busy.verb == check {
		v.pinned = []draw.Line{draw.Say(draw.Plain, " measuring: %s", clock(p.elapsed()))}
	}
	var rows []draw.Line
	for i, t := range p.tasks {
		w, from := p.taskWord(t)
		w.Text = draw.Pad(w.Text, 10)
		room := width - 2 - 10
		if width >= 64 {
			room -= 22
		} else {
			from = ""
		}
		rows = append(rows, draw.Pick(draw.Row(w, draw.Text(draw.Plain, draw.Pad(draw.Short(draw.Readable(t.Title), room), room)), draw.Text(draw.Plain, from)), i == p.split.Picked))
	}
	if len(rows) == 0 {
		v.lines = []draw.Line{draw.Say(draw.Plain, " Nothing is left for you here.")}
		return v
	}
	v.text = func() []report.Line { return p.whole(p.tasks[p.split.Picked]) }
	if strings.HasPrefix(p.tasks[p.split.Picked].ID, "provider.port25.") {
		v.keys = append(v.keys, key{"p", "checklist"})
	}
	v.lines = p.split.Draw(rows, p.split.Picked, "", p.about(p.tasks[p.split.Picked], width), width, height-len(v.pinned))
	return v
}

// about is all about one task.
func (p *tasksPage) about(t steps.Task, width int) []draw.Line {
	return draw.Report(p.whole(t), width-1)
}

func (b *board) whole(t steps.Task) []report.Line {
	_, from := b.taskWord(t)
	return report.Task(run.Measured([]steps.Task{t}, b.said(t))[0], from)
}

const tasksHelp = `What only a person can do: in a panel, at a registrar, on the phone, or on a host where this program does not work yet.
space marks a task as done, with today's date, in the answers; nothing measures that, and the screen says so. Where a check can measure it, m asks, and its answer counts.
y copies the text to paste, Y that of all that is left, x writes it into a file.`
