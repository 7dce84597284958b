package run

import (
	"errors"
	"fmt"
	"strings"
)

// Refusal is the error of a change that was not begun. Where others of the same run were confirmed before, they stay; otherwise it is
// ErrRefused, and nothing was changed.
type Refusal struct {
	Why  error
	Kept bool
}

func refused(why error) error { return &Refusal{Why: why} }

// Error is one line.
func (e *Refusal) Error() string {
	if e.Kept {
		return "the rest was not begun, and what was confirmed before is kept: " + e.Why.Error()
	}
	return ErrRefused.Error() + ": " + e.Why.Error()
}

// Is says whether it is ErrRefused.
func (e *Refusal) Is(target error) bool { return target == ErrRefused && !e.Kept }

// Unwrap is why it was not begun.
func (e *Refusal) Unwrap() error { return e.Why }

// beside notes with a refusal whether other changes of its run are kept.
func beside(kept bool, err error) error {
	var no *Refusal
	if kept && errors.As(err, &no) {
		no.Kept = true
	}
	return err
}

// lagging is the error of a run of which more is to come, while a host still makes last what was confirmed; nil where none does.
func (r *Runner) lagging() error {
	if len(r.lags) == 0 {
		return nil
	}
	return &Refusal{Kept: true, Why: fmt.Errorf("%s could not finish what was confirmed, and goes on by itself; mend what the warning tells of, then run this again", strings.Join(r.lags, " and "))}
}
