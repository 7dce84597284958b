package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"postern/checks"
	"postern/steps"
)

// drawer puts events, results and proposals into lines for people.
type drawer struct {
	say   *voice
	quiet bool // events are not worth a line

	mu      sync.Mutex
	last    steps.Event
	rescued map[string]bool // hosts whose way back was shown already
	noted   map[string]bool // notes that were shown already
}

// event says one line of progress.
func (d *drawer) event(e steps.Event) {
	d.mu.Lock()
	d.last = e
	d.mu.Unlock()
	if d.quiet && e.Kind != "warn" && e.Kind != "error" {
		return
	}
	s := plain
	switch e.Kind {
	case "warn", "rollback", "cancel":
		s = amber
	case "error":
		s = red
	case "confirm", "done":
		s = green
	}
	d.say.prose(s, "%s", eventLine(e))
}

func eventLine(e steps.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  %-8s ", e.Kind)
	if e.Host != "" {
		b.WriteString(e.Host + ": ")
	}
	if e.Of > 0 {
		fmt.Fprintf(&b, "%d of %d  ", e.N, e.Of)
	}
	b.WriteString(e.Text)
	if e.Elapsed > 0 {
		fmt.Fprintf(&b, "  (%s)", seconds(e.Elapsed))
	}
	return b.String()
}

// doing is what the last event was about, for the heartbeat.
func (d *drawer) doing() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last.Text == "" {
		return ""
	}
	line, _, _ := strings.Cut(d.last.Text, "\n")
	if d.last.Host != "" {
		line = d.last.Host + ": " + line
	}
	return "; the last was: " + line
}

// word is a result's outcome as people read it.
func word(o checks.Outcome) (string, style) {
	switch o {
	case checks.OK:
		return "[ok]", green
	case checks.Warn:
		return "[warn]", amber
	case checks.Fail:
		return "[FAIL]", red
	case checks.Unknown:
		return "[unknown]", amber
	}
	return "[skip]", plain
}

func resultLine(r checks.Result) string {
	w, _ := word(r.Outcome)
	return fmt.Sprintf("%-9s %s  from %s: %s  (%s)", w, r.ID, r.From, r.Saw.Line(160), seconds(r.Took))
}

// result says one result in one line.
func (d *drawer) result(r checks.Result) {
	_, s := word(r.Outcome)
	d.say.prose(s, "%s", resultLine(r))
}

// findings says all there is to know of the results that are not ok, by chapter, and how many there are of each kind.
func (d *drawer) findings(results []checks.Result) {
	for _, step := range steps.All() {
		groups := alike(results, step.ID)
		if len(groups) == 0 {
			continue
		}
		d.say.line(plain, "")
		d.say.line(bold, "%s", step.Title)
		for _, g := range groups {
			d.finding(g)
		}
	}
	d.say.line(plain, "")
	d.say.line(bold, "%s", count(results))
}

// alike puts together the results of a step that are not ok, those in one group that could not be asked for one reason.
func alike(results []checks.Result, step string) [][]checks.Result {
	var groups [][]checks.Result
	at := map[string]int{}
	for _, r := range results {
		if r.Step != step || r.Outcome == checks.OK || r.Outcome == checks.Skip {
			continue
		}
		key := r.From + "\x00" + r.Saw.String() + "\x00" + r.Likely + "\x00" + r.Evidence.String()
		i, known := at[key]
		if !known || r.Outcome != checks.Unknown {
			i = len(groups)
			groups = append(groups, nil)
		}
		if r.Outcome == checks.Unknown {
			at[key] = i
		}
		groups[i] = append(groups[i], r)
	}
	return groups
}

// finding says all about one result, or about several that could not be asked for one reason.
func (d *drawer) finding(group []checks.Result) {
	r := group[0]
	w, s := word(r.Outcome)
	var ids []string
	for _, one := range group {
		ids = append(ids, one.ID)
	}
	if len(group) > 1 {
		r.Want = ""
	}
	d.say.line(s, "%s %s, asked from %s", w, strings.Join(ids, ", "), r.From)
	fix := r.Fix
	if _, isStep := steps.Find(fix); isStep {
		fix = "postern apply " + fix
	}
	for _, row := range [][2]string{{"saw", r.Saw.String()}, {"want", r.Want}, {"likely", r.Likely}, {"fix", fix}, {"evidence", r.Evidence.String()}} {
		if strings.TrimSpace(row[1]) != "" {
			d.say.prose(plain, "    %-9s %s", row[0], hang(strings.TrimSpace(row[1]), 14))
		}
	}
}

// hang indents the lines after the first.
func hang(text string, by int) string {
	return strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", by))
}

// count is the closing line: how many results there are of each outcome.
func count(results []checks.Result) string {
	n := map[checks.Outcome]int{}
	for _, r := range results {
		n[r.Outcome]++
	}
	parts := []string{fmt.Sprintf("%d ok", n[checks.OK])}
	for _, o := range []checks.Outcome{checks.Warn, checks.Fail, checks.Unknown, checks.Skip} {
		if n[o] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[o], map[checks.Outcome]string{
				checks.Warn: "warn", checks.Fail: "failed", checks.Unknown: "could not be asked", checks.Skip: "skipped"}[o]))
		}
	}
	return fmt.Sprintf("%d checks: %s", len(results), strings.Join(parts, ", "))
}

// tasks says what is left for a person.
func (d *drawer) tasks(tasks []steps.Task) {
	if len(tasks) == 0 {
		return
	}
	d.say.line(plain, "")
	d.say.line(bold, "Left for you (%d):", len(tasks))
	for i, t := range tasks {
		d.say.line(plain, "  %d. %s", i+1, t.Title)
		d.say.prose(plain, "     %s", hang(t.Text, 5))
		if t.Copy != "" {
			d.say.line(plain, "     copy:\n       %s", hang(strings.TrimSpace(t.Copy), 7))
		}
		if t.Check != "" {
			d.say.line(plain, "     done when the check %s says ok", t.Check)
		}
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
