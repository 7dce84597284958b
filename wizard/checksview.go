package wizard

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/report"
	"postern/steps"
	"postern/wizard/draw"
)

// View is the table, and all about the chosen row. A proof stands on its first finding until a person chooses.
func (p *checksPage) View(width, height int) view {
	results := p.shown()
	if !p.whole && !p.chose {
		p.split.Picked = firstBad(results)
	}
	list := p.entries()
	v := view{help: checkHelp, typing: p.filtering, holds: true, title: p.heading(width), pinned: p.state(),
		keys: append([]key{{"enter", when(p.whole, "chapter", "go on")}}, checkKeys...)}
	if !p.whole {
		v.keys = append(v.keys, key{"o", "all checks"})
		if len(p.tasks()) > 0 {
			v.keys = append(v.keys, key{"t", "tasks"})
		}
	}
	if !p.whole {
		v.pinned = append(v.pinned, p.conclusion(results, width)...)
		v.pinned = v.pinned[:min(len(v.pinned), max(1, height/3))]
	} else if len(v.pinned) == 0 && height >= 12 {
		v.pinned = p.conclusion(results, width)
	}
	if len(list) == 0 {
		v.lines = draw.Prose(draw.Plain, p.nothing(), width-1)
		return v
	}
	p.split.Pick(p.split.Picked, len(list))
	var rows []draw.Line
	for i, e := range list {
		rows = append(rows, draw.Pick(p.row(e, width), i == p.split.Picked))
	}
	if r := list[p.split.Picked].result; r != nil {
		if c, ok := checks.Of(r.ID); ok {
			v.help = report.CheckPage(c) + "\n" + checkHelp
		}
	}
	v.lines = p.split.Draw(rows, p.split.Picked, "", p.about(list[p.split.Picked], width), width, height-len(v.pinned))
	return v
}

// firstBad is the first failure in a table, or else the first that asks for somebody to look at it, or the first of all.
func firstBad(list []checks.Result) int {
	if i := slices.IndexFunc(list, func(r checks.Result) bool { return r.Outcome == checks.Fail }); i >= 0 {
		return i
	}
	return max(0, slices.IndexFunc(list, func(r checks.Result) bool { return report.Amiss(r) > 0 }))
}

// nothing is what stands in an empty table.
func (p *checksPage) nothing() string {
	switch {
	case p.filter != "":
		return "No check has these words. esc shows all."
	case p.busy != nil:
		return "The checks are being asked: each one from every place it must be asked from."
	}
	return "Nothing was asked yet: R asks."
}

// comesTo is what the results come to, by the worst of them; of a proof, and of all there is.
var comesTo = map[bool]map[checks.Outcome]string{
	false: {
		checks.Fail:    "Not proven: choose a [FAIL], f mends it. enter goes on all the same.",
		checks.Unknown: "Not all of it could be asked: that is not ok. enter goes on all the same.",
		checks.Warn:    "Proven, with a warning to read. enter goes on.",
		checks.OK:      "Proven. enter goes on.",
	},
	true: {
		checks.Fail:    "Something fails: choose it, f mends it.",
		checks.Unknown: "Not all of it could be asked: that is not ok.",
		checks.Warn:    "All that is measured works; there are warnings to read.",
		checks.OK:      "All that is measured is proven.",
	},
}

// conclusion is what the results come to, when all of a proof are there, and what is left for a person.
func (p *checksPage) conclusion(results []checks.Result, width int) []draw.Line {
	o, asked := worst(results)
	if !p.whole && (!asked || p.asking() || p.filter != "") {
		return nil
	}
	s := map[checks.Outcome]draw.Style{checks.Fail: draw.Bad, checks.Unknown: draw.Amber, checks.Warn: draw.Good, checks.OK: draw.Good, checks.Skip: draw.Good}[o]
	text := " " + cmp.Or(comesTo[p.whole][o], comesTo[p.whole][checks.OK])
	if !asked {
		text, s = " Nothing was asked yet: R asks all checks.", draw.Plain
	}
	switch n := len(p.tasks()); {
	case n > 0 && p.whole:
		text += " By hand: " + report.Plural(n, "task") + " left, not measured."
	case n > 0:
		text += " " + report.Plural(n, "task") + " for you: t."
	}
	return draw.Prose(s, text, width-1)
}

