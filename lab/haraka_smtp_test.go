//go:build linux

package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"net/smtp"
	"strings"
	"sync"
	"testing"
	"time"
)

// sink is a mail server that takes every mail, but for recipients called "nobody", and remembers what it was told.
type sink struct {
	name    string
	cert    tls.Certificate
	offers  map[string]bool // what it says after EHLO: XCLIENT, STARTTLS
	refuses string          // how it answers XCLIENT, when it does not take it
	noEHLO  bool

	mu    sync.Mutex
	said  []string // the commands
	mails []string
}

// serve runs it at an address of a node until the test ends.
func (s *sink) serve(t *testing.T, l *Lab, node, address string) net.Listener {
	t.Helper()
	ln, err := l.Listen(t.Context(), node, "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}, &x509.Certificate{}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	s.cert = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go s.talk(c)
		}
	}()
	return ln
}

func (s *sink) talk(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Minute))
	r := bufio.NewReader(c)
	say := func(format string, args ...any) { fmt.Fprintf(c, format+"\r\n", args...) }
	say("220 %s ESMTP", s.name)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		s.mu.Lock()
		s.said = append(s.said, line)
		offers, refuses, noEHLO := s.offers, s.refuses, s.noEHLO
		s.mu.Unlock()
		switch _, secure := c.(*tls.Conn); {
		case verb == "EHLO" && noEHLO:
			say("502 what?")
		case verb == "EHLO":
			say("250-%s", s.name)
			if offers["XCLIENT"] {
				say("250-XCLIENT NAME ADDR PROTO HELO")
			}
			if offers["STARTTLS"] && !secure {
				say("250-STARTTLS")
			}
			say("250 SIZE 104857600")
		case verb == "XCLIENT" && refuses != "":
			say(refuses)
		case verb == "XCLIENT", verb == "STARTTLS":
			say("220 %s ESMTP", s.name)
			if verb == "STARTTLS" {
				c = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{s.cert}})
				r = bufio.NewReader(c)
			}
		case verb == "RCPT" && strings.Contains(line, "nobody@"):
			say("550 5.1.1 nobody")
		case verb == "DATA":
			say("354 go on")
			var mail strings.Builder
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				mail.WriteString(strings.TrimPrefix(line, "."))
			}
			s.mu.Lock()
			s.mails = append(s.mails, mail.String())
			s.mu.Unlock()
			say("250 taken")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}

// told is what it was told since it was last asked: the commands that begin with a word, and the mails.
func (s *sink) told(verb string) (commands, mails []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.said {
		if strings.HasPrefix(line, verb) {
			commands = append(commands, line)
		}
	}
	mails, s.said, s.mails = s.mails, nil, nil
	return commands, mails
}

// got waits for a mail, and gives it with all that was said.
func (s *sink) got(t *testing.T) (said, mail string) {
	t.Helper()
	if err := poll(t.Context(), time.Minute, func() bool {
		lines, mails := s.told("")
		said, mail = said+strings.Join(append(lines, ""), "\n"), mail+strings.Join(mails, "")
		return mail != ""
	}); err != nil {
		t.Errorf("%s got no mail, and was told %q", s.name, said)
	}
	return said, mail
}

// outgoing is a mail to send from an address of a node.
type outgoing struct {
	node, source, server string // source may be empty
	from, to, also       string // also: a second recipient, whom the server refuses
	text                 string // its body; "" for a short one
	secure               bool
}

func (m outgoing) body() string { return cmp.Or(m.text, "hello\r\n") }

// send sends it, and gives the banner, whose certificate the server has, and the error that it answered with.
func (m outgoing) send(ctx context.Context, l *Lab) (banner, owner string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	var c net.Conn
	if err = inNetns(l.netns(m.node), func() (err error) {
		d := net.Dialer{}
		if m.source != "" {
			d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(m.source), 0))
		}
		c, err = d.DialContext(ctx, "tcp", m.server)
		return err
	}); err != nil {
		return "", "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
	w := &watched{Conn: c}
	defer func() { banner, _, _ = strings.Cut(string(w.said), "\r\n") }()
	client, err := smtp.NewClient(w, m.server)
	if err != nil {
		return "", "", err
	}
	defer client.Close()
	if err := client.Hello("sender.external.test"); err != nil {
		return "", "", err
	}
	if m.secure {
		if err := client.StartTLS(&tls.Config{InsecureSkipVerify: true}); err != nil {
			return "", "", err
		}
		state, _ := client.TLSConnectionState()
		owner = state.PeerCertificates[0].Subject.CommonName
	}
	if err := cmp.Or(client.Mail(m.from), client.Rcpt(m.to)); err != nil {
		return "", owner, err
	}
	if m.also != "" {
		if err := client.Rcpt(m.also); err == nil {
			return "", owner, fmt.Errorf("%s is taken too", m.also)
		}
	}
	data, err := client.Data()
	if err != nil {
		return "", owner, err
	}
	_, err = fmt.Fprintf(data, "From: <%s>\r\nTo: <%s>\r\nSubject: a outgoing\r\n\r\n%s", m.from, m.to, m.body())
	return "", owner, errors.Join(err, data.Close())
}

// watched keeps what a server says first.
type watched struct {
	net.Conn
	said []byte
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Conn.Read(b)
	if len(w.said) < 200 {
		w.said = append(w.said, b[:n]...)
	}
	return n, err
}
