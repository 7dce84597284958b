package wizard

import (
	"cmp"
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

// checksPage is a table of what the checks said, with all about the chosen one below: the proof of a chapter, or all there is
// to know, with the site's picture and the tasks that nothing measures.
type checksPage struct {
	*board
	ids       []string // chapters; none means all
	whole     bool     // all there is to know
	split     draw.Split
	filter    string
	filtering bool            // the filter is being typed
	evidence  bool            // the evidence is unfolded
	unfolded  bool            // what is ok is listed row by row
	opened    map[string]bool // by Key, the causes whose followers are listed too
	chose     string          // the row that a person chose, "" before that: it stays chosen while results come in
	again     bool            // checks were asked again here, and have not answered
}

func newProve(b *board, ids []string) page {
	return &checksPage{board: b, ids: ids, opened: map[string]bool{}}
}

func newOverview(b *board) page { return &checksPage{board: b, whole: true, opened: map[string]bool{}} }

// entry is one row to choose: a result, with those that follow from it or under the one it follows from, a task of a person, in one row what is ok or what is left for a person in a chapter,
// or, as none of these, the picture, and in the proof of everything what comes after it.
type entry struct {
	result *checks.Result
	cause  *checks.Cause // it is this one's
	under  bool          // it follows from the row above
	task   *steps.Task
	folded []checks.Result
	left   []steps.Task
	step   string
}

// key tells one entry from another.
func (e entry) key() string {
	switch {
	case e.result != nil:
		return e.result.Key()
	case e.task != nil:
		return e.task.ID
	case e.left != nil:
		return e.step
	}
	return when(e.folded != nil, "ok", "picture")
}

// entries are the rows: what asks for somebody to look at it; then the site, what is left for a person, and what
// is ok, in one row until somebody unfolds it or looks for something.
func (p *checksPage) entries() []entry {
	var fine []entry
	var folded, amiss []checks.Result
	for _, r := range p.shown() {
		switch one := (entry{result: &r, step: r.Step}); {
		case report.Amiss(r) > 0:
			amiss = append(amiss, r)
		case p.unfolded || p.filter != "":
			fine = append(fine, one)
		default:
			folded = append(folded, r)
		}
	}
	list := p.causes(amiss)
	if (p.whole || len(p.ids) == 0) && p.filter == "" {
		list = append(list, entry{})
	}
	for _, c := range p.chapters {
		if !p.whole || len(c.step.Proof) > 0 {
			continue
		}
		if left := p.left(c.plan.Tasks); !p.unfolded && p.filter == "" {
			if len(left) > 0 {
				list = append(list, entry{left: left, step: c.step.ID})
			}
			continue
		}
		for _, t := range c.plan.Tasks {
			if w, from := p.taskWord(t); p.matches(t.Title, c.step.ID, c.step.Title, w.Text, from) {
				list = append(list, entry{task: &t, step: c.step.ID})
			}
		}
	}
	if len(folded) > 0 {
		list = append(list, entry{folded: folded})
	}
	return append(list, fine...)
}

// severity is how much the outcomes ask for somebody to look at them, most first.
var severity = []checks.Outcome{checks.Fail, checks.Unknown, checks.Warn, checks.OK, checks.Skip}

// shown are the results in the table, worst first, then in the order of the chapters. Of other chapters there are those that
// are not ok.
func (p *checksPage) shown() []checks.Result {
	order := map[string]int{}
	for i, c := range p.chapters {
		order[c.step.ID] = i + 1
	}
	mine := job{steps: p.ids}
	var list []checks.Result
	for _, r := range p.results {
		if (mine.covers(r) || report.Amiss(r) > 0) && p.matchesResult(r) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b checks.Result) int {
		if first := mine.covers(a); first != mine.covers(b) {
			return when(first, -1, 1)
		}
		return cmp.Or(cmp.Compare(slices.Index(severity, a.Outcome), slices.Index(severity, b.Outcome)),
			cmp.Compare(order[a.Step], order[b.Step]), strings.Compare(a.ID, b.ID), strings.Compare(a.From, b.From))
	})
	return list
}

func (p *checksPage) matchesResult(r checks.Result) bool {
	if p.filter == "" {
		return true
	}
	w, _ := report.Word(r.Outcome)
	_, changed := p.was[r.Key()]
	return p.matches(r.ID, r.Step, r.From, w, string(r.Outcome), titleOf(r), r.Saw.String(), when(changed, "changed", ""))
}

