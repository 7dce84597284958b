package report

import (
	"fmt"
	"slices"
	"strings"

	"postern/steps"
)

// Left is what is left for a person: all of it for the chapters named, and a line for each chapter by hand that is not. Where
// none is named, those tasks that were marked as done are named only.
func Left(tasks []steps.Task, named ...string) []Line {
	var here, elsewhere []steps.Task
	for _, t := range tasks {
		id, _, _ := strings.Cut(t.ID, ".")
		if step, ok := steps.Find(id); ok && step.OfAnswers() && !slices.Contains(named, id) {
			elsewhere = append(elsewhere, t)
		} else {
			here = append(here, t)
		}
	}
	return append(list(here, len(named) > 0), chapters(elsewhere)...)
}

func list(tasks []steps.Task, whole bool) []Line {
	var t text
	if len(tasks) == 0 {
		return nil
	}
	t.line(Plain, "")
	if open := len(Open(tasks)); open > 0 {
		t.line(Strong, "Left for you (%d):", open)
	} else {
		t.line(Strong, "Nothing of this is left for you:")
	}
	for i, one := range tasks {
		t.line(Plain, "  %d. %s", i+1, one.Title)
		if !one.Proven && (one.Done == "" || whole) {
			t.prose(Plain, "     %s", hang(one.Text, 5))
			if one.Found != "" {
				t.prose(Plain, "     now: %s", hang(one.Found, 10))
			}
			rows(&t, one, 10)
			if one.Copy != "" {
				t.line(Plain, "     copy:\n       %s", hang(strings.TrimSpace(one.Copy), 7))
			}
		}
		if one.Check != "" || one.Done != "" {
			t.line(Plain, "     %s", TaskDone(one))
		} else {
			t.line(Plain, "     done when you say so: postern done %s", one.ID)
		}
	}
	return t.lines
}

// rows say of each record what is there now, where there are several.
func rows(t *text, one steps.Task, by int) {
	if len(one.Now) > 1 {
		t.prose(Plain, "%*s%s", by, "", hang(strings.Join(one.Now, "\n"), by))
	}
}

// TaskDone says how it is known that a task is done.
func TaskDone(t steps.Task) string {
	switch {
	case t.Proven:
		return "done: the check " + t.Check + " says ok"
	case t.Done != "" && t.Check != "":
		return "done by hand on " + t.Done + "; the check " + t.Check + " tells whether it is so"
	case t.Done != "":
		return "done by hand on " + t.Done
	case t.Check == "":
		return "nothing can measure it: it is done when you say so"
	}
	return "done when the check " + t.Check + " says ok"
}

// Open are the tasks that no check found done and nobody marked.
func Open(tasks []steps.Task) []steps.Task {
	return slices.DeleteFunc(slices.Clone(tasks), func(t steps.Task) bool { return t.Proven || t.Done != "" })
}

// chapters says in a line each how many tasks the chapters for a person have, for a plan of everything.
func chapters(tasks []steps.Task) []Line {
	var t text
	for _, step := range steps.All() {
		of := slices.DeleteFunc(slices.Clone(tasks), func(t steps.Task) bool { return !strings.HasPrefix(t.ID, step.ID+".") })
		if !step.OfAnswers() || len(of) == 0 {
			continue
		}
		if t.lines == nil {
			t.line(Plain, "")
			t.line(Strong, "Chapters for you:")
		}
		done := ""
		if n := len(of) - len(Open(of)); n > 0 {
			done = fmt.Sprintf("%d done, ", n)
		}
		t.line(Plain, "  %d %-9s %s, %s'postern plan %s' says what to do", step.Chapter, step.Title, Plural(len(of), "task"), done, step.ID)
	}
	return t.lines
}

// Task is all about one task, and where it is known from whether it is done.
func Task(one steps.Task, from string) []Line {
	var t text
	t.prose(Strong, "%s", one.Title)
	t.prose(Plain, "%s", strings.TrimSpace(one.Text))
	if one.Found != "" {
		t.prose(Plain, "What is there now: %s", one.Found)
	}
	if !one.Proven {
		rows(&t, one, 2)
	}
	if copy := strings.TrimSpace(one.Copy); copy != "" {
		t.line(Plain, "")
		t.line(Strong, "To copy (y copies, x saves):")
		t.line(Plain, "  %s", hang(copy, 2))
	}
	t.line(Plain, "")
	t.prose(Plain, "%s (%s)", TaskDone(one), from)
	return t.lines
}
