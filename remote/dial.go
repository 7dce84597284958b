package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	"postern/remote/sshconfig"
)

const (
	dialTimeout  = 10 * time.Second
	loginTimeout = 30 * time.Second // of the host's own time: it stands still while the operator is asked
	maxHops      = 8
)

// hops is one chain of hosts being connected to, each through the one before; how many there are so far bounds it.
type hops struct {
	o     Options
	log   func(string)
	trips *atomic.Int64
	n     int
}

// connect connects to a target, through whatever it goes through, and logs in. The text says as whom, where.
func (h *hops) connect(ctx context.Context, t Target) (*link, string, error) {
	if h.n++; h.n > maxHops {
		return nil, "", fmt.Errorf("%s: more than %d hosts to go through: does a jump lead back to itself?", t.name(), maxHops)
	}
	to, err := sshconfig.Resolve(ctx, t.SSH, h.o.operator(), h.log)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", t.name(), err)
	}
	via, err := h.jump(ctx, t, to)
	if err != nil {
		return nil, "", err
	}
	l := &login{hops: h, target: t, host: to, refused: map[string]bool{}}
	if via != nil {
		stop := context.AfterFunc(ctx, func() { via.cutOff("given up") })
		defer stop()
	}
	client, err := l.connect(ctx, via)
	if err != nil {
		if via != nil {
			via.cutOff("not needed")
		}
		return nil, "", fmt.Errorf("%s: %w", t.name(), err)
	}
	return newLink(client, via), to.Login(), nil
}

// jump connects to the host before it, nil for none.
func (h *hops) jump(ctx context.Context, t Target, to sshconfig.Host) (*link, error) {
	hop := t.Via
	if hop == nil {
		for _, j := range to.Jumps {
			j = strings.TrimSpace(j)
			hop = &Target{Name: j, SSH: j, Via: hop}
		}
	}
	if hop == nil || hop.Local {
		return nil, nil
	}
	l, _, err := h.connect(ctx, *hop)
	return l, err
}

// name is what a target is called.
func (t Target) name() string {
	switch {
	case t.Name != "":
		return t.Name
	case t.SSH != "":
		return t.SSH
	}
	return "this machine"
}

// tcp opens the connection that the login will go over.
func (l *login) tcp(ctx context.Context, via *link) (net.Conn, error) {
	late := &dialError{fmt.Sprintf("%s:%s does not answer within %v", l.host.Name, l.host.Port, dialTimeout), errors.Join(ErrTurnedAway, context.DeadlineExceeded)}
	ctx, cancel := context.WithTimeoutCause(ctx, dialTimeout, late)
	defer cancel()
	address := l.host.Address()
	var conn net.Conn
	var err error
	if via != nil {
		conn, err = via.dial(ctx, "tcp", address)
	} else {
		conn, err = l.hops.o.Dial.DialContext(ctx, "tcp", address)
	}
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return nil, Undialled(err, l.host.Name, address)
}

// loginClock bounds how long a host may take, not counting the operator.
type loginClock struct {
	mu      sync.Mutex
	timer   *time.Timer
	expired atomic.Bool
}

func newLoginClock(d time.Duration, end func()) *loginClock {
	c := &loginClock{}
	c.timer = time.AfterFunc(d, func() {
		c.expired.Store(true)
		end()
	})
	return c
}

// pausedFor stops the clock while f asks the operator.
func (c *loginClock) pausedFor(d time.Duration, f func() (string, error)) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timer.Stop()
	defer c.timer.Reset(d)
	return f()
}

// connect logs in. A host that hangs up because it was offered too many keys, or because the operator took their time over a
// question, is tried again with what is known by then.
func (l *login) connect(ctx context.Context, via *link) (*ssh.Client, error) {
	for {
		before := l.progress()
		client, err := l.attempt(ctx, via)
		l.attempts++
		if err == nil {
			return client, nil
		}
		if l.attempts < 4 && ctx.Err() == nil && l.again(err, before) {
			continue
		}
		return nil, l.explain(err)
	}
}

