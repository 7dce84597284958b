package remote

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Progress is one line of what a host is doing: change N of Of has begun, or it printed Text meanwhile.
type Progress struct {
	N, Of   int
	Text    Text
	Elapsed time.Duration // since the work began
}

// Begin locks the host, takes snapshots, checks every staged file, arms two watchdogs and a boot guard, proves them alive,
// and applies the changes: one exchange. When it returns an error nothing is changed or everything is taken back, except for
// ErrLost: then the host decides by itself, and Status tells. Its errors are *ErrLocked, *ErrChanged, *ErrTest,
// *ErrRolledBack, ErrDisk, ErrNoGuard, ErrNoSecret, ErrStuck and ErrLost.
func (s *Session) Begin(ctx context.Context, t Transaction, tell func(Progress)) error {
	if err := t.check(); err != nil {
		return err
	}
	s.began.Store(t.ID, true)
	return s.act(ctx, s.beginScript(t), t.Changes, tell)
}

// Confirm keeps a change for good, in one exchange. It must go over another connection than the one that began, because
// only a new login proves that there still is a way in. Confirmed already is success. Its errors are ErrTooLate (with
// *ErrRolledBack) when the host took the change back, ErrNotReady while it is being applied, *ErrUnkept when it is kept but a
// command that makes it last did not work, and ErrLost: then Confirm may be called again.
func (s *Session) Confirm(ctx context.Context, id string) error {
	if _, mine := s.began.Load(id); mine {
		return errors.New("a change is confirmed over a new login, not over the connection that made it")
	}
	return late(s.verb(ctx, "confirm", id))
}

// Cancel has the host take a change back now, and returns when it has. Taken back already is success; ErrUnknownID means
// that it never began, ErrStuck that the host could not.
func (s *Session) Cancel(ctx context.Context, id string) error {
	err := s.verb(ctx, "cancel", id)
	var back *ErrRolledBack
	switch {
	case errors.As(err, &back):
		return nil
	case err == nil:
		return fmt.Errorf("transaction %s was confirmed already", id)
	}
	return err
}

// Revert takes back the transaction that was confirmed last on the host, from the snapshot kept of it: for two hosts that
// are one decision, when the other one could not be kept.
func (s *Session) Revert(ctx context.Context, id string) error {
	if !words.MatchString(id) {
		return fmt.Errorf("%q is not a transaction (letters and digits)", id)
	}
	err := s.verb(ctx, "revert", id)
	var back *ErrRolledBack
	if errors.As(err, &back) {
		return nil
	}
	if err == nil {
		err = errors.New("it is still in place")
	}
	return fmt.Errorf("transaction %s: %w", id, err)
}

// Tidy has the host bring to its end what nobody else will: a transaction whose watchdogs are gone, or one that a crash left
// half done. Its errors are *ErrLocked when somebody holds the host, ErrStuck and ErrLost.
func (s *Session) Tidy(ctx context.Context) error { return s.verb(ctx, "tidy") }

// late adds ErrTooLate to the news that the host took a change back.
func late(err error) error {
	var back *ErrRolledBack
	if errors.As(err, &back) && !errors.Is(err, ErrTooLate) {
		return fmt.Errorf("%w: %w", ErrTooLate, err)
	}
	return err
}
