package wizard

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"postern/checks"
	"postern/remote"
	"postern/report"
	"postern/steps"
	"postern/wizard/draw"
)

// checklist is a table of what the checks said, with all about the chosen one below. The proof of a chapter and the overview
// of all are made of it.
type checklist struct {
	*shell
	ids       []string // chapters; none means all
	split     draw.Split
	filter    string
	filtering bool // the filter is being typed
	evidence  bool // the evidence is unfolded
	moved     bool // a person chose a row
	picture   bool // the first row is the site's picture
}

// shown are the results in the table, in the order of the chapters. Of other chapters there are those that are not ok.
func (l *checklist) shown() []checks.Result {
	order := map[string]int{}
	for i, c := range l.chapters {
		order[c.step.ID] = i + 1
	}
	mine := job{steps: l.ids}
	var list []checks.Result
	for _, r := range l.results {
		if (mine.covers(r) || amiss(r)) && l.matches(r) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b checks.Result) int {
		theirs := func(r checks.Result) int {
			if mine.covers(r) {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(theirs(a), theirs(b)), cmp.Compare(order[a.Step], order[b.Step]), strings.Compare(a.ID, b.ID), strings.Compare(a.From, b.From))
	})
	return list
}

// amiss says whether a result asks for somebody to look at it.
func amiss(r checks.Result) bool { return r.Outcome != checks.OK && r.Outcome != checks.Skip }

