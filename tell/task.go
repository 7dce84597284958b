package tell

import (
	"strings"

	"postern/steps"
)

// Tasks is what is left for a person; nothing when nothing is.
func Tasks(tasks []steps.Task) []Line {
	var t text
	if len(tasks) == 0 {
		return nil
	}
	t.line(Plain, "")
	t.line(Strong, "Left for you (%d):", len(tasks))
	for i, one := range tasks {
		t.line(Plain, "  %d. %s", i+1, one.Title)
		t.prose(Plain, "     %s", hang(one.Text, 5))
		if one.Copy != "" {
			t.line(Plain, "     copy:\n       %s", hang(strings.TrimSpace(one.Copy), 7))
		}
		if one.Check != "" {
			t.line(Plain, "     %s", TaskDone(one))
		}
	}
	return t.lines
}

// TaskDone says how it is known that a task is done.
func TaskDone(t steps.Task) string {
	if t.Check == "" {
		return "nothing can measure it: it is done when you say so"
	}
	return "done when the check " + t.Check + " says ok"
}
