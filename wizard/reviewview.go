package wizard

import (
	"fmt"

	"postern/remote"
	"postern/report"
	"postern/wizard/draw"
)

// View shows the changes by host, and all about the chosen one below.
func (p *reviewPage) View(width, height int) view {
	switch p.mode {
	case wayBack:
		return p.viewWayBack(width)
	case accepted:
		return p.viewRisk(width)
	}
	v := view{title: p.titled(p.m.job.steps, "review"), holds: true, help: reviewHelp,
		keys: append(keysOf(p.choices()), key{"up/down", "change"}, key{"pgup/pgdn", "details"})}
	last := " Nothing is done until you press a."
	switch {
	case len(p.m.proposal.Refused()) > 0:
		last = " This cannot be applied as it is: e changes the answers."
	case p.m.answer == nil:
		last = " Nothing was changed: it would lock you out. e changes the answers."
	}
	if height >= 12 {
		v.pinned = draw.Prose(draw.Strong, last, width-1)
	}
	where := "all of it"
	if at := p.split.Picked; at > 0 {
		where = fmt.Sprintf("change %d of %d", at, len(p.entries)-1)
	}
	v.text = p.whole
	rows, at := p.rows(width)
	v.lines = p.split.Draw(rows, at, where, p.details(width), width, height-len(v.pinned))
	return v
}

// rows is the list, and the row of the chosen entry.
func (p *reviewPage) rows(width int) (rows []draw.Line, at int) {
	last := reviewed{}
	for i, e := range p.entries {
		if e.host != last.host || e.inert != last.inert {
			rows = append(rows, p.hostRow(e, width))
		}
		last = e
		chosen := i == p.split.Picked
		if chosen {
			at = len(rows)
		}
		l := p.about(width)
		if e.change != nil {
			l = e.row(width)
		}
		rows = append(rows, draw.Pick(l, chosen))
	}
	return rows, at
}

func (p *reviewPage) hostRow(e reviewed, width int) draw.Line {
	name, words := e.host, ""
	if h := p.m.proposal.Site.Host(name); h != nil {
		if words = h.SSH; h.Public4.IsValid() {
			words = h.Public4.String()
		}
		if h.Local {
			words = "this machine"
		}
	}
	switch {
	case e.inert && p.m.proposal.Undo:
		words = "afterwards, without a guard"
	case e.inert && p.m.answer == nil:
		words = "preparations"
	}
	return draw.Row(draw.Text(draw.Strong, " "+name), draw.Text(draw.Plain, "  "+draw.Middle(words, width-len(name)-3)))
}

// about is the first entry: what the changes are.
func (p *reviewPage) about(width int) draw.Line {
	n, hosts := len(p.entries)-1, map[string]bool{}
	for _, e := range p.entries[1:] {
		hosts[e.host] = true
	}
	text := report.Plural(n, "change") + " on " + report.Plural(len(hosts), "host")
	s := draw.Strong
	switch pr := p.m.proposal; {
	case len(pr.Refused()) > 0:
		s, text = draw.Bad, "[FAIL] refused: why"
	case len(pr.LockOut()) > 0:
		s, text = draw.Bad, "[FAIL] you would be locked out: why"
	case pr.Undo:
		text = "Taking back: " + text
	case pr.Last:
		text = "Afterwards: " + text
	case pr.Inert:
		text = "Preparations: " + text
	default:
		text = "Guarded: " + text
	}
	if notes := len(p.notes()); notes > 0 {
		text += ", " + report.Plural(notes, "note")
	}
	return draw.Say(s, "%s", draw.Short(text, width-2))
}

// notes are those that were found with the plan.
func (p *reviewPage) notes() []report.Line {
	var lines []report.Line
	for _, plan := range p.m.proposal.Plans {
		lines = append(lines, report.Notes(plan, nil)...)
	}
	return lines
}

// row is one change in one row: what kind it is, what it risks, what it does, and how many lines of its file change.
func (e reviewed) row(width int) draw.Line {
	risk, count := "", ""
	switch e.change.Risk {
	case remote.LoseSSH:
		risk = "[SSH] "
	case remote.LoseMail:
		risk = "[mail] "
	}
	if e.added+e.gone > 0 {
		count = fmt.Sprintf(" +%d -%d ", e.added, e.gone)
	}
	head := fmt.Sprintf("%2d %s ", e.n, sign(*e.change))
	room, title := width-len(head)-len(risk)-2, draw.Readable(e.change.Title)
	if draw.Columns(title) <= room-len(count) {
		title = draw.Pad(title, room-len(count)) + count
	}
	return draw.Row(draw.Text(draw.Plain, head), draw.Text(draw.Amber, risk), draw.Text(draw.Plain, draw.Short(title, room)))
}