// attempt is one connection and one handshake.
func (l *login) attempt(ctx context.Context, via *link) (*ssh.Client, error) {
	l.hops.trips.Add(7)
	conn, err := l.tcp(ctx, via)
	if err != nil {
		return nil, err
	}
	l.greeting = &greeting{Conn: conn}
	conn = l.greeting
	l.clock = newLoginClock(loginTimeout, func() { conn.Close() })
	defer l.clock.timer.Stop()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	config, done, err := l.config(ctx)
	if err != nil {
		conn.Close()
		return nil, err
	}
	defer done()
	c, chans, reqs, err := ssh.NewClientConn(conn, l.host.KeyAddress(), config)
	switch {
	case err == nil && stop():
		return ssh.NewClient(c, chans, reqs), nil
	case err == nil:
		c.Close()
		return nil, context.Cause(ctx)
	}
	conn.Close()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if l.clock.expired.Load() {
		return nil, &dialError{fmt.Sprintf("the host did not finish the login within %v", loginTimeout), context.DeadlineExceeded}
	}
	return nil, err
}

// ErrTurnedAway is part of every error of a host that took no connection, or hung up before it asked who we are: there is no
// sshd, or it, or a firewall, wants nothing of us now.
var ErrTurnedAway = errors.New("no connection was taken")

// greeting hears what a host says before it speaks SSH: a server that lets nobody in says why there, and so does one that is no SSH
// server.
type greeting struct {
	net.Conn
	mu   sync.Mutex
	said []byte
}

// Read keeps the beginning of what is read.
func (g *greeting) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.said = append(g.said, b[:min(n, max(0, 512-len(g.said)))]...)
	return n, err
}

// words are what it said that was not SSH, "" for nothing.
func (g *greeting) words() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	before, _, _ := strings.Cut("\n"+string(g.said), "\nSSH-")
	return Clean(before).Line(160)
}

// dialError is a failed dial or login in a text that says what to look at.
type dialError struct {
	text string
	err  error
}

func (e *dialError) Error() string { return e.text }
func (e *dialError) Unwrap() error { return e.err }

// Undialled explains the failures of a dial that people meet most; other errors stay as they are.
func Undialled(err error, host, address string) error {
	var dns *net.DNSError
	var text string
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		text = fmt.Sprintf("there is no host named %q: not in your ssh_config, and not in DNS", host)
	case errors.As(err, &dns):
		text = fmt.Sprintf("the name %q could not be looked up: no DNS server answered (it is not in your ssh_config)", host)
	case errors.Is(err, syscall.ECONNREFUSED):
		text = fmt.Sprintf("%s refuses the connection: no SSH server listens there; is it another port?", address)
		err = errors.Join(ErrTurnedAway, err)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		text = fmt.Sprintf("there is no way to %s from here: is the address right, and are you in the right network?", address)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT): // the socket has the deadline of the context, and may be a moment earlier
		text = fmt.Sprintf("%s does not answer", address)
		err = errors.Join(ErrTurnedAway, context.DeadlineExceeded, err)
	default:
		return err
	}
	return &dialError{text, err}
}

// Leads tells where ssh goes to for a target, as ssh_config and DNS say, or why it would come to nothing. The host itself is not
// asked: whoever connects and does not log in is an attacker to fail2ban and to sshd. A target that is reached through another host
// is looked up there, so the text is empty.
func Leads(ctx context.Context, t Target, o Options) (Text, error) {
	if t.Local || t.Via != nil {
		return Text{}, nil
	}
	to, err := sshconfig.Resolve(ctx, t.SSH, o.operator(), func(string) {})
	if err != nil {
		return Text{}, fmt.Errorf("%s: %w", t.name(), err)
	}
	if len(to.Jumps) > 0 {
		return Text{}, nil
	}
	found, err := net.DefaultResolver.LookupHost(ctx, to.Name)
	if err != nil {
		return Text{}, Undialled(err, to.Name, to.Address())
	}
	at := to.Login()
	if !slices.Contains(found, to.Name) {
		at += " (" + found[0] + ")"
	}
	return Clean(at), nil
}
