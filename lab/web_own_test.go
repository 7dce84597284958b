//go:build linux

package main

import (
	"strings"
	"testing"

	"postern/lab/mx"
)

// TestWebOwn: the web server asks another authority where the answers name one, tells senders of TLS, and shows files of the operator's own, which
// others renew: each new one is on every port without a hand.
func TestWebOwn(t *testing.T) {
	t.Parallel()
	needTorture(t)
	m := newMailed(t, "haraka", Options{Suite: "trixie", Mail: "plain"})
	before := fingerprints(t, m.l)
	m.flags = append(m.flags, "--set", "web.ca=https://acme-staging-v02.api.letsencrypt.org/dir", "--set", "web.mtasts=testing")
	m.publish(m.l.dkimLine(t))
	m.run(0, "apply", "--yes")
	m.proven()
	if has := want(t, m.l, "proxy", "ls", "/var/lib/caddy/.local/share/caddy/certificates"); has != "acme-staging-v02.api.letsencrypt.org-dir" {
		t.Errorf("asked were %s", has)
	}
	if policy := m.fetched("mta-sts.example.org", "/.well-known/mta-sts.txt"); !strings.Contains(policy, "mode: testing") || !strings.Contains(policy, "mx: mail.example.org") {
		t.Errorf("the policy is\n%s", policy)
	}
	serial := m.showsEverywhere(t, "")

	renewed := func() {
		cert, key, err := mx.Paper("mail.example.org", "autoconfig.example.org", "autodiscover.example.org", "mta-sts.example.org")
		if err != nil {
			t.Fatal(err)
		}
		m.trusts(cert)
		m.certificate(cert, key)
	}
	renewed()
	m.flags = append(m.flags, "--set", "web.ca=", "--set", "web.certificate=/srv/t.pem", "--set", "web.key=/srv/t.key")
	m.run(0, "apply", "--yes")
	m.proven()
	for range 2 {
		serial = m.showsEverywhere(t, serial)
		renewed()
	}
	m.showsEverywhere(t, serial)
	m.settled("caddy")
	if said := m.run(0, "apply", "--yes"); !strings.Contains(said, "Nothing to change") {
		t.Errorf("a second apply changes something:\n%s", said)
	}
	m.flows("haraka", "own")
	m.undone(before)
}
