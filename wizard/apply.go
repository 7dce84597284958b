package wizard

import (
	"errors"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"postern/report"
	"postern/run"
	"postern/steps"
	"postern/wizard/draw"
)

// applyPage shows what is being done: how far it is on each host, what was said last, and what the hosts do by themselves if
// nobody confirms it. When it did not work it says what became of it, and what can be done now.
type applyPage struct {
	*board
	job    job
	began  time.Time // zero until the engine begins
	heard  time.Time // when something was last said
	offer  *run.Proposal
	before []draw.Line // what was prepared
	works  []*work     // one for each host that is changed now
	asked  bool        // what works now is being asked, or was
	proofs int         // how often the checks were asked over new logins
	warn   steps.Event
	said   []steps.Event // what is no change's beginning: output, and what happened
	from   int           // where in it the changes at hand begin
	split  draw.Split
	still  bool // the operator scrolls the list
	back   bool // the operator scrolls what was said
	done   *doneMsg
	now    draw.Split // what can be done now
	look   bool       // a look was asked for, to see why the plan is refused
}

// mostSaid is how much of what was said is kept, in lines; the log has all of it.
const mostSaid = 500

func newApply(b *board, j job) page { return &applyPage{board: b, job: j} }

// Update follows the engine.
func (p *applyPage) Update(m tea.Msg) tea.Msg {
	switch m := m.(type) {
	case startedMsg:
		if m.job.changes() && p.done == nil {
			p.began, p.heard = m.at, m.at
		}
	case eventMsg:
		if p.done == nil {
			p.event(m.event)
		}
	case tickMsg:
		if p.front != page(p) {
			p.heard = p.o.Clock() // it waits for the operator, not for a host
		}
	case proposalMsg:
		if p.done == nil {
			p.offered(m)
		}
	case doneMsg:
		return p.ended(m)
	case tea.KeyPressMsg:
		if p.done != nil {
			return p.choose(m.String())
		}
		return p.press(m.String())
	}
	return nil
}

// press is a key while it runs.
func (p *applyPage) press(key string) tea.Msg {
	switch key {
	case "esc":
		if p.offer == nil {
			return all{dropMsg{}, backMsg{}}
		}
		return noteMsg("the hosts are being changed: c stops after this action, and nothing of it is kept")
	case "c":
		if !p.stopping && p.changing() {
			return haltMsg{}
		}
	case "pgup", "pgdown":
		p.split.Key(key, 1)
		p.back = p.split.Offset < p.split.Most
	case "up", "k", "down", "j", "home", "end":
		rows, at := p.actions(80)
		if !p.still {
			p.split.Picked = at
		}
		p.split.Key(key, len(rows))
		p.still = key != "end"
	}
	return nil
}

// ended takes the end of the job.
func (p *applyPage) ended(m doneMsg) tea.Msg {
	if p.look && m.job.verb == look {
		p.look = false
		if pr := m.proposal; m.err == nil && pr != nil && len(pr.Refused())+len(pr.LockOut()) > 0 {
			return replaceMsg{p, newReview(p.board, proposalMsg{job: p.job, proposal: pr})}
		}
		return nil
	}
	if p.done != nil || !m.job.changes() || m.job.verb != p.job.verb {
		return nil
	}
	switch out := m.outcome; {
	case m.err == nil && out.Declined:
		return all{leaveMsg{p}, noteMsg("nothing was changed; your answers are kept")}
	case m.err == nil && p.job.verb == apply && out.Empty:
		return all{replaceMsg{p, newProve(p.board, p.job.steps)}, noteMsg("nothing to change: it is in place; its checks were asked")}
	case m.err == nil && p.job.verb == apply:
		return replaceMsg{p, newProve(p.board, p.job.steps)}
	}
	p.done, p.now, p.split = &m, draw.Split{}, draw.Split{}
	if errors.Is(m.err, run.ErrRefused) && p.offer == nil && p.job.verb == apply {
		p.look = true
		return job{verb: look, steps: p.job.steps}
	}
	return nil
}

