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
		if step, ok := steps.Find(id); ok && step.ByHand() && !slices.Contains(named, id) {
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
		if one.Done == "" || whole {
			t.prose(Plain, "     %s", hang(one.Text, 5))
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

// TaskDone says how it is known that a task is done.
func TaskDone(t steps.Task) string {
	switch {
	case t.Done != "" && t.Check != "":
		return "done by hand on " + t.Done + "; the check " + t.Check + " tells whether it is so"
	case t.Done != "":
		return "done by hand on " + t.Done
	case t.Check == "":
		return "nothing can measure it: it is done when you say so"
	}
	return "done when the check " + t.Check + " says ok"
}

// Open are the tasks that nobody marked as done.
func Open(tasks []steps.Task) []steps.Task {
	return slices.DeleteFunc(slices.Clone(tasks), func(t steps.Task) bool { return t.Done != "" })
}

// chapters says in a line each how many tasks the chapters have that are done by hand, for a plan of everything.
func chapters(tasks []steps.Task) []Line {
	var t text
	for _, step := range steps.All() {
		of := slices.DeleteFunc(slices.Clone(tasks), func(t steps.Task) bool { return !strings.HasPrefix(t.ID, step.ID+".") })
		if !step.ByHand() || len(of) == 0 {
			continue
		}
		if t.lines == nil {
			t.line(Plain, "")
			t.line(Strong, "Chapters for you, which this program neither does nor proves yet:")
		}
		done := ""
		if n := len(of) - len(Open(of)); n > 0 {
			done = fmt.Sprintf("%d done by hand, ", n)
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
	if copy := strings.TrimSpace(one.Copy); copy != "" {
		t.line(Plain, "")
		t.line(Strong, "To copy (y copies, x saves):")
		t.line(Plain, "  %s", hang(copy, 2))
	}
	t.line(Plain, "")
	t.prose(Plain, "%s (%s)", TaskDone(one), from)
	return t.lines
}