// matches says whether every word of the filter is in what is shown of a row.
func (p *checksPage) matches(shown ...string) bool {
	text := strings.ToLower(strings.Join(shown, " "))
	return !slices.ContainsFunc(strings.Fields(strings.ToLower(p.filter)), func(word string) bool { return !strings.Contains(text, word) })
}

// titleOf is the question that a result answers, as the check says it; before it stands which of several it is.
func titleOf(r checks.Result) string {
	c, ok := checks.Of(r.ID)
	if which := strings.TrimPrefix(r.ID, c.ID+"."); ok && which != r.ID {
		return strings.ReplaceAll(which, ".", " ") + ": " + c.Title
	}
	return when(ok, c.Title, r.ID)
}

// Update takes keys.
func (p *checksPage) Update(m tea.Msg) tea.Msg {
	if done, ended := m.(doneMsg); ended {
		return p.answered(done)
	}
	k, ok := m.(tea.KeyPressMsg)
	if !ok {
		return nil
	}
	if p.filtering {
		p.typeFilter(k)
		return nil
	}
	list, press := p.entries(), k.String()
	p.stay(list)
	if p.split.Key(press, len(list)) {
		if len(list) > 0 {
			p.chose = list[p.split.Picked].key()
		}
		return nil
	}
	var at entry
	if p.split.Picked < len(list) {
		at = list[p.split.Picked]
	}
	switch press {
	case "/":
		p.filtering = true
	case "n":
		return p.next(list)
	case "esc":
		if p.filter == "" {
			return backMsg{}
		}
		p.filter, p.chose = "", ""
	case "v":
		if at.result == nil || strings.TrimSpace(at.result.Evidence.String()) == "" {
			return noteMsg("there is no more to see: it brought no evidence but what it says")
		}
		p.evidence = !p.evidence
		p.split.Offset = 0
	case "R":
		return p.ask(p.listed()...)
	case "x":
		text := []byte(report.Text(p.export()))
		return p.write("postern-checks.txt", func() ([]byte, error) { return text, nil })
	case "r", "f", "y", "w":
		if at.result == nil {
			return noteMsg("choose a check first")
		}
		return p.withOne(press, *at.result)
	case "enter":
		return p.enter(at)
	case "space":
		if at.follows() {
			p.opened[at.key()] = !p.opened[at.key()]
			return nil
		}
		if p.filter != "" || len(list) == 0 {
			return noteMsg("nothing is folded here")
		}
		p.unfolded = !p.unfolded
	case "a":
		if !p.whole {
			return openMsg{newOverview(p.board)}
		}
	case "t":
		if tasks := p.tasks(); len(tasks) > 0 && !p.whole {
			return openMsg{newTasks(p.board, p.ids[0], tasks)}
		}
	}
	return nil
}

// enter opens what the chosen row is about, or goes on from a proof.
func (p *checksPage) enter(at entry) tea.Msg {
	switch {
	case p.whole && at.follows():
		p.opened[at.key()] = !p.opened[at.key()]
		return nil
	case p.whole && (at.task != nil || at.left != nil):
		return openMsg{newTasks(p.board, at.step, p.chapter(at.step).plan.Tasks)}
	case p.whole && at.step != "":
		return chapterMsg{step: at.step}
	case p.whole:
		return noteMsg("choose a check or a task: enter opens its chapter")
	case len(p.ids) == 0 && p.asking():
		return noteMsg("one moment: all is being asked")
	}
	return nextMsg{}
}

// stay keeps the row that was chosen the chosen one, wherever it stands now; before that it is the first one.
func (p *checksPage) stay(list []entry) {
	at := max(0, slices.IndexFunc(list, func(e entry) bool { return e.key() == p.chose }))
	p.split.Pick(at, len(list))
}

// next chooses the next result that asks for somebody to look at it, going round.
func (p *checksPage) next(list []entry) tea.Msg {
	for i := range list {
		at := (p.split.Picked + 1 + i) % len(list)
		if r := list[at].result; r != nil && report.Amiss(*r) > 0 {
			if at == p.split.Picked {
				return noteMsg("this is the only finding")
			}
			p.split.Pick(at, len(list))
			p.chose = r.Key()
			return nil
		}
	}
	switch {
	case p.asking():
		return noteMsg("no finding yet: the checks are still being asked")
	case len(p.results) == 0:
		return noteMsg("nothing was asked yet: R asks")
	}
	return noteMsg("no finding: nothing here asks to be looked at")
}

