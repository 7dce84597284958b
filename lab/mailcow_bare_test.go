//go:build linux

package main

import (
	"context"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/remote"
)

// TestMailcowBare: from bare hosts, one unattended apply brings all seven chapters, Docker and Mailcow too. Taken back, what mailboxes need
// stays, and the next apply finds them.
func TestMailcowBare(t *testing.T) {
	t.Parallel()
	m := newMailed(t, "haraka", Options{Suite: "trixie", Mail: "mailcow", Bare: true})
	said := m.run(1, "apply", "--yes") // its administrator has the word that everybody knows, and its key is in no DNS yet
	for _, words := range []string{"% fetched", "Docker was restarted: Mailcow gave it IPv6", "a new container runs postfix-mailcow", "confirmed"} {
		if !strings.Contains(said, words) {
			t.Errorf("it does not say %q:\n%s", words, said)
		}
	}
	if strings.Contains(said, "planted") {
		t.Errorf("a secret is shown:\n%s", said)
	}
	for _, r := range m.checks() {
		if bad := r.Result == "fail" || r.Result == "unknown"; bad && r.ID != "mailcow.admin" && r.ID != "dns.dkim" {
			t.Errorf("%s from %s is %s: %s", r.ID, r.From, r.Result, r.Saw)
		}
	}
	m.another()
	m.publish(m.l.dkimLine(t))
	m.settled()
	world := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return m.l.Dial(ctx, "world", network, net.JoinHostPort(resolverAddr, "53"))
	}}
	if err := poll(t.Context(), 2*time.Minute, func() bool { // for a minute it remembers that there was none
		_, err := world.LookupTXT(t.Context(), "dkim._domainkey.example.org")
		return err == nil
	}); err != nil {
		t.Fatal(err)
	}
	m.flows("haraka", "bare")
	m.outlook()
	if said := m.run(0, "apply", "--yes"); !strings.Contains(said, "Nothing to change") {
		t.Errorf("a second apply changes something:\n%s", said)
	}
	m.slipsNothing()
	if !torture() {
		return
	}

	set := want(t, m.l, "mail", "cat", mailcowDir+"/mailcow.conf")
	m.unhurried()
	if said := m.run(0, "undo", "--all", "--yes", "--accept-risk=lose-ssh"); !strings.Contains(said, mailcowDir+" stays, with its mailcow.conf") {
		t.Errorf("it does not say what stays:\n%s", said)
	}
	if at := m.published(); len(at) > 0 {
		t.Errorf("undone it still listens on %q", at)
	}
	passwords := regexp.MustCompile(`(?m)^\w+=planted\w+$`)
	if now := want(t, m.l, "mail", "cat", mailcowDir+"/mailcow.conf"); !slices.Equal(passwords.FindAllString(set, -1), passwords.FindAllString(now, -1)) {
		t.Error("its passwords are others now")
	}
	m.run(0, "apply", "--yes")
	m.settled()
	m.l.inbox(t, "203.0.113.10", "fourbare")
}

// outlook has the world fetch the documents for mail programs, and log in at each port that they name.
func (m mailed) outlook() {
	t := m.t.(*testing.T)
	t.Helper()
	trusting := "export CURL_CA_BUNDLE=" + m.l.dir("roots.pem") + "; "
	login := " -u " + remote.Quote(mailUser+":"+mailPassword) + " "
	ask := trusting + "curl -s --resolve autodiscover.example.org:443:203.0.113.10 --resolve autoconfig.example.org:443:203.0.113.10 "
	found := map[string]bool{}
	for _, document := range []struct{ ask, port string }{
		{ask + "'https://autoconfig.example.org/mail/config-v1.1.xml?emailaddress=" + mailUser + "'", `<port>(\d+)</port>`},
		{ask + login + "-d '<Autodiscover/>' https://autodiscover.example.org/autodiscover/autodiscover.xml", `<Port>(\d+)</Port>`},
	} {
		text := want(t, m.l, "world", "sh", "-ec", document.ask)
		for _, port := range regexp.MustCompile(document.port).FindAllStringSubmatch(text, -1) {
			found[port[1]] = true
		}
	}
	for port, url := range map[string]string{"993": "imaps://mail.example.org:993/INBOX", "465": "smtps://mail.example.org:465", "587": "smtp://mail.example.org:587"} {
		if !found[port] {
			t.Errorf("no document names port %s", port)
		}
		want(t, m.l, "world", "sh", "-ec", trusting+"curl -s -o /dev/null --ssl-reqd --resolve mail.example.org:"+port+":203.0.113.10"+login+"-X NOOP "+url)
	}
}
