package run

import (
	"fmt"
	"slices"
	"strings"

	"postern/checks"
)

// Regression is the error of a change that broke what worked before it.
type Regression struct{ Lost []checks.Result }

// Error tells what a change broke, and how to have it all the same.
func (e *Regression) Error() string {
	var flags []string
	for _, id := range e.IDs() {
		flags = append(flags, "--accept-risk="+id)
	}
	return fmt.Sprintf("%s was ok before and is not any more (saw %q); %d such; if that is meant: %s",
		e.Lost[0].Key(), e.Lost[0].Saw.Line(120), len(e.Lost), strings.Join(flags, " "))
}

// IDs are the checks that are not ok any more, each once: to accept them by name is to have the change all the same.
func (e *Regression) IDs() []string {
	var ids []string
	for _, one := range e.Lost {
		if !slices.Contains(ids, one.ID) {
			ids = append(ids, one.ID)
		}
	}
	return ids
}