// row is one entry as far as the width goes: what a result came to is never left out.
func (p *checksPage) row(e entry, width int) draw.Line {
	room, from, took, saw := width-2-1-11, "", "", ""
	wide := width >= 54
	if e.task != nil {
		w, _ := p.taskWord(*e.task)
		if wide {
			from, room = "you    ", room-14
		}
		title := fmt.Sprintf("%d %s", p.chapter(e.step).step.Chapter, draw.Readable(e.task.Title))
		return draw.Row(draw.Text(draw.Plain, draw.Pad(draw.Short(title, room), room)+" "+from), draw.Text(w.Style, draw.Pad(w.Text, 11)))
	}
	if e.result == nil {
		return draw.Say(draw.Strong, "the site, with what the checks say")
	}
	r := *e.result
	outcome := word(r.Outcome)
	if p.pending[r.Key()] {
		outcome = draw.Text(draw.Plain, "[..]")
	} else if _, changed := p.was[r.Key()]; changed {
		outcome.Text += "*"
	}
	if wide {
		from, took = draw.Pad(draw.Short(r.From, 6), 6)+" ", fmt.Sprintf("%7s", report.Seconds(r.Took))
		room -= 7 + 7
	}
	if width >= 90 {
		saw = "  " + draw.Short(draw.Readable(r.Saw.Line(200)), room-27-2)
		room = 27
	}
	return draw.Row(draw.Text(draw.Plain, draw.Pad(draw.Middle(r.ID, room), room)+" "+from),
		draw.Text(outcome.Style, draw.Pad(outcome.Text, 11)), draw.Text(draw.Plain, took+saw))
}

// about is all about one entry.
func (p *checksPage) about(e entry, width int) []draw.Line {
	switch {
	case e.task != nil:
		return (&tasksPage{board: p.board}).about(*e.task, width)
	case e.result == nil:
		marks := p.marks()
		lines := draw.Picture(p.site(), width, marks)
		if slices.ContainsFunc(slices.Collect(maps.Values(marks)), func(m draw.Span) bool { return m.Text == open }) {
			lines = append(lines, draw.Prose(draw.Plain, " "+open+": the way is free, and no service answers there yet", width-1)...)
		}
		return lines
	}
	r := *e.result
	lines := draw.Prose(draw.Strong, titleOf(r), width-1)
	if old, changed := p.was[r.Key()]; changed {
		lines = append(lines, draw.Prose(draw.Amber, report.Was(old, p.o.Clock().Location()), width-1)...)
	}
	evidence := strings.TrimSpace(r.Evidence.String())
	if !p.evidence {
		r.Evidence = remote.Text{}
	}
	lines = append(lines, draw.Report(report.Finding(r), width-1)...)
	if _, isStep := steps.Find(r.Fix); isStep && report.Amiss(r) > 0 {
		lines = append(lines, draw.Report([]report.Line{{Text: "    f         opens exactly that chapter's changes", Prose: true}}, width-1)...)
	}
	if !p.evidence && evidence != "" {
		lines = append(lines, draw.Say(draw.Plain, "    evidence  %s (v shows it)", report.Plural(strings.Count(evidence, "\n")+1, "line")))
	}
	if at := p.past[r.Key()].At; !at.IsZero() {
		lines = append(lines, draw.Say(draw.Plain, "    asked     %s, took %s", at.In(p.o.Clock().Location()).Format("2006-01-02 15:04:05"), report.Seconds(r.Took)))
	}
	return lines
}

// open is the mark of a way that is free, with no service at its end.
const open = "[open]"

