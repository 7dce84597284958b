package checks

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/smtp"
	"time"
)

// greets is how long a mail server may take until it has shown its certificate: some let a stranger wait.
const greets = 40 * time.Second

// Presented are the certificates that a server shows for the site's name, from the first byte or, as mail servers do, after STARTTLS.
// Where nothing connects the outcome tells why, and so where nobody is there but a throw-away listener; an error is what the server did then.
func (e *Env) Presented(ctx context.Context, from *Vantage, to netip.AddrPort, starts bool) ([]*x509.Certificate, Reached, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, greets, errors.New("it does not answer"))
	defer cancel()
	conn, reached := e.Dial(ctx, from, to)
	if conn == nil {
		return nil, reached, nil
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	chain, err := e.shown(ctx, conn, starts)
	switch {
	case errors.Is(err, errStoodIn):
		reached, err = Reached{Answer: Refused, Err: err, Took: reached.Took}, nil
	case err != nil && ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	return chain, reached, err
}

var errStoodIn = errors.New("nothing listens there")

func (e *Env) shown(ctx context.Context, conn net.Conn, starts bool) ([]*x509.Certificate, error) {
	config := &tls.Config{InsecureSkipVerify: true, ServerName: e.Site.Hostname, MinVersion: tls.VersionTLS12} //nolint:gosec // who asks judges it
	if !starts {
		inside := tls.Client(conn, config)
		err := inside.HandshakeContext(ctx)
		if StoodInTLS(err) {
			return nil, errStoodIn
		}
		return inside.ConnectionState().PeerCertificates, err
	}
	in := bufio.NewReader(conn)
	if StoodIn(in) {
		return nil, errStoodIn
	}
	c, err := smtp.NewClient(peeked{conn, in}, e.Site.Hostname)
	if err == nil {
		err = c.Hello("probe.invalid")
	}
	if err != nil {
		return nil, fmt.Errorf("it connects, and nobody greets: %w", err)
	}
	if err = c.StartTLS(config); err != nil {
		return nil, err
	}
	state, _ := c.TLSConnectionState()
	_ = c.Quit()
	return state.PeerCertificates, nil
}

// peeked is a connection of which the first word was looked at.
type peeked struct {
	net.Conn
	in *bufio.Reader
}

// Read reads on from there.
func (p peeked) Read(b []byte) (int, error) { return p.in.Read(b) }
