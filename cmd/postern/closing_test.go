package main

import (
	"strings"
	"testing"

	"postern/checks"
	"postern/site"
)

// The last words of a walk claim no more than was measured.
func TestClosingClaimsWhatWasProven(t *testing.T) {
	results := []checks.Result{{ID: "x", Outcome: checks.OK}}
	s := site.Default()
	s.Domain, s.Hostname = "example.org", "mail.example.org"
	if got, want := closing(s, results), "In place and proven: Network, Firewall, WireGuard, Mailcow, Haraka and Caddy (1 check: 1 ok). 'postern check' proves it again at any time."; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := closing(s, append(results, checks.Result{ID: "mailcow.ports", Step: "mailcow", Outcome: checks.Skip})); strings.Contains(got, "proven: Network, Firewall, WireGuard, Mailcow") || !strings.Contains(got, "Not proven by this program: Mailcow, not done yet") {
		t.Errorf("without a Mailcow: %s", got)
	}
}
