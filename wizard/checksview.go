package wizard

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/report"
	"postern/steps"
	"postern/wizard/draw"
)

// View is what it comes to, the table, and all about the chosen row. It stands on the worst until a person chooses.
func (p *checksPage) View(width, height int) view {
	results := p.shown()
	list := p.entries()
	v := view{help: checkHelp, typing: p.filtering, filters: true, holds: true, title: p.heading(width), pinned: p.state(),
		keys: append([]key{{"enter", p.opens(list)}}, checkKeys...)}
	if !p.whole {
		v.keys = append(v.keys, key{"a", "all checks"})
		if len(p.tasks()) > 0 {
			v.keys = append(v.keys, key{"t", "tasks"})
		}
	}
	if p.filtering {
		v.keys = []key{{"enter", "keep the filter"}}
	}
	v.lines = p.conclusion(results, width)
	v.lines = v.lines[:min(len(v.lines), max(1, height/3))]
	if len(list) == 0 {
		v.lines = draw.Prose(draw.Plain, p.nothing(), width-1)
		return v
	}
	p.stay(list)
	var rows []draw.Line
	for i, e := range list {
		rows = append(rows, draw.Pick(p.row(e, width), i == p.split.Picked))
	}
	if r := list[p.split.Picked].result; r != nil {
		if c, ok := checks.Of(r.ID); ok {
			v.help = report.CheckPage(c) + "\n" + checkHelp
		}
	} else { // these keys are about one check
		v.keys = slices.DeleteFunc(v.keys, func(k key) bool { return strings.Contains("frvyw", k.press) })
	}
	v.text = func() []report.Line { return p.told(list[p.split.Picked]) }
	v.add(p.split.Draw(rows, p.split.Picked, "", p.about(list[p.split.Picked], width), width, height-len(v.pinned)-len(v.lines))...)
	return v
}

// opens is what enter does.
func (p *checksPage) opens(list []entry) string {
	if at := p.split.Picked; p.whole && at < len(list) && list[at].follows() {
		return "unfold"
	}
	return when(p.whole, "chapter", "go on")
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
		checks.Fail:    "Something fails: choose it to see what mends it.",
		checks.Unknown: "Not all of it could be asked: that is not ok.",
		checks.Warn:    "All that is measured works; there are warnings to read.",
		checks.OK:      "All that is measured is proven.",
	},
}

// conclusion is what the results come to: what worked until when, what needs changes again, and, when all of a proof are
// there, whether it is proven, and what is left for a person.
func (p *checksPage) conclusion(results []checks.Result, width int) []draw.Line {
	lines := p.since(width)
	o, asked := worst(results)
	if !p.whole && (!asked || p.asking() || p.filter != "") {
		return lines
	}
	s := map[checks.Outcome]draw.Style{checks.Fail: draw.Bad, checks.Unknown: draw.Amber, checks.Warn: draw.Good, checks.OK: draw.Good, checks.Skip: draw.Good}[o]
	text := cmp.Or(comesTo[p.whole][o], comesTo[p.whole][checks.OK])
	switch {
	case p.asking() && o != checks.Fail:
		text, s = "The checks are being asked; nothing is proven yet.", draw.Plain
	case !asked:
		text, s = "Nothing was asked yet: R asks all checks.", draw.Plain
	case o == checks.OK && len(p.broken()) == 0 && p.mended():
		text = "All as it was: what worked works again. " + text
	case len(p.broken()) > 0 && o != checks.Fail:
		text, s = "What was asked works, but not all of it is in place any more.", draw.Amber
	}
	switch n := len(p.tasks()); {
	case p.whole && o == checks.Fail:
	case n > 0 && p.whole:
		text += " By hand: " + report.Plural(n, "task") + " left."
	case n > 0:
		text += " " + report.Plural(n, "task") + " for you: t."
	}
	return append(lines, draw.Inset(s, p.theme.Words(text), width)...)
}

