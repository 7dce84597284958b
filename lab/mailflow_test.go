//go:build linux

package main

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"postern/lab/mx"
)

// TestMail: chapters 1 to 3, 5 and 6 on hosts with a real mail server, unattended, on either path: a stranger's message arrives with
// the stranger's address and name on it, the answer leaves from the proxy with the right names, and nobody relays.
func TestMail(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"haraka", "direct"} {
		for _, suite := range []string{"trixie", "bookworm"} {
			t.Run(path+" on "+suite, func(t *testing.T) {
				t.Parallel()
				if suite == "bookworm" {
					needTorture(t)
				}
				m := newMailed(t, path, Options{Suite: suite, Mail: "plain"})
				before := fingerprints(t, m.l)
				m.run(0, "apply", "--yes")
				m.proven()
				m.flows(path, path)
				m.tagged(path)
				if torture() || path == "haraka" {
					m.odd(path)
				}
				if said := m.run(0, "apply", "--yes"); !strings.Contains(said, "Nothing to change") {
					t.Errorf("a second apply changes something:\n%s", said)
				}
				if path == "haraka" {
					m.upgraded()
				}
				m.breaks(path)
				if torture() || path == "haraka" {
					m.strangersTools(path)
				}
				if torture() {
					m.slips(m.output("export", "zone") + m.l.dkimLine(t))
					m.again(path)
				}
				if path == "haraka" && torture() {
					m.scores()
					m.relays()
				}
				if other := map[string]string{"haraka": "direct", "direct": "haraka"}[path]; torture() { // the kill matrix does so in every run
					m.goes(other)
					m.flows(other, other+"2")
					m.goes(path)
					m.flows(path, path+"3")
				}
				if m.undone(before); torture() {
					m.relayTakenBack(path)
				}
			})
		}
	}
}

// mailed is a site with a mail server, and who operates it.
type mailed struct {
	*operator
	l *Lab
}

// newMailed has a lab's records published as the program writes them out.
func newMailed(t testing.TB, path string, o Options) mailed {
	t.Helper()
	l := newLab(t, o)
	m := mailed{newOperator(t, l, func(text string) string {
		return "domain = \"example.org\"\nhostname = \"mail.example.org\"\n" + text + "\n[mail]\nkind = \"" + l.Mail + "\"\npath = \"" + path + "\"\n"
	}), l}
	switch {
	case l.Bare:
		m.publish("")
	case !l.Docker || l.Mail == "mailcow": // another's server starts after the tunnel, and has no key before that
		m.publish(l.dkimLine(t))
	}
	return m
}

// publish has the lab's DNS tell the records as the program writes them out, and more lines.
func (m mailed) publish(more string) {
	m.t.Helper()
	if err := m.l.PublishLines(m.output("export", "zone") + more); err != nil {
		m.t.Fatal(err)
	}
}

// homely is what must stand in nothing that leaves.
var homely = regexp.MustCompile(`192\.168\.50\.|198\.51\.100\.20\b|\b10\.0\.0\.|2001:db8:50:`)

// flows sends mail both ways.
func (m mailed) flows(path, word string) {
	t := m.t.(*testing.T)
	t.Helper()
	in := []letter{{to: "203.0.113.10:25", source: "198.51.100.77", word: "four"}, {to: "203.0.113.10:25", source: senderAddr, word: "named"}}
	clients := []string{"client=mx.external.test[198.51.100.77]", "client=sender.external.test[" + senderAddr + "]"}
	if path == "haraka" {
		in, clients = append(in, letter{to: "[2001:db8:113::10]:25", word: "six"}), append(clients, "client=mx.external.test[2001:db8:77::77]")
	}
	for i, one := range in {
		one.from, one.sender, one.rcpt, one.word = "world", "zoe@external.test", mailUser, one.word+word
		if err := one.send(t.Context(), m.l); err != nil {
			t.Errorf("%s: %v", one.word, err)
			continue
		}
		text := m.l.inbox(t, "203.0.113.10", one.word)
		if !strings.Contains(text, "R_SPF_ALLOW") || strings.Contains(text, "HFILTER_HOSTNAME_UNKNOWN") || strings.Contains(text, "X-Spam-Flag") {
			t.Errorf("%s is not what honest mail gets:\n%s", one.word, text)
		}
		if got := m.l.mailClients(t, one.word); !slices.ContainsFunc(got, func(line string) bool { return strings.HasSuffix(line, clients[i]) }) {
			t.Errorf("of %s the mail server's log says %q, want %s", one.word, got, clients[i])
		}
	}
	for suffix, port := range map[string]string{"wrapped": "465", "starttls": "587"} {
		answer := letter{from: "world", to: "203.0.113.10:" + port, sender: mailUser, rcpt: "bob@external.test", password: mailPassword, word: suffix + word}
		if err := answer.send(t.Context(), m.l); err != nil {
			t.Errorf("%s: %v", answer.word, err)
			continue
		}
		got, text := m.l.exchanged(t, "bob", answer.word)
		if got.Client != netip.MustParseAddr("203.0.113.10") || got.Helo != "mail.example.org" || !slices.Equal(got.Reverse, []string{"mail.example.org."}) || got.SPF != "pass" || got.TLS == "" ||
			!slices.Equal(got.DKIM, []mx.Signature{{Domain: "example.org", Selector: "dkim", Result: "ok"}}) {
			t.Errorf("of %s the world saw %+v", answer.word, got)
		}
		if found := homely.FindString(text); found != "" {
			t.Errorf("%s tells the world of home (%s):\n%s", answer.word, found, text)
		}
	}
	lost := letter{from: "world", to: "203.0.113.10:587", sender: mailUser, rcpt: "nobody@nowhere.test", password: mailPassword, word: "lost" + word}
	if err := lost.send(t.Context(), m.l); err != nil {
		t.Error(err)
	}
	if text := m.l.inbox(t, "203.0.113.10", "lost"+word); !strings.Contains(text, "nobody@nowhere.test") {
		t.Errorf("what cannot be delivered does not come home:\n%s", text)
	}
}

// again takes chapter 6 back, with 7 that has written above it, and brings both again: the other chapters stay, and mail flows as before.
func (m mailed) again(path string) {
	t := m.t.(*testing.T)
	t.Helper()
	m.unhurried()
	m.run(0, "undo", "caddy", "haraka", "--yes")
	for _, r := range m.checks("network", "firewall", "wireguard") {
		if r.Result == "fail" || r.Result == "unknown" {
			t.Errorf("without chapter 6: %s is %s: %s", r.ID, r.Result, r.Saw)
		}
	}
	for _, unit := range []string{"haraka-in", "haraka-out"} {
		if said, err := m.l.Exec(t.Context(), "proxy", "systemctl", "is-active", unit); err == nil {
			t.Errorf("%s is %s", unit, said)
		}
	}
	m.run(0, "apply", "--yes")
	m.settled()
	m.l.hurry(t) // the mail host remembers for some minutes that nobody took its mail
	m.flows(path, path+"again")
}
