//go:build linux

package main

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Mailcow's marks: from the one on mail lies with the junk, which the lab's filter has from it.
const junk = 8

var spamScore = regexp.MustCompile(`(?m)^X-Spamd-Result: [^\[]*\[(-?[0-9.]+) / `)

// scores sends the same honest message past our plugin, and past Haraka's own XCLIENT, which tells no name: the first is no junk to the
// mail server's filter, the second is.
func (m mailed) scores() {
	t := m.t.(*testing.T)
	t.Helper()
	score := func(word string) float64 {
		t.Helper()
		one := letter{from: "world", to: "203.0.113.10:25", source: senderAddr, sender: "zoe@external.test", rcpt: mailUser, word: word}
		if err := one.send(t.Context(), m.l); err != nil {
			t.Fatal(err)
		}
		text := m.l.inbox(t, "203.0.113.10", word)
		found := spamScore.FindStringSubmatch(text)
		if found == nil {
			t.Fatalf("no score of %s:\n%s", word, text)
		}
		n, err := strconv.ParseFloat(found[1], 64)
		if flag := strings.Contains(text, "X-Spam-Flag: YES"); err != nil || flag != (n >= junk) {
			t.Errorf("%s: %v, junk %t:\n%s", word, err, flag, text)
		}
		return n
	}
	with := score("withours")
	m.does("proxy", "sed -i /xclient_full/d /opt/haraka-in/config/plugins; systemctl restart haraka-in")
	m.greets()
	without := score("harakasown")
	t.Logf("rspamd gives an honest message %.2f with our XCLIENT, and %.2f with Haraka's own; junk begins at %d", with, without, junk)
	if with >= junk || without < junk {
		t.Errorf("with our XCLIENT it is %.2f, with Haraka's own %.2f", with, without)
	}
	if clients := m.l.mailClients(t, "harakasown"); len(clients) != 1 || !strings.HasSuffix(clients[0], "client=unknown["+senderAddr+"]") {
		t.Errorf("Haraka's own tells of the sender %q", clients)
	}
	m.mended()
}

// greets waits until somebody takes mail at the proxy.
func (m mailed) greets() {
	t := m.t.(*testing.T)
	t.Helper()
	var err error
	if poll(t.Context(), time.Minute, func() bool {
		err = reaches(t.Context(), m.l, "world", "203.0.113.10:25")
		return err == nil
	}) != nil {
		t.Fatal(err)
	}
}

// mended has an apply put back what was changed by hand, and wants all well.
func (m mailed) mended() {
	m.t.Helper()
	m.run(0, "apply", "--yes", "haraka")
	m.settled("haraka")
}

// again takes chapter 6 alone back, and brings it again: the other chapters stay, and mail flows as before.
func (m mailed) again(path string) {
	t := m.t.(*testing.T)
	t.Helper()
	m.unhurried()
	m.run(0, "undo", "haraka", "--yes")
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
	m.flows(path, path+"again")
}
