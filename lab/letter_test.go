//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/lab/mx"
)

// letter is a message that somebody on a node hands to a server. Its word is its subject, and in its Message-ID.
type letter struct {
	from, source string // the node, and which address of it; any when empty
	to           string // where the server is, with the port; under TLS from the start on 465
	helo         string // "laptop" or the like when empty
	sender, rcpt string
	password     string // the sender logs in with it; not when empty
	word, text   string
	header       string // more lines of it
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
	steps = append(steps, func() error { return c.Mail(m.sender) }, func() error { return c.Rcpt(m.rcpt) }, func() error { return m.data(c) })
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	_ = c.Quit() // it is taken
	return nil
}

func (m letter) data(c *smtp.Client) error {
	w, err := c.Data()
	if err != nil {
		return err
	}
	_, domain, _ := strings.Cut(m.sender, "@")
	_, err = fmt.Fprintf(w, "From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: %s\r\nMessage-ID: <%s@%s>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n%s\r\n%s\r\n",
		m.sender, m.rcpt, m.word, time.Now().Format(time.RFC1123Z), m.word, domain, m.header, m.text)
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
			t.Fatalf("reading the mailbox at %s: curl: %v: %s\n%s", at, err, cmd.Args, out)
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
	if l.Docker {
		return want(t, l, "mail", "docker", "logs", l.mailBox())
	}
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
func (l *Lab) dkimLine(t testing.TB) string {
	t.Helper()
	cat := []string{"cat", "/var/lib/rspamd/dkim/dkim.zone"}
	if l.Mail == "mailcow" {
		cat = []string{"docker", "exec", redisMailcow, "cat", "/data/dkim.zone"}
	} else if l.Docker {
		cat = append([]string{"docker", "exec", "mail"}, cat...)
	}
	return want(t, l, "mail", cat...) + "\n"
}
