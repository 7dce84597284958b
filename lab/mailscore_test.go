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

// spamLogged is the same in the log of rspamd, of what it had rejected.
var spamLogged = regexp.MustCompile(`\[(-?[0-9.]+)/15\.00\]`)

// scores sends the same honest messages past our plugin, and past Haraka's own XCLIENT, which tells no name, and nothing at all of a
// sender over IPv6: the first are no junk to the mail server's filter, the second are. A new rspamd finds a name that it was not told in the
// line that Haraka adds, so there it is the one over IPv6 alone.
func (m mailed) scores() {
	t := m.t.(*testing.T)
	t.Helper()
	score := func(one letter) float64 {
		t.Helper()
		one.from, one.sender, one.rcpt = "world", "zoe@external.test", mailUser
		if err := one.send(t.Context(), m.l); err != nil && strings.Contains(err.Error(), "Spam message rejected") {
			found := spamLogged.FindStringSubmatch(want(t, m.l, "mail", "grep", "-rhs", "id: <"+one.word+"@", "/var/log/rspamd/"))
			n, err := strconv.ParseFloat(append(found, "", "")[1], 64)
			if err != nil {
				t.Errorf("%s is rejected as spam, and rspamd's log does not say of which score: %v", one.word, err)
			}
			return n
		} else if err != nil {
			t.Errorf("%s: %v", one.word, err)
			return 0
		}
		text := m.l.inbox(t, "203.0.113.10", one.word)
		found := spamScore.FindStringSubmatch(text)
		if found == nil {
			t.Errorf("no score of %s:\n%s", one.word, text)
			return 0
		}
		n, err := strconv.ParseFloat(found[1], 64)
		if flag := strings.Contains(text, "X-Spam-Flag: YES"); err != nil || flag != (n >= junk) {
			t.Errorf("%s: %v, junk %t:\n%s", one.word, err, flag, text)
		}
		return n
	}
	four, six := letter{to: "203.0.113.10:25", source: senderAddr}, letter{to: "[2001:db8:113::10]:25"}
	named := func(one letter, word string) letter { one.word = word; return one }
	with4, with6 := score(named(four, "oursfour")), score(named(six, "ourssix"))
	m.does("proxy", "sed -i /xclient_full/d /opt/haraka-in/config/plugins; systemctl restart haraka-in")
	m.greets()
	without4, without6 := score(named(four, "harakasfour")), score(named(six, "harakassix"))
	t.Logf("rspamd gives honest messages %.2f and over IPv6 %.2f with our XCLIENT, and %.2f and %.2f with Haraka's own; junk begins at %d", with4, with6, without4, without6, junk)
	if with4 >= junk || with6 >= junk || without6 < junk || without4 < junk && m.l.Suite == "bookworm" {
		t.Error("that is not as it should be")
	}
	for word, client := range map[string]string{"harakasfour": "client=unknown[" + senderAddr + "]", "harakassix": "client=unknown[10.0.0.1]"} {
		if clients := m.l.mailClients(t, word); len(clients) == 0 || !strings.HasSuffix(clients[0], client) {
			t.Errorf("of %s Haraka's own tells %q, want %s", word, clients, client)
		}
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
