package run

import (
	"context"
	"net/netip"

	"postern/remote"
)

// Login is what the driver needs of one login to one host, with its privilege. What each verb does, and its errors, stand at
// *remote.Session, which is the real one; a Fake's are the other.
type Login interface {
	remote.Dialer
	Way() (source netip.Addr, port int, ok bool)
	Alive(context.Context) error
	Close() error

	Facts(context.Context, []remote.Query) (remote.Facts, error)
	Exec(context.Context, remote.Query) (remote.Answer, error)
	Listen(ctx context.Context, network, address string) (*remote.Listener, error)
	Recorded(context.Context) ([]remote.Record, error)

	Hand(ctx context.Context, secret string) error
	Prepare(ctx context.Context, id string, changes []remote.Change, tell func(remote.Progress)) error
	Watch(ctx context.Context, id string, changes []remote.Change, tell func(remote.Progress)) error

	Begin(ctx context.Context, t remote.Transaction, tell func(remote.Progress)) error
	Confirm(ctx context.Context, id string, at *remote.Moment) error // refused over the login that began
	Cancel(ctx context.Context, id string) error
	Revert(ctx context.Context, id string) error
	Tidy(context.Context) error
}

var _ Login = (*remote.Session)(nil)

// Reaching logs in to a host by another way than its own, and out again: over a dialer, to another of its addresses.
type Reaching func(ctx context.Context, t remote.Target, over remote.Dialer, to netip.AddrPort) error

// Ways is Reaching by SSH with those options, whose Memory should be that of the logins.
func Ways(o remote.Options) Reaching {
	return func(ctx context.Context, t remote.Target, over remote.Dialer, to netip.AddrPort) error {
		return remote.Reach(ctx, t, over, to.String(), o)
	}
}

// SSH logs in to hosts with those options. What the operator answered is kept, so that the login that proves a change asks
// nothing again, and a host that others are reached through is asked for once.
func SSH(o remote.Options) func(context.Context, remote.Target) (Login, error) {
	if o.Memory == nil {
		o.Memory = remote.NewMemory()
	}
	return func(ctx context.Context, t remote.Target) (Login, error) {
		s, err := remote.Connect(ctx, t, o)
		if err != nil {
			return nil, err
		}
		return s, nil
	}
}
