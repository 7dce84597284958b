package report

import (
	"testing"
	"time"

	"postern/checks"
)

// Only what was asked before and says something else now is told.
func TestSince(t *testing.T) {
	at := time.Date(2026, 11, 20, 18, 0, 0, 0, time.UTC)
	past := map[string]Past{"same@here": {checks.OK, at}, "other@here": {checks.OK, at}, "better@mail": {checks.Fail, at}, "gone@here": {checks.OK, at}}
	results := []checks.Result{
		{ID: "same", From: "here", Outcome: checks.OK}, {ID: "other", From: "here", Outcome: checks.Unknown},
		{ID: "better", From: "mail", Outcome: checks.OK}, {ID: "new", From: "here", Outcome: checks.Fail},
	}
	want := []string{"", "Not as it was before", "[unknown] other  from here; changed: it was [ok] at 2026-11-20 19:00",
		"[ok]      better  from mail; changed: it was [FAIL] at 2026-11-20 19:00"}
	got := Since(past, results, time.FixedZone("one", 3600))
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d: %+v", len(got), len(want), got)
	}
	for i, l := range got {
		if l.Text != want[i] {
			t.Errorf("line %d is %q, want %q", i, l.Text, want[i])
		}
	}
	if lines := Since(past, results[:1], time.UTC); len(lines) > 0 {
		t.Errorf("nothing changed, yet %+v", lines)
	}
}
