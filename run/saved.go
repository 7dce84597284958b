package run

import (
	"context"
	"fmt"

	"postern/remote"
	"postern/saved"
	"postern/site"
	"postern/steps"
)

// Save asks a host all that any chapter wants to know of it; version is of the program. No system is refused. The other hosts are savedLogin at
// as well, as far as they are reached: what is asked of one may depend on what another one is.
func (r *Runner) Save(ctx context.Context, h *site.Host, version string) (*saved.Look, error) {
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	for name, one := range r.hosts {
		switch {
		case one.err == nil:
		case name == h.Name:
			return nil, named(name, "", one.err)
		default:
			r.emit(steps.Event{Kind: "warn", Host: name, Text: "not reached: where " + h.Name + " is asked something because of it, that is missing in the look: " + remote.Clean(remote.Words(one.err)).Line(200)})
		}
	}
	login := &noting{r.hosts[h.Name].session, &saved.Look{Host: h.Name, Role: h.Role, By: version}}
	r.hosts[h.Name].session = login
	if _, _, _, err := r.settled(ctx, steps.All()); err != nil {
		return nil, err
	}
	return login.look, nil
}

// noting is a login that notes what was answered over it.
type noting struct {
	Login
	look *saved.Look
}

// Facts asks, and notes the answers.
func (n *noting) Facts(ctx context.Context, queries []remote.Query) (remote.Facts, error) {
	facts, err := n.Login.Facts(ctx, queries)
	if err == nil {
		n.look.Add(queries, facts)
	}
	return facts, err
}

// Saved stands in for logging in to hosts: each answers what its look has of it, and nothing else is done. Nothing is connected to.
func Saved(looks ...*saved.Look) func(context.Context, remote.Target) (Login, error) {
	return func(ctx context.Context, t remote.Target) (Login, error) {
		for _, l := range looks {
			if l.Host != t.Name {
				continue
			}
			if st := remote.ParseStatus(l.Status()); st.Job != "" && !st.Dead {
				return nil, fmt.Errorf("%s: the look was taken while a job was at work on the host: %w with 'postern look %s'", t.Name, saved.ErrLacks, t.Name)
			}
			fake := &Fake{Name: t.Name, Fault: func(_ context.Context, c Call) error {
				if c.Verb != "connect" {
					return fmt.Errorf("%s: it is a saved look, of which nothing more can be asked", t.Name)
				}
				return nil
			}}
			login, err := Fakes(fake)(ctx, remote.Target{Name: t.Name})
			if err != nil {
				return nil, err
			}
			return &savedLogin{login, l}, nil
		}
		return nil, fmt.Errorf("%s: there is no look of it: 'postern look %s' takes one, and another --facts gives it", t.Name, t.Name)
	}
}

// savedLogin is a login to a saved look.
type savedLogin struct {
	Login
	look *saved.Look
}

// Facts are the answers of the look.
func (a *savedLogin) Facts(_ context.Context, queries []remote.Query) (remote.Facts, error) {
	return a.look.Facts(queries)
}
