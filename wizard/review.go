package wizard

import (
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"postern/remote"
	"postern/report"
	"postern/steps"
	"postern/wizard/draw"
)

// reviewPage shows every change that would be made, and asks whether to make them: the very values that are run. It answers
// the engine, which waits. One whose answer is nil only shows a plan that must not be done as it is, and why.
type reviewPage struct {
	*board
	m       proposalMsg
	entries []reviewed
	split   draw.Split
	mode    reviewMode
	typed   *draw.Editor // of the risk's name
	wrong   string
	over    bool // the engine has its answer

	drawn struct { // the details as they were laid out last
		of, width int
		lines     []draw.Line
	}
}

// reviewMode is what of the review is on the screen.
type reviewMode int

const (
	reading  reviewMode = iota
	wayBack             // what to type on the console if all else fails, before the first risk
	accepted            // the name of a risk is being typed
)

// reviewed is one entry of the list: a change, or what they are all about.
type reviewed struct {
	host   string
	inert  bool
	n      int            // counted per host; 0 is what they are all about
	change *remote.Change // nil for that
	added  int            // lines of its file
	gone   int
}

func newReview(b *board, m proposalMsg) page {
	p := &reviewPage{board: b, m: m, entries: []reviewed{{}}}
	for _, part := range m.parts() {
		for i, c := range part.Changes {
			r := reviewed{host: part.Host, inert: part.Inert, n: i + 1, change: &c}
			for _, l := range report.Change(c, "") {
				switch l.Style {
				case report.Good:
					r.added++
				case report.Bad:
					r.gone++
				}
			}
			p.entries = append(p.entries, r)
		}
	}
	return p
}

// parts are the changes that are asked about: the preparations, or else everything else. A plan that is only shown, and an
// undo, have both.
func (m proposalMsg) parts() []steps.Part {
	p := m.proposal
	switch {
	case p.Undo:
		return append(p.Parts(false), p.Parts(true)...)
	case m.answer == nil:
		return append(p.Parts(true), p.Parts(false)...)
	}
	return p.Parts(p.Inert)
}

// Update takes keys, and goes away when the engine does not wait any more.
func (p *reviewPage) Update(m tea.Msg) tea.Msg {
	switch m := m.(type) {
	case doneMsg:
		if !p.over && p.m.answer != nil {
			p.over = true
			return leaveMsg{p}
		}
	case tea.PasteMsg:
		if p.mode == accepted {
			text, _ := draw.Pasted(m.Content)
			p.typed.Update(tea.PasteMsg{Content: text})
		}
	case tea.KeyPressMsg:
		switch p.mode {
		case accepted:
			return p.typeRisk(m)
		case wayBack:
			return p.beforeRisk(m.String())
		}
		if p.split.Key(m.String(), len(p.entries)) {
			return nil
		}
		switch m.String() {
		case "esc":
			p.say(false)
			return backMsg{}
		case "a": // also where it is not offered: then it says why
			return p.agree()
		case "enter":
			return noteMsg("enter agrees to nothing here: a applies what is shown, esc says no")
		}
		return pressed(p.choices(), m.String())
	}
	return nil
}

// choices are what can be done with what is shown.
func (p *reviewPage) choices() []choice {
	var list []choice
	pr := p.m.proposal
	switch {
	case p.m.answer != nil:
		list = []choice{{key{"a", "apply"}, p.agree}}
	case len(pr.LockOut()) > 0 && len(pr.Refused()) == 0:
		list = []choice{{key{"a", "take the risk"}, p.agree}}
	}
	if !pr.Undo {
		list = append(list, choice{key{"e", "edit answers"}, func() tea.Msg { p.say(false); return chapterMsg{p.stepAt(), true} }})
	}
	return append(list, choice{key{"s", when(p.o.Write == nil && p.o.Script != nil, "read the script", "save as script")}, p.saveScript})
}

