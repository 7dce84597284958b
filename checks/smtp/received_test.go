package smtp

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/miekg/dns"

	"postern/checks"
)

// key signs the message of a test, and is told in its DNS.
var key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

// original is a message as Gmail shows it: signed, and with what the receiver wrote on top.
func original(t *testing.T) string {
	t.Helper()
	const text = "Received: by mail.example.org (Postfix, from userid 0)\r\n\tid 4C01C; Sun, 29 Nov 2026 19:44:10 +0000 (UTC)\r\n" +
		"Date: Sun, 29 Nov 2026 19:44:10 +0000\r\nFrom: <ann@example.org>\r\nTo: <bob@external.test>\r\nSubject: hello\r\nMessage-ID: <postern-T0.3@mail.example.org>\r\n\r\nHello.\r\n"
	var b bytes.Buffer
	if err := dkim.Sign(&b, strings.NewReader(text), &dkim.SignOptions{Domain: "example.org", Selector: "dkim", Signer: key, HeaderKeys: []string{"From", "To", "Subject", "Date"}}); err != nil {
		t.Fatal(err)
	}
	return "Delivered-To: bob@external.test\r\nReceived: by 2002:a05:6000:1234 with SMTP id x; Sun, 29 Nov 2026 11:44:12 -0800 (PST)\r\n" +
		"Received: from inner.external.test (inner.external.test [10.7.7.7])\r\n        by store.external.test; Sun, 29 Nov 2026 11:44:12 -0800 (PST)\r\n" +
		"Return-Path: <ann@example.org>\r\nReceived: from mail.example.org (mail.example.org. [203.0.113.10])\r\n        by mx.external.test with ESMTPS id y; Sun, 29 Nov 2026 11:44:11 -0800 (PST)\r\n" +
		"Received-SPF: pass (external.test: domain of ann@example.org designates 203.0.113.10 as permitted sender) client-ip=203.0.113.10;\r\n" + b.String()
}

// records are what the DNS tells of the site.
func records() map[string]string {
	return map[string]string{
		"mail.example.org. A":              "203.0.113.10",
		"10.113.0.203.in-addr.arpa. PTR":   "mail.example.org.",
		"example.org. TXT":                 "\"v=spf1 ip4:203.0.113.10 -all\"",
		"dkim._domainkey.example.org. TXT": "\"v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)) + "\"",
	}
}

// resolver is one that knows some records; where there are none, it answers nothing at all.
func resolver(records map[string]string) *net.Resolver {
	return &net.Resolver{PreferGo: true, StrictErrors: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		if records == nil {
			return nil, &net.OpError{Op: "dial", Err: net.ErrClosed}
		}
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			for c := (&dns.Conn{Conn: far}); ; {
				asked, err := c.ReadMsg()
				if err != nil {
					return
				}
				m := new(dns.Msg).SetReply(asked)
				q := asked.Question[0]
				kind := dns.TypeToString[q.Qtype]
				if text := records[strings.ToLower(q.Name)+" "+kind]; text != "" {
					rr, err := dns.NewRR(q.Name + " 300 IN " + kind + " " + text)
					if err != nil {
						return
					}
					m.Answer = append(m.Answer, rr)
				} else if !strings.Contains(q.Name, "mail.example.org") {
					m.Rcode = dns.RcodeNameError
				}
				if c.WriteMsg(m) != nil {
					return
				}
			}
		}()
		return near, nil
	}}
}

