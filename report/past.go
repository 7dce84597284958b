package report

import (
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

// Since lists the results whose outcome is not what it was; nothing when none changed. The past goes by checks.Result.Key.
func Since(past map[string]Past, results []checks.Result, zone *time.Location) []Line {
	var t text
	for _, r := range results {
		old, known := past[r.Key()]
		if !known || old.Outcome == r.Outcome {
			continue
		}
		if t.lines == nil {
			t.line(Plain, "")
			t.line(Strong, "Not as it was before")
		}
		w, s := Word(r.Outcome)
		t.prose(s, "%-9s %s  from %s; %s", w, r.ID, r.From, Was(old, zone))
	}
	return t.lines
}