// View shows how far it is, or how it ended.
func (p *applyPage) View(width, height int) view {
	if p.done != nil {
		return p.viewEnd(width, height)
	}
	v := view{title: p.titled(p.job.steps, string(p.job.verb)), holds: true, help: applyHelp,
		keys: []key{{"c", "stop after this action"}, {"pgup/pgdn", "output"}}}
	if p.log() != "" {
		v.keys = append(v.keys, key{"l", "log"})
	}
	if len(p.said) > 0 {
		v.text = p.spoken
	}
	v.pinned = p.safety(width)
	if most := max(1, height/2); len(v.pinned) > most {
		v.pinned = v.pinned[len(v.pinned)-most:]
	}
	rows, at := p.actions(width)
	if p.still {
		at = p.split.Picked
	}
	if !p.back {
		p.split.Offset = len(p.said) * 4 // the end
	}
	v.lines = append(v.lines, p.progress(width))
	v.lines = append(v.lines, p.split.Draw(rows, at, "output", p.output(width), width, height-len(v.pinned)-1)...)
	return v
}

// progress is how far each host is, and how long it all took so far.
func (p *applyPage) progress(width int) draw.Line {
	text := ""
	for _, w := range p.works {
		text += fmt.Sprintf("  %s %d of %d", w.host, w.finished(), len(w.changes))
	}
	if text == "" {
		text = "  looking at the hosts; nothing is changed yet"
	}
	total := ""
	if !p.began.IsZero() {
		total = clock(p.o.Clock().Sub(p.began))
	}
	return draw.Row(draw.Text(draw.Strong, draw.Pad(text[1:], max(0, width-len(total)-1))), draw.Text(draw.Strong, total))
}

// safety is what the hosts do by themselves, and whether anything is heard of them.
func (p *applyPage) safety(width int) []draw.Line {
	var lines []draw.Line
	tight := p.height-chrome < 12
	if warning := " [warn] " + draw.Readable(report.Doing(p.warn)); p.warn.Text != "" && tight {
		lines = append(lines, draw.Say(draw.Amber, "%s", draw.Short(warning, width)))
	} else if p.warn.Text != "" {
		lines = append(lines, draw.Prose(draw.Amber, warning, width-1)...)
	}
	if silent := p.o.Clock().Sub(p.heard); !p.heard.IsZero() && silent >= 10*time.Second {
		lines = append(lines, draw.Say(draw.Plain, " still working: silent for %d s", int(silent.Seconds())))
	}
	if text := p.promise(tight); text != "" {
		lines = append(lines, draw.Prose(draw.Strong, " "+text, width-1)...)
	}
	if p.stopping && p.notice == "" {
		lines = append(lines, draw.Prose(draw.Amber, " Stopping after this action; what is not confirmed is taken back.", width-1)...)
	}
	if log := p.log(); log != "" && p.height-chrome >= 16 {
		lines = append(lines, draw.Say(draw.Plain, "%s", " log: "+draw.Middle(log, width-7)))
	}
	return lines
}

// promise says what the hosts do if this program or the link dies now; in few words where rows are rare.
func (p *applyPage) promise(tight bool) string {
	if p.offer == nil || len(p.works) == 0 {
		return ""
	}
	var left []string
	var first, last time.Duration
	kept := 0
	for _, w := range p.works {
		if w.kept {
			kept++
		}
		if w.kept || w.gone || w.armed.IsZero() {
			continue
		}
		rest := max(0, w.armed.Add(p.offer.Guard).Sub(p.o.Clock()))
		if left == nil {
			first = rest
		}
		first, last = min(first, rest), max(last, rest)
		left = append(left, fmt.Sprintf("%s in %s", w.host, clock(rest)))
	}
	long, brief := "Safety: every host arms its guard before it changes anything.", "Each host arms its guard first."
	switch {
	case p.offer.Last:
		long, brief = "Safety: what fails is undone by the host itself. A lost link does not end it.", "What fails is undone by the host."
	case p.offer.Inert:
		long, brief = "Safety: nothing that runs is changed. A lost link does not end it; it can be begun again.", "Nothing that runs is changed."
	case len(left) > 0:
		long, brief = "Safety: if this program or the link dies, the change is taken back by itself: "+strings.Join(left, ", ")+".", "Taken back by itself in "+clock(last)+"."
		if len(left) > 1 && last-first < together {
			long = "Safety: if this program or the link dies, the hosts take it back by themselves in " + clock(last) + "."
		}
	case kept > 0:
		long, brief = "Kept: the hosts confirmed it over the new logins.", "Kept."
	}
	if tight {
		return brief
	}
	return long
}

// together is how far apart two hosts may be for one time to be said of both.
const together = 5 * time.Second

const applyHelp = `What is being done, change by change, and below what the hosts say. Each host arms a guard first: unless a new login works and the checks prove the change, it takes everything back by itself.
c stops after the action at work; what is not confirmed is taken back. If the link is lost, nothing is lost: the host goes back by itself, and the next run reads what it did.`
