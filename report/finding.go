package report

import (
	"fmt"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/steps"
)

// Word is a result's outcome as people read it.
func Word(o checks.Outcome) (string, Style) {
	switch o {
	case checks.OK:
		return "[ok]", Good
	case checks.Warn:
		return "[warn]", Amber
	case checks.Fail:
		return "[FAIL]", Bad
	case checks.Unknown:
		return "[unknown]", Amber
	}
	return "[skip]", Plain
}

// Result is one result in one line.
func Result(r checks.Result) Line {
	w, s := Word(r.Outcome)
	return Line{s, fmt.Sprintf("%-9s %s  from %s: %s  (%s)", w, r.ID, r.From, r.Saw.Line(160), Seconds(r.Took)), true}
}

// Findings is all there is to know of the results that are not ok, by chapter, and how many there are of each kind. What follows
// from another stands in one line under it.
func Findings(results []checks.Result) []Line {
	var t text
	causes := checks.Causes(results)
	for _, step := range steps.All() {
		first := true
		for _, c := range causes {
			if c.Step != step.ID {
				continue
			}
			if first {
				t.line(Plain, "")
				t.line(Strong, "%s", step.Title)
			}
			first = false
			t.lines = append(t.lines, Finding(c.Result)...)
			t.lines = append(t.lines, Follows(c)...)
		}
	}
	t.line(Plain, "")
	t.line(Strong, "%s", Count(results))
	return t.lines
}

// Follows is what follows from a cause, a line each.
func Follows(c checks.Cause) []Line {
	var t text
	for _, r := range c.Follows {
		w, s := Word(r.Outcome)
		t.prose(s, "    follows   %s %s, asked from %s: %s", w, r.ID, r.From, r.Saw.Line(100))
	}
	return t.lines
}

// Causes is each cause in a line, with the one thing to do, its evidence, and how much follows from it; nothing where nothing is amiss.
func Causes(results []checks.Result) []Line {
	var t text
	list := checks.Causes(results)
	if len(list) == 0 {
		return nil
	}
	t.line(Plain, "")
	t.line(Strong, "%s of %s", Plural(len(list), "cause"), Plural(Amiss(results...), "finding"))
	for _, c := range list {
		w, s := Word(c.Outcome)
		t.prose(s, "%-9s %s, from %s: %s. Do: %s", w, c.ID, c.From, c.Saw.Line(200), Fix(c.Result))
		lines := strings.Split(strings.TrimSpace(c.Evidence.String()), "\n")
		if last := remote.Clean(lines[len(lines)-1]).Line(200); last != "" && !strings.Contains(c.Saw.String(), last) {
			t.prose(Plain, "          evidence: %s", last)
		}
		if n := len(c.Follows); n > 0 {
			t.prose(Plain, "          %s from it", map[bool]string{true: "1 more follows", false: fmt.Sprintf("%d more follow", n)}[n == 1])
		}
	}
	return t.lines
}

// Amiss counts the results that ask for somebody to look at them.
func Amiss(results ...checks.Result) int {
	n := 0
	for _, r := range results {
		if r.Amiss() {
			n++
		}
	}
	return n
}

// Finding is all about one result.
func Finding(r checks.Result) []Line {
	var t text
	w, s := Word(r.Outcome)
	t.prose(s, "%s %s, asked from %s", w, r.ID, r.From)
	t.lines = append(t.lines, Detail(r)...)
	return t.lines
}

// Detail is what a result saw, wanted, finds likely, what mends it, and the evidence: one row or more for each there is.
func Detail(r checks.Result) []Line {
	var t text
	for _, row := range [][2]string{{"saw", r.Saw.String()}, {"want", r.Want}, {"likely", r.Likely}, {"fix", Fix(r)}, {"or", typed(r)}, {"evidence", r.Evidence.String()}} {
		if strings.TrimSpace(row[1]) != "" {
			t.prose(Plain, "    %-9s %s", row[0], hang(strings.TrimSpace(row[1]), 14))
		}
	}
	return t.lines
}

// Fix is what mends a result: a command, or a sentence.
func Fix(r checks.Result) string {
	switch _, isStep := steps.Find(r.Fix); {
	case isStep && r.Answer != "":
		return "postern --save --set " + r.Answer + " apply " + r.Fix
	case isStep:
		return "postern apply " + r.Fix
	}
	return r.Fix
}

// typed is what a person may type on the host in place of the fix.
func typed(r checks.Result) string {
	if r.Type == "" {
		return ""
	}
	return "on " + r.From + ": " + r.Type
}

// Count is the closing line: how many results there are of each outcome.
func Count(results []checks.Result) string {
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
	return fmt.Sprintf("%s: %s", Plural(len(results), "check"), strings.Join(parts, ", "))
}

// Changed lists the results whose outcome is not what it was.
func Changed(before, after []checks.Result) []string {
	was := map[string]checks.Outcome{}
	for _, r := range before {
		was[r.Key()] = r.Outcome
	}
	var lines []string
	for _, r := range after {
		old, known := was[r.Key()]
		delete(was, r.Key())
		if known && old == r.Outcome {
			continue
		}
		before := "new"
		if known {
			before = "was " + string(old)
		}
		line := fmt.Sprintf("%s  (%s)", Result(r).Text, before)
		if r.Outcome != checks.OK && r.Fix != "" {
			line += "\n    fix: " + r.Fix
		}
		lines = append(lines, line)
	}
	for _, r := range before {
		if _, gone := was[r.Key()]; gone {
			lines = append(lines, fmt.Sprintf("%-9s %s  from %s: not asked any more", "[gone]", r.ID, r.From))
		}
	}
	return lines
}