// withOne does something with the chosen check.
func (p *checksPage) withOne(press string, r checks.Result) tea.Msg {
	switch press {
	case "w":
		return openWhy(p.board, r.ID)
	case "r":
		if c, ok := checks.Of(r.ID); ok {
			return p.ask(c.ID)
		}
		return p.ask(r.Step)
	case "y":
		return copied(report.Text(p.told(entry{result: &r})))
	}
	_, isStep := steps.Find(r.Fix)
	switch {
	case report.Amiss(r) == 0:
		return noteMsg("nothing to mend here: " + titleOf(r) + ": " + string(r.Outcome))
	case p.changing():
		return noteMsg("one moment: the hosts are being changed")
	case isStep && r.Answer != "":
		key, value, _ := strings.Cut(r.Answer, "=")
		return answerMsg{pairs: [][2]string{{key, value}}, then: func(err error) tea.Msg {
			if err != nil {
				return noteMsg(remote.Words(err))
			}
			return all{p.bring(r.Fix), noteMsg("answered for you: " + r.Answer)}
		}}
	case isStep:
		return p.bring(r.Fix)
	case r.Fix != "":
		return noteMsg("this one is for you: see \"fix\" below")
	}
	return noteMsg("no change of ours mends this: see \"likely\" below")
}

// ask asks checks, or those of chapters, again; all when none is named.
func (p *checksPage) ask(ids ...string) tea.Msg {
	if p.changing() {
		return noteMsg("one moment: the hosts are being changed")
	}
	p.again = true
	return job{verb: check, steps: ids}
}

// listed are the chapters of the table, and the checks of others that stand in it; none where it has all.
func (p *checksPage) listed() []string {
	ids := slices.Clone(p.ids)
	for _, r := range p.shown() {
		if c, ok := checks.Of(r.ID); ok && len(p.ids) > 0 && !slices.Contains(ids, r.Step) && !slices.Contains(ids, c.ID) {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// answered says what came of checks that were asked again here: it may be what stood there before.
func (p *checksPage) answered(m doneMsg) tea.Msg {
	if !p.again || m.job.verb != check || p.front != page(p) {
		return nil
	}
	p.again = false
	if m.err != nil {
		return noteMsg("they could not be asked again: " + remote.Words(m.err))
	}
	return noteMsg("asked again just now: " + report.Count(m.results))
}

// typeFilter is a key while the filter is typed.
func (p *checksPage) typeFilter(m tea.KeyPressMsg) {
	switch m.String() {
	case "enter":
		p.filtering = false
	case "esc":
		p.filtering, p.filter = false, ""
	case "backspace":
		if r := []rune(p.filter); len(r) > 0 {
			p.filter = string(r[:len(r)-1])
		}
	default:
		if len(p.filter)+len(m.Text) < 60 {
			p.filter += m.Text
		}
	}
	p.chose, p.split.Picked, p.split.Offset = "", 0, 0
}

// told is all that is known of one row, the evidence too; of one that is no check and no task it is everything.
func (p *checksPage) told(e entry) []report.Line {
	if e.result != nil {
		lines := append([]report.Line{{Style: report.Strong, Text: titleOf(*e.result)}}, report.Finding(*e.result)...)
		if e.follows() {
			lines = append(lines, report.Follows(*e.cause)...)
		}
		return lines
	} else if e.task != nil {
		return p.board.whole(*e.task)
	}
	return p.export()
}

// export is everything, for a file.
func (p *checksPage) export() []report.Line {
	lines := []report.Line{{Text: p.name() + "  " + p.o.Clock().Format("2006-01-02 15:04:05 MST")}, {}}
	all := slices.SortedFunc(maps.Values(p.results), func(a, b checks.Result) int { return strings.Compare(a.Step+a.Key(), b.Step+b.Key()) })
	for _, r := range all {
		lines = append(lines, report.Result(r))
	}
	return append(lines, report.Findings(all)...)
}

// tasks are what is left for a person in the chapters that were proven, or in all that nothing measures.
func (p *checksPage) tasks() []steps.Task {
	var list []steps.Task
	for _, c := range p.chapters {
		if slices.Contains(p.ids, c.step.ID) || p.whole && len(c.step.Proof) == 0 {
			list = append(list, p.left(c.plan.Tasks)...)
		}
	}
	return list
}
