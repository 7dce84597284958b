package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/report"
	"postern/site"
	"postern/steps"
)

// byHand are those of the chapters named, or of all when none is, that this program neither does nor proves. only says that
// there are no others.
func byHand(named []string) (list []steps.Step, only bool) {
	only = true
	for _, step := range steps.All() {
		if len(named) > 0 && !slices.Contains(named, step.ID) {
			continue
		}
		if step.ByHand() {
			list = append(list, step)
		} else {
			only = false
		}
	}
	return list, only && len(list) > 0
}

// titles is the names of chapters, as a sentence lists them.
func titles(list []steps.Step) string {
	var names []string
	for _, step := range list {
		names = append(names, step.Title)
	}
	if n := len(names); n > 1 {
		names = append(names[:n-2], names[n-2]+" and "+names[n-1])
	}
	return strings.Join(names, ", ")
}

// unmeasured says what a check or a change of the chapters named says nothing about. The error is the exit code when there was
// nothing else.
func (a *app) unmeasured(named []string) error {
	hand, only := byHand(named)
	if len(hand) == 0 {
		return nil
	}
	a.say.prose(plain, "Not measured: %s. This program does not do or prove that yet; 'postern plan %s' says what to do by hand.", titles(hand), hand[0].ID)
	if only {
		return silent(exitUnasked)
	}
	return nil
}

// byHand shows a chapter of tasks for a person, and asks once whether they are done. Nothing waits for it: an empty line, or
// nobody there to ask, is not yet.
func (w *walk) byHand(ctx context.Context, step steps.Step, plan steps.Plan) error {
	w.say.lines(report.Notes(plan, w.said))
	w.say.lines(report.Left(plan.Tasks, step.ID))
	open := report.Open(plan.Tasks)
	if len(open) == 0 {
		return nil
	}
	if !w.skip {
		w.say.line(plain, "")
		w.say.prose(plain, "y marks all of it as done, a number such as 1 or 1,3 marks that; s goes past the chapters by hand; an empty line is not yet.")
	}
	for !w.skip {
		answer, err := w.ask.line(ctx, "Is it done? [y/N] ")
		if errors.Is(err, remote.ErrNoAnswer) {
			break
		}
		if err != nil {
			return err
		}
		marked, ok := chosenTasks(plan.Tasks, answer)
		switch {
		case !ok && strings.EqualFold(strings.TrimSpace(answer), "s"):
			w.skip = true
			continue
		case !ok:
			w.say.line(red, "  %q is neither y, n nor s, nor a number of this list", answer)
			continue
		}
		for _, t := range report.Open(marked) {
			for _, s := range []*site.Site{w.from.file.Site, w.from.site} {
				if err := s.Mark(t.ID, w.world.now().Format(time.DateOnly)); err != nil {
					return err
				}
			}
		}
		if len(marked) == 0 {
			return nil
		}
		return w.save()
	}
	return nil
}

// chosenTasks are those of a list that an answer says are done: all for y, none for n or nothing, or those of its numbers.
func chosenTasks(tasks []steps.Task, answer string) (list []steps.Task, ok bool) {
	switch answer = strings.ToLower(strings.TrimSpace(answer)); answer {
	case "y", "yes":
		return tasks, true
	case "", "n", "no":
		return nil, true
	}
	for _, word := range strings.FieldsFunc(answer, func(r rune) bool { return r == ',' || r == ' ' }) {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n > len(tasks) {
			return nil, false
		}
		if !slices.ContainsFunc(list, func(t steps.Task) bool { return t.ID == tasks[n-1].ID }) {
			list = append(list, tasks[n-1])
		}
	}
	return list, len(list) > 0
}

// closing is the last sentence of a walk: what was proven, and what was not.
func closing(s *site.Site, results []checks.Result) string {
	var proven, done, open []steps.Step
	for _, step := range steps.All() {
		if !step.ByHand() {
			told := func(r checks.Result) bool { return r.Step == step.ID }
			asked := func(r checks.Result) bool { return told(r) && r.Outcome != checks.Skip }
			if slices.ContainsFunc(results, asked) || !step.OfAnswers() && !slices.ContainsFunc(results, told) {
				proven = append(proven, step)
			} else if undone := func(id string) bool { return strings.HasPrefix(id, step.ID+".") && s.Done[id] == "" }; !step.OfAnswers() && slices.ContainsFunc(steps.TaskIDs(s), undone) {
				open = append(open, step) // what it is about is not there yet, and a person brings it
			}
			continue
		}
		tasks := step.Plan(s, nil).Tasks
		if slices.ContainsFunc(tasks, func(t steps.Task) bool { return s.Done[t.ID] == "" }) {
			open = append(open, step)
		} else if len(tasks) > 0 {
			done = append(done, step)
		}
	}
	text := fmt.Sprintf("In place and proven: %s (%s). 'postern check' proves it again at any time.", titles(proven), report.Count(results))
	if len(done)+len(open) == 0 {
		return text
	}
	text += "\nNot proven by this program:"
	if len(done) > 0 {
		text += " " + titles(done) + ", done by hand as you said;"
	}
	if len(open) > 0 {
		text += " " + titles(open) + ", not done yet;"
	}
	return strings.TrimSuffix(text, ";") + "."
}
