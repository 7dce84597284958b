package main

import (
	"fmt"
	"slices"
	"strings"

	"postern/checks"
	"postern/report"
	"postern/site"
	"postern/steps"
)

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

// closing is the last sentence of a walk: what was proven, and what was not.
func closing(s *site.Site, results []checks.Result) string {
	var proven, open []steps.Step
	for _, step := range steps.All() {
		told := func(r checks.Result) bool { return r.Step == step.ID }
		asked := func(r checks.Result) bool { return told(r) && r.Outcome != checks.Skip }
		undone := func(id string) bool { return strings.HasPrefix(id, step.ID+".") && s.Done[id] == "" }
		switch {
		case step.Skipped(s) != "":
		case slices.ContainsFunc(results, asked), !step.OfAnswers() && !slices.ContainsFunc(results, told):
			proven = append(proven, step)
		case !step.OfAnswers() && slices.ContainsFunc(steps.TaskIDs(s), undone):
			open = append(open, step) // what it is about is not there yet, and a person brings it
		}
	}
	text := fmt.Sprintf("In place and proven: %s (%s). 'postern check' proves it again at any time.", titles(proven), report.Count(results))
	if len(open) > 0 {
		text += "\nNot proven by this program: " + titles(open) + ", not done yet."
	}
	return text
}
