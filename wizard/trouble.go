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

// troublePage says why the hosts could not be looked at, and what can be done about it. It is never a dead end.
type troublePage struct {
	*board
	err    error
	looked bool // a look has ended since
}

// newTrouble is about an error; nil when a look that was asked for has not ended yet.
func newTrouble(b *board, err error) page {
	return &troublePage{board: b, err: err, looked: err != nil}
}

// Update follows the looks, and takes keys.
func (p *troublePage) Update(m tea.Msg) tea.Msg {
	switch m := m.(type) {
	case doneMsg:
		if m.job.verb != look || errors.Is(m.err, context.Canceled) {
			return nil
		}
		p.err, p.looked = m.err, true
		if m.err == nil && p.front == page(p) {
			return nextMsg{}
		}
	case tea.KeyPressMsg:
		switch m.String() {
		case "r", "enter":
			if p.busy != nil {
				return noteMsg("one moment: the hosts are being asked already")
			}
			return job{verb: look}
		case "e":
			return openMsg{newAsk(p.board, p.chapters[0].step.ID, "")}
		case "w":
			return openMsg{&waysPage{board: p.board, host: p.missing()}}
		case "a":
			if errors.Is(p.err, run.ErrStale) && p.o.Sites.Adopt != nil {
				return openSites(p.board)
			}
		}
	}
	return nil
}

// lastProven says until when the chapters worked, as the checks said before the program began; "" when they never did.
func (p *troublePage) lastProven() string {
	var names []string
	for _, c := range p.chapters {
		if at, whole := p.worked(c.step.ID); whole {
			names = append(names, c.step.Title+" (until "+p.date(at)+")")
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "By the checks asked last, this worked: " + strings.Join(names, ", ") + ". What has changed since, the hosts cannot say now."
}

// View says what is known of it.
func (p *troublePage) View(width, height int) view {
	v := view{title: "not reached", keys: []key{{"r", "try again"}, {"e", "answers"}, {"w", "ways in"}},
		help: "The hosts could not be looked at. Nothing was changed. What was said is above; the answers can be changed, the attempt repeated, or another way in be taken."}
	switch {
	case p.busy != nil || !p.looked:
		v.lines = append(v.lines, draw.Say(draw.Plain, " looking at the hosts  %s", clock(p.elapsed())))
		if p.last.Text != "" {
			v.lines = append(v.lines, draw.Prose(draw.Plain, " "+report.Doing(p.last), width)...)
		}
	case p.err == nil:
		v.lines = append(v.lines, draw.Say(draw.Good, " [ok] the hosts were looked at"))
	default:
		v.lines = append(v.lines, draw.Prose(draw.Bad, " [FAIL] the hosts could not be looked at; nothing was changed", width)...)
		v.lines = append(append(v.lines, draw.Line{}), draw.Inset(draw.Plain, remote.Words(p.err), width)...)
		if until := p.lastProven(); until != "" {
			v.lines = append(append(v.lines, draw.Line{}), draw.Inset(draw.Strong, until, width)...)
		}
		v.lines = append(append(v.lines, draw.Line{}), draw.Inset(draw.Plain, report.Advice(p.err), width)...)
		v.lines = append(v.lines, draw.Line{}, draw.Say(draw.Strong, " What now"))
		for _, k := range []key{{"r", "look again, when what is said above is mended"}, {"e", "change how the hosts are reached"},
			{"w", "take another way in: another destination, through the proxy, or what to type on the console"}} {
			v.lines = append(v.lines, draw.Hanging(k.press, k.does, 4, width)...)
		}
	}
	v.reads(p.board, p, height)
	return v
}
