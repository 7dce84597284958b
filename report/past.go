package report

import (
	"fmt"
	"time"

	"postern/checks"
)

// Past is what a check said at an earlier time, as it is also kept between runs: nothing in it is what a host said.
type Past struct {
	Outcome checks.Outcome `json:"outcome"`
	At      time.Time      `json:"at"`
}

// Was tells what a result was before it changed, in the time of a zone.
func Was(p Past, zone *time.Location) string {
	w, _ := Word(p.Outcome)
	return "changed: it was " + w + " at " + p.At.In(zone).Format("2006-01-02 15:04")
}

// Since lists what is not as it was, worst first: causes with how much that follows from them changed too, then what is well now.
// Nothing when nothing changed. The past goes by checks.Result.Key.
func Since(past map[string]Past, results []checks.Result, zone *time.Location) []Line {
	var t text
	changed := func(r checks.Result) bool {
		old, known := past[r.Key()]
		return known && old.Outcome != r.Outcome
	}
	say := func(r checks.Result, follows int) {
		if t.lines == nil {
			t.line(Plain, "")
			t.line(Strong, "Not as it was before")
		}
		w, s := Word(r.Outcome)
		line := fmt.Sprintf("%-9s %s  from %s", w, r.ID, r.From)
		if changed(r) {
			line += "; " + Was(past[r.Key()], zone)
		}
		if follows > 0 {
			line += "; with it " + Plural(follows, "check")
		}
		t.prose(s, "%s", line)
	}
	for _, c := range checks.Causes(results) {
		n := 0
		for _, r := range c.Follows {
			if changed(r) {
				n++
			}
		}
		if changed(c.Result) || n > 0 {
			say(c.Result, n)
		}
	}
	for _, r := range results {
		if !r.Amiss() && changed(r) {
			say(r, 0)
		}
	}
	return t.lines
}
