package remote

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	dialTimeout  = 10 * time.Second
	loginTimeout = 30 * time.Second // of the host's own time: it stands still while the operator is asked
	maxHops      = 8
)

// reach is one way to a host being walked: the hops so far bound it.
type reach struct {
	o     Options
	log   func(string)
	trips *atomic.Int64
	hops  int
}

// to connects to a target, through whatever it goes through, and logs in. The text says as whom, where.
func (w *reach) to(ctx context.Context, t Target) (*link, string, error) {
	if w.hops++; w.hops > maxHops {
		return nil, "", fmt.Errorf("%s: more than %d hosts to go through: does a jump lead back to itself?", t.name(), maxHops)
	}
	r, err := resolve(ctx, t.SSH, w.o, w.log)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", t.name(), err)
	}
	via, err := w.jump(ctx, t, r)
	if err != nil {
		return nil, "", err
	}
	l := &login{w: w, target: t, route: r, refused: map[string]bool{}}
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
	return newLink(client, via), r.login(), nil
}

// jump connects to the host that the way leads through, nil for none.
func (w *reach) jump(ctx context.Context, t Target, r route) (*link, error) {
	hop := t.Via
	if hop == nil {
		for _, j := range r.jumps {
			j = strings.TrimSpace(j)
			hop = &Target{Name: j, SSH: j, Via: hop}
		}
	}
	if hop == nil || hop.Local {
		return nil, nil
	}
	l, _, err := w.to(ctx, *hop)
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
	late := &away{fmt.Sprintf("%s:%s does not answer within %v", l.route.host, l.route.port, dialTimeout), context.DeadlineExceeded}
	ctx, cancel := context.WithTimeoutCause(ctx, dialTimeout, late)
	defer cancel()
	address := net.JoinHostPort(l.route.host, l.route.port)
	var conn net.Conn
	var err error
	if via != nil {
		conn, err = via.dial(ctx, "tcp", address)
	} else {
		conn, err = l.w.o.Dial.DialContext(ctx, "tcp", address)
	}
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return nil, explained(err, l.route.host, address)
}

// patience bounds how long a host may take, not counting the operator.
type patience struct {
	mu      sync.Mutex
	timer   *time.Timer
	expired atomic.Bool
}

func newPatience(d time.Duration, end func()) *patience {
	p := &patience{}
	p.timer = time.AfterFunc(d, func() {
		p.expired.Store(true)
		end()
	})
	return p
}

// during stops the clock while f asks the operator.
func (p *patience) during(d time.Duration, f func() (string, error)) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer.Stop()
	defer p.timer.Reset(d)
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
	l.w.trips.Add(7)
	conn, err := l.tcp(ctx, via)
	if err != nil {
		return nil, err
	}
	l.patience = newPatience(loginTimeout, func() { conn.Close() })
	defer l.patience.timer.Stop()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	config, done, err := l.config(ctx)
	if err != nil {
		conn.Close()
		return nil, err
	}
	defer done()
	c, chans, reqs, err := ssh.NewClientConn(conn, l.route.address(), config)
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
	if l.patience.expired.Load() {
		return nil, &away{fmt.Sprintf("the host did not finish the login within %v", loginTimeout), context.DeadlineExceeded}
	}
	return nil, err
}
