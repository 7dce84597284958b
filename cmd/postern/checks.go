package main

import (
	"context"
	"strings"

	"postern/checks"
	"postern/steps"
)

// checksCmd lists the checks.
type checksCmd struct{}

type checkListJSON struct {
	ID      string `json:"id"`
	Chapter string `json:"chapter"`
	Title   string `json:"title"`
	Asks    string `json:"asks"`
}

// Run lists what can be asked, by chapter. No host is asked.
func (*checksCmd) Run(_ context.Context, a *app) error { //nolint:unparam // as all commands are run
	list := []checkListJSON{}
	for _, step := range steps.All() {
		for _, c := range checks.All() {
			if c.Step != step.ID {
				continue
			}
			if len(list) == 0 || list[len(list)-1].Chapter != step.ID {
				a.say.line(bold, "%s", step.Title)
			}
			asks, _, _ := strings.Cut(c.Page.Asks, "? ")
			list = append(list, checkListJSON{c.ID, c.Step, c.Title, strings.TrimSuffix(asks, "?") + "?"})
			a.say.line(plain, "  %-19s %s", c.ID, c.Title)
			a.say.prose(plain, "  %-19s %s", "", list[len(list)-1].Asks)
		}
	}
	if a.JSON {
		a.final(struct {
			Schema int             `json:"schema"`
			Checks []checkListJSON `json:"checks"`
		}{schema, list})
		return nil
	}
	a.say.prose(plain, "'postern check ID' asks one, 'postern check --explain ID' says what its answers mean and what mends it.")
	return nil
}
