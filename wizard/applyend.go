package wizard

import (
	"context"
	"errors"
	"strings"

	tea "charm.land/bubbletea/v2"

	"postern/checks"
	"postern/remote"
	"postern/report"
	"postern/run"
	"postern/wizard/draw"
)

// choice is one thing that can be done now.
type choice struct {
	press, does string
	do          func() tea.Cmd
}

// choices are what can be done after the end. There is always a way on.
func (p *applyPage) choices() []choice {
	err := p.done.err
	if err == nil {
		return []choice{{"enter", "go on", func() tea.Cmd { return p.leave(p) }}}
	}
	list := []choice{{"r", "try again", func() tea.Cmd { return p.again(nil) }}}
	if p.job.verb == apply && len(p.job.steps) > 0 {
		list = append(list, choice{"e", "edit the answers", func() tea.Cmd { return answersOf(p.job.steps[0]) }})
	}
	if errors.Is(err, remote.ErrLost) || p.offer == nil && !errors.Is(err, run.ErrRefused) && !errors.Is(err, context.Canceled) {
		list = append(list, choice{"w", "other ways in", func() tea.Cmd { return open(newWays(p.shell, p.missing())) }})
	}
	if n := notOK(p.done.results); n > 0 {
		list = append(list, choice{"c", "see the checks: " + report.Plural(n, "finding"), func() tea.Cmd { return open(newProve(p.shell, p.job.steps)) }})
	}
	var broke *run.Regression
	switch {
	case errors.As(err, &broke):
		list = append(list, choice{"m", "I mean it: apply all the same", func() tea.Cmd { return p.again(broke.IDs()) }})
	case p.job.verb == apply && p.left():
		list = append(list, choice{"u", "undo the chapter", func() tea.Cmd {
			j := job{verb: undo, steps: p.job.steps}
			return begin(replace(newApply(p.shell, j)), p.doJob(j))
		}})
	}
	return list
}

// left says whether something of the change may be on the hosts.
func (p *applyPage) left() bool {
	err := p.done.err
	return err != nil && !errors.Is(err, run.ErrRolledBack) && !errors.Is(err, run.ErrRefused) && p.offer != nil && !p.preparing()
}

// preparing says whether nothing but preparations was asked about.
func (p *applyPage) preparing() bool { return p.offer != nil && p.offer.Inert }

func notOK(results []checks.Result) int {
	n := 0
	for _, r := range results {
		if r.Outcome != checks.OK && r.Outcome != checks.Skip {
			n++
		}
	}
	return n
}

// again does the same job anew, with risks that were taken by their names.
func (p *applyPage) again(accept []string) tea.Cmd {
	if p.busy != nil {
		return note("one moment: the hosts are being talked to")
	}
	j := job{verb: p.job.verb, steps: p.job.steps, accept: append(accept, p.job.accept...)}
	return begin(replace(newApply(p.shell, j)), p.doJob(j))
}

// choose is a key after the end.
func (p *applyPage) choose(press string) tea.Cmd {
	list := p.choices()
	switch press {
	case "up", "k", "shift+tab":
		p.picked = max(0, p.picked-1)
	case "down", "j", "tab":
		p.picked = min(len(list)-1, p.picked+1)
	case "enter":
		return list[p.picked].do()
	}
	for _, c := range list {
		if c.press == press {
			return c.do()
		}
	}
	return nil
}

