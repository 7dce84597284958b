package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/report"
	"postern/run"
	"postern/site"
	"postern/steps"
)

// guideCmd is postern without a command: chapter by chapter it asks, looks, shows, changes and proves. It begins with the
// first chapter that is not in place, because it looks at the hosts and not at what it did before.
type guideCmd struct{}

// Run walks through the chapters, drawn at a terminal that can, else in line mode.
func (*guideCmd) Run(ctx context.Context, a *app) error {
	if a.JSON {
		return usage("name a command: plan, apply, check, checks, undo, adopt or fields", "questions cannot be asked with --json")
	}
	a.guided = true
	if a.draws() {
		return a.draw(ctx)
	}
	from, err := a.open(true)
	if err != nil {
		return err
	}
	if err := a.overlay(from); err != nil {
		return err
	}
	kept, leave := "Answers are kept in "+from.file.Path+" after each question.", "ctrl+c stops; run postern again to go on where you were."
	if a.sim != nil {
		kept, leave = "Answers are kept for this run only.", "ctrl+c stops."
	}
	a.say.prose(plain, "%s An empty line takes what stands in brackets, ? repeats the help, %s", kept, leave)
	w := &walk{app: a, from: from, lacked: map[string]bool{}}
	defer w.leave()
	for _, step := range steps.All() {
		a.say.line(plain, "")
		a.say.line(bold, "Chapter %d: %s", step.Chapter, step.Title)
		if why := step.Skipped(from.site); why != "" {
			a.say.prose(plain, "  It %s.", why)
			continue
		}
		a.say.prose(plain, "  %s", step.About(from.site))
		if err := w.chapter(ctx, step); err != nil {
			return err
		}
	}
	return w.prove(ctx)
}

// walk is one guided run.
type walk struct {
	*app
	from  *answers
	r     *run.Runner
	found *site.Site // with what was detected filled in; nil before the first look

	lacked map[string]bool // keys that were asked once more, because a chapter can say nothing without them
}

func (w *walk) leave() {
	if w.r != nil {
		w.finish(w.r)
	}
}

// chapter asks what is not answered yet, and brings one step in place.
func (w *walk) chapter(ctx context.Context, step steps.Step) error {
	if err := w.questions(ctx, step); err != nil {
		return err
	}
	if w.r == nil {
		r, err := w.begin("guided", w.from)
		if err != nil {
			return err
		}
		w.r = r
	}
	p, err := w.r.Propose(ctx, []string{step.ID})
	for err != nil {
		if again := w.elsewhere(ctx, err); again != nil {
			return again
		}
		p, err = w.r.Propose(ctx, []string{step.ID})
	}
	w.found = p.Site
	w.from.site.Saw(p.Site)
	if why := p.Plans[0].Foreign; len(why) > 0 && len(p.Plans[0].Refused) == 0 {
		w.say.prose(amber, "%s is left out: %s", step.Title, strings.Join(why, "; "))
		return nil
	}
	if step.OfAnswers() {
		return w.beyond(ctx, step, p.Plans[0])
	}
	if p.Empty() && len(p.Refused()) == 0 {
		for _, plan := range p.Plans {
			w.say.lines(report.Notes(plan, w.said))
			w.say.lines(report.Left(plan.Tasks))
		}
		if lacks := step.Lacks(p.Site); len(lacks) > 0 {
			w.say.line(amber, "%s waits for answers: %s", step.Title, strings.Join(lacks, ", "))
			return nil
		}
		if open := unmeasured(p.Plans); len(open) > 0 {
			w.say.line(amber, "%s: %s left for you", step.Title, report.Plural(len(open), "task"))
			return nil
		}
		w.say.line(green, "[ok] %s is in place", step.Title)
		return nil
	}
	out, err := w.r.Apply(ctx, []string{step.ID})
	switch {
	case err != nil:
		return w.ended(out, err)
	case out.Declined:
		w.say.line(plain, "Nothing was changed. Your answers are kept; run postern again to go on here.")
		return silent(exitFailed)
	}
	w.say.lines(report.Left(out.Tasks))
	if checks.Exit(out.Results) == exitFailed {
		// A forwarded port cannot answer before the next chapter's tunnel is up; what counts is the proof at the end.
		w.say.prose(amber, "%s is in place; not all of it is proven yet (%s)", step.Title, report.Count(out.Results))
		return nil
	}
	w.say.line(green, "[ok] %s is in place", step.Title)
	return nil
}

// unmeasured are the tasks that a person has not done yet as far as anybody knows, because no check can tell.
func unmeasured(plans []steps.Plan) (open []steps.Task) {
	for _, plan := range plans {
		open = append(open, slices.DeleteFunc(report.Open(plan.Tasks), func(t steps.Task) bool { return t.Check != "" })...)
	}
	return open
}

// elsewhere asks again how to reach the hosts that could not be reached, of a person at a terminal. It gives the error back
// when it is another one.
func (w *walk) elsewhere(ctx context.Context, err error) error {
	var away *run.Unreachable
	if !errors.As(err, &away) || !w.ask.echoes() || ctx.Err() != nil {
		return err
	}
	w.say.fail(err)
	w.say.prose(plain, "An empty line tries the same again.")
	for _, host := range away.Hosts {
		for _, key := range []string{".ssh", ".jump"} {
			if err := w.question(ctx, "host."+host+key); err != nil {
				return err
			}
		}
	}
	return nil
}

