package web

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"postern/checks"
	"postern/remote"
)

const (
	patience = 10 * time.Second // of one request, its handshake included
	mostPage = 1 << 18          // bytes of a page that are read
)

// page is what was answered to one request.
type page struct {
	checks.Reached
	err   error               // why there was no answer, where the port is open
	chain []*x509.Certificate // what was shown, before anybody looked whether it is right
	code  int
	to    string // where a redirect leads
	kind  string // Content-Type
	text  string
}

// request is one thing to ask a web server for.
type request struct {
	from, to, name, method, path, body string
	plain                              bool // without TLS
}

// get asks for a path; each is asked for once in a run, whoever wants to know. Whose certificate it is, is for who reads the answer.
func (d door) get(ctx context.Context, method, path, body string, plain bool) page {
	r := request{d.from.Name, d.to.String(), d.name, method, path, body, plain}
	p, err := checks.Once(ctx, d.e, r, func(run context.Context) page {
		run, cancel := context.WithTimeoutCause(run, patience, errors.New("it does not answer in time"))
		defer cancel()
		p := d.send(run, r)
		if why := context.Cause(run); p.err != nil && why != nil {
			p.err = why
		}
		return p
	})
	if err != nil {
		p.Reached = checks.Reached{Answer: checks.Stopped, Err: err}
	}
	return p
}

func (d door) send(ctx context.Context, r request) (p page) {
	conn, reached := d.e.Dial(ctx, d.from, d.to)
	if p.Reached = reached; conn == nil {
		return p
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })() // through SSH a connection knows no deadline
	scheme := "http"
	if !r.plain {
		inside := tls.Client(conn, &tls.Config{ServerName: r.name, InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}) //nolint:gosec // who reads the answer looks whether the certificate is right
		if p.err = inside.HandshakeContext(ctx); p.err != nil {
			if checks.StoodInTLS(p.err) {
				p.Answer = checks.Refused // a throw-away listener of another check is there, so nobody else is
			}
			return p
		}
		p.chain, conn, scheme = inside.ConnectionState().PeerCertificates, inside, "https"
	}
	p.err = p.talk(ctx, conn, scheme, r)
	return p
}

// talk sends the request over a connection, and reads the answer.
func (p *page) talk(ctx context.Context, conn net.Conn, scheme string, r request) error {
	ask, err := http.NewRequestWithContext(ctx, r.method, scheme+"://"+r.name+r.path, strings.NewReader(r.body))
	if err != nil {
		return err
	}
	ask.Close = true
	ask.Header.Set("User-Agent", "postern")
	if r.body != "" {
		ask.Header.Set("Content-Type", "text/xml")
	}
	if err := ask.Write(conn); err != nil {
		return err
	}
	in := bufio.NewReader(conn)
	if checks.StoodIn(in) {
		p.Answer = checks.Refused
		return errors.New("nobody is there but a throw-away listener")
	}
	answer, err := http.ReadResponse(in, ask)
	if err != nil {
		return fmt.Errorf("what it says is no HTTP: %w", err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, mostPage))
	p.code, p.to, p.kind, p.text = answer.StatusCode, answer.Header.Get("Location"), answer.Header.Get("Content-Type"), string(text)
	return err
}

// unanswered is the result where there was no answer to judge; ok is false where there is one.
func (p page) unanswered(q checks.Question) (r checks.Result, none bool) {
	switch {
	case p.Mute():
		return q.Unknown(p.Said(), "this place cannot ask: "+checks.Why(p.Err)), true
	case p.Answer != checks.Open:
		return q.Fail(p.Said(), "nothing listens there, or a firewall is in between; firewall.open tells more", ""), true
	case p.err != nil && p.code == 0:
		return q.Fail(remote.Clean(remote.Words(p.err)).Line(200), noCertificate(p), ""), true
	}
	return r, false
}

// noCertificate says why a handshake fails that gets as far as a server.
func noCertificate(p page) string {
	if len(p.chain) == 0 && strings.Contains(p.err.Error(), "tls: ") {
		return "it has no certificate for the name yet; web.acme tells why"
	}
	return "the web server is broken, or does not speak HTTPS there"
}