// matches says whether every word of the filter is in what is shown of a result.
func (l *checklist) matches(r checks.Result) bool {
	if l.filter == "" {
		return true
	}
	w, _ := report.Word(r.Outcome)
	text := strings.ToLower(strings.Join([]string{r.ID, r.Step, r.From, w, string(r.Outcome), titleOf(r), r.Saw.String()}, " "))
	if _, changed := l.was[r.Key()]; changed {
		text += " changed"
	}
	for _, word := range strings.Fields(strings.ToLower(l.filter)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// word is an outcome as people read it.
func word(o checks.Outcome) draw.Span {
	text, s := report.Word(o)
	return draw.Text(s, text)
}

// titleOf is the question that a result answers, as the check says it.
func titleOf(r checks.Result) string {
	if c, ok := checks.Of(r.ID); ok {
		return c.Title
	}
	return r.ID
}

// press is a key that all tables have; it says whether it was one.
func (l *checklist) press(m tea.KeyPressMsg, entries int, chosen *checks.Result) (tea.Cmd, bool) {
	press := m.String()
	if l.filtering {
		l.typeFilter(m)
		return nil, true
	}
	if l.split.Key(press, entries) {
		l.moved = true
		return nil, true
	}
	switch press {
	case "/":
		l.filtering = true
	case "n":
		return l.next(entries), true
	case "esc":
		if l.filter == "" {
			return back, true
		}
		l.filter = ""
		l.split.Pick(0, 1)
	case "v":
		l.evidence = !l.evidence
		l.split.Offset = 0
	case "R":
		return l.ask(l.ids...), true
	case "x":
		return l.write("postern-checks.txt", l.report()), true
	case "r", "f", "y":
		if chosen == nil {
			return note("choose a check first"), true
		}
		return l.withOne(press, *chosen), true
	default:
		return nil, false
	}
	return nil, true
}

// next chooses the next result that asks for somebody to look at it, going round.
func (l *checklist) next(entries int) tea.Cmd {
	list := l.shown()
	before := 0
	if l.picture && l.filter == "" {
		before = 1
	}
	for i := range list {
		at := (l.split.Picked - before + 1 + i + len(list)) % len(list)
		if amiss(list[at]) {
			l.split.Pick(at+before, entries)
			l.moved = true
			return nil
		}
	}
	return note("no finding: nothing here asks to be looked at")
}

// withOne does something with the chosen check.
func (l *checklist) withOne(press string, r checks.Result) tea.Cmd {
	switch press {
	case "r":
		if c, ok := checks.Of(r.ID); ok {
			return l.ask(c.ID)
		}
		return l.ask(r.Step)
	case "y":
		return copied(text(append([]report.Line{{Text: titleOf(r)}}, report.Finding(r)...)))
	}
	_, isStep := steps.Find(r.Fix)
	switch {
	case !amiss(r):
		return note("nothing to mend: " + r.ID + " is " + string(r.Outcome))
	case l.changing():
		return note("one moment: the hosts are being changed")
	case isStep:
		return l.bring(r.Fix, open)
	case r.Fix != "":
		return note("this one is for you: see \"fix\" below")
	}
	return note("no change of ours mends this: see \"likely\" below")
}

// ask asks checks, or those of chapters, again; all when none is named.
func (l *checklist) ask(ids ...string) tea.Cmd {
	if l.changing() {
		return note("one moment: the hosts are being changed")
	}
	return l.do(check, ids...)
}

// typeFilter is a key while the filter is typed.
func (l *checklist) typeFilter(m tea.KeyPressMsg) {
	switch m.String() {
	case "enter":
		l.filtering = false
	case "esc":
		l.filtering, l.filter = false, ""
	case "backspace":
		if r := []rune(l.filter); len(r) > 0 {
			l.filter = string(r[:len(r)-1])
		}
	default:
		if len(l.filter)+len(m.Text) < 60 {
			l.filter += m.Text
		}
	}
	l.split.Picked, l.split.Offset = 0, 0
}

// report is everything as text, for a file.
func (l *checklist) report() string {
	var lines []report.Line
	all := slices.SortedFunc(maps.Values(l.results), func(a, b checks.Result) int { return strings.Compare(a.Step+a.Key(), b.Step+b.Key()) })
	for _, r := range all {
		lines = append(lines, report.Result(r))
	}
	lines = append(lines, report.Findings(all)...)
	return l.name() + "  " + l.o.Clock().Format("2006-01-02 15:04:05 MST") + "\n\n" + text(lines)
}

// row is one result as far as the width goes: what it came to is never left out.
func (l *checklist) row(r checks.Result, width int) draw.Line {
	outcome := word(r.Outcome)
	if l.pending[r.Key()] {
		outcome = draw.Text(draw.Plain, "[..]")
	} else if _, changed := l.was[r.Key()]; changed {
		outcome.Text += "*"
	}
	outcome.Text = draw.Pad(outcome.Text, 11)
	room := width - 2 - 1 - 11
	from, took, saw := "", "", ""
	if width >= 54 {
		from, took = draw.Pad(draw.Short(r.From, 6), 6)+" ", fmt.Sprintf("%7s", report.Seconds(r.Took))
		room -= 7 + 7
	}
	if width >= 90 {
		saw = "  " + draw.Short(draw.Readable(r.Saw.Line(200)), room-27-2)
		room = 27
	}
	return draw.Row(draw.Text(draw.Plain, draw.Pad(draw.Middle(r.ID, room), room)+" "+from), outcome, draw.Text(draw.Plain, took+saw))
}

// about is all about one result.
func (l *checklist) about(r checks.Result, width int) []draw.Line {
	lines := draw.Prose(draw.Strong, titleOf(r), width-1)
	if old, changed := l.was[r.Key()]; changed {
		lines = append(lines, draw.Prose(draw.Amber, report.Was(old, l.o.Clock().Location()), width-1)...)
	}
	folded := r
	if !l.evidence {
		folded.Evidence = remote.Text{}
	}
	lines = append(lines, draw.Report(report.Finding(folded), width-1)...)
	if _, isStep := steps.Find(r.Fix); isStep && amiss(r) {
		lines = append(lines, draw.Report([]report.Line{{Text: "    f         opens exactly that chapter's changes", Prose: true}}, width-1)...)
	}
	if n := strings.Count(strings.TrimSpace(r.Evidence.String()), "\n") + 1; !l.evidence && strings.TrimSpace(r.Evidence.String()) != "" {
		lines = append(lines, draw.Say(draw.Plain, "    evidence  %s (v shows it)", report.Plural(n, "line")))
	}
	if at := l.past[r.Key()].At; !at.IsZero() {
		lines = append(lines, draw.Say(draw.Plain, "    asked     %s, took %s", at.In(l.o.Clock().Location()).Format("2006-01-02 15:04:05"), report.Seconds(r.Took)))
	}
	return lines
}

// count is how many there are of each outcome, for the header.
func count(results []checks.Result) string {
	n := map[checks.Outcome]int{}
	for _, r := range results {
		n[r.Outcome]++
	}
	text := fmt.Sprintf("%d ok", n[checks.OK])
	for _, o := range []checks.Outcome{checks.Fail, checks.Unknown, checks.Warn, checks.Skip} {
		if n[o] > 0 {
			text += fmt.Sprintf(" %d %s", n[o], o)
		}
	}
	return text
}

func skipped(results []checks.Result) int {
	n := 0
	for _, r := range results {
		if r.Outcome == checks.Skip {
			n++
		}
	}
	return n
}

// heading is the page's title, with the counts of all, filtered or not; a narrow screen has only these.
func (l *checklist) heading(title string, width int) string {
	all := *l
	all.filter = ""
	results := all.shown()
	if width < 50 {
		return strings.TrimSuffix(count(results), fmt.Sprintf(" %d skip", skipped(results)))
	}
	return title + "  " + count(results)
}

// state is the line at the bottom: what is being asked, the filter, or nothing.
func (l *checklist) state() []draw.Line {
	var lines []draw.Line
	if l.due && l.busy != nil {
		lines = append(lines, draw.Say(draw.Plain, " the checks are asked next"))
	} else if l.busy != nil && l.busy.verb == check {
		lines = append(lines, draw.Say(draw.Plain, " asking: %d answered, %s", l.answered(), clock(l.o.Clock().Sub(l.since))))
	}
	if l.filtering {
		lines = append(lines, draw.Row(draw.Text(draw.Strong, " / "), draw.Text(draw.Plain, l.filter), draw.Text(draw.Chosen, " ")))
	} else if l.filter != "" {
		lines = append(lines, draw.Say(draw.Plain, " only: %s (esc shows all)", l.filter))
	}
	return lines
}

func (l *checklist) answered() int {
	n := 0
	for key, r := range l.results {
		if l.busy.covers(r) && !l.pending[key] {
			n++
		}
	}
	return n
}

var checkKeys = []key{{"f", "fix"}, {"r", "rerun"}, {"v", "evidence"}, {"/", "filter"}, {"n", "next finding"}, {"R", "rerun all"}, {"y", "copy"}, {"x", "export"}, {"up/down", "choose"}, {"pgup/pgdn", "details"}}

const checkHelp = `[ok] it is so   [warn] it works, and you should know something   [FAIL] it is not so   [unknown] it could not be asked, which is not ok   [skip] it does not apply   [..] being asked again   * changed since the time before
"from" is where it was asked from: here, or a host. Below the table stand what was seen, what is wanted, what is likely, what mends it, and the evidence.
f opens exactly the chapter that mends the chosen check, as a review; nothing is changed before you agree. Filter words: fail, warn, unknown, changed, a chapter, a host, a port's name.`
