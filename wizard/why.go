package wizard

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"postern/checks/path"
	"postern/remote"
	"postern/report"
	"postern/site"
	"postern/wizard/draw"
)

// why follows a port's packets; the job's step is the port.
const why verb = "why"

// whyPage says what will be done to find out why a port does not answer, and then where its packets end.
type whyPage struct {
	*board
	port  site.Service
	asked bool
	done  *doneMsg
}

// openWhy opens it for the port that a check is about.
func openWhy(b *board, id string) tea.Msg {
	port, err := path.Named(b.site(), path.About(b.site(), id))
	if err != nil {
		return noteMsg("this is about no single port: ask 'postern why PORT'")
	}
	return openMsg{&whyPage{board: b, port: port}}
}

// follow is the engine's part.
func (e *engine) follow(ctx context.Context, j job, done *doneMsg) {
	port, err := path.Named(j.site, j.steps[0])
	if err != nil {
		done.err = err
		return
	}
	done.found, done.err = e.runner.Why(ctx, port, e.names)
}

// Update takes keys, and what was found.
func (p *whyPage) Update(m tea.Msg) tea.Msg {
	switch m := m.(type) {
	case doneMsg:
		if p.asked && m.job.verb == why {
			p.asked, p.done = false, &m
		}
	case tea.KeyPressMsg:
		return pressed(p.choices(), m.String())
	}
	return nil
}

func (p *whyPage) choices() []choice {
	ask := func() tea.Msg {
		if p.changing() || p.asked {
			return noteMsg("one moment: the hosts are being asked or changed")
		}
		p.asked = true
		return job{verb: why, steps: []string{p.name()}}
	}
	if p.done == nil {
		return []choice{{key{"enter", "find out"}, ask}}
	}
	return []choice{{key{"r", "ask again"}, ask}, {key{"y", "copy what to do"}, func() tea.Msg {
		for _, d := range p.done.found {
			if d.Action != "" {
				return copied(d.Action)
			}
		}
		return noteMsg("there is nothing to do")
	}}}
}

func (p *whyPage) name() string { return path.Word(p.port) }

// View tells all of it.
func (p *whyPage) View(width, height int) view {
	v := view{title: "why", keys: keysOf(p.choices()), help: whyHelp}
	v.add(draw.Say(draw.Strong, " Where do the packets of %s end?", path.Called(p.port)), draw.Line{})
	switch {
	case p.asked:
		v.add(draw.Inset(draw.Plain, "Finding out; it takes some seconds. "+report.Doing(p.last), width)...)
	case p.done == nil:
		v.add(draw.Inset(draw.Plain, "To find out, this program will:", width)...)
		for _, one := range path.Says(p.port) {
			v.add(draw.Inset(draw.Plain, "- "+one, width)...)
		}
	case p.done.err != nil:
		v.add(draw.Inset(draw.Bad, remote.Words(p.done.err), width)...)
	default:
		for _, d := range p.done.found {
			v.add(draw.Report(report.Why(d), width)...)
			v.add(draw.Line{})
		}
	}
	v.reads(p.board, p, height)
	return v
}

const whyHelp = `The packets of one port are followed hop by hop: from here to the provider, through the proxy's firewall and the tunnel, to who should take them.
The first hop that breaks is marked, with what is so in one line and the one thing to do. Nothing is changed by asking.`