// saveScript writes what is shown into a file to be run by hand, or, where no files are written, has it read.
func (p *reviewPage) saveScript() tea.Msg {
	script, proposal := p.o.Script, p.m.proposal
	switch {
	case script == nil:
		return noteMsg(p.unsaved("'postern plan --script' prints the script"))
	case p.o.Write != nil:
		return p.write("postern-plan.sh", func() ([]byte, error) { return script(proposal) })
	}
	return tea.Cmd(func() tea.Msg {
		body, err := script(proposal)
		if err != nil {
			return noteMsg("there is no script: " + remote.Words(err))
		}
		return readMsg{title: "script", text: []report.Line{{Text: string(body)}}}
	})
}

// stepAt is the chapter of the chosen change, or the first one asked about.
func (p *reviewPage) stepAt() string {
	if c := p.entries[p.split.Picked].change; c != nil && c.Step != "" {
		return c.Step
	}
	if len(p.m.job.steps) > 0 {
		return p.m.job.steps[0]
	}
	return p.chapters[0].step.ID
}

// say answers the engine.
func (p *reviewPage) say(yes bool) {
	if !p.over && p.m.answer != nil {
		p.m.answer(yes)
	}
	p.over = true
}

// agree says yes, once the way back of every host at risk was shown, or asks for the risk by its name.
func (p *reviewPage) agree() tea.Msg {
	switch {
	case len(p.m.proposal.Refused()) > 0:
		return noteMsg("this cannot be applied: " + p.m.proposal.Refused()[0])
	case p.m.answer == nil && len(p.m.proposal.LockOut()) > 0:
		p.mode, p.typed, p.wrong = accepted, draw.NewEditor(p.theme, "", nil, false), ""
		return nil
	case p.m.answer == nil || p.over:
		return nil
	case len(p.untold()) > 0:
		p.mode = wayBack
		return nil
	}
	p.say(true)
	return backMsg{}
}

// untold are the hosts that may be cut off and whose way back was not shown yet.
func (p *reviewPage) untold() []string {
	var hosts []string
	for _, part := range p.m.parts() {
		if report.Risky(part) && !p.rescued[part.Host] && !slices.Contains(hosts, part.Host) {
			hosts = append(hosts, part.Host)
		}
	}
	return hosts
}

// beforeRisk is a key while the way back is shown.
func (p *reviewPage) beforeRisk(key string) tea.Msg {
	switch key {
	case "esc":
		p.mode = reading
	case "a": // pressed twice, it must not pass what stands here
		return noteMsg("read this first: enter applies it")
	case "enter":
		p.mode = reading
		hosts := p.untold()
		p.say(true)
		return all{rescueMsg(hosts), backMsg{}}
	case "x", "s":
		text := report.Text(p.rescue())
		return p.write("postern-way-back.txt", func() ([]byte, error) { return []byte(text), nil })
	case "y":
		return copied(report.Text(p.rescue()))
	}
	return nil
}

func (p *reviewPage) rescue() []report.Line {
	var lines []report.Line
	for _, host := range p.untold() {
		lines = append(lines, report.WayBack(p.m.proposal, host, nil)...)
	}
	return lines
}

// typeRisk is a key while a risk's name is typed: only the whole name takes it.
func (p *reviewPage) typeRisk(m tea.KeyPressMsg) tea.Msg {
	switch m.String() {
	case "esc":
		p.mode = reading
	case "enter":
		if p.typed.Value != string(remote.LoseSSH) {
			p.wrong = fmt.Sprintf("Type %s, letter by letter, or esc.", remote.LoseSSH)
			return nil
		}
		j := job{verb: p.m.job.verb, steps: p.m.job.steps, accept: []string{string(remote.LoseSSH)}}
		return all{replaceMsg{p, newApply(p.board, j)}, j}
	default:
		p.wrong = ""
		p.typed.Update(m)
	}
	return nil
}
