package report

import (
	"fmt"
	"strings"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/site"
	"postern/steps"
)

// Port25Checks are what the checklist of outgoing port 25 asks: first what providers want to see before they open it, in the order in
// which it can be set up, then the port.
var Port25Checks = []string{"dns.host", "dns.reverse", "dns.spf", "smtp.outbound"}

// Outbound is the worst of what was measured of the port itself over IPv4, which decides, and whether asking the provider mends it.
func Outbound(results []checks.Result) (worst checks.Result, ask bool) {
	for _, r := range results {
		if r.ID == "smtp.outbound" && (worst.ID == "" || r.Outcome == checks.Fail) {
			worst = r
		}
	}
	return worst, worst.Outcome == checks.Fail && strings.HasPrefix(worst.Fix, "postern port25 ")
}

// Port25Open says whether the port was measured open.
func Port25Open(results []checks.Result) bool {
	r, _ := Outbound(results)
	return r.Outcome == checks.OK || r.Outcome == checks.Warn
}

// Port25 is the checklist: what stands, what was measured, how far asking came, and the letter with what was measured where that helps.
func Port25(s *site.Site, results []checks.Result, letter steps.Task, now time.Time) []Line {
	var t text
	out, ask := Outbound(results)
	t.prose(Strong, "%s", Port25State(s, results, now))
	t.line(Plain, "")
	t.line(Strong, "What a provider wants to see first:")
	before := 0
	for _, r := range results {
		if r.Step != out.Step {
			t.lines = append(t.lines, Result(r))
			if before += Amiss(r); Amiss(r) > 0 && Fix(r) != "" {
				t.prose(Plain, "          fix: %s", Fix(r))
			}
		}
	}
	t.line(Plain, "")
	t.line(Strong, "Outgoing port 25, measured:")
	for _, r := range results {
		if r.Step == out.Step {
			if ask { // the letter holds the evidence, and what mends it is here
				r.Fix, r.Evidence = "", remote.Clean("")
			}
			t.lines, r.Want = append(t.lines, Result(r)), ""
			if Amiss(r) > 0 {
				t.lines = append(t.lines, Detail(r)[1:]...)
			}
		}
	}
	if ask {
		t.line(Plain, "")
		t.prose(Plain, "%s", strings.TrimSpace(letter.Text))
		if letter.Copy != "" {
			if before > 0 {
				t.prose(Amber, "Mend what is not ok above before you ask: providers look at it first.")
			}
			t.line(Plain, "")
			t.line(Strong, "To copy:")
			t.line(Plain, "  %s", hang(strings.TrimSpace(letter.Copy), 2))
		}
	}
	return t.lines
}

// Port25Letter is the task of asking the provider, with what was measured as its evidence.
func Port25Letter(s *site.Site, results []checks.Result) (t steps.Task) {
	out, ask := Outbound(results)
	for _, h := range s.HostsOf(site.Proxy) {
		if t = steps.Port25(s, h, strings.Split(out.Evidence.String(), "\n")...); !ask {
			t.Copy = ""
		}
	}
	return t
}

// Port25State is how the matter stands, in a sentence: what was measured, and how far asking came.
func Port25State(s *site.Site, results []checks.Result, now time.Time) string {
	is, asked := "not measured", ""
	switch out, ask := Outbound(results); {
	case Port25Open(results):
		is = "open, measured on " + now.Format(time.DateOnly)
	case ask:
		is = "still blocked"
		if s.Port25.Asked == "" {
			is = "blocked, and nobody asked the provider yet"
		}
		if s.Port25.Opened != "" {
			is += "; it was open on " + s.Port25.Opened
		}
	case out.Outcome == checks.Fail:
		is = "closed, and not by the provider as far as it can be told"
	case out.Outcome == checks.Skip:
		is = "not needed: " + out.Saw.Line(80)
	}
	if day, err := time.ParseInLocation(time.DateOnly, s.Port25.Asked, now.Location()); err == nil {
		asked = "Asked " + ago(now.Sub(day))
		for _, one := range [][2]string{{"ticket ", s.Port25.Ticket}, {"answer: ", s.Port25.Answer}} {
			if one[1] != "" {
				asked += ", " + one[0] + one[1]
			}
		}
		asked += ". "
	}
	return asked + "Outgoing port 25 is " + is + "."
}

// ago is how many days ago something was.
func ago(d time.Duration) string {
	if days := int(d.Hours() / 24); days > 0 {
		return fmt.Sprintf("%s ago", Plural(days, "day"))
	}
	return "today"
}
