//go:build linux

package main

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"postern/lab/mx"
)

// TestMailHost: the mail server of the lab takes mail for its user and relays for nobody else; what she sends reaches the world,
// signed, and bears the home's address.
func TestMailHost(t *testing.T) {
	t.Parallel()
	onSuites(t, func(t *testing.T, suite string) {
		l := newLab(t, Options{Suite: suite, Mail: "plain"})
		testMailHost(t, l, "192.168.50.2")

		// Somebody with a name and an SPF record comes in over IPv6, where nothing stands before the host yet.
		outside := letter{from: "world", to: "[2001:db8:50::2]:25", sender: "zoe@external.test", rcpt: "postmaster@example.org", word: "outside"}
		if err := outside.send(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		if text := l.inbox(t, "192.168.50.2", "outside"); !strings.Contains(text, "R_SPF_ALLOW") || strings.Contains(text, "X-Spam-Flag") {
			t.Errorf("ann got %s", text)
		}
		if got := l.mailClients(t, "outside"); len(got) != 1 || !strings.HasSuffix(got[0], "client=mx.external.test[2001:db8:77::77]") {
			t.Errorf("the mail server's log has %q", got)
		}
		from := letter{from: "world", source: senderAddr, to: exchangerAddr4 + ":25", sender: "zoe@external.test", rcpt: "bob@external.test", word: "neighbour"}
		if err := from.send(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		if got, _ := l.exchanged(t, "bob", "neighbour"); got.SPF != "pass" || !slices.Equal(got.Reverse, []string{"sender.external.test."}) {
			t.Errorf("the world saw %+v", got)
		}
	})
}

// TestMailHostInDocker: the same in a container, as Mailcow has it; it starts when the tunnel's address comes.
func TestMailHostInDocker(t *testing.T) {
	t.Parallel()
	onSuites(t, func(t *testing.T, suite string) {
		l := newLab(t, Options{Suite: suite, Mail: "plain", Docker: true})
		if got := want(t, l, "mail", "docker", "ps", "-q"); got != "" {
			t.Errorf("a container runs before the tunnel: %s", got)
		}
		want(t, l, "mail", "ip", "address", "add", "10.0.0.2/32", "dev", "lo")
		want(t, l, "laptop", "ip", "route", "add", "10.0.0.2", "via", "192.168.50.2")
		if err := l.awaitMail(t.Context(), "10.0.0.2"); err != nil {
			t.Fatal(err)
		}
		testMailHost(t, l, "10.0.0.2")
	})
}

func testMailHost(t *testing.T, l *Lab, at string) {
	if err := l.PublishLines("example.org. 300 IN MX 10 mail.example.org.\nexample.org. 300 IN TXT \"v=spf1 ip4:203.0.113.10 ~all\"\n" + l.dkimLine(t)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		letter
		refused string
	}{
		{letter: letter{from: "laptop", to: at + ":25", sender: "zoe@registrar.test", rcpt: mailUser, word: "inward"}},
		{letter{from: "laptop", to: at + ":25", sender: "zoe@external.test", rcpt: "bob@external.test", word: "relayed"}, "454 "},
		{letter{from: "laptop", to: at + ":587", sender: mailUser, rcpt: "bob@external.test", word: "nobody"}, "554 "},
		{letter: letter{from: "laptop", to: at + ":587", sender: mailUser, rcpt: "bob@external.test", word: "starttls", password: mailPassword}},
		{letter: letter{from: "laptop", to: at + ":465", sender: mailUser, rcpt: "bob@external.test", word: "wrapped", password: mailPassword}},
	} {
		err := c.send(t.Context(), l)
		if c.refused == "" && err != nil || c.refused != "" && (err == nil || !strings.HasPrefix(err.Error(), c.refused)) {
			t.Fatalf("%s: %v, want %q", c.word, err, c.refused)
		}
	}
	// The laptop's address has no name: for Mailcow that alone makes spam of it.
	for _, words := range []string{"Subject: inward\r\n", "HFILTER_HOSTNAME_UNKNOWN(8.50)", "X-Spam-Flag: YES\r\n"} {
		if text := l.inbox(t, at, "inward"); !strings.Contains(text, words) {
			t.Errorf("no %q in what ann got: %s", words, text)
		}
	}
	if got := l.mailClients(t, "inward"); len(got) != 1 || !strings.HasSuffix(got[0], "client=unknown[192.168.50.10]") {
		t.Errorf("the mail server's log has %q", got)
	}
	for _, word := range []string{"starttls", "wrapped"} {
		got, _ := l.exchanged(t, "bob", word)
		want := mx.Letter{Client: netip.MustParseAddr("198.51.100.20"), Helo: "mail.example.org", TLS: "TLS 1.3", SPF: "softfail"}
		if got.Client != want.Client || got.Helo != want.Helo || got.TLS != want.TLS || got.SPF != want.SPF || !slices.Equal(got.DKIM, []mx.Signature{{Domain: "example.org", Selector: "dkim", Result: "ok"}}) {
			t.Errorf("the world saw %+v", got)
		}
	}
}
