package remote

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrTooLate means that the host took the change back before it was confirmed.
	ErrTooLate = errors.New("too late to confirm")
	// ErrNotReady means that the change is still being applied.
	ErrNotReady = errors.New("the change is not applied yet")
	// ErrDisk means that the host has no room, or its file system is read-only; nothing was changed.
	ErrDisk = errors.New("the host cannot write")
	// ErrNoGuard means that no watchdog or boot guard could be proven alive; nothing was changed.
	ErrNoGuard = errors.New("the host cannot guard a change")
	// ErrNoSecret means that a redacted secret is not known on the host it should be filled in on; nothing was changed.
	ErrNoSecret = errors.New("a secret that the file needs is not on this host")
	// ErrStuck means that a change could not be taken back, after five attempts; the host keeps the lock.
	ErrStuck = errors.New("a change could not be taken back; the host stays locked until someone has looked at it")
	// ErrUnknownID means that the host knows nothing of a transaction: it never began there, or nothing was changed.
	ErrUnknownID = errors.New("the host knows nothing of this transaction")
)

// ErrLocked means that another run is changing the host, or left a change open on it; Owner tells who and since when.
type ErrLocked struct{ Owner Text }

// Error is one line.
func (e *ErrLocked) Error() string {
	if e.Owner.String() == "" {
		return "the host is being changed by another run"
	}
	return "the host is being changed by another run, or it left a change open, which the host finishes or takes back by itself: " + strings.ReplaceAll(strings.TrimSpace(e.Owner.String()), "\n", ", ")
}

// ErrChanged means that a file is not any more what the operator was shown; nothing was changed.
type ErrChanged struct{ Path string }

// Error is one line.
func (e *ErrChanged) Error() string {
	return fmt.Sprintf("somebody changed %s since it was shown", e.Path)
}

// ErrTest means that a staged file did not pass its test, or that the script of an inert change failed; Out is what it printed.
type ErrTest struct {
	Change string // the title
	Out    Text
}

// Error is one line: the last that was printed says most.
func (e *ErrTest) Error() string { return e.Change + ": " + last(e.Out, "it did not work") }

// ErrRolledBack means that the host took the change back. Why is failed, expired, cancelled, boot, abandoned (both
// watchdogs were gone) or reverted.
type ErrRolledBack struct {
	Why     string
	Change  string // the title of the change that failed, empty when none did
	Out     Text   // what it printed last
	Ongoing bool   // the host is still at it
}

// Error is one line.
func (e *ErrRolledBack) Error() string {
	how := "the host took the change back"
	if e.Ongoing {
		how = "the host is taking the change back"
	}
	if e.Change != "" && e.Why == "failed" {
		return how + ": " + e.Change + ": " + last(e.Out, "it did not work")
	}
	if words := Alone(e.Why); words != "" {
		return how + ", because " + words
	}
	return how + " (" + e.Why + ")"
}

// Alone is, in words, why a host took a change back by itself; "" when somebody asked for it.
func Alone(why string) string {
	return map[string]string{
		"expired":   "nobody confirmed it in time",
		"boot":      "the host was started anew before it was confirmed",
		"abandoned": "what watched over it was gone",
	}[why]
}

// Unwrap is ErrTooLate when the host did it by itself.
func (e *ErrRolledBack) Unwrap() error {
	if Alone(e.Why) != "" {
		return ErrTooLate
	}
	return nil
}

// ErrUnkept means that the change is confirmed and in effect, but something that makes it last did not work.
type ErrUnkept struct {
	Change string // the title
	Out    Text
}

// Error is one line.
func (e *ErrUnkept) Error() string {
	if e.Change == "" {
		return "confirmed, but the host could not finish: " + last(e.Out, "it goes on by itself")
	}
	return "confirmed, but " + e.Change + ": " + last(e.Out, "it did not work")
}

// last is the last line that says anything.
func last(t Text, otherwise string) string {
	lines := strings.Split(strings.TrimSpace(t.String()), "\n")
	if line := strings.TrimSpace(lines[len(lines)-1]); line != "" {
		return cut(line, 700) // apt's words about a signature, with the key's name, are as long
	}
	return otherwise
}
