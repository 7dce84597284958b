package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/site"
	"postern/steps"
)

// keepOff has the world kept off what a grave result found, where that stands on although the change that met it was taken
// back, as an open relay does whose port was open before. It is shown and asked like any change. cause, which it gives back, tells of the
// result; nothing happens where it tells of none, or the chapter that asks for the answer is not in place.
func (r *Runner) keepOff(ctx context.Context, cause error) error {
	var broke *Regression
	if !errors.As(cause, &broke) || len(grave(broke.Lost)) == 0 {
		return cause
	}
	results, err := r.prove(ctx, having(checks.All(), grave(broke.Lost), checks.Fail), r.sessions())
	if err != nil {
		return cause
	}
	var answers, before []string
	var chapter steps.Step
	for _, one := range grave(results) {
		key, value, _ := strings.Cut(one.Answer, "=")
		step, field, ok := asking(r.Site, key)
		if plan, planned := r.done.plans[step.ID]; !ok || !planned || !plan.Empty() || slices.Contains(answers, one.Answer) {
			continue
		}
		was := field.Get(r.Site)
		if field.Set(r.Site, value) == nil {
			answers, before, chapter = append(answers, one.Answer), append(before, key+"="+was), step
		}
	}
	if len(answers) == 0 {
		return cause
	}
	if err := r.keptOff(ctx, chapter, answers); err != nil {
		for _, one := range before {
			key, was, _ := strings.Cut(one, "=")
			_ = site.Set(r.Site, key, was) // it was one
		}
		return errors.Join(cause, fmt.Errorf("and the world could not be kept off: %w", err))
	}
	return cause
}

// asking is the chapter that asks for an answer, and its field.
func asking(s *site.Site, key string) (steps.Step, site.Field, bool) {
	field, err := site.FieldOf(s, key)
	for _, one := range steps.All() {
		if err == nil && one.Fields != nil && slices.Contains(one.Fields(s), key) {
			return one, field, true
		}
	}
	return steps.Step{}, field, false
}

// keptOff applies a chapter with these answers.
func (r *Runner) keptOff(ctx context.Context, chapter steps.Step, answers []string) error {
	said := strings.Join(answers, ", ")
	r.emit(steps.Event{Kind: "warn", Text: "it stood before this change, too, and harms others: the world is to be kept off, by the answer " + said + " (an address that nobody has)"})
	p, err := r.propose(ctx, []steps.Step{chapter})
	if err == nil {
		err = r.allowed(p)
	}
	if err == nil && len(p.Parts(false)) == 0 {
		err = errors.New("no rule would change")
	}
	if err != nil {
		return err
	}
	if ok, err := r.Approve(ctx, p); err != nil || !ok {
		return errors.Join(err, errors.New("it was not agreed to"))
	}
	if _, _, err = r.change(ctx, decision{site: p.Site, parts: p.Parts(false), before: p.proof, after: p.proof, answers: true}); err != nil {
		return err
	}
	back := ""
	for _, one := range answers {
		key, value, _ := strings.Cut(one, "=")
		if back += " --set " + key + "="; r.Answered == nil {
			continue
		}
		if err := r.Answered(key, value); err != nil {
			r.emit(steps.Event{Kind: "warn", Text: fmt.Sprintf("the answer %s could not be saved here, and the next apply opens the port again: %s", one, remote.Words(err))})
		}
	}
	r.emit(steps.Event{Kind: "warn", Text: "the world is kept off now, by " + said + "; once the server is mended, take that back: postern apply --save" + back})
	return nil
}
