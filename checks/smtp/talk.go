// Package smtp asks the site's mail servers what they do: whom they greet, for whom they take mail, and where mail leaves from. It goes
// as far as RCPT, and sends a message only to whom the operator named; it knows nothing of how a mail server is set up.
package smtp

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/textproto"
	"strings"
	"time"

	"postern/checks"
	"postern/remote"
)

const (
	patience = 40 * time.Second // for one conversation: a server lets a stranger wait at the greeting, and Haraka takes 30 s to tell that nobody is behind it
	mostRead = 1 << 18          // bytes of one conversation
	ownName  = "probe.invalid"  // what we call ourselves
)

// talk is one conversation with a mail server.
type talk struct {
	conn   net.Conn
	text   *textproto.Reader
	stop   func()
	name   string // whom we want to speak with
	server string // the name it greeted with
	offers []string

	disliked []string // senders that are refused here
}

// reply is what a server says to one command (RFC 5321, 4.2).
type reply struct {
	code int
	text string
}

func (r reply) ok() bool { return r.code >= 200 && r.code < 300 }

// String is the reply in one line, fit to be shown.
func (r reply) String() string {
	return remote.Clean(fmt.Sprintf("%d %s", r.code, strings.ReplaceAll(r.text, "\n", " "))).Line(140)
}

// call connects to a mail server of the site's.
func call(ctx context.Context, e *checks.Env, from *checks.Vantage, to netip.AddrPort, encrypted bool) (*talk, checks.Reached, error) {
	return callAs(ctx, e, from, to, e.Site.Hostname, encrypted)
}

// callAs connects to who has that name, takes the greeting and says EHLO. Where nothing connects, the outcome tells why; an error is what
// the server did then.
func callAs(ctx context.Context, e *checks.Env, from *checks.Vantage, to netip.AddrPort, name string, encrypted bool) (*talk, checks.Reached, error) {
	conn, r := e.Dial(ctx, from, to)
	if conn == nil {
		return nil, r, nil
	}
	t, err := greet(ctx, conn, name, encrypted)
	if errors.Is(err, errNobody) {
		return nil, checks.Reached{Answer: checks.Refused, Err: err, Took: r.Took}, nil
	}
	return t, r, err
}

// errNobody says that nobody listens but a listener of ours, which another check put there for a moment.
var errNobody = errors.New("nothing listens there")

func greet(ctx context.Context, conn net.Conn, name string, encrypted bool) (*talk, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	t := &talk{conn: conn, name: name}
	after := context.AfterFunc(ctx, func() { conn.Close() })
	t.stop = func() { after(); cancel(); conn.Close() }
	if err := t.begin(ctx, encrypted); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("no answer within %s", patience)
		}
		t.stop()
		return nil, err
	}
	return t, nil
}

func (t *talk) begin(ctx context.Context, encrypted bool) error {
	t.reads(t.conn)
	if encrypted {
		if err := t.encrypt(ctx); err != nil {
			return err
		}
	}
	if checks.StoodIn(t.text.R) {
		return errNobody
	}
	greeting, err := t.hear()
	if err != nil {
		return fmt.Errorf("it connects, and nobody greets: %w", err)
	}
	if !greeting.ok() {
		return fmt.Errorf("it greets with %s", greeting)
	}
	t.server, _, _ = strings.Cut(lastLine(greeting.text), " ")
	return t.ehlo()
}

func lastLine(text string) string { return text[strings.LastIndexByte(text, '\n')+1:] }

func (t *talk) reads(from io.Reader) {
	t.text = textproto.NewReader(bufio.NewReader(io.LimitReader(from, mostRead)))
}

// encrypt goes on inside TLS. Whose certificate it is, is asked elsewhere.
func (t *talk) encrypt(ctx context.Context) error {
	inside := tls.Client(t.conn, &tls.Config{InsecureSkipVerify: true, ServerName: t.name}) //nolint:gosec // nothing secret is said
	if err := inside.HandshakeContext(ctx); checks.StoodInTLS(err) {
		return errNobody
	} else if err != nil {
		return fmt.Errorf("TLS fails: %w", err)
	}
	t.conn = inside
	t.reads(inside)
	return nil
}

// startTLS is what RFC 3207 says.
func (t *talk) startTLS(ctx context.Context) error {
	r, err := t.say("STARTTLS")
	if err == nil && !r.ok() {
		err = fmt.Errorf("STARTTLS: %s", r)
	}
	if err == nil {
		err = t.encrypt(ctx)
	}
	if err == nil {
		err = t.ehlo()
	}
	return err
}

func (t *talk) ehlo() error {
	r, err := t.say("EHLO " + ownName)
	if err != nil {
		return err
	}
	if !r.ok() {
		return fmt.Errorf("EHLO: %s", r)
	}
	t.offers = strings.Split(r.text, "\n")
	return nil
}

// offersTo says whether EHLO was answered with an extension.
func (t *talk) offersTo(extension string) bool {
	for _, line := range t.offers[1:] {
		if word, _, _ := strings.Cut(strings.ToUpper(line), " "); word == extension || strings.HasPrefix(word, extension+"=") {
			return true
		}
	}
	return false
}

func (t *talk) say(line string) (reply, error) {
	if _, err := io.WriteString(t.conn, line+"\r\n"); err != nil {
		return reply{}, err
	}
	r, err := t.hear()
	if err != nil {
		word, _, _ := strings.Cut(line, " ")
		err = fmt.Errorf("it hangs up at %s: %w", word, err)
	}
	return r, err
}

func (t *talk) hear() (reply, error) {
	code, text, err := t.text.ReadResponse(0)
	return reply{code, text}, err
}

// bye ends it in good manners.
func (t *talk) bye() {
	_, _ = t.say("QUIT")
	t.stop()
}
