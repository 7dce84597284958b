package wizard

import (
	"strings"
	"testing"

	"postern/checks"
	"postern/remote"
)

// blocked are results of a port that the provider keeps back.
func blocked(outcome checks.Outcome) []checks.Result {
	return []checks.Result{
		{ID: "dns.reverse", Step: "dns", From: "proxy", Outcome: checks.OK, Saw: remote.Clean("mx.example.org")},
		{ID: "smtp.outbound", Step: "haraka", From: "proxy", Outcome: outcome, Saw: remote.Clean("all 3 mail servers: no answer"), Likely: "that is likely", Fix: "postern port25 leads through asking the provider, and writes the letter",
			Evidence: remote.Clean("2026-11-29 23:30 UTC: from 203.0.113.10 to mx.example.net: no answer")},
	}
}

// The checklist measures where nothing was, shows the letter with what was measured, keeps the ticket, and is closed by a measurement alone.
func TestPort25(t *testing.T) {
	x := looked(t, "started look", "done look firewall")
	shows := func(all ...string) {
		t.Helper()
		for _, words := range all {
			if !strings.Contains(x.screen(), words) {
				t.Fatalf("no %q:\n%s", words, x.screen())
			}
		}
	}
	x.keys("esc end enter")
	shows("Nothing was measured yet")
	measured := func(list []checks.Result) {
		j := job{verb: check, steps: measurePort25.steps, site: x.w.file.Site}
		for _, r := range list {
			x.tell(resultMsg{r})
		}
		x.tell(doneMsg{job: j, results: list})
	}
	measured(blocked(checks.Fail))
	shows("dns.reverse", "no answer", "nobody asked")
	p := x.w.top().page.(*port25Page)
	if letter := p.letter().Copy; !strings.Contains(letter, "from 203.0.113.10 to mx.example.net: no answer") {
		t.Errorf("the letter has no evidence:\n%s", letter)
	}
	x.keys(`n "4711" enter`)
	if now := x.w.file.Site.Port25; now.Ticket != "4711" || now.Asked == "" || now.Opened != "" {
		t.Errorf("kept is %+v", now)
	}
	x.keys(`n "99" esc`)
	if now := x.w.file.Site.Port25; now.Ticket != "4711" {
		t.Errorf("esc keeps %+v", now)
	}
	measured(blocked(checks.OK))
	if now := x.w.file.Site.Port25; now.Opened == "" {
		t.Errorf("open is kept as %+v", now)
	}
	shows("ticket 4711. Outgoing port 25 is open")
	x.keys("y")
	shows("there is no letter")
}
