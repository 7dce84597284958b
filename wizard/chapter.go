package wizard

import (
	"slices"
	"strings"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/run"
	"postern/site"
	"postern/steps"
	"postern/wizard/draw"
)

// state is what is known of a chapter.
type state string

// The states of a chapter. What is not known is never shown as in place: a plan that is empty is not yet a check that says so.
const (
	unknown state = "[  ]" // nobody looked yet
	looking state = "[..]"
	unasked state = "[set]" // the hosts need no change, and no check was asked since the program began
	unsure  state = "[?]"   // in place, and not all of its checks could be asked
	inPlace state = "[ok]"
	needed  state = "[--]"   // the hosts need changes
	todo    state = "[todo]" // only a person can do it, and has not said that it is done
	failing state = "[FAIL]" // in place, and a check says no
	refused state = "[warn]" // it cannot be set up like this
	skipped state = "[n/a]"  // it does not apply to the site: there is nothing to do
)

// means are the states in words.
var means = map[state]string{
	unknown: "not looked at yet", looking: "being looked at", unasked: "set up; checks not asked yet",
	unsure: "in place; not all of it asked", inPlace: "in place", needed: "not in place yet", todo: "for you to do by hand",
	failing: "in place, but a check fails", skipped: "does not apply here", refused: "cannot be set up like this",
}

func (s state) style() draw.Style {
	return map[state]draw.Style{inPlace: draw.Good, failing: draw.Bad, refused: draw.Amber, todo: draw.Amber, unsure: draw.Amber}[s]
}

// stands says whether the hosts need no change for it, whatever its checks say.
func (s state) stands() bool {
	return s == inPlace || s == unasked || s == unsure || s == failing || s == skipped
}

// chapter is one step with what the hosts said of it last.
type chapter struct {
	step  steps.Step
	state state
	plan  steps.Plan
}

// asks lists the keys of what the chapter asks.
func (c *chapter) asks(s *site.Site) []string {
	if c.step.Fields == nil {
		return nil
	}
	return c.step.Fields(s)
}

// chapter is the one of a step's ID, or nil.
func (b *board) chapter(id string) *chapter {
	for _, c := range b.chapters {
		if c.step.ID == id {
			return c
		}
	}
	return nil
}

// proposed notes what was planned after a look at the hosts.
func (w *shell) proposed(p *run.Proposal) {
	w.found = p.Site
	if p.Undo {
		return
	}
	w.looked = p.Look
	w.file.Site.Saw(p.Site)
	w.file.Site.TakeJails(p.Site)
	for _, plan := range p.Plans {
		if c := w.chapter(plan.Step); c != nil {
			c.plan, c.state = plan, w.judge(c.step, plan)
		}
	}
}

// judge says what a plan, and the checks asked last, mean for a chapter.
func (b *board) judge(step steps.Step, plan steps.Plan) state {
	switch {
	case plan.Skipped != "":
		return skipped
	case len(plan.Refused)+len(plan.Foreign) > 0:
		return refused
	case !plan.Empty(), !step.OfAnswers() && len(step.Lacks(b.site())) > 0:
		return needed
	}
	var said []checks.Result
	for _, r := range b.results {
		if r.Step == step.ID {
			said = append(said, r)
		}
	}
	_, ever := b.worked(step.ID)
	switch o, asked := worst(said); {
	case step.OfAnswers() && !ever && (!asked || o == checks.Fail):
		return todo
	case (!asked || o == checks.Skip) && slices.ContainsFunc(b.left(plan.Tasks), func(t steps.Task) bool { return t.Check == "" }):
		return todo // what it is about is not there yet, and a person brings it
	case !asked:
		return unasked
	case o == checks.Fail:
		return failing
	case o == checks.Unknown:
		return unsure
	}
	return inPlace
}

// ofAnswers plans the chapters that change no host: they are made of the answers and of what was seen last, and no host is asked.
func (w *shell) ofAnswers() {
	if w.file == nil {
		return
	}
	for _, c := range w.chapters {
		if c.step.OfAnswers() {
			c.plan = c.step.Plan(w.site(), w.looked)
			c.state = w.judge(c.step, c.plan)
		}
	}
}

// standing says whether every chapter that changes hosts is in place, but for those whose answers were not given, or that are not done on these systems.
func (b *board) standing() bool {
	return !slices.ContainsFunc(b.chapters, func(c *chapter) bool {
		return !c.step.OfAnswers() && !c.state.stands() && c.state != todo && len(c.plan.Foreign) == 0 && len(c.step.Lacks(b.site())) == 0
	})
}

// rejudge follows the results of checks.
func (w *shell) rejudge() {
	w.ofAnswers()
	for _, c := range w.chapters {
		if c.state.stands() {
			c.state = w.judge(c.step, c.plan)
		}
	}
}

// first is the first chapter that needs something, beginning after the one given and going round; nil when all are.
func (b *board) first(after string) *chapter {
	start := 0
	for i, c := range b.chapters {
		if c.step.ID == after {
			start = i + 1
		}
	}
	for i := range b.chapters {
		if c := b.chapters[(start+i)%len(b.chapters)]; (!c.state.stands() || c.state == failing) && c.step.ID != after {
			return c
		}
	}
	return nil
}

// worked is when a chapter was proven last before the program began; false when its checks did not all say so then.
func (b *board) worked(id string) (at time.Time, whole bool) {
	broke := false
	for key, p := range b.before {
		name, _, _ := strings.Cut(key, "@")
		if c, ok := checks.Of(name); ok && c.Step == id {
			broke = broke || p.Outcome == checks.Fail || p.Outcome == checks.Unknown
			if whole = whole || p.Outcome == checks.OK; p.At.After(at) {
				at = p.At
			}
		}
	}
	return at, whole && !broke
}

// broken are the chapters that worked before the program began, and need changes now.
func (b *board) broken() []*chapter {
	return slices.DeleteFunc(slices.Clone(b.chapters), func(c *chapter) bool {
		_, ever := b.worked(c.step.ID)
		return !ever && !halted(c.plan) || c.state != needed && c.state != refused
	})
}

// halted says whether a plan does no more than start again what was in place and does not run.
func halted(p steps.Plan) bool {
	for _, part := range p.Parts {
		if slices.ContainsFunc(part.Changes, func(c remote.Change) bool { return !c.Forget }) {
			return false
		}
	}
	return len(p.Parts) > 0
}

// says is a chapter's state in words.
func (b *board) says(c *chapter) string {
	if at, ever := b.worked(c.step.ID); ever && c.state == needed {
		return "worked until " + b.date(at)
	}
	if c.state == needed && halted(c.plan) {
		return "in place before, and does not run"
	}
	if c.state == todo && c.step.OfAnswers() {
		return "for you to do, and measured"
	}
	return means[c.state]
}

// date is a time as people write it where the program runs.
func (b *board) date(at time.Time) string {
	return at.In(b.o.Clock().Location()).Format("2006-01-02 15:04")
}

// changesOf counts what a plan would change.
func changesOf(p steps.Plan) int {
	n := 0
	for _, part := range p.Parts {
		n += len(part.Changes)
	}
	return n
}