// questions asks the fields of a step that are not in the file, until the answers fit each other: one by one those that have
// no usual value, the others together.
func (w *walk) questions(ctx context.Context, step steps.Step) error {
	for asked := map[string]bool{}; ; {
		fields := w.fields(step) // anew each time: an answer may make other questions needless
		i := slices.IndexFunc(fields, func(f site.Field) bool {
			return !asked[f.Key] && w.open(f) && byItself(f, w.from.site) || w.lacks(step, f)
		})
		if i < 0 {
			if err := w.usual(ctx, step); err != nil {
				return err
			}
			return w.fitting(ctx)
		}
		key := fields[i].Key
		asked[key] = true
		w.lacked[key] = w.lacked[key] || slices.Contains(step.Needs, key)
		if err := w.question(ctx, key); err != nil {
			return err
		}
	}
}

// open says whether a question waits for an answer: the file has none, no flag gives one, and it was not passed by.
func (w *walk) open(f site.Field) bool {
	given := w.sim != nil && f.Key == "layout" || slices.ContainsFunc(w.Set, func(pair string) bool {
		key, _, _ := strings.Cut(pair, "=")
		return strings.TrimSpace(key) == f.Key
	})
	return !given && !w.from.file.Has(f.Key) && !w.passedBy(f)
}

// lacks says whether a step can say nothing without an answer that an earlier chapter may leave empty. It is asked for once
// more, not by each such chapter.
func (w *walk) lacks(step steps.Step, f site.Field) bool {
	return slices.Contains(step.Needs, f.Key) && f.Get(w.from.site) == "" && !w.lacked[f.Key]
}

// passedBy says whether a question that may stay empty, or is one of a few words, was left so before: the file holds a later answer.
func (w *walk) passedBy(f site.Field) bool {
	if value := f.Get(w.from.site); (!f.Optional || value != "") && (f.Choices == nil || value != f.Default()) {
		return false
	}
	behind, seen := false, map[string]bool{}
	for _, step := range steps.All() {
		for _, other := range w.fields(step) {
			if behind && !seen[other.Key] && w.from.file.Has(other.Key) {
				return true
			}
			behind, seen[other.Key] = behind || other.Key == f.Key, true
		}
	}
	return false
}

// fitting asks again what does not fit the rest, until it does.
func (w *walk) fitting(ctx context.Context) error {
	for {
		wrong := site.Problems(w.from.site)
		var again []string
		for _, problem := range wrong {
			key, _, _ := strings.Cut(problem.Error(), ": ")
			if _, err := site.FieldOf(w.from.site, key); err == nil {
				again = append(again, key)
			}
			w.say.line(red, "%v", problem)
		}
		if len(wrong) > 0 && len(again) == 0 {
			return problems(w.from.site)
		}
		if len(wrong) == 0 {
			return nil
		}
		for _, key := range again {
			if err := w.question(ctx, key); err != nil {
				return err
			}
		}
	}
}

// fields are what a step asks.
func (w *walk) fields(step steps.Step) []site.Field {
	if step.Fields == nil {
		return nil
	}
	return site.Named(w.from.site, step.Fields(w.from.site))
}

// question asks for one answer and keeps it at once.
func (w *walk) question(ctx context.Context, key string) error {
	f, err := site.FieldOf(w.from.site, key)
	if err != nil {
		return err
	}
	found := ""
	if w.found != nil && f.Get(w.from.site) == "" && f.Get(w.found) != "" {
		found = fmt.Sprintf("found on the host: %s; an empty line goes on finding it out", f.Get(w.found))
	}
	if err := w.ask.field(ctx, w.from.site, f, found); err != nil {
		return w.unanswered(key, err)
	}
	if err := w.from.file.Set(key, f.Get(w.from.site)); err != nil {
		return err
	}
	return w.save()
}

// unanswered is the error of a question that nobody answered.
func (w *walk) unanswered(what string, err error) error {
	if errors.Is(err, remote.ErrNoAnswer) {
		return usage("the answers so far are in "+w.from.file.Path, "%s: %w", what, err)
	}
	return err
}

// save keeps the answers so far.
func (w *walk) save() error {
	if err := w.from.file.Save(); err != nil {
		return usage("", "%w", err)
	}
	w.from.made = false
	return nil
}

// prove asks every check at the end, so that the last words are about all of it together.
func (w *walk) prove(ctx context.Context) error {
	w.say.line(plain, "")
	w.say.line(bold, "Proving all of it")
	w.r.Result = w.result
	results, err := w.r.Check(ctx, nil)
	if err != nil {
		return unasked(err)
	}
	w.since(w.from.file.Path, results, false)
	w.say.lines(report.Findings(results))
	if code := checks.Exit(results); code != exitOK {
		return silent(code)
	}
	w.say.prose(green, "%s", closing(w.from.site, results))
	return nil
}
