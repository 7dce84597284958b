package run

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"postern/remote"
	"postern/site"
	"postern/steps"
)

// armed is one host's part while it can still be taken back.
type armed struct {
	part steps.Part
	id   string
	open *remote.Open
	anew *remote.Session // the new login that proves the way in
	kept bool            // confirmed
}

// begin arms and applies every part: all hosts at once, or one after the other, far host first, when one is reached
// through another. It returns what is armed also when a later host failed.
func (r *Runner) begin(ctx context.Context, d decision, next *site.Site) ([]*armed, error) {
	answers, err := site.Render(next)
	if err != nil {
		return nil, err
	}
	var (
		mu   sync.Mutex
		list []*armed
	)
	one := func(p steps.Part) error {
		tx := remote.Transaction{ID: r.NewID(), Operator: r.Operator, Deadline: r.deadline(), Changes: p.Changes}
		if d.answers {
			tx.Answers = &remote.File{Text: answers, Mode: 0o600, Owner: "root:root"}
		}
		start := r.Clock()
		open, err := r.hosts[p.Host].session.Begin(ctx, tx, r.progress(p))
		if err != nil {
			return fmt.Errorf("%s: %w", p.Host, err)
		}
		r.emit(steps.Event{Kind: "guard", Host: p.Host, Elapsed: r.Clock().Sub(start),
			Text: fmt.Sprintf("applied and guarded: the host takes it back by itself in %s unless a new login confirms it", tx.Deadline)})
		mu.Lock()
		defer mu.Unlock()
		list = append(list, &armed{part: p, id: tx.ID, open: open})
		return nil
	}
	parts := far(d.site, d.parts)
	if !jumped(d.site, parts) {
		err := each(parts, one)
		return inOrder(parts, list), err
	}
	for _, p := range parts {
		if err := one(p); err != nil {
			return list, err
		}
	}
	return list, nil
}

// inOrder sorts what is armed as the parts are.
func inOrder(parts []steps.Part, list []*armed) []*armed {
	var sorted []*armed
	for _, p := range parts {
		for _, a := range list {
			if a.part.Host == p.Host {
				sorted = append(sorted, a)
			}
		}
	}
	return sorted
}

// jumped says whether a changed host is reached through another of the site.
func jumped(s *site.Site, parts []steps.Part) bool {
	for _, p := range parts {
		if h := s.Host(p.Host); h != nil && h.Jump != "" {
			return true
		}
	}
	return false
}

// relogin logs in anew to every changed host: a held connection proves nothing, because firewalls let established ones
// through (transaction.md 0.4). Until it works, or the deadline is near, it is tried again, at most every 6 s so that no
// rate limit bans the operator.
func (r *Runner) relogin(ctx context.Context, list []*armed) error {
	limit, cancel := context.WithTimeout(ctx, r.deadline()*3/4)
	defer cancel()
	var wg sync.WaitGroup
	errs := make([]error, len(list))
	for i, a := range list {
		wg.Go(func() {
			start := r.Clock()
			for {
				next := time.After(6 * time.Second)
				var err error
				if a.anew, err = r.hosts[a.part.Host].session.Again(limit); err == nil {
					r.emit(steps.Event{Kind: "connect", Host: a.part.Host, Text: "a new login works", Elapsed: r.Clock().Sub(start)})
					return
				}
				errs[i] = fmt.Errorf("%s: no new login: %w", a.part.Host, err)
				r.emit(steps.Event{Kind: "warn", Host: a.part.Host, Text: "a new login does not work yet: " + remote.Clean(err.Error()).Line(160)})
				select {
				case <-limit.Done():
					return
				case <-next:
				}
			}
		})
	}
	wg.Wait()
	var failed []error
	for i, a := range list {
		if a.anew == nil {
			failed = append(failed, errs[i])
		}
	}
	return errors.Join(failed...)
}