// sign is what a change does to a file: + a new one, ~ another text, - away with it; ! runs something only.
func sign(c remote.Change) string {
	switch {
	case c.Path == "":
		return "!"
	case c.Old == nil:
		return "+"
	case c.New == nil:
		return "-"
	}
	return "~"
}

// details is all about the chosen entry.
func (p *reviewPage) details(width int) []draw.Line {
	d := &p.drawn
	if d.lines != nil && d.of == p.split.Picked && d.width == width {
		return d.lines
	}
	lines := p.aboutAll()
	if e := p.entries[p.split.Picked]; e.change != nil {
		lines = e.told("o shows all of them")
	}
	d.of, d.width, d.lines = p.split.Picked, width, draw.Report(lines, width)
	return d.lines
}

// told is all there is to know of a change, of long commands the beginning and who has the rest.
func (e reviewed) told(rest string) []report.Line {
	lines := []report.Line{{Style: report.Strong, Prose: true, Text: fmt.Sprintf("%d. [%s] %s", e.n, e.change.Step, e.change.Title)}}
	if risk := report.Risk(*e.change); risk != "" {
		lines = append(lines, report.Line{Style: report.Amber, Prose: true, Text: "risk: " + risk})
	}
	return append(lines, report.Change(*e.change, rest)...)
}

// whole is the chosen change with nothing left out, or, where that is what they are all about, every one of them.
func (p *reviewPage) whole() []report.Line {
	if e := p.entries[p.split.Picked]; e.change != nil {
		return e.told("")
	}
	lines := p.aboutAll()
	for _, e := range p.entries[1:] {
		lines = append(append(lines, report.Line{}, report.Line{Style: report.Strong, Text: e.host}), e.told("")...)
	}
	return lines
}

// aboutAll is what is to be known of all changes together.
func (p *reviewPage) aboutAll() []report.Line {
	pr := p.m.proposal
	lines := report.Objections(pr)
	if p.m.answer == nil && len(pr.LockOut()) > 0 && len(pr.Refused()) == 0 {
		lines = append(lines, report.Line{Prose: true, Text: "Admit the address you come from: e changes the answers. Or, if you have another way in, take the risk: a asks for its name."})
	}
	if len(p.entries) > 1 {
		lines = append(append(lines, report.After(pr)...), report.Heading(pr, pr.Inert))
	}
	lines = append(append(lines, p.notes()...), report.Later(pr)...)
	for _, part := range p.m.parts() {
		if !pr.Inert && report.Risky(part) {
			lines = append(lines, report.WayBack(pr, part.Host, nil)...)
		}
	}
	return lines
}

func (p *reviewPage) viewWayBack(width int) view {
	v := view{title: p.titled(p.m.job.steps, "before this"), holds: true, help: reviewHelp,
		keys: []key{{"enter", "apply now"}, {"x", "save this"}, {"y", "copy"}}}
	v.lines = draw.Prose(draw.Strong, "One of these changes may cut SSH. The host takes it back by itself if no new login works. Keep this for the case that all else fails; it is shown once.", width-1)
	v.lines = append(v.lines, draw.Report(p.rescue(), width-1)...)
	v.pinned = draw.Prose(draw.Strong, "enter applies it now", width-1)
	v.text = p.rescue
	return v
}

func (p *reviewPage) viewRisk(width int) view {
	v := view{title: "a risk", holds: true, typing: true, help: reviewHelp, keys: []key{{"enter", "take the risk"}}}
	v.lines = draw.Report(report.Objections(p.m.proposal), width-1)
	v.lines = append(v.lines, draw.Line{})
	v.lines = append(v.lines, draw.Prose(draw.Plain, fmt.Sprintf("Only the host's own guard, or its console, brings you back then. To take this risk, type its name, %s:", remote.LoseSSH), width-1)...)
	v.lines = append(v.lines, draw.Line{}, draw.Row(draw.Text(draw.Strong, "> "), p.typed.Draw(width-4)))
	v.focus = len(v.lines) - 1
	if p.wrong != "" {
		v.pinned = draw.Prose(draw.Bad, p.wrong, width-1)
	}
	return v
}

const reviewHelp = `Every change that would be made, by host, and all about the chosen one below: why, the file before and after, what is run, and how it is undone. What is shown is the very value that is run.
+ a new file   ~ a file changes   - a file goes   ! something is run, no file changes
[SSH] may cut SSH, and the host takes it back by itself   [mail] mail may pause for a moment
Preparations change nothing that runs, such as packages and key files, and are asked about first. Guarded changes are taken back by the host itself unless a new login and the checks prove them.
esc says no: nothing is changed, and the answers are kept. The script has the same changes to read, and to run by hand, where nobody guards you.`
