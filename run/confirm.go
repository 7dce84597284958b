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
	err error
}

// confirm keeps the changes and makes the new logins the working ones. The hosts are asked at the same moment, so that a
// program that dies, or a line that breaks, has asked all of them or none. When one went back all the same, those that kept
// theirs are undone from their kept snapshots. A host that cannot be asked any more leaves the others as they are: it may
// well have kept the change too, and the next run brings all in line.
func (r *Runner) confirm(ctx context.Context, list []*armed) error {
	ctx = context.WithoutCancel(ctx) // a decision that has begun to be kept is finished
	var wg sync.WaitGroup
	asked, at := make([]keeping, len(list)), remote.NewMoment(len(list))
	for i, a := range list {
		wg.Go(func() { asked[i] = keeping{a, r.keep(ctx, a, at)} })
	}
	wg.Wait()
	var kept []*armed
	var back, untold error
	for _, k := range asked {
		switch {
		case k.kept:
			kept = append(kept, k.armed)
		case unanswered(k.err):
			k.lost = true
			untold = errors.Join(untold, named(k.part.Host, "confirming", k.err))
		default:
			back = errors.Join(back, named(k.part.Host, "confirming", k.err))
		}
	}
	switch {
	case back != nil:
		return errors.Join(back, r.revert(ctx, kept, "the other host went back"))
	case untold != nil:
		return fmt.Errorf("%w: %w; when it answers again, 'postern apply' brings the hosts in line", ErrUntold, untold)
	}
	for _, a := range list {
		if a.lags {
			r.lags = append(r.lags, a.part.Host)
		}
		h := r.hosts[a.part.Host]
		h.session.Close()
		h.session = a.anew
	}
	return nil
}

// keep has a host keep its change and make it last.
func (r *Runner) keep(ctx context.Context, a *armed, at *remote.Moment) error {
	err := r.insist(ctx, a, func(ctx context.Context, over Login) error { return over.Confirm(ctx, a.id, at) })
	var unkept *remote.ErrUnkept
	if errors.As(err, &unkept) {
		r.emit(steps.Event{Kind: "warn", Host: a.part.Host, Text: "in effect now, but it may not outlast a reboot: " + remote.Words(err)})
		a.lags, err = unkept.Change == "", nil
	}
	if a.kept = err == nil; a.kept {
		r.emit(steps.Event{Kind: "confirm", Host: a.part.Host, Text: "confirmed over the new login; it is kept"})
	}
	return err
}