// since says until when it worked, and what is not so any more.
func (p *checksPage) since(width int) []draw.Line {
	n, until, said := 0, time.Time{}, "Worked until %s, when it was asked last"
	for key, old := range p.was {
		if old.Outcome == checks.Fail || old.Outcome == checks.Unknown {
			said = "Asked last %s"
		}
		if r := p.results[key]; report.Amiss(r) > 0 && old.Outcome == checks.OK {
			if n++; old.At.After(until) {
				until = old.At
			}
		}
	}
	text := ""
	if n > 0 {
		text = fmt.Sprintf(said+"; since then %s changed, worst first.", p.date(until), report.Plural(n, "check"))
	}
	if list := p.broken(); p.whole && len(list) > 0 {
		var names []string
		for _, c := range list {
			names = append(names, fmt.Sprintf("%d %s (%s)", c.step.Chapter, c.step.Title, report.Plural(changesOf(c.plan), "change")))
		}
		text = strings.TrimSpace(text + " Not in place any more: " + strings.Join(names, ", ") + ".")
	}
	if text == "" {
		return nil
	}
	return draw.Inset(draw.Bad, text, width)
}

// mended says whether something that worked before the program began did not, and does again.
func (p *checksPage) mended() bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(p.was)), func(key string) bool { return p.before[key].Outcome == checks.OK })
}

// outcomes is how wide the column of outcomes is.
const outcomes = 11

// row is one entry as far as the width goes: what a result came to is never left out.
func (p *checksPage) row(e entry, width int) draw.Line {
	more := ""
	outcome, title, from, saw := draw.Text(draw.Plain, ""), when(p.whole, "The site, with what the checks say", "What is proven, and what comes next"), "", ""
	switch {
	case e.folded != nil:
		outcome = word(checks.OK)
		if o, _ := worst(e.folded); o == checks.Skip {
			outcome = word(o)
		}
		title = count(e.folded, checks.OK, checks.Skip) + " (space unfolds)"
		if i := slices.IndexFunc(e.folded, func(r checks.Result) bool { return p.pending[r.Key()] }); i >= 0 {
			outcome, title = p.mark(e.folded[i]), title+", asked again"
		}
	case e.left != nil:
		outcome = draw.Text(draw.Amber, "[todo]")
		title, from = fmt.Sprintf("%d %s: %s, not measured", p.chapter(e.step).step.Chapter, p.chapter(e.step).step.Title, report.Plural(len(e.left), "task")), "you"
	case e.task != nil:
		outcome, _ = p.taskWord(*e.task)
		title, from = fmt.Sprintf("%d %s", p.chapter(e.step).step.Chapter, draw.Readable(e.task.Title)), "you"
	case e.result != nil:
		outcome, title, from, saw = p.mark(*e.result), when(e.under, "  ", "")+titleOf(*e.result), e.result.From, draw.Readable(e.result.Saw.Line(200))
		if e.follows() {
			title, more = saw, fmt.Sprintf(" +%d", len(e.cause.Follows))
		}
		if _, changed := p.was[e.result.Key()]; changed && !p.pending[e.result.Key()] {
			outcome.Text += "*"
		}
	}
	outcome.Text = draw.Pad(outcome.Text, outcomes)
	room := width - 2 - outcomes
	if width < 54 {
		return draw.Row(outcome, draw.Text(draw.Plain, draw.Short(title, room-len(more))+more))
	}
	if room -= 8; width >= 90 && saw != "" {
		saw, room = "  "+draw.Short(saw, room-44), 42
	} else {
		saw = ""
	}
	return draw.Row(outcome, draw.Text(draw.Plain, draw.Pad(draw.Short(title, room-len(more))+more, room)+"  "+draw.Pad(draw.Short(from, 6), 6)+saw))
}

// mark is the word of a result. While it is asked again, what it was says nothing.
func (p *checksPage) mark(r checks.Result) draw.Span {
	if p.pending[r.Key()] {
		return draw.Text(draw.Plain, "[..]")
	}
	return word(r.Outcome)
}

// count is how many results there are of outcomes.
func count(results []checks.Result, of ...checks.Outcome) string {
	var parts []string
	for _, o := range of {
		if n := len(slices.DeleteFunc(slices.Clone(results), func(r checks.Result) bool { return r.Outcome != o })); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, o))
		}
	}
	return strings.Join(parts, ", ")
}

