package report

import (
	"context"
	"errors"
	"strings"

	"postern/remote"
	"postern/run"
)

// TakenBack is the headline of a change that is not kept, true for every host.
func TakenBack(err error) string {
	var back *run.TakenBack
	if errors.As(err, &back) && len(back.Due) > 0 {
		text := back.Headline()
		return strings.ToUpper(text[:1]) + text[1:] + ". Nothing of it stays."
	}
	return "The change was taken back. Nothing of it is kept."
}

// Advice is what to do about an error, in sentences.
func Advice(err error) string {
	var changed *remote.ChangedKeyError
	var locked *remote.ErrLocked
	var no *run.Refusal
	switch {
	case errors.As(err, &changed):
		return "The host shows another key than the one on record. If the host was installed anew, that is expected: compare the new key on the host's own console, " +
			"take the old one out of the record with the command above, and try again. If it was not, somebody may be in between: do not go on."
	case errors.As(err, &locked):
		return "Somebody changes the host just now, or a program that died did: what that left open is taken back by the host itself, " +
			"within its deadline (two minutes, unless another was given). Then try again."
	case errors.Is(err, remote.ErrUnknownKey):
		return "The host's key was not confirmed, so nothing was sent to it. Try again and compare the key on the host's own console."
	case errors.Is(err, run.ErrStale):
		return "Somebody changed the hosts with newer answers than these. Take those over (contents, Other sites, adopt), or change these so that they agree."
	case errors.Is(err, remote.ErrNoAnswer):
		return "A question of the connection was closed without an answer. Try again, and answer it."
	case errors.Is(err, remote.ErrNoRoot):
		return "The login worked, becoming root did not. Log in as root, or as a user who may use sudo or su; chapter 1 asks for the destination."
	case errors.Is(err, remote.ErrLost):
		return "The link to a host was lost. A change that was open is taken back by the host itself at the deadline. Try again: what it did is looked at first."
	case errors.Is(err, run.ErrRolledBack):
		return "Nothing of this change is kept. The reason stands above: mend it and try again, or leave it as it was."
	case errors.Is(err, context.DeadlineExceeded):
		return "There is no answer. Is the host on, is the address right, and does no firewall drop SSH from here? The ways in (w) also lead through the proxy, or to its console."
	case errors.As(err, &no) && no.Kept:
		return "What was confirmed before is kept. The reason why the rest was not begun stands above."
	case errors.Is(err, run.ErrRefused):
		return "Nothing was changed. The reason stands above."
	}
	return "Try again, change the answers, or take another way in."
}