func TestReceived(t *testing.T) {
	for _, c := range []struct {
		name     string
		old, new string            // in the message
		dns      map[string]string // what is told otherwise; one of "" is none at all
		id       string
		want     checks.Outcome
		words    string
		also     string
	}{
		{name: "all is well", id: ".names", want: checks.OK, words: "203.0.113.10 handed it over, as mail.example.org, and the names agree"},
		{name: "lines end otherwise", old: "\r\n", new: "\n", id: ".dkim", want: checks.OK, words: "example.org verifies"},
		{name: "it left from home", old: "203.0.113.10", new: "198.51.100.20", id: ".names", want: checks.Fail, words: "198.51.100.20 handed it over", also: ".spf"},
		{name: "another name", old: "from mail.example.org (", new: "from nas.lan (", id: ".names", want: checks.Fail, words: "as nas.lan"},
		{name: "no reverse name", dns: map[string]string{"10.113.0.203.in-addr.arpa. PTR": ""}, id: ".names", want: checks.Fail, words: "leads back to nothing else"},
		{name: "SPF is of another", dns: map[string]string{"example.org. TXT": "\"v=spf1 ip4:192.0.2.1 -all\""}, id: ".spf", want: checks.Fail, words: "fail for ann@example.org"},
		{name: "no key", dns: map[string]string{"dkim._domainkey.example.org. TXT": ""}, id: ".dkim", want: checks.Fail, words: "example.org: "},
		{name: "changed on its way", old: "Subject: hello", new: "Subject: [list] hello", id: ".dkim", want: checks.Fail, words: "example.org: "},
		{name: "it was never signed", old: "DKIM-Signature", new: "X-Was", id: ".dkim", want: checks.Fail, words: "no domain of the site"},
		{name: "the tunnel", old: "Received: by mail.example.org (Postfix, from userid 0)", new: "Received: from [10.0.0.2] (unknown [10.0.0.2]) by mail.example.org", id: ".home", want: checks.Fail, words: "10.0.0.2 in Received"},
		{name: "home's own address", old: "Date: Sun", new: "X-Originating-IP: [198.51.100.20]\r\nDate: Sun", id: ".home", want: checks.Fail, words: "198.51.100.20 in X-Originating-IP"},
		{name: "nobody says who", old: "Received: from mail.example.org", new: "X-Received: from mail.example.org", id: "", want: checks.Unknown, words: "does not say who"},
		{name: "something else", old: "Delivered-To: ", new: "<html> ", id: "", want: checks.Unknown, words: "no line of a head"},
		{name: "no resolver", dns: map[string]string{"": ""}, id: ".names", want: checks.Unknown, also: ".spf .dkim"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.env.Site.Host("mail").Public4 = netip.MustParseAddr("198.51.100.20")
			text := original(t)
			if c.old != "" && !strings.Contains(text, c.old) {
				t.Fatalf("the message has no %q", c.old)
			}
			told := records()
			for name, is := range c.dns {
				if told[name] = is; name == "" {
					told = nil
				}
			}
			w.env.Saved, w.env.Names = []byte(strings.ReplaceAll(text, c.old, c.new)), resolver(told)
			if c.old == "" {
				w.env.Saved = []byte(text)
			}
			found := false
			for _, r := range askReceived(t.Context(), w.env) {
				fine := r.Outcome == checks.OK
				if r.ID == c.id {
					found = true
					if r.Outcome != c.want || !strings.Contains(r.Saw.String(), c.words) || !fine && (r.Likely == "" || r.Fix == "" || r.Want == "") {
						t.Errorf("%+v, want %s with %q", r, c.want, c.words)
					}
				} else if !fine && !strings.Contains(c.also, r.ID) {
					t.Errorf("%s is %s, too: %s", r.ID, r.Outcome, r.Saw)
				}
			}
			if !found {
				t.Errorf("no result %q", c.id)
			}
		})
	}
}

// Whatever a file holds, it is judged without harm, and nothing that is no message is well.
func FuzzReceived(f *testing.F) {
	f.Add([]byte("Received: from a (b [203.0.113.10])\n\n"))
	f.Add([]byte("From x\nDKIM-Signature: v=1; d=example.org\n\n"))
	f.Add([]byte("\x00\xff"))
	f.Fuzz(func(t *testing.T, text []byte) {
		w := newWorld(t)
		w.env.Saved, w.env.Names = text, resolver(map[string]string{})
		for _, r := range askReceived(t.Context(), w.env) {
			if r.Outcome == checks.OK && r.ID != ".home" {
				t.Errorf("%+v", r)
			}
		}
	})
}