// about is all about one entry.
func (p *checksPage) about(e entry, width int) []draw.Line {
	switch {
	case e.task != nil:
		return (&tasksPage{board: p.board}).about(*e.task, width)
	case e.folded != nil:
		var lines []draw.Line
		for _, r := range e.folded {
			lines = append(lines, draw.Row(p.mark(r), draw.Text(draw.Plain, " "+draw.Pad(draw.Short(titleOf(r), width-14), width-14)+" "+draw.Short(r.From, 6))))
		}
		return lines
	case e.left != nil:
		var lines []draw.Line
		for _, t := range e.left {
			lines = append(lines, draw.Row(draw.Text(draw.Amber, "[todo]"), draw.Text(draw.Plain, " "+draw.Short(draw.Readable(t.Title), width-8))))
		}
		return lines
	case e.result == nil && !p.whole:
		return p.after(width)
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
		does := when(r.Answer != "", "answers "+r.Answer+", and ", "") + "opens exactly that chapter's changes"
		lines = append(lines, draw.Report([]report.Line{{Text: "    f         " + does, Prose: true}}, width-1)...)
	}
	if e.follows() {
		lines = append(lines, draw.Report(report.Follows(*e.cause), width-1)...)
	}
	if !p.evidence && evidence != "" {
		lines = append(lines, draw.Say(draw.Plain, "    evidence  %s (v shows it)", report.Plural(strings.Count(evidence, "\n")+1, "line")))
	}
	if at := p.past[r.Key()].At; !at.IsZero() {
		lines = append(lines, draw.Say(draw.Plain, "    asked     %s, took %s", at.In(p.o.Clock().Location()).Format("2006-01-02 15:04:05"), report.Seconds(r.Took)))
	}
	return lines
}

// after is what there is to say when all is proven: what is, what comes next, how to ask again, and how to undo.
func (p *checksPage) after(width int) []draw.Line {
	var proven, next []string
	var lines []draw.Line
	for _, c := range p.chapters {
		switch n := len(p.left(c.plan.Tasks)); {
		case c.state == inPlace:
			proven = append(proven, c.step.Title)
		case n > 0 && c.step.OfAnswers():
			next = append(next, fmt.Sprintf("%s (%s)", c.step.Title, report.Plural(n, "task")))
		}
	}
	for _, row := range [][2]string{
		{"proven", cmp.Or(strings.Join(proven, ", "), "no chapter as a whole") + "; each check is named here"},
		{"next", when(len(next) > 0, "for you: "+strings.Join(next, ", ")+"; enter opens the first", "nothing is left; ctrl+c leaves")},
		{"again", "R asks everything here; 'postern check' does at any time, also from cron: it changes nothing, and ends with 0 when all is ok"},
		{"undo", "u on a chapter's page takes that one back; 'postern undo --all' all of them, with the files as they were before"},
	} {
		lines = append(lines, draw.Hanging(row[0], row[1], 8, width)...)
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
	text := cmp.Or(strings.ReplaceAll(count(all.shown(), severity[:when(width < 50, 4, 5)]...), ",", ""), "not asked yet")
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
	for _, o := range severity {
		if slices.ContainsFunc(results, func(r checks.Result) bool { return r.Outcome == o }) {
			return o, true
		}
	}
	return checks.Unknown, false
}

var checkKeys = []key{{"f", "fix"}, {"r", "rerun"}, {"v", "evidence"}, {"w", "why"}, {"space", "unfold"}, {"/", "filter"}, {"n", "next finding"}, {"R", "rerun all"}, {"y", "copy"}, {"x", "export"}, {"up/down", "choose"}, {"pgup/pgdn", "details"}}

const checkHelp = `[ok] it is so   [warn] it works, and you should know something   [FAIL] it is not so   [unknown] it could not be asked, which is not ok   [skip] it does not apply   [..] being asked again   * changed since the time before
"from" is where it was asked from: here, or a host. +N: so many findings follow from this one, which space shows.
f opens exactly the chapter that mends the chosen check, as a review; nothing is changed before you agree. Filter words: fail, warn, unknown, changed, a chapter, a host, a port's name.`
