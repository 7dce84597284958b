package run

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"postern/remote"
	"postern/steps"
)

// keeping is one host being confirmed.
type keeping struct {
	*armed
	decided chan struct{} // closed when the host cannot go back any more
	ended   chan struct{} // closed when all that is needed to make it last is done, or failed
	err     error         // once ended
}

// confirm keeps the changes, the far host first, and makes the new logins the working ones: a host is asked when the one
// before it cannot go back any more; making it last they do side by side. When a later host went back, those confirmed
// before are undone from their kept snapshots. A host that cannot be asked any more leaves the others as they are: it may
// well have kept the change too, and the next run brings both in line.
func (r *Runner) confirm(ctx context.Context, list []*armed) error {
	ctx = context.WithoutCancel(ctx) // a decision that has begun to be kept is finished
	var kept []*keeping
	var failed *keeping
	for _, a := range list {
		k := r.keep(ctx, a)
		if !k.isKept() {
			failed = k
			break
		}
		kept = append(kept, k)
		a.kept = true
		r.emit(steps.Event{Kind: "confirm", Host: a.part.Host, Text: "confirmed over the new login; it is kept"})
	}
	for _, k := range kept {
		<-k.ended
		var unkept *remote.ErrUnkept
		if errors.As(k.err, &unkept) {
			r.emit(steps.Event{Kind: "warn", Host: k.part.Host, Text: "in effect now, but it may not outlast a reboot: " + k.err.Error()})
			k.err = nil
		}
	}
	if failed != nil && !unanswered(failed.err) {
		return errors.Join(named(failed.part.Host, "confirming", failed.err), r.revert(ctx, list[:len(kept)]))
	}
	if failed != nil {
		kept = append(kept, failed)
	}
	for _, k := range kept {
		if k.err != nil {
			k.lost = true
			return fmt.Errorf("%w: %w; when it answers again, 'postern apply' brings the hosts in line", ErrUntold, named(k.part.Host, "confirming", k.err))
		}
	}
	for _, a := range list {
		h := r.hosts[a.part.Host]
		h.session.Close()
		h.session = a.anew
	}
	return nil
}

// keep begins to confirm a host, and returns when it has decided, or has ended without.
func (r *Runner) keep(ctx context.Context, a *armed) *keeping {
	k := &keeping{armed: a, decided: make(chan struct{}), ended: make(chan struct{})}
	decide := sync.OnceFunc(func() { close(k.decided) })
	go func() {
		defer close(k.ended)
		k.err = r.insist(ctx, a, func(ctx context.Context, over *remote.Session) error { return a.open.ConfirmTelling(ctx, over, decide) })
		var unkept *remote.ErrUnkept
		if k.err == nil || errors.As(k.err, &unkept) {
			decide()
		}
	}()
	select {
	case <-k.decided:
	case <-k.ended:
	}
	return k
}

// isKept says whether the host cannot go back any more.
func (k *keeping) isKept() bool {
	select {
	case <-k.decided:
		return true
	default:
		return false
	}
}
