//go:build linux

package main

import (
	"regexp"
	"strings"
	"testing"
)

// strangersTools has programs that are not ours do with the site what people do: swaks hands in mail with a login, curl reads it, and
// nmap looks for an open relay.
func (m mailed) strangersTools(word string) {
	t := m.t.(*testing.T)
	t.Helper()
	for port, tls := range map[string]string{"587": "--tls", "465": "--tls-on-connect"} {
		word := "swaks" + port + word
		said := want(t, m.l, "world", "swaks", "--server", "203.0.113.10:"+port, tls, "--auth", "PLAIN", "--auth-user", mailUser, "--auth-password", mailPassword, "--helo", "phone.external.test",
			"--from", mailUser, "--to", "bob@external.test,"+mailUser, "--header", "Subject: "+word, "--header", "Message-Id: <"+word+"@example.org>")
		if !strings.Contains(said, "Authentication succeeded") && !strings.Contains(said, "235 2.7.0") {
			t.Errorf("swaks says\n%s", said)
		}
		if got, _ := m.l.exchanged(t, "bob", word); got.SPF != "pass" || got.Client.String() != "203.0.113.10" {
			t.Errorf("of %s the world saw %+v", word, got)
		}
		m.l.inbox(t, "203.0.113.10", word)
		if found := want(t, m.l, "world", "curl", "-sSk", "--max-time", "60", "--user", mailUser+":"+mailPassword, "imaps://203.0.113.10/INBOX?TEXT%20"+word); len(strings.Fields(found)) < 3 {
			t.Errorf("curl finds %q", found)
		}
	}
	if said, err := m.l.Exec(t.Context(), "world", "curl", "-sSk", "--max-time", "60", "--user", mailUser+":wrong", "imaps://203.0.113.10/INBOX?ALL"); err == nil {
		t.Errorf("a wrong password is let in: %s", said)
	}
	if said, err := m.l.Exec(t.Context(), "world", "swaks", "--server", "203.0.113.10:587", "--tls", "--auth", "PLAIN", "--auth-user", mailUser, "--auth-password", "wrong", "--quit-after", "AUTH"); err == nil {
		t.Errorf("a wrong password is let in: %s", said)
	}
	for port, said := range m.nmap() {
		if strings.Contains(said, "is an open relay") {
			t.Errorf("nmap says of port %s: %s", port, said)
		}
	}
}

var nmapSays = regexp.MustCompile(`(?m)^(\d+)/tcp +open .*\n\|_smtp-open-relay: (.*)$`)

// nmap is what nmap's smtp-open-relay says of each port that takes mail, asked from world.
func (m mailed) nmap() map[string]string {
	m.t.Helper()
	out := want(m.t, m.l, "world", "nmap", "-n", "-Pn", "-p25,465,587", "--script", "smtp-open-relay", "--script-args", "smtp-open-relay.domain=example.com,smtp-open-relay.ip=203.0.113.10", "203.0.113.10")
	says := map[string]string{}
	for _, found := range nmapSays.FindAllStringSubmatch(out, -1) {
		says[found[1]] = found[2]
	}
	if says["25"] == "" {
		m.t.Errorf("nmap says nothing of port 25:\n%s", out)
	}
	return says
}
