package wizard

import (
	"context"
	"errors"
	"strings"

	tea "charm.land/bubbletea/v2"

	"postern/remote"
	"postern/report"
	"postern/run"
	"postern/wizard/draw"
)

// choices are what can be done after the end. There is always a way on.
func (p *applyPage) choices() []choice {
	err := p.done.err
	if err == nil {
		return []choice{{key{"enter", "go on"}, func() tea.Msg { return leaveMsg{p} }}}
	}
	list := []choice{{key{"r", "try again"}, func() tea.Msg { return p.again() }}}
	if p.job.verb == apply && len(p.job.steps) > 0 {
		list = append(list, choice{key{"e", "edit the answers"}, func() tea.Msg { return chapterMsg{p.job.steps[0], true} }})
	}
	if errors.Is(err, remote.ErrLost) || p.offer == nil && !errors.Is(err, run.ErrRefused) && !errors.Is(err, context.Canceled) {
		list = append(list, choice{key{"w", "other ways in"}, func() tea.Msg { return openMsg{&waysPage{board: p.board, host: p.missing()}} }})
	}
	if n := report.Amiss(p.done.results...); n > 0 {
		list = append(list, choice{key{"c", "see the checks: " + report.Plural(n, "finding")}, func() tea.Msg { return openMsg{newProve(p.board, p.job.steps)} }})
	}
	var broke *run.Regression
	if errors.As(err, &broke) && len(broke.IDs()) > 0 {
		return append(list, choice{key{"m", "I mean it: apply all the same"}, func() tea.Msg { return p.again(broke.IDs()...) }})
	}
	if left := !errors.Is(err, run.ErrRolledBack) && !errors.Is(err, run.ErrRefused) && p.offer != nil && !p.offer.Inert; left && p.job.verb == apply {
		list = append(list, choice{key{"u", "undo the chapter"}, func() tea.Msg { return p.instead(job{verb: undo, steps: p.job.steps}) }})
	}
	return list
}

// preparing says whether nothing but preparations was asked about.
func (p *applyPage) preparing() bool { return p.offer != nil && p.offer.Inert }

// again does the same job anew, with risks that were taken by their names.
func (p *applyPage) again(accept ...string) tea.Msg {
	if p.busy != nil {
		return noteMsg("one moment: the hosts are being talked to")
	}
	return p.instead(job{verb: p.job.verb, steps: p.job.steps, accept: append(accept, p.job.accept...)})
}

// instead shows another job in place of this one, and gives it to the engine.
func (p *applyPage) instead(j job) tea.Msg { return all{replaceMsg{p, newApply(p.board, j)}, j} }

// choose is a key after the end.
func (p *applyPage) choose(press string) tea.Msg {
	list := p.choices()
	if p.now.Key(press, len(list)) {
		return nil
	}
	if press == "enter" {
		return list[p.now.Picked].do()
	}
	return pressed(list, press)
}

// viewEnd says how it ended, why, and what can be done now.
func (p *applyPage) viewEnd(width, height int) view {
	v := view{title: p.titled(p.job.steps, when(p.offer == nil, "not begun", string(p.job.verb)+" ended")), help: endHelp}
	word, s := p.verdict()
	v.add(draw.Inset(s, word, width)...)
	for _, e := range p.said {
		if e.Kind == "rollback" || e.Kind == "confirm" {
			v.add(draw.Report(report.Event(e), width-1)...)
		}
	}
	if err := p.done.err; err != nil {
		v.add(draw.Line{})
		v.add(draw.Hanging("why", reason(err), 6, width)...)
		if !errors.Is(err, context.Canceled) && !p.preparing() {
			v.add(draw.Line{})
			v.add(draw.Inset(draw.Plain, report.Advice(err), width)...)
		}
	} else {
		v.add(draw.Report(report.Later(p.offer), width-1)...)
	}
	if lines := p.lastWords(width); p.done.err != nil && len(lines) > 0 {
		v.add(draw.Line{}, draw.Say(draw.Strong, " The last that the hosts said"))
		v.add(lines...)
	}
	if report.Amiss(p.done.results...) > 0 {
		v.add(draw.Report(report.Findings(p.done.results), width-1)...)
	}
	if log := p.log(); log != "" {
		v.add(draw.Line{})
		v.add(draw.Inset(draw.Plain, "log of this run: "+log, width)...)
	}
	list := p.choices()
	if height >= 14 {
		v.pinned = append(v.pinned, draw.Line{}, draw.Say(draw.Strong, " What now"))
	}
	for i, c := range list {
		v.pinned = append(v.pinned, draw.Pick(draw.Row(draw.Text(draw.Strong, draw.Pad(c.press, 6)), draw.Text(draw.Plain, c.does)), i == p.now.Picked))
	}
	v.keys = []key{{"enter", "do it"}, {"up/down", "choose"}}
	if len(list) == 1 {
		v.keys = keysOf(list)
	}
	if log := p.log(); log != "" {
		v.keys = append(v.keys, key{"l", "log"})
	}
	v.reads(p.board, p, height)
	return v
}