// viewEnd says how it ended, why, and what can be done now.
func (p *applyPage) viewEnd(width, height int) view {
	v := view{title: p.titled(p.job, when(p.offer == nil, "not begun", string(p.job.verb)+" ended")), help: endHelp}
	word, s := p.verdict()
	v.lines = append(v.lines, draw.Inset(s, word, width)...)
	for _, e := range p.said {
		if e.Kind == "rollback" || e.Kind == "confirm" {
			v.lines = append(v.lines, draw.Report(report.Event(e), width-1)...)
		}
	}
	if err := p.done.err; err != nil {
		v.lines = append(v.lines, draw.Line{})
		v.lines = append(v.lines, draw.Hanging("why", reason(err), 6, width)...)
		if !errors.Is(err, context.Canceled) && !p.preparing() {
			v.lines = append(v.lines, draw.Line{})
			v.lines = append(v.lines, advice(err, width)...)
		}
	} else {
		v.lines = append(v.lines, draw.Report(report.Later(p.offer), width-1)...)
	}
	if lines := p.lastWords(width); p.done.err != nil && len(lines) > 0 {
		v.lines = append(v.lines, draw.Line{}, draw.Say(draw.Strong, " The last that the hosts said"))
		v.lines = append(v.lines, lines...)
	}
	if notOK(p.done.results) > 0 {
		v.lines = append(v.lines, draw.Report(report.Findings(p.done.results), width-1)...)
	}
	if p.o.Log != nil && p.o.Log() != "" {
		v.lines = append(v.lines, draw.Line{})
		v.lines = append(v.lines, draw.Prose(draw.Plain, " log of this run: "+p.o.Log(), width-1)...)
	}
	list := p.choices()
	if height >= 14 {
		v.pinned = append(v.pinned, draw.Line{}, draw.Say(draw.Strong, " What now"))
	}
	for i, c := range list {
		v.pinned = append(v.pinned, draw.Pick(draw.Row(draw.Text(draw.Strong, draw.Pad(c.press, 6)), draw.Text(draw.Plain, c.does)), i == p.picked))
	}
	v.keys = []key{{"enter", "do it"}, {"up/down", "choose"}}
	if len(list) == 1 {
		v.keys = []key{{list[0].press, list[0].does}}
	}
	return v
}

// reason is an error without the words that the verdict says already.
func reason(err error) string {
	text := err.Error()
	for _, known := range []error{run.ErrRolledBack, run.ErrRefused, run.ErrUntold} {
		text = strings.TrimPrefix(text, known.Error()+": ")
	}
	text = strings.ReplaceAll(text, ": "+context.DeadlineExceeded.Error(), "")
	return stopInWords(text)
}

// stopInWords says in an error's text who stopped it.
func stopInWords(text string) string {
	return strings.ReplaceAll(text, context.Canceled.Error(), "you stopped it")
}

// lastWords is what the hosts printed last.
func (p *applyPage) lastWords(width int) []draw.Line {
	var lines []draw.Line
	for _, e := range p.said[p.from:] {
		if e.Kind == "change" {
			lines = append(lines, draw.Report([]report.Line{{Text: "  " + eventWords(e)}}, width)...)
		}
	}
	return lines[max(0, len(lines)-20):]
}

// verdict is how it ended, in one sentence.
func (p *applyPage) verdict() (string, draw.Style) {
	err := p.done.err
	switch {
	case err == nil && p.done.outcome.Empty:
		return "[ok] Nothing of ours is there to take back.", draw.Good
	case err == nil:
		return "[ok] Taken back: confirmed over new logins.", draw.Good
	case errors.Is(err, run.ErrUntold):
		return "[unknown] The link broke while it was decided: what became of the change could not be seen. Each host has kept it or taken it back by itself.", draw.Amber
	case errors.Is(err, context.Canceled) && errors.Is(err, run.ErrRolledBack):
		return "[stop] Stopped, as you asked. The change was taken back; nothing of it is kept.", draw.Amber
	case errors.Is(err, context.Canceled) && errors.Is(err, run.ErrRefused), errors.Is(err, context.Canceled) && p.offer == nil:
		return "[stop] Stopped, as you asked. Nothing was changed.", draw.Amber
	case errors.Is(err, run.ErrRolledBack):
		return "[back] The change was taken back. Nothing of it is kept.", draw.Bad
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
	}
	return "[FAIL] It did not work.", draw.Bad
}

const endHelp = `How the change ended, what each host did, and why.
try again looks at the hosts first, so it can be pressed at any time. Editing the answers changes nothing on the hosts. A change that was taken back left them byte for byte as they were.`
