package wizard

import (
	"slices"
	"strings"
	"testing"
)

// moving are keys that only move a mark or a text, or empty it, and need not be able to.
var moving = []string{"up", "down", "pgup", "pgdn", "tab", "shift+tab", "left", "right", "1-9", "ctrl+u"}

// A key that a screen names does something there, or says why not: the screen changes, or the engine is given a job.
func TestNamedKeysAnswer(t *testing.T) {
	for _, s := range scenes {
		t.Run(s.name, func(t *testing.T) {
			first := s.make(t)
			if first.w.helping != nil || strings.Contains(s.name, "wrong") || strings.Contains(s.name, "typing") || s.name == "sites, asking" {
				return // the keys are not the page's, or the answer stands there already
			}
			for _, k := range first.w.seen().keys {
				for press := range strings.SplitSeq(k.press, "/") {
					if press == "" {
						press = "/"
					}
					if slices.Contains(moving, press) {
						continue
					}
					x := s.make(t)
					before := x.screen()
					x.jobs()
					x.keys(press)
					if x.screen() == before && x.jobs() == "" && len(x.chosen) == 0 {
						t.Errorf("%s (%s) does nothing and says nothing:\n%s", press, k.does, before)
					}
				}
			}
		})
	}
}
