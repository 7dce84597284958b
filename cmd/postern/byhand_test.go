package main

import (
	"strings"
	"testing"

	"postern/checks"
	"postern/site"
	"postern/steps"
)

func TestChosenTasks(t *testing.T) {
	tasks := []steps.Task{{ID: "a.a"}, {ID: "a.b"}, {ID: "a.c"}}
	for answer, want := range map[string]string{
		"y": "a.a a.b a.c", " YES ": "a.a a.b a.c", "": "", "n": "", "2": "a.b", "1,3": "a.a a.c", "3 1 1": "a.c a.a",
		"4": "?", "0": "?", "1 x": "?", "maybe": "?", ",": "?", "s": "?", "-1": "?",
	} {
		list, ok := chosenTasks(tasks, answer)
		var ids []string
		for _, one := range list {
			ids = append(ids, one.ID)
		}
		got := strings.Join(ids, " ")
		if !ok {
			got = "?"
		}
		if got != want {
			t.Errorf("%q marks %q, want %q", answer, got, want)
		}
	}
}

// The last words of a walk claim no more than was measured.
func TestClosingClaimsWhatWasProven(t *testing.T) {
	results := []checks.Result{{ID: "x", Outcome: checks.OK}}
	s := site.Default()
	s.Domain, s.Hostname = "example.org", "mail.example.org"
	for _, id := range steps.TaskIDs(s) {
		if strings.HasPrefix(id, "mailcow.") {
			if err := s.Mark(id, "2026-11-21"); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := closing(s, results)
	want := "In place and proven: Network, Firewall, WireGuard, Haraka and Caddy (1 checks: 1 ok). 'postern check' proves it again at any time.\n" +
		"Not proven by this program: Mailcow, done by hand as you said."
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := closing(site.Default(), append(results, checks.Result{ID: "mailcow.ports", Step: "mailcow", Outcome: checks.Skip})); strings.Contains(got, "proven: Network, Firewall, WireGuard, Mailcow") || !strings.Contains(got, "Mailcow and Caddy, not done yet") {
		t.Errorf("without a Mailcow: %s", got)
	}
}

// A check of nothing but chapters by hand is not ok.
func TestNothingMeasuredIsNotOK(t *testing.T) {
	for _, c := range []struct {
		named string
		hand  int
		only  bool
	}{{"", 1, false}, {"mailcow", 1, true}, {"mailcow firewall", 1, false}, {"haraka", 0, false}, {"dns", 0, false}, {"dns mailcow", 1, false}, {"firewall", 0, false}} {
		hand, only := byHand(strings.Fields(c.named))
		if len(hand) != c.hand || only != c.only {
			t.Errorf("%q: %d by hand, only %v", c.named, len(hand), only)
		}
	}
}
