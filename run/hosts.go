package run

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"postern/remote"
	"postern/site"
	"postern/steps"
)

// host is one host of the site while this run talks to it.
type host struct {
	name    string
	target  remote.Target // the second login takes the same way
	session Login
	err     error            // why there is no session
	turn    chan struct{}    // held by who logs in by another way
	ways    map[string]wayIn // what came of that, by address
}

// target says how to reach a host, through another one when it says so.
func target(s *site.Site, h *site.Host) remote.Target {
	t := remote.Target{Name: h.Name, SSH: h.SSH, Local: h.Local, Become: h.Become, Fingerprint: h.Fingerprint}
	switch via := s.Host(h.Jump); {
	case h.Jump == "" || h.Local:
	case via != nil && via.Local: // the program runs on the jump host: it is there already
	case via != nil:
		hop := target(s, via)
		t.Via = &hop
	default:
		t.Via = &remote.Target{Name: h.Jump, SSH: h.Jump}
	}
	return t
}

// connect opens a session to every host that has none, those that are jumped to after the others, so that a host key is
// asked once. Failures are kept by host; connect itself fails only when ctx ends.
func (r *Runner) connect(ctx context.Context) error {
	if r.hosts == nil {
		r.hosts = map[string]*host{}
	}
	for _, jumped := range []bool{false, true} {
		var wg sync.WaitGroup
		for _, h := range r.Site.Hosts {
			if (h.Jump != "") != jumped || (r.hosts[h.Name] != nil && r.hosts[h.Name].err == nil) {
				continue
			}
			one := &host{name: h.Name, target: target(r.Site, h), turn: make(chan struct{}, 1), ways: map[string]wayIn{}}
			r.hosts[h.Name] = one
			wg.Go(func() {
				start := r.Clock()
				one.session, one.err = r.login(ctx, one.target)
				if one.err == nil {
					r.emit(steps.Event{Kind: "connect", Host: h.Name, Text: "logged in, and root", Elapsed: r.Clock().Sub(start)})
				}
			})
		}
		wg.Wait()
	}
	return ctx.Err()
}

// wayIn is what came of a login by another way.
type wayIn struct {
	err   error
	at    time.Time
	begun int
}

// reaching logs in to a host by another way, one login at a time: sshd may refuse more that are not through with it
// (MaxStartups). What came of it holds for as long as a login is not tried again. nil where a port is dialled instead.
func (r *Runner) reaching(name string) func(context.Context, remote.Dialer, netip.AddrPort) error {
	one := r.hosts[name]
	if r.Reach == nil || one == nil || one.target.Local {
		return nil
	}
	return func(ctx context.Context, over remote.Dialer, to netip.AddrPort) error {
		select {
		case one.turn <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		defer func() { <-one.turn }()
		begun, key := r.count(0), one.target.SSH+" "+to.String()
		if had, ok := one.ways[key]; ok && had.begun == begun && r.Clock().Sub(had.at) < patience {
			return had.err
		}
		err := r.visit(ctx, one.target, key, func() error { return r.Reach(ctx, one.target, over, to) })
		one.ways[key] = wayIn{err, r.Clock(), begun}
		return err
	}
}

// count adds to the sets of changes that were begun, and tells how many these are.
func (r *Runner) count(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun += n
	return r.begun
}

// Unreachable is the error of hosts that nobody could log in to.
type Unreachable struct {
	Hosts []string // their names
	err   error
}

// Error is why, one line for each host.
func (u *Unreachable) Error() string {
	if u.err == nil {
		return strings.Join(u.Hosts, ", ") + ": not reached"
	}
	return u.err.Error()
}

// Unwrap is why, all hosts' reasons joined.
func (u *Unreachable) Unwrap() error { return u.err }

// unreachable joins why hosts could not be reached, or is nil when all were.
func (r *Runner) unreachable() error {
	u := &Unreachable{}
	for _, h := range r.Site.Hosts {
		if one := r.hosts[h.Name]; one != nil && one.err != nil {
			u.Hosts, u.err = append(u.Hosts, h.Name), errors.Join(u.err, named(h.Name, "", one.err))
		}
	}
	if u.err == nil {
		return nil
	}
	return u
}

// named says on which host, and at what, an error came up. Errors of a connection name their host already.
func named(host, doing string, err error) error {
	prefix := host + ": "
	if strings.HasPrefix(err.Error(), prefix) {
		prefix = ""
	}
	if doing != "" {
		doing += ": "
	}
	return fmt.Errorf("%s%s%w", prefix, doing, err)
}

// Close ends every session. What is armed on a host and not confirmed is taken back by the host.
func (r *Runner) Close() {
	for _, h := range r.hosts {
		if h.session != nil {
			h.session.Close()
		}
	}
	r.hosts = nil
}

// answered is what one host said, or why it said nothing.
type answered struct {
	facts remote.Facts
	err   error
}

// lookOver asks every host of a site that there is a login to all queries in one round trip each, all hosts at once.
func lookOver(ctx context.Context, of *site.Site, over map[string]Login, queries func(*site.Host) []remote.Query) map[string]*answered {
	all := map[string]*answered{}
	var wg sync.WaitGroup
	for _, h := range of.Hosts {
		if s := over[h.Name]; s != nil {
			one := &answered{}
			all[h.Name] = one
			wg.Go(func() {
				one.facts, one.err = s.Facts(ctx, queries(h))
				one.facts.Host = h.Name
			})
		}
	}
	wg.Wait()
	return all
}

// look asks the hosts for plans, which want all of them to answer.
func (r *Runner) look(ctx context.Context, queries func(*site.Host) []remote.Query) (steps.Look, error) {
	look := steps.Look{}
	var errs []error
	all := lookOver(ctx, r.Site, r.sessions(), queries)
	for _, h := range r.Site.Hosts {
		switch one := all[h.Name]; {
		case one == nil:
		case one.err != nil:
			errs = append(errs, named(h.Name, "looking", one.err))
		default:
			look[h.Name] = one.facts
		}
	}
	return look, errors.Join(errs...)
}

func (r *Runner) emit(e steps.Event) {
	if r.Emit == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	e.At = r.Clock()
	r.Emit(e)
}
