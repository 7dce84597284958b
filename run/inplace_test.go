package run

import (
	"testing"

	"postern/checks"
	"postern/remote"
	"postern/steps"
)

// A finding offers a step as its fix only where that step's plan would change something.
func TestNoFixThatMendsNothing(t *testing.T) {
	i := instead{}
	i.learn("firewall", steps.Plan{Refused: []string{"proxy: two rule sets", "mail: the same"}})
	i.learn("wireguard", steps.Plan{})
	i.learn("network", steps.Plan{Parts: []steps.Part{{Host: "mail"}}})
	fix := func(i instead, step, answer string) string {
		return i.unmended([]checks.Result{{Fix: step, Answer: answer}})[0].Fix
	}
	for _, c := range []struct{ step, answer, want string }{
		{"firewall", "", "the chapter's plan is refused until this is out of the way: proxy: two rule sets"},
		{"wireguard", "", elsewhere},
		{"wireguard", "tunnel.mtu=1400", "wireguard"},
		{"network", "", "network"},
		{"dig mail.example.org", "", "dig mail.example.org"},
	} {
		if got := fix(i, c.step, c.answer); got != c.want {
			t.Errorf("%q with %q: %q, want %q", c.step, c.answer, got, c.want)
		}
	}
	kept := i.with([]steps.Part{{Host: "mail", Changes: []remote.Change{{Step: "network"}}}})
	if fix(kept, "network", "") != elsewhere || fix(i, "network", "") != "network" {
		t.Error("what was kept is offered again, or was forgotten")
	}
	i.learn("firewall", steps.Plan{Parts: []steps.Part{{Host: "mail"}}})
	if got := fix(i, "firewall", ""); got != "firewall" {
		t.Errorf("what is not refused any more: %q", got)
	}
}
