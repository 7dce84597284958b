package report

import (
	"strings"
	"testing"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/site"
)

// measured are results of the port from the proxy and, where mail goes there straight, from the mail host.
func measured(outcomes ...checks.Outcome) (all []checks.Result) {
	for i, o := range outcomes {
		r := checks.Result{ID: "smtp.outbound", Step: "haraka", From: []string{"proxy", "mail"}[i], Outcome: o, Saw: remote.Clean("all 3 mail servers: no answer"),
			Evidence: remote.Clean("2026-11-29 23:30 UTC: from 203.0.113.10 to mx.example.net: no answer")}
		if r.Fix = "take that rule away"; i == 0 {
			r.Fix = "postern port25 leads through asking the provider, and writes the letter"
		}
		all = append(all, r)
	}
	return all
}

// How the matter stands is what was measured, and how far asking came is told beside it; neither makes the other.
func TestPort25State(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	asked := site.Port25{Asked: "2026-11-17", Ticket: "123"}
	for _, c := range []struct {
		noted   site.Port25
		results []checks.Result
		state   string
		letter  bool
	}{
		{site.Port25{}, nil, "Outgoing port 25 is not measured.", false},
		{site.Port25{}, measured(checks.Fail), "Outgoing port 25 is blocked, and nobody asked the provider yet.", true},
		{asked, measured(checks.Fail), "Asked 12 days ago, ticket 123. Outgoing port 25 is still blocked.", true},
		{site.Port25{Asked: "2026-11-29", Answer: "in two days"}, measured(checks.Fail), "Asked today, answer: in two days. Outgoing port 25 is still blocked.", true},
		{site.Port25{Asked: "2026-11-28", Opened: "2026-11-20"}, measured(checks.Fail), "Asked 1 day ago. Outgoing port 25 is still blocked; it was open on 2026-11-20.", true},
		{asked, measured(checks.OK), "Asked 12 days ago, ticket 123. Outgoing port 25 is open, measured on 2026-11-29.", false},
		{site.Port25{Opened: "2026-11-28"}, measured(checks.Unknown), "Outgoing port 25 is not measured.", false},
		{site.Port25{}, measured(checks.Warn), "Outgoing port 25 is open, measured on 2026-11-29.", false},
		{site.Port25{}, measured(checks.OK, checks.Fail), "Outgoing port 25 is closed, and not by the provider as far as it can be told.", false},
	} {
		s := site.Default()
		s.Port25 = c.noted
		letter := Port25Letter(s, c.results)
		if got := Port25State(s, c.results, now); got != c.state || (letter.Copy != "") != c.letter {
			t.Errorf("%+v: %q, want %q; letter: %q", c.noted, got, c.state, letter.Copy)
		}
		if text := Text(Port25(s, c.results, letter, now)); strings.Contains(text, "To copy:") != c.letter || !strings.Contains(text, c.state) {
			t.Errorf("%+v:\n%s", c.noted, text)
		}
		if c.letter && !strings.Contains(letter.Copy, "from 203.0.113.10 to mx.example.net: no answer") {
			t.Errorf("the letter has no evidence:\n%s", letter.Copy)
		}
	}
	never := site.Default()
	never.Host("proxy").Provider = "google"
	if letter := Port25Letter(never, measured(checks.Fail)); letter.Copy != "" || !strings.Contains(letter.Text, "smart host") {
		t.Errorf("where it is never opened: %+v", letter)
	}
}
