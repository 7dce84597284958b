package run

import (
	"testing"

	"postern/checks"
	"postern/remote"
	"postern/site"
	"postern/steps"
)

// A finding offers a step as its fix only where that step's plan would change something of what it is about.
func TestNoFixThatMendsNothing(t *testing.T) {
	some := steps.Plan{Parts: []steps.Part{{Host: "mail", Changes: []remote.Change{{ID: "x"}}}}}
	p := promises{site.Default(), steps.Look{}, map[string]steps.Plan{"firewall": {Refused: []string{"proxy: two rule sets", "mail: the same"}}, "wireguard": {}, "network": some}}
	fix := func(p promises, r checks.Result) string { return p.kept([]checks.Result{r})[0].Fix }
	const refused = "the chapter's plan is refused until this is out of the way: proxy: two rule sets"
	for _, c := range []struct {
		r    checks.Result
		want string
	}{
		{checks.Result{Fix: "firewall"}, refused},
		{checks.Result{Fix: "wireguard"}, elsewhere},
		{checks.Result{Fix: "wireguard", From: "proxy", Type: "systemctl start x"}, "on proxy: systemctl start x"},
		{checks.Result{Fix: "wireguard", Answer: "tunnel.mtu=1400"}, "the chapter's plan is refused until this is out of the way: proxy was not looked at, so nothing can be planned: reach it first (host.proxy.ssh)"},
		{checks.Result{Fix: "wireguard", Answer: "tunnel.mtu=nonsense"}, elsewhere},
		{checks.Result{Fix: "network", From: "mail", Rests: []string{"host.ssh@"}}, "network"},
		{checks.Result{Fix: "network", From: "proxy", Rests: []string{"host.ssh@"}}, "nothing that this program would change on proxy: see what is likely, then check again"},
		{checks.Result{Fix: "network", From: "proxy", Rests: []string{"host.ssh@", "tunnel.tcp"}}, "network"},
		{checks.Result{Fix: "network", From: checks.Here}, "network"},
		{checks.Result{Fix: "dig mail.example.org"}, "dig mail.example.org"},
	} {
		if got := fix(p, c.r); got != c.want {
			t.Errorf("%+v: %q, want %q", c.r, got, c.want)
		}
	}
	p.plans["dns"] = steps.Plan{}
	if got := fix(p, checks.Result{Fix: "dns", From: "proxy", Answer: "hostname=mail.example.org"}); got != "dns" {
		t.Errorf("an answer by which a person is told other things: %q", got)
	}
	list := p.kept([]checks.Result{{ID: "a", From: "mail", Outcome: checks.Fail, Fix: "network"}, {ID: "b", From: checks.Here, Outcome: checks.Fail, Fix: "firewall", Rests: []string{"a"}}})
	if list[1].Fix != "network" {
		t.Errorf("what follows is mended by %q", list[1].Fix)
	}
	one := checks.Result{Fix: "network", From: "mail"}
	kept := p.with([]steps.Part{{Host: "mail", Changes: []remote.Change{{Step: "network"}}}})
	if fix(kept, one) != elsewhere || fix(p, one) != "network" {
		t.Error("what was kept is offered again, or was forgotten")
	}
}
