package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"postern/remote"
	"postern/run"
)

// password lets into the mail host where the fault of that name was asked for.
const password = "postern"

// The bounds of a login, as an SSH client has them.
const (
	connectMost = 10 * time.Second
	passwords   = 3
)

// Connect logs in to the simulated hosts, as run.SSH does to real ones: ask is asked about host keys that nobody knows, and for
// passwords, each once.
func (w *World) Connect(ask func(context.Context, remote.Prompt) (string, error)) func(context.Context, remote.Target) (run.Login, error) {
	if ask == nil {
		ask = func(context.Context, remote.Prompt) (string, error) { return "", remote.ErrNoAnswer }
	}
	return (&client{w, ask}).connect
}

// client is somebody who logs in.
type client struct {
	w   *World
	ask func(context.Context, remote.Prompt) (string, error)
}

// login is one to a host.
type login struct {
	run.Login
	h      *Host
	client netip.AddrPort
	server netip.AddrPort
}

func (c *client) connect(ctx context.Context, t remote.Target) (run.Login, error) {
	l, err := c.to(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	return l, nil
}

func (c *client) to(ctx context.Context, t remote.Target) (*login, error) {
	if t.Local {
		return nil, errors.New("is answered to be this machine, which is kept out of this run: say how to reach it by SSH")
	}
	var from *Host
	if t.Via != nil {
		via, err := c.to(ctx, *t.Via)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.Via.Name, err)
		}
		defer via.Close()
		from = via.h
	}
	x, err := c.reach(ctx, from, t.SSH)
	if err != nil {
		return nil, err
	}
	h := x.host
	if h == nil {
		return nil, unanswered(address(t.SSH))
	}
	c.w.asking.Lock()
	defer c.w.asking.Unlock()
	if err := c.trust(ctx, t, h); err != nil {
		return nil, err
	}
	if err := c.admit(ctx, t, h); err != nil {
		return nil, err
	}
	fake, err := run.Fakes(h.Fake)(ctx, remote.Target{Name: h.Name})
	if err != nil {
		return nil, err
	}
	c.w.mu.Lock()
	h.logins++
	c.w.mu.Unlock()
	return &login{fake, h, x.src, x.dst}, nil
}

// address is where an SSH destination leads to.
func address(ssh string) string {
	to := strings.TrimPrefix(ssh[strings.LastIndexByte(ssh, '@')+1:], "ssh://")
	if _, _, err := net.SplitHostPort(to); err == nil {
		return to
	}
	return net.JoinHostPort(strings.Trim(to, "[]"), strconv.Itoa(sshPort))
}

// reach finds the host whose sshd answers at an SSH destination, or says as an SSH client does why none is found.
func (c *client) reach(ctx context.Context, from *Host, ssh string) (way, error) {
	short, cancel := context.WithTimeout(ctx, c.w.real(connectMost))
	defer cancel()
	at := address(ssh)
	conn, err := (&Dialer{c.w, from}).DialContext(short, "tcp", at)
	if err == nil {
		conn.Close()
	}
	name, _, _ := net.SplitHostPort(at)
	switch {
	case ctx.Err() != nil:
		return way{}, context.Cause(ctx)
	case err != nil && short.Err() != nil:
		return way{}, unanswered(at)
	case err != nil:
		return way{}, remote.Undialled(err, name, at)
	}
	to, err := place("tcp", at)
	if to.Port() != sshPort {
		return way{}, fmt.Errorf("%s: something answers there, but it is no SSH server", at)
	}
	return c.w.send(from, to), err
}

// unanswered is the error of an address at which nobody answers in time.
type unanswered string

func (at unanswered) Error() string {
	return fmt.Sprintf("%s does not answer within %v", string(at), connectMost)
}

// Unwrap is what it comes to.
func (at unanswered) Unwrap() error { return context.DeadlineExceeded }

// trust asks about the host's key where nobody knows it, and refuses another than the known one.
func (c *client) trust(ctx context.Context, t remote.Target, h *Host) error {
	at, shown := strings.TrimSuffix(address(t.SSH), ":22"), h.key
	c.w.mu.Lock()
	if c.w.faulty("badkey") && h == c.w.Proxy && h.logins > 0 {
		shown = c.w.fingerprint()
	}
	c.w.mu.Unlock()
	known := c.w.known[at]
	if t.Fingerprint != "" {
		known = t.Fingerprint
	}
	const kind = "ssh-ed25519 "
	switch {
	case known == shown:
		return nil
	case known != "":
		return &remote.ChangedKeyError{Address: at, Recorded: kind + known, Shown: kind + shown}
	}
	answer, err := c.ask(ctx, remote.Prompt{Kind: remote.HostKey, Host: t.Name, Text: remote.Clean(at + " shows " + kind + shown), Echo: true})
	if err == nil && answer != "yes" {
		err = fmt.Errorf("the answer was %q, not \"yes\"", answer)
	}
	if err != nil {
		return fmt.Errorf("%w: %s shows %s: %w", remote.ErrUnknownKey, at, kind+shown, err)
	}
	c.w.known[at] = shown
	return nil
}

// admit asks for the password where the host wants one.
func (c *client) admit(ctx context.Context, t remote.Target, h *Host) error {
	if !c.w.faulty("password") || h != c.w.Mail || c.w.known["password"] == password {
		return nil
	}
	user, _, _ := strings.Cut(t.SSH, "@")
	who := fmt.Sprintf("%s@%s", user, address(t.SSH))
	for n := range passwords {
		answer, err := c.ask(ctx, remote.Prompt{Kind: remote.Password, Host: t.Name, Text: remote.Clean(who), Refused: n > 0})
		if err != nil {
			return fmt.Errorf("login as %s refused: there was no key to offer: password of %s: %w", user, who, err)
		}
		if c.w.known["password"] = answer; answer == password {
			return nil
		}
	}
	return fmt.Errorf("SSH refused the password of %s %d times", who, passwords)
}

// Way is where the login came from, as the host saw it, and the host's own port.
func (l *login) Way() (source netip.Addr, port int, ok bool) {
	return l.client.Addr(), int(l.server.Port()), true
}

// Facts asks the host. How the login came is the login's own.
func (l *login) Facts(ctx context.Context, queries []remote.Query) (remote.Facts, error) {
	facts, err := l.Login.Facts(ctx, queries)
	if a, asked := facts.Answers["ssh"]; asked {
		a.Out = strings.Replace(a.Out, "== connection\n", fmt.Sprintf("== connection\n%s %d %s %d\n", l.client.Addr(), l.client.Port(), l.server.Addr(), l.server.Port()), 1)
		facts.Answers["ssh"] = a
	}
	return facts, err
}
