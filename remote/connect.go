package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/crypto/ssh"

	"postern/remote/sshconfig"
)

// Target is how to reach one host.
type Target struct {
	Name        string  // what the operator calls it
	SSH         string  // user@host:port, ssh://…, or an alias of ssh_config; empty for Local
	Via         *Target // the host to go through, nil for none; ssh_config's ProxyJump counts when it is nil
	Local       bool    // the machine the program runs on
	Become      string  // "", sudo or su; "" means detect
	Fingerprint string  // a pinned host key, SHA256:…; it stands in place of known_hosts
}

// Options are what Connect needs from outside.
type Options struct {
	Home       string                                        // the operator's home folder
	User       string                                        // the operator's login name, the default for SSH
	AgentSock  string                                        // SSH_AUTH_SOCK
	KnownHosts string                                        // written to; "" means Home/.ssh/known_hosts
	Ask        func(context.Context, Prompt) (string, error) // nil: every Prompt is ErrNoAnswer
	Dial       Dialer                                        // nil: a *net.Dialer
	Log        func(host, line string)                       // redacted transcript; nil for none
	StateDir   string                                        // on the host; "" means /var/lib/postern (tests use another)
	Apart      bool                                          // no ssh_config counts: the hosts are not of the operator's world
	Memory     *Memory                                       // shares answers between Sessions; nil: they are kept for this one
	Path       string                                        // PATH of every shell on the host; "" means where a system keeps its tools
	Look       time.Duration                                 // how long a query may take on the host; 0 means 20 s (tests use less)
	Agent      string                                        // what guards a change on the host; "" means ours (tests break it)
	Way        string                                        // the SSH_CONNECTION that the program itself runs under; counts for a Local target only
}

// operator is whose settings of ssh count.
func (o Options) operator() sshconfig.Operator {
	return sshconfig.Operator{Home: o.Home, User: o.User, AgentSock: o.AgentSock, KnownHosts: o.KnownHosts, Apart: o.Apart}
}

// Connect dials, authenticates, becomes root and holds one channel to a root shell.
func Connect(ctx context.Context, t Target, o Options) (*Session, error) {
	if o.Memory == nil {
		o.Memory = NewMemory()
	}
	if o.Dial == nil {
		o.Dial = &net.Dialer{Timeout: dialTimeout}
	}
	s := &Session{target: t, o: o, name: t.name(), slots: make(chan struct{}, channels), listenSlots: make(chan struct{}, listeners)}
	switch {
	case t.Local:
		s.who = cmp.Or(o.User, "the local user")
		s.start = startLocal
	case t.SSH == "":
		return nil, fmt.Errorf("%s: it is not said how to reach it", s.name)
	default:
		h := &hops{o: o, log: s.log, trips: &s.trips}
		l, who, err := h.connect(ctx, t)
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
	e, err := s.root(ctx)
	if err != nil {
		return err
	}
	s.shell, s.uname, s.isRoot = newShell(e.p), e.uname, e.uid == "0"
	text := e.from
	if s.link == nil {
		text = s.o.Way
	}
	if w, ok := parseConnection(text); ok {
		s.came = w
	}
	return s.settle(ctx, e.p)
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
	said := &noise{}
	session.Stderr = said
	in, err1 := session.StdinPipe()
	out, err2 := session.StdoutPipe()
	if err := errors.Join(err1, err2, session.Start("/bin/sh -s")); err != nil {
		session.Close()
		return nil, err
	}
	p := newProcess(in, out, func() { session.Close() })
	p.noise = func(ctx context.Context) string {
		over := make(chan struct{})
		go func() { // what came beside the output is copied by itself, and may come after the output's end
			_ = session.Wait()
			close(over)
		}()
		select {
		case <-over:
		case <-ctx.Done():
		}
		return said.String()
	}
	return p, nil
}
