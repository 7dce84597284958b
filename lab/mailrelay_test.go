//go:build linux

package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
)

// What makes a relay of the instance that takes mail, by hand: who may relay, and nobody asks the mail host about recipients.
// A list does not hold all with /0: Haraka takes that for one address.
const (
	relayPlugin = "cd /opt/haraka-in/config; grep -qx relay plugins || { echo relay; cat plugins; } >plugins.new; [ ! -s plugins.new ] || mv plugins.new plugins; rm -f plugins.new\n"
	relayListed = "printf '0.0.0.0/1\\n128.0.0.0/1\\n::/1\\n8000::/1\\n' >relay_acl_allow; printf '[relay]\\nacl=true\\n' >relay.ini\n"
	relayAll    = "printf '[relay]\\nall=true\\n' >relay.ini\n"
	notAsked    = "sed -i \"/register_hook('rcpt_ok'/d\" ../plugins/xclient_full.js\n"
	takesUp     = "systemctl restart haraka-in\n"
)

// relays opens Haraka in one way after the other, and wants an open relay called so when it is one, as nmap does; and an apply to mend it.
func (m mailed) relays() {
	t := m.t.(*testing.T)
	t.Helper()
	for _, one := range []struct {
		name, do string
		open     bool
	}{
		{"as it was set up", "", false},
		{"the list is open, and the mail host is asked", relayPlugin + relayListed + takesUp, false},
		{"the list is open, and nobody is asked", relayPlugin + relayListed + notAsked + takesUp, true},
		{"all may relay", relayPlugin + relayAll + notAsked + takesUp, true},
	} {
		m.does("proxy", one.do)
		m.greets()
		told := m.checks("smtp.relay")
		for _, id := range []string{"smtp.relay.smtp", "smtp.relay.smtp.v6"} {
			at := slices.IndexFunc(told, func(r result) bool { return r.ID == id })
			if at < 0 || (told[at].Result == "fail" && strings.Contains(told[at].Saw, "an open relay")) != one.open {
				t.Errorf("%s: %s says %+v", one.name, id, told)
			}
		}
		if said := m.nmap()["25"]; strings.Contains(said, "is an open relay") != one.open {
			t.Errorf("%s: nmap says %s", one.name, said)
		}
	}
	m.mended()
	m.does("proxy", "rm -f /opt/haraka-in/config/relay.ini /opt/haraka-in/config/relay_acl_allow")
}

// relayTakenBack has the mail server relay for everybody, and sets all up: an open relay is found, all is taken back, and nobody takes
// mail at the proxy then. Where the chapters before it are in place, chapter 6 alone is taken back, though the relay stood before it; where
// these send the world on to it, the firewall keeps the world off, until that answer is taken back.
func (m mailed) relayTakenBack(path string) {
	t := m.t.(*testing.T)
	t.Helper()
	was := want(t, m.l, "mail", "sh", "-c", "postconf smtpd_relay_restrictions smtpd_recipient_restrictions")
	m.does("mail", "postconf -e 'smtpd_relay_restrictions = check_client_access static:OK, reject_unauth_destination' 'smtpd_recipient_restrictions = check_client_access static:OK, reject_unauth_destination' && systemctl reload postfix")
	m.flags = []string{"--set", "mail.path=" + path}
	said := m.run(4, "apply", "--yes")
	if flat := strings.Join(strings.Fields(said), " "); !strings.Contains(flat, "must not stand") || !strings.Contains(flat, "an open relay: from <> to <relaytest@example.com>") {
		t.Errorf("an open relay is taken back with the words\n%s", said)
	}
	for _, host := range []string{"proxy", "mail"} {
		if _, err := m.l.Exec(t.Context(), host, "sh", "-c", "ip link show wg0"); err == nil {
			t.Errorf("the tunnel stands on %s", host)
		}
	}
	soon, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := reaches(soon, m.l, "world", "203.0.113.10:25"); err == nil {
		t.Error("somebody takes mail at the proxy")
	}
	m.run(0, "apply", "--yes", "network", "firewall", "wireguard")
	said = m.run(4, "apply", "--yes", "haraka")
	flat := strings.Join(strings.Fields(said), " ")
	if kept := strings.Contains(flat, "the world is kept off now, by from.smtp=192.0.2.1;"); !strings.Contains(flat, "must not stand") || kept != (path == "direct") {
		t.Errorf("chapter 6 alone is taken back with the words\n%s", said)
	}
	soon, cancel = context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := reaches(soon, m.l, "world", "203.0.113.10:25"); err == nil {
		t.Error("somebody takes mail at the proxy once chapter 6 alone was taken back")
	}
	for host, unit := range map[string]string{"proxy": "haraka-in", "mail": "postern-smtp"} {
		if _, err := m.l.Exec(t.Context(), host, "systemctl", "is-active", unit); err == nil {
			t.Errorf("%s runs on %s", unit, host)
		}
	}
	for line := range strings.Lines(was + "\n") {
		if line = strings.TrimSpace(line); line != "" {
			want(t, m.l, "mail", "postconf", "-e", line)
		}
	}
	m.does("mail", "systemctl reload postfix")
	m.run(0, "apply", "--yes", "--save", "--set", "from.smtp=")
	m.settled("haraka")
}
