package main

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"postern/steps"
)

// doneCmd marks tasks for a person as done.
type doneCmd struct {
	Tasks []string `arg:"" optional:"" name:"task" offers:"tasks" help:"The tasks' IDs, as 'postern plan' shows them. None: list what is marked."`
	Not   bool     `help:"Take the mark back."`
}

type doneJSON struct {
	Schema int               `json:"schema"`
	Done   map[string]string `json:"done"` // task and date
}

// Run keeps in the answers what a person says is done. No host is asked, and nothing is proven by it.
func (c *doneCmd) Run(_ context.Context, a *app) error {
	from, err := a.answers(false)
	if err != nil {
		return err
	}
	known := steps.TaskIDs(from.site)
	for _, id := range c.Tasks {
		if !slices.Contains(known, id) && from.site.Done[id] == "" {
			return usage(cmp.Or(meant(id, known), "'postern plan' shows the tasks and their IDs"), "%q is not a task of these answers", id)
		}
	}
	date := a.world.now().Format(time.DateOnly)
	if c.Not {
		date = ""
	}
	for _, id := range c.Tasks {
		if err := from.file.Site.Mark(id, date); err != nil {
			return usage("", "%w", err)
		}
	}
	if len(c.Tasks) > 0 {
		if err := from.file.Save(); err != nil {
			return usage("nothing was marked", "%w", err)
		}
	}
	done := from.file.Site.Done
	if a.JSON {
		a.final(doneJSON{schema, done})
	}
	for _, id := range slices.Sorted(maps.Keys(done)) {
		a.say.line(plain, "%s  done by hand on %s", id, done[id])
	}
	if open := slices.DeleteFunc(known, func(id string) bool { return done[id] != "" }); len(open) > 0 {
		a.say.prose(plain, "Not marked: %s", strings.Join(open, ", "))
	}
	return nil
}
