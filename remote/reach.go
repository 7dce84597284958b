package remote

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"

	"postern/remote/sshconfig"
)

// Reach logs in to a target by another way than its own, and out again: over a connection that a dialer makes to another of its
// addresses. The host's key and the operator's are those of the target. A whole login is the one way to ask sshd whether it
// answers that neither looks like an attack to whoever reads its log, nor counts as one with sshd itself.
func Reach(ctx context.Context, t Target, over Dialer, address string, o Options) error {
	if o.Memory == nil {
		o.Memory = NewMemory()
	}
	t.Via = nil
	log := func(line string) {
		if o.Log != nil {
			o.Log(t.name(), line)
		}
	}
	to, err := sshconfig.Resolve(ctx, t.SSH, o.operator(), log)
	if err != nil {
		return fmt.Errorf("%s: %w", t.name(), err)
	}
	o.Dial = way{over, address}
	h := &hops{o: o, log: log, trips: new(atomic.Int64)}
	client, err := (&login{hops: h, target: t, host: to, refused: map[string]bool{}}).connect(ctx, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", t.name(), err)
	}
	l := newLink(client, nil)
	l.alive() // sshd ends without an error who leaves with nothing on the way to him, and punishes the error of a login that it did not note yet
	return client.Close()
}

// way dials one address, whatever it is asked for.
type way struct {
	over    Dialer
	address string
}

// DialContext dials the address of the way.
func (w way) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	return w.over.DialContext(ctx, "tcp", w.address)
}
