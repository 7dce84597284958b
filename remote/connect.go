package remote

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// Session is one authenticated connection to one host, with its privilege: a held channel to a root shell. It is safe for
// use by several goroutines; scripts in the held shell run one after the other.
type Session struct {
	target Target
	o      Options
	name   string
	who    string // user@host:port
	link   *link  // nil on the local machine
	start  starter
	shell  *shell
	way    way
	uname  string
	trips  atomic.Int64
	extras atomic.Int32  // channels open beside the held one
	slots  chan struct{} // Exec's channels
	ears   chan struct{} // Listen's listeners
	began  sync.Map      // the IDs of transactions begun over this very connection

	hearMu  sync.Mutex
	hearing *hearing // the process that holds them; nil while there is none
	hearers int      // who uses it
}

// channels is how many scripts run beside the held one at once, listeners how many listeners there are.
const (
	channels  = 4
	listeners = 16
)

func connect(ctx context.Context, t Target, o Options) (*Session, error) {
	if o.Memory == nil {
		o.Memory = NewMemory()
	}
	if o.Dial == nil {
		o.Dial = &net.Dialer{Timeout: dialTimeout}
	}
	s := &Session{target: t, o: o, name: t.name(), slots: make(chan struct{}, channels), ears: make(chan struct{}, listeners)}
	switch {
	case t.Local && o.Apart:
		return nil, fmt.Errorf("%s: is answered to be this machine, which is kept out of this run: say how to reach it by SSH", s.name)
	case t.Local:
		s.who = first(o.User, "the local user")
		s.start = startLocal
	case t.SSH == "":
		return nil, fmt.Errorf("%s: it is not said how to reach it", s.name)
	default:
		w := &reach{o: o, log: s.log, trips: &s.trips}
		l, who, err := w.to(ctx, t)
		if err != nil {
			return nil, err
		}
		s.link, s.who = l, who
		s.start = s.startSSH
	}
	if err := s.hold(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// hold opens the channel that scripts run over.
func (s *Session) hold(ctx context.Context) error {
	c, err := s.root(ctx)
	if err != nil {
		return err
	}
	s.shell, s.uname = newShell(c.p), c.uname
	text := c.way
	if s.link == nil {
		text = s.o.Way
	}
	if w, ok := parseWay(text); ok {
		s.way = w
	}
	return s.settle(ctx, c.p)
}

// startSSH opens a channel with a plain shell. The command is always the same: whatever the login shell is, it can run it.
func (s *Session) startSSH(ctx context.Context) (*process, error) {
	type result struct {
		p   *process
		err error
	}
	got := make(chan result, 1)
	s.trips.Add(2)
	go func() {
		p, err := openShell(s.link.client)
		got <- result{p, err}
	}()
	select {
	case r := <-got:
		if r.err == nil {
			return r.p, nil
		}
		var refused *ssh.OpenChannelError
		if errors.As(r.err, &refused) {
			return nil, fmt.Errorf("%s: %w: %s", s.name, errNoChannel, Clean(refused.Message).Line(80))
		}
		if !s.link.alive() {
			return nil, lost(s.name, s.link.why())
		}
		return nil, fmt.Errorf("%s: the host starts no command: %w", s.name, r.err)
	case <-ctx.Done():
		go func() { // the host may still answer
			if r := <-got; r.p != nil {
				r.p.end()
			}
		}()
		return nil, fmt.Errorf("%s: %w", s.name, context.Cause(ctx))
	}
}

var errNoChannel = errors.New("the host opens no further channel")

func openShell(client *ssh.Client) (*process, error) {
	session, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	in, err1 := session.StdinPipe()
	out, err2 := session.StdoutPipe()
	noise, err3 := session.StderrPipe()
	if err := errors.Join(err1, err2, err3, session.Start("/bin/sh -s")); err != nil {
		session.Close()
		return nil, err
	}
	go func() { _, _ = io.Copy(io.Discard, noise) }() // what the login shell's start-up files print
	return newProcess(in, out, func() { session.Close() }), nil
}

// nonce is a word that nobody can guess.
func (o Options) nonce() string {
	var b [16]byte
	if o.Rand != nil {
		o.Rand(b[:])
	} else {
		rand.Read(b[:])
	}
	return "p" + hex.EncodeToString(b[:])
}

// Again makes a new connection to the same host, with full login and privilege, through new connections to whatever it goes
// through. Answers already given are used again.
func (s *Session) Again(ctx context.Context) (*Session, error) { return connect(ctx, s.target, s.o) }

// Close ends the connection and everything that runs over it.
func (s *Session) Close() error {
	if s.link != nil {
		s.link.cutOff("closed")
	}
	if s.shell != nil {
		s.shell.p.end()
	}
	return nil
}

// Target is what the Session was connected with.
func (s *Session) Target() Target { return s.target }

// Way is how the operator's connection came in, as the host saw it: its source address, and the host's own port. ok is false
// where there is none, as on the local machine.
func (s *Session) Way() (source netip.Addr, port int, ok bool) {
	return s.way.source, s.way.port, s.way.source.IsValid()
}

// RoundTrips counts what was waited for on the wire so far: 7 for a login, 1 for each further exchange.
func (s *Session) RoundTrips() int { return int(s.trips.Load()) }

var keyLine = regexp.MustCompile(`(?i)((?:private|preshared)key\s*=\s*)(\S.*)`)

// log writes one or several lines to the transcript, without secrets.
func (s *Session) log(text string) {
	if s.o.Log == nil {
		return
	}
	for _, line := range strings.Split(Clean(text).String(), "\n") {
		line = s.o.Memory.redact(keyLine.ReplaceAllString(line, "${1}[secret]"))
		s.o.Log(s.name, line)
	}
}

// logScript writes the start of a script to the transcript.
func (s *Session) logScript(script string) {
	const most = 40
	lines := strings.Split(strings.TrimSpace(script), "\n")
	for i, line := range lines {
		if i == most {
			s.log(fmt.Sprintf("> (%d more lines)", len(lines)-most))
			return
		}
		s.log("> " + line)
	}
}

// within is ctx with a bound of its own, for waits that nobody bounded.
func within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("no answer within %v: %w", d, context.DeadlineExceeded))
}
