package report

import (
	"fmt"
	"strings"

	"postern/checks"
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

// Findings is all there is to know of the results that are not ok, by chapter, and how many there are of each kind.
func Findings(results []checks.Result) []Line {
	var t text
	for _, step := range steps.All() {
		groups := alike(results, step.ID)
		if len(groups) == 0 {
			continue
		}
		t.line(Plain, "")
		t.line(Strong, "%s", step.Title)
		for _, g := range groups {
			t.lines = append(t.lines, Finding(g...)...)
		}
	}
	t.line(Plain, "")
	t.line(Strong, "%s", Count(results))
	return t.lines
}

// Amiss counts the results that ask for somebody to look at them.
func Amiss(results ...checks.Result) int {
	n := 0
	for _, r := range results {
		if r.Outcome != checks.OK && r.Outcome != checks.Skip {
			n++
		}
	}
	return n
}

// alike puts together the results of a step that are not ok, those in one group that could not be asked for one reason.
func alike(results []checks.Result, step string) [][]checks.Result {
	var groups [][]checks.Result
	at := map[string]int{}
	for _, r := range results {
		if r.Step != step || Amiss(r) == 0 {
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

// Finding is all about one result, or about several that could not be asked for one reason.
func Finding(group ...checks.Result) []Line {
	var t text
	r := group[0]
	w, s := Word(r.Outcome)
	var ids []string
	for _, one := range group {
		ids = append(ids, one.ID)
	}
	if len(group) > 1 {
		r.Want = ""
	}
	t.prose(s, "%s %s, asked from %s", w, strings.Join(ids, ", "), r.From)
	t.lines = append(t.lines, Detail(r)...)
	return t.lines
}

// Detail is what a result saw, wanted, finds likely, what mends it, and the evidence: one row or more for each there is.
func Detail(r checks.Result) []Line {
	var t text
	for _, row := range [][2]string{{"saw", r.Saw.String()}, {"want", r.Want}, {"likely", r.Likely}, {"fix", Fix(r)}, {"evidence", r.Evidence.String()}} {
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
		return "postern --set " + r.Answer + " apply " + r.Fix
	case isStep:
		return "postern apply " + r.Fix
	}
	return r.Fix
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
	return fmt.Sprintf("%d checks: %s", len(results), strings.Join(parts, ", "))
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
