package run

import (
	"fmt"
	"slices"
	"strings"

	"postern/checks"
)

// Regression is the error of a change that broke what worked before it, brought what is grave, or seemed to break something, because
// hosts were started anew meanwhile.
type Regression struct {
	Lost []checks.Result
	Anew []string // the names of such hosts
}

// Error tells what a change broke, and how to have it all the same.
func (e *Regression) Error() string {
	if len(e.Lost) == 0 {
		return strings.Join(e.Anew, " and ") + " rebooted before the change was confirmed, and takes it back at the boot; try again"
	}
	if len(e.Anew) > 0 {
		return fmt.Sprintf("%s rebooted before the change was confirmed, so nothing could be proven (%s was ok before, and then %q); try again",
			strings.Join(e.Anew, " and "), e.Lost[0].Key(), e.Lost[0].Saw.Line(120))
	}
	var flags []string
	for _, id := range e.IDs() {
		flags = append(flags, "--accept-risk="+id)
	}
	if at := slices.IndexFunc(e.Lost, func(one checks.Result) bool { return one.Grave }); at >= 0 {
		return fmt.Sprintf("%s must not stand (saw %q): %s", e.Lost[at].Key(), e.Lost[at].Saw.Line(120), e.Lost[at].Fix)
	}
	return fmt.Sprintf("%s was ok before and is not any more (saw %q); %d such; if that is meant: %s",
		e.Lost[0].Key(), e.Lost[0].Saw.Line(120), len(e.Lost), strings.Join(flags, " "))
}

// IDs are the checks that are not ok any more, each once: to accept them by name is to have the change all the same. What a reboot
// broke is nothing to accept.
func (e *Regression) IDs() []string {
	var ids []string
	if len(e.Anew) > 0 {
		return nil
	}
	for _, one := range e.Lost {
		if !slices.Contains(ids, one.ID) {
			ids = append(ids, one.ID)
		}
	}
	return ids
}
