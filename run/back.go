package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"postern/remote"
	"postern/steps"
)

// TakenBack is the error of a change that is not kept: which hosts were seen to have gone back, and which were not.
type TakenBack struct {
	Hosts []string             // seen
	Due   map[string]time.Time // not seen: they do it by themselves, and have done so by then
	Why   error
}

// Headline says in one sentence what became of the change on every host.
func (e *TakenBack) Headline() string {
	if len(e.Due) == 0 {
		return ErrRolledBack.Error()
	}
	var last time.Time
	var names []string
	for host, by := range e.Due {
		names = append(names, host)
		if by.After(last) {
			last = by
		}
	}
	slices.Sort(names)
	text := fmt.Sprintf("%s could not be asked any more, and will have taken the change back by %s, without us", strings.Join(names, " and "), last.Format("15:04:05"))
	if len(e.Hosts) > 0 {
		text = fmt.Sprintf("%s on %s; %s", ErrRolledBack, strings.Join(e.Hosts, " and "), text)
	}
	return text
}

// Error is the headline, and why.
func (e *TakenBack) Error() string { return e.Headline() + ": " + e.Why.Error() }

// Unwrap is ErrRolledBack, and why.
func (e *TakenBack) Unwrap() []error { return []error{ErrRolledBack, e.Why} }

// takeBack cancels what is armed and not kept, over whichever login still answers. Where none does, the host's own guard
// does it. It is nil when no host has anything to take back.
func (r *Runner) takeBack(ctx context.Context, list []*armed, why error) *TakenBack {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 45*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	for _, a := range list {
		if a.kept || a.back || a.lost {
			continue
		}
		wg.Go(func() {
			err := r.cancel(ctx, a)
			if errors.Is(err, remote.ErrUnknownID) {
				return // it never began
			}
			a.back, a.unseen = true, err != nil
			text := "taken back"
			if err != nil {
				text = fmt.Sprintf("not seen to be taken back (%s); the host will have done so by itself by %s",
					remote.Clean(remote.Words(err)).Line(160), a.due.Format("15:04:05"))
			}
			r.emit(steps.Event{Kind: "rollback", Host: a.part.Host, Text: text})
		})
	}
	wg.Wait()
	back := &TakenBack{Due: map[string]time.Time{}, Why: why}
	for _, a := range list {
		switch {
		case a.back && a.unseen:
			back.Due[a.part.Host] = a.due
		case a.back:
			back.Hosts = append(back.Hosts, a.part.Host)
		}
		if a.anew != nil {
			a.anew.Close()
		}
	}
	var byHost *remote.ErrRolledBack
	if len(back.Hosts)+len(back.Due) == 0 {
		if !errors.As(why, &byHost) {
			return nil
		}
		back.Hosts = []string{"the host that failed"}
	}
	return back
}

// all are the hosts that went back, or will.
func (e *TakenBack) all() []string {
	names := slices.Clone(e.Hosts)
	for host := range e.Due {
		names = append(names, host)
	}
	slices.Sort(names)
	return names
}

// cancel has a host take its change back, over whichever login answers: the one that began, the new one, or yet another.
func (r *Runner) cancel(ctx context.Context, a *armed) error {
	err := r.hosts[a.part.Host].session.Cancel(ctx, a.id)
	if err != nil && a.anew != nil {
		err = a.anew.Cancel(ctx, a.id)
	}
	if errors.Is(err, remote.ErrLost) {
		last, again := r.again(ctx, a)
		if again != nil {
			return errors.Join(err, again)
		}
		defer last.Close()
		err = last.Cancel(ctx, a.id)
	}
	return err
}
