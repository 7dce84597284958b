//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/smtp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

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

// letter is a message that somebody on a node hands to a server. Its word is its subject, and in its Message-ID.
type letter struct {
	from, source string // the node, and which address of it; any when empty
	to           string // where the server is, with the port; under TLS from the start on 465
	helo         string // "laptop" or the like when empty
	sender, rcpt string
	password     string // the sender logs in with it; not when empty
	word, text   string
}

// send sends a message, over TLS if the server has it, and gives the server's refusal.
func (m letter) send(ctx context.Context, l *Lab) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	dialer := net.Dialer{}
	if m.source != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(m.source)}
	}
	var conn net.Conn
	if err := inNetns(l.netns(m.from), func() (err error) { conn, err = dialer.DialContext(ctx, "tcp", m.to); return err }); err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Minute))
	wrapped, any := strings.HasSuffix(m.to, ":465"), &tls.Config{InsecureSkipVerify: true}
	if wrapped {
		conn = tls.Client(conn, any)
	}
	c, err := smtp.NewClient(conn, "server")
	if err != nil {
		return err
	}
	if m.helo == "" {
		m.helo = m.from
	}
	if err := c.Hello(m.helo); err != nil {
		return err
	}
	var steps []func() error
	if offered, _ := c.Extension("STARTTLS"); !wrapped && offered {
		steps = append(steps, func() error { return c.StartTLS(any) })
	}
	if m.password != "" {
		steps = append(steps, func() error { return c.Auth(smtp.PlainAuth("", m.sender, m.password, "server")) })
	}
	steps = append(steps, func() error { return c.Mail(m.sender) }, func() error { return c.Rcpt(m.rcpt) }, func() error { return m.data(c) }, c.Quit)
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (m letter) data(c *smtp.Client) error {
	w, err := c.Data()
	if err != nil {
		return err
	}
	_, domain, _ := strings.Cut(m.sender, "@")
	_, err = fmt.Fprintf(w, "From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <%s@%s>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n",
		m.sender, m.rcpt, m.word, time.Now().Format(time.RFC1123Z), m.word, domain, m.text)
	return errors.Join(err, w.Close())
}

// exchanged waits until the world's exchanger has a message with a word for a user, and gives what it saw of it, and the message.
func (l *Lab) exchanged(t *testing.T, user, word string) (found mx.Letter, text string) {
	t.Helper()
	err := poll(t.Context(), 2*time.Minute, func() bool {
		seen, _ := filepath.Glob(l.dir("mx", user, "*.json"))
		for _, path := range seen {
			b, err := os.ReadFile(strings.TrimSuffix(path, ".json") + ".eml")
			if text = string(b); err != nil || !strings.Contains(text, word) {
				continue
			}
			if b, err = os.ReadFile(path); err == nil && json.Unmarshal(b, &found) == nil {
				return true
			}
		}
		return false
	})
	if err != nil {
		t.Fatalf("%s@external.test gets nothing of %q: %v\n%s", user, word, err, l.mailLog(t))
	}
	return found, text
}

// inbox waits until the mailbox of the mail server's user, asked by IMAPS at an address of it from the laptop, has a message with a
// word, and gives that message.
func (l *Lab) inbox(t *testing.T, at, word string) string {
	t.Helper()
	curl := func(what string) string {
		cmd, err := l.Command(t.Context(), "laptop", "curl", "-sSk", "--max-time", "60", "-K", "-")
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdin = strings.NewReader(fmt.Sprintf("user = \"%s:%s\"\nurl = \"imaps://%s/INBOX%s\"\n", mailUser, mailPassword, at, what))
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("curl: %v: %s\n%s", err, cmd.Args, out)
		}
		return string(out)
	}
	var number string
	err := poll(t.Context(), 2*time.Minute, func() bool {
		found := strings.Fields(curl("?TEXT%20" + word)) // * SEARCH 1
		if len(found) > 2 {
			number = found[2]
		}
		return number != ""
	})
	if err != nil {
		t.Fatalf("%s gets nothing of %q: %v\n%s", mailUser, word, err, l.mailLog(t))
	}
	return curl(";MAILINDEX=" + number)
}

// mailLog is all that the mail server has logged.
func (l *Lab) mailLog(t *testing.T) string {
	t.Helper()
	return want(t, l, "mail", "journalctl", "-b", "-q", "--no-pager", "--no-hostname", "SYSLOG_FACILITY=2")
}

// mailClients are the lines of the mail server's log that say who brought a message with a word in its Message-ID.
func (l *Lab) mailClients(t *testing.T, word string) (lines []string) {
	t.Helper()
	log := strings.Split(l.mailLog(t), "\n")
	for _, line := range log {
		head, id, found := strings.Cut(line, ": message-id=<")
		if !found || !strings.Contains(id, word) {
			continue
		}
		queued := head[strings.LastIndex(head, " ")+1:]
		for _, line := range log {
			if strings.Contains(line, ": "+queued+": client=") {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// dkimLine is the record of the key that the mail server signs with, as a line for PublishLines.
func (l *Lab) dkimLine(t *testing.T) string {
	t.Helper()
	return want(t, l, "mail", "cat", "/var/lib/rspamd/dkim/dkim.zone") + "\n"
}