// reason is an error without the words that the verdict says already.
func reason(err error) string {
	var back *run.TakenBack
	var no *run.Refusal
	switch {
	case errors.As(err, &back):
		err = back.Why
	case errors.As(err, &no):
		err = no.Why
	}
	text := remote.Words(err)
	for _, known := range []error{run.ErrRolledBack, run.ErrUntold} {
		text = strings.TrimPrefix(text, known.Error()+": ")
	}
	return text
}

// lastWords is what the hosts printed last.
func (p *applyPage) lastWords(width int) []draw.Line {
	var lines []report.Line
	for _, e := range p.said[p.from:] {
		if e.Kind == "change" {
			lines = append(lines, spoken(e)...)
		}
	}
	rows := draw.Report(lines, width)
	return rows[max(0, len(rows)-20):]
}

// verdict is how it ended, in one sentence.
func (p *applyPage) verdict() (string, draw.Style) {
	var no *run.Refusal
	err := p.done.err
	switch {
	case err == nil && p.done.outcome.Empty:
		return "[ok] Nothing of ours is there to take back.", draw.Good
	case err == nil:
		return "[ok] Taken back: confirmed over new logins.", draw.Good
	case errors.Is(err, run.ErrUntold):
		return "[unknown] The link broke while it was decided: what became of the change could not be seen. Each host has kept it or taken it back by itself.", draw.Amber
	case errors.Is(err, context.Canceled) && errors.Is(err, run.ErrRolledBack):
		return "[stop] Stopped, as you asked. " + report.TakenBack(err), draw.Amber
	case errors.Is(err, context.Canceled) && errors.Is(err, run.ErrRefused), errors.Is(err, context.Canceled) && p.offer == nil:
		return "[stop] Stopped, as you asked. Nothing was changed.", draw.Amber
	case errors.Is(err, run.ErrRolledBack):
		return "[back] " + report.TakenBack(err), draw.Bad
	case errors.Is(err, context.Canceled):
		return "[stop] Stopped, as you asked. What was not confirmed is taken back.", draw.Amber
	case errors.Is(err, remote.ErrLost) && (p.offer == nil || p.preparing()):
		return "[FAIL] The link to a host was lost. Nothing that runs was changed.", draw.Bad
	case errors.Is(err, remote.ErrLost):
		return "[FAIL] The link to a host was lost. What was not confirmed, the host takes back by itself.", draw.Bad
	case p.preparing():
		return "[FAIL] The preparations did not work. Nothing that runs was changed.", draw.Bad
	case errors.Is(err, run.ErrRefused):
		return "[FAIL] Refused before anything was changed.", draw.Bad
	case errors.As(err, &no):
		return "[FAIL] The rest was not begun. What was confirmed before is kept.", draw.Bad
	}
	return "[FAIL] It did not work.", draw.Bad
}

const endHelp = `How the change ended, what each host did, and why.
try again looks at the hosts first, so it can be pressed at any time. Editing the answers changes nothing on the hosts. A change that was taken back left them byte for byte as they were.`
