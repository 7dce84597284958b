package wizard

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/report"
	"postern/wizard/draw"
)

// farewell is the plain summary that stays in the scrollback: how far it got, what fails, and how to go on.
func (w *shell) farewell() Ending {
	e := Ending{Code: w.code}
	say := func(format string, args ...any) {
		e.Lines = append(e.Lines, w.theme.Clean(fmt.Sprintf(format, args...), 4096))
	}
	if w.file == nil {
		return e
	}
	if w.o.Simulated != "" {
		say("%s", w.o.Simulated)
	}
	say("%s", w.name())
	var asked []checks.Result
	for _, c := range w.chapters {
		s := c.state
		if s == looking {
			s = unknown // nobody waited for the end of it
		}
		say("  %d %s %-7s %s", c.step.Chapter, draw.Pad(c.step.Title, 12), s, when(s == c.state, w.says(c), means[s]))
		for _, r := range w.results {
			if r.Step == c.step.ID && s.stands() {
				asked = append(asked, r) // of what is not in place, what was said before says nothing
			}
		}
	}
	if len(asked) > 0 {
		say("  %s", report.Count(asked))
	}
	for _, err := range []error{w.lookErr, w.failure} {
		if err != nil {
			say("  the last word was:")
			for text := range strings.SplitSeq(remote.Words(err), "\n") {
				say("    %s", text)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(w.drafts)) {
		say("  typed, but not entered, so not kept: %s %q", w.titles(key), w.drafts[key])
	}
	if w.touching() {
		say("  a change was open when you left: its host takes it back by itself at the deadline")
	}
	if w.code == 0 && w.o.Log != nil && w.o.Log() != "" { // else cmd says it
		say("  log of this run: %s", w.o.Log())
	}
	if w.o.Simulated != "" {
		say("  nothing of this is kept; for your own hosts: postern")
		return e
	}
	say("  answers: %s", w.file.Path)
	say("  go on with: postern --site %s", w.file.Path)
	return e
}