// marks are what the checks say at each arrow of the picture.
func (p *checksPage) marks() map[string]draw.Span {
	marks := map[string]draw.Span{}
	for arrow, prefixes := range map[string][]string{
		draw.ArrowIn:      {"firewall.open", "firewall.closed"},
		draw.ArrowTunnel:  {"tunnel."},
		draw.ArrowForward: {"firewall.dnat", "firewall.clients"},
		draw.ArrowOut:     {"firewall.relay"},
	} {
		var list []checks.Result
		asking := false
		for key, r := range p.results {
			if slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(r.ID, prefix) }) {
				list, asking = append(list, r), asking || p.pending[key]
			}
		}
		vacant := slices.ContainsFunc(list, func(r checks.Result) bool { return r.Vacant })
		switch o, asked := worst(list); {
		case asking:
			marks[arrow] = draw.Text(draw.Plain, "[..]")
		case !asked:
			marks[arrow] = draw.Text(draw.Plain, "[  ]")
		case vacant && o == checks.OK && arrow != draw.ArrowTunnel: // in the tunnel it is the way that counts
			marks[arrow] = draw.Text(draw.Plain, open)
		default:
			marks[arrow] = word(o)
		}
	}
	return marks
}

// heading is the page's title, with the counts of all, filtered or not; a narrow screen has only these.
func (p *checksPage) heading(width int) string {
	all := *p
	all.filter = ""
	n := map[checks.Outcome]int{}
	for _, r := range all.shown() {
		n[r.Outcome]++
	}
	text := fmt.Sprintf("%d ok", n[checks.OK])
	for _, o := range []checks.Outcome{checks.Fail, checks.Unknown, checks.Warn, checks.Skip} {
		if n[o] > 0 && !(o == checks.Skip && width < 50) {
			text += fmt.Sprintf(" %d %s", n[o], o)
		}
	}
	switch {
	case width < 50:
		return text
	case p.whole:
		return "all checks  " + text
	}
	return p.titled(p.ids, "proof") + "  " + text
}

// state is the line at the bottom: what is being asked, the filter, or nothing.
func (p *checksPage) state() []draw.Line {
	var lines []draw.Line
	if p.due && p.busy != nil {
		lines = append(lines, draw.Say(draw.Plain, " the checks are asked next"))
	} else if p.busy != nil && p.busy.verb == check {
		answered := 0
		for key, r := range p.results {
			if p.busy.covers(r) && !p.pending[key] {
				answered++
			}
		}
		lines = append(lines, draw.Say(draw.Plain, " asking: %d answered, %s", answered, clock(p.elapsed())))
	}
	if p.filtering {
		lines = append(lines, draw.Row(draw.Text(draw.Strong, " / "), draw.Text(draw.Plain, p.filter), draw.Text(draw.Chosen, " ")))
	} else if p.filter != "" {
		lines = append(lines, draw.Say(draw.Plain, " only: %s (esc shows all)", p.filter))
	}
	return lines
}

// word is an outcome as people read it.
func word(o checks.Outcome) draw.Span {
	text, s := report.Word(o)
	return draw.Text(s, text)
}

// worst is the outcome that counts of several: a failure before what could not be asked, before a warning.
func worst(results []checks.Result) (checks.Outcome, bool) {
	order := []checks.Outcome{checks.Skip, checks.OK, checks.Warn, checks.Unknown, checks.Fail}
	at := -1
	for _, r := range results {
		at = max(at, slices.Index(order, r.Outcome))
	}
	if at < 0 {
		return checks.Unknown, false
	}
	return order[at], true
}

var checkKeys = []key{{"f", "fix"}, {"r", "rerun"}, {"v", "evidence"}, {"/", "filter"}, {"n", "next finding"}, {"R", "rerun all"}, {"y", "copy"}, {"x", "export"}, {"up/down", "choose"}, {"pgup/pgdn", "details"}}

const checkHelp = `[ok] it is so   [warn] it works, and you should know something   [FAIL] it is not so   [unknown] it could not be asked, which is not ok   [skip] it does not apply   [..] being asked again   * changed since the time before
"from" is where it was asked from: here, or a host. Below the table stand what was seen, what is wanted, what is likely, what mends it, and the evidence.
f opens exactly the chapter that mends the chosen check, as a review; nothing is changed before you agree. Filter words: fail, warn, unknown, changed, a chapter, a host, a port's name.`
