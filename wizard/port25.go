package wizard

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"postern/checks"
	"postern/remote"
	"postern/report"
	"postern/steps"
	"postern/wizard/draw"
)

// port25Page is the checklist of outgoing port 25: what stands, what was measured, the letter, and how far asking came.
type port25Page struct {
	*board
	ticket *draw.Editor // the number that is typed; nil when none is
}

// openPort25 shows it, and measures where that was not done yet.
func openPort25(b *board) tea.Msg {
	p := &port25Page{board: b}
	if out, _ := report.Outbound(p.asked()); out.ID != "" || b.busy != nil || !b.enough() {
		return openMsg{p}
	}
	return all{openMsg{p}, measurePort25}
}

var measurePort25 = job{verb: check, steps: report.Port25Checks}

// asked is what its checks said last, in the checklist's order.
func (p *port25Page) asked() (list []checks.Result) {
	known := slices.SortedFunc(maps.Values(p.results), func(a, b checks.Result) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.From, b.From)) })
	for _, id := range report.Port25Checks {
		for _, r := range known {
			if r.ID == id || strings.HasPrefix(r.ID, id+".") {
				list = append(list, r)
			}
		}
	}
	return list
}

func (p *port25Page) letter() steps.Task { return report.Port25Letter(p.site(), p.asked()) }

// Update takes keys.
func (p *port25Page) Update(m tea.Msg) tea.Msg {
	switch m := m.(type) {
	case doneMsg:
		if today := p.o.Clock().Format(time.DateOnly); m.job.verb == check && m.err == nil && report.Port25Open(m.results) && p.file.Site.Port25.Opened != today {
			return p.keep("measured open, and noted", [2]string{"port25.opened", today})
		}
	case tea.PasteMsg:
		if p.ticket != nil {
			text, _ := draw.Pasted(m.Content)
			p.ticket.Update(tea.PasteMsg{Content: text})
		}
	case tea.KeyPressMsg:
		return p.press(m)
	}
	return nil
}

func (p *port25Page) press(m tea.KeyPressMsg) tea.Msg {
	press := m.String()
	if p.ticket != nil {
		switch press {
		case "esc":
			p.ticket = nil
		case "enter":
			number, now := strings.TrimSpace(p.ticket.Value), p.file.Site.Port25
			p.ticket = nil
			return p.keep("noted", [2]string{"port25.ticket", number}, [2]string{"port25.asked", cmp.Or(now.Asked, p.o.Clock().Format(time.DateOnly))})
		default:
			p.ticket.Update(m)
		}
		return nil
	}
	switch press {
	case "esc":
		return backMsg{}
	case "m":
		if !p.enough() {
			return noteMsg("first say how the hosts are reached: chapter 1")
		}
		return measurePort25
	case "n":
		p.ticket = draw.NewEditor(p.theme, p.file.Site.Port25.Ticket, nil, false)
	case "y", "x":
		letter := p.letter()
		if strings.TrimSpace(letter.Copy) == "" {
			return noteMsg("there is no letter: what this provider's pages say stands above")
		}
		if press == "y" {
			return copied(strings.TrimSpace(letter.Copy))
		}
		return p.write("port25.txt", func() ([]byte, error) { return []byte(letter.Copy), nil })
	}
	return nil
}

// keep keeps answers, and says so.
func (p *port25Page) keep(said string, pairs ...[2]string) tea.Msg {
	return answerMsg{pairs, func(err error) tea.Msg {
		if err != nil {
			return noteMsg(p.titles(remote.Words(err)))
		}
		return noteMsg(said)
	}}
}

// View is the checklist.
func (p *port25Page) View(width, height int) view {
	v := view{title: "port 25", help: port25Help, holds: true, typing: p.ticket != nil,
		keys: []key{{"m", "measure"}, {"y", "copy"}, {"n", "note ticket"}, {"x", "save"}}}
	if p.ticket != nil {
		v.keys = []key{{"enter", "keep"}}
		v.pinned = []draw.Line{draw.Row(draw.Text(draw.Strong, " Its number for what you asked, or nothing: "), p.ticket.Draw(max(10, width-46)))}
	} else if p.asking() {
		v.pinned = []draw.Line{draw.Say(draw.Plain, " measuring: %s", clock(p.elapsed()))}
	}
	results := p.asked()
	if len(results) == 0 {
		v.add(draw.Prose(draw.Plain, "Nothing was measured yet: m greets mail servers of different operators from the host that sends, and asks the DNS. No mail is sent.", width-1)...)
		return v
	}
	lines := report.Port25(p.site(), results, p.letter(), p.o.Clock())
	v.add(draw.Report(lines, width-1)...)
	v.text = func() []report.Line { return lines }
	return v
}

const port25Help = `Whether outgoing port 25 is open, who keeps it back, and what the provider is asked.
What providers want to see first stands at the top; then what was measured of the port; then the letter, with your names and what was measured. When it is open, the measurement says so, and nothing else does: m asks again, and 'postern port25 --watch' asks every few minutes.
n keeps the number that the provider gave to what you asked, and the day.`