// confirm keeps the changes, the far host first, and makes the new logins the working ones. When a later host cannot be
// confirmed any more, those confirmed before are undone from their kept snapshots.
func (r *Runner) confirm(ctx context.Context, list []*armed) error {
	ctx = context.WithoutCancel(ctx) // a decision that has begun to be kept is finished
	for i, a := range list {
		limit, cancel := context.WithTimeout(ctx, 30*time.Second)
		err := r.confirmOne(limit, a)
		cancel()
		var unkept *remote.ErrUnkept
		if errors.As(err, &unkept) {
			r.emit(steps.Event{Kind: "warn", Host: a.part.Host, Text: "in effect now, but it may not outlast a reboot: " + err.Error()})
			err = nil
		}
		if err != nil {
			if i > 0 {
				err = errors.Join(err, r.revert(ctx, list[:i]))
			}
			return fmt.Errorf("%s: confirming: %w", a.part.Host, err)
		}
		a.kept = true
		r.emit(steps.Event{Kind: "confirm", Host: a.part.Host, Text: "confirmed over the new login; it is kept"})
	}
	for _, a := range list {
		h := r.hosts[a.part.Host]
		h.session.Close()
		h.session = a.anew
	}
	return nil
}

// confirmOne confirms, and when the reply is lost asks the host over yet another login what became of it.
func (r *Runner) confirmOne(ctx context.Context, a *armed) error {
	err := a.open.Confirm(ctx, a.anew)
	if err == nil || !errors.Is(err, remote.ErrLost) {
		return err
	}
	r.emit(steps.Event{Kind: "warn", Host: a.part.Host, Text: "the connection broke while confirming; asking the host what became of it"})
	anew, again := a.anew.Again(ctx)
	if again != nil {
		return errors.Join(err, again)
	}
	a.anew = anew
	return a.open.Confirm(ctx, anew) // "already" is success
}

// revert undoes confirmed changes from their kept snapshots, because the other host could not be kept.
func (r *Runner) revert(ctx context.Context, list []*armed) error {
	var errs []error
	for _, a := range list {
		limit, cancel := context.WithTimeout(ctx, 60*time.Second)
		err := a.anew.Revert(limit, a.id)
		cancel()
		text := "undone from its snapshot, because the other host went back"
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: going back: %w", a.part.Host, err))
			text = "could not be undone: " + remote.Clean(err.Error()).Line(160)
		}
		r.emit(steps.Event{Kind: "rollback", Host: a.part.Host, Text: text})
	}
	return errors.Join(errs...)
}

// takeBack cancels what is armed and not kept, over whichever login still answers. Where none does, the host's own guard
// does it.
func (r *Runner) takeBack(ctx context.Context, list []*armed, why error) []string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 45*time.Second)
	defer cancel()
	var (
		mu     sync.Mutex
		wg     sync.WaitGroup
		rolled []string
	)
	for _, a := range list {
		wg.Go(func() {
			text := "taken back"
			if err := r.cancel(ctx, a); err != nil {
				text = fmt.Sprintf("not seen to be taken back (%s); the host does it by itself within %s", remote.Clean(err.Error()).Line(160), r.deadline())
			}
			r.emit(steps.Event{Kind: "rollback", Host: a.part.Host, Text: text})
			mu.Lock()
			defer mu.Unlock()
			rolled = append(rolled, a.part.Host)
		})
	}
	wg.Wait()
	for _, a := range list {
		if a.anew != nil {
			a.anew.Close()
		}
	}
	var byHost *remote.ErrRolledBack
	if errors.As(why, &byHost) && len(rolled) == 0 {
		rolled = append(rolled, "the host that failed")
	}
	return rolled
}

// cancel has a host take its change back, over whichever login answers: the one that began, the new one, or yet another.
func (r *Runner) cancel(ctx context.Context, a *armed) error {
	if a.kept {
		return nil // reverted already, with the reason why it had to be
	}
	err := a.open.Cancel(ctx)
	if err != nil && a.anew != nil {
		err = a.anew.Attach(a.id).Cancel(ctx)
	}
	if errors.Is(err, remote.ErrLost) {
		last, again := r.hosts[a.part.Host].session.Again(ctx)
		if again != nil {
			return errors.Join(err, again)
		}
		defer last.Close()
		err = last.Attach(a.id).Cancel(ctx)
	}
	return err
}

// progress turns a transaction's progress into events.
func (r *Runner) progress(p steps.Part) func(remote.Progress) {
	return func(g remote.Progress) {
		r.emit(steps.Event{Kind: "change", Host: p.Host, N: g.N, Of: g.Of, Text: g.Text.String(), Elapsed: g.Elapsed})
	}
}

// each does f for every part at once and joins the errors.
func each(parts []steps.Part, f func(steps.Part) error) error {
	errs := make([]error, len(parts))
	var wg sync.WaitGroup
	for i, p := range parts {
		wg.Go(func() { errs[i] = f(p) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
