package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"time"
)

// Risk is what a change can cost while it is not yet confirmed.
type Risk string

// The risks, least first.
const (
	NoRisk   Risk = ""
	LoseMail Risk = "lose-mail" // mail ports may be dark for a moment
	LoseSSH  Risk = "lose-ssh"  // it may cut the operator off
)

// File is the whole of a file: its text, mode and owner ("root:root"). A line whose secret is redacted reads
// `PrivateKey = redacted:HASH`; the host fills the secret in again when it writes the file.
type File struct {
	Text  string
	Mode  fs.FileMode
	Owner string
}

// Change is one reversible edit of one host, as data: what the operator reads is the very value that is run.
// Do, Undo, Keep and Test are POSIX sh, run as root with LC_ALL=C, set -e and stdin from /dev/null. $KEPT is a path on the host where nothing
// is yet: what Do puts there its own Undo finds while the change can still be taken back, and no later one.
type Change struct {
	ID        string // stable name within its step: letters, digits, dots and hyphens; the host's record of what was before us goes by it
	Step      string // the step it belongs to
	Title     string // what it does, in the operator's words
	Why       string // one sentence, may be empty
	Path      string // the file it writes; empty when it only runs Do
	Old, New  *File  // nil means absent
	AtConfirm bool   // the file is put in place only at confirm: the running state is made by Do, and a reboot before forgets it
	InTurn    bool   // the file is put in place when it is this change's turn, right before its Do: what comes before it must be so by then
	Test      string // checks the staged file, named by $NEW, before anything is changed
	Do        string // run once all files are in place, in the order of the changes
	Undo      string // run once all files are restored, in reverse order; must work from any point Do may have stopped at
	Keep      string // run at confirm, such as enabling a unit at boot
	Forget    bool   // at confirm the host drops its record of this change, as nothing of ours is left: an undo
	Risk      Risk
	Takes     time.Duration // how long Do may take; 0: a moment
	Bound     bool          // in a job: it goes back, too, when one after it fails
	Secret    string        // what only the operator knows, in words, such as "password of ann": Do finds it in HandedPath, and nowhere else is it ever
}

// Transaction is a set of changes of one host that the host takes back by itself unless it is confirmed.
type Transaction struct {
	ID       string        // unique; letters and digits
	Operator string        // who, from where; told to a second operator who finds the lock
	Deadline time.Duration // the host takes the changes back after this; at least 10 s
	Changes  []Change
	Answers  *File // the answers to leave at AnswersPath on the host at confirm; nil leaves none
}

// AnswersPath is where the answers lie on a host, for a second laptop or a lost file.
const AnswersPath = "/var/lib/postern/site.toml"

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
// only a new login proves that there still is a way in; with a moment, at that one. Confirmed already is success. Its errors are ErrTooLate (with
// *ErrRolledBack) when the host took the change back, ErrNotReady while it is being applied, *ErrUnkept when it is kept but a
// command that makes it last did not work, and ErrLost: then Confirm may be called again.
func (s *Session) Confirm(ctx context.Context, id string, at *Moment) error {
	if _, mine := s.began.Load(id); mine {
		return errors.New("a change is confirmed over a new login, not over the connection that made it")
	}
	return late(s.verbAt(ctx, at, "confirm", id))
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
	if !ids.MatchString(id) {
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

// leastDeadline is the shortest time a host is given.
const leastDeadline = 10 * time.Second

var (
	ids     = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)
	names   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,100}$`)
	owners  = regexp.MustCompile(`^[a-z0-9_][a-z0-9_.-]*:[a-z0-9_][a-z0-9_.-]*$`)
	folders = regexp.MustCompile(`^(/[A-Za-z0-9._@+-]+)+$`)
)

// check refuses what no host could be given.
func (t Transaction) check() error {
	if !ids.MatchString(t.ID) {
		return fmt.Errorf("%q is not a transaction (letters and digits)", t.ID)
	}
	if t.Deadline < leastDeadline || t.Deadline > 24*time.Hour {
		return fmt.Errorf("a deadline of %s cannot be used (%s to 24h)", t.Deadline, leastDeadline)
	}
	if t.Answers != nil && strings.Contains(t.Answers.Text, "\x00") {
		return fmt.Errorf("the answers hold a NUL byte")
	}
	return checkChanges(t.Changes)
}

func checkChanges(list []Change) error {
	if len(list) == 0 || len(list) > 999 {
		return fmt.Errorf("%d changes cannot be made at once (1 to 999)", len(list))
	}
	seen := map[string]bool{}
	for _, c := range list {
		if err := c.check(); err != nil {
			return fmt.Errorf("change %q: %w", c.ID, err)
		}
		if c.Path != "" && seen[c.Path] {
			return fmt.Errorf("change %q: %q is written by another change too", c.ID, c.Path)
		}
		seen[c.Path] = true
	}
	return nil
}

func (c Change) check() error {
	for _, name := range []string{c.ID, c.Step} {
		if !names.MatchString(name) {
			return fmt.Errorf("%q is not a name (letters, digits, dots and hyphens)", name)
		}
	}
	for _, s := range []string{c.Title, c.Test, c.Do, c.Undo, c.Keep} {
		if strings.Contains(s, "\x00") {
			return fmt.Errorf("it holds a NUL byte")
		}
	}
	if strings.ContainsAny(c.Title, "\n\r") {
		return fmt.Errorf("its title is more than one line")
	}
	if c.Path == "" {
		if c.New != nil || c.Old != nil || c.AtConfirm {
			return fmt.Errorf("it has a file but no path")
		}
		return nil
	}
	if !folders.MatchString(c.Path) || path.Clean(c.Path) != c.Path {
		return fmt.Errorf("%q is not an absolute path (letters, digits and . _ @ + -)", c.Path)
	}
	for _, f := range []*File{c.Old, c.New} {
		switch {
		case f == nil:
		case strings.Contains(f.Text, "\x00"):
			return fmt.Errorf("%q holds a NUL byte", c.Path)
		case f.Owner != "" && !owners.MatchString(f.Owner):
			return fmt.Errorf("%q is not an owner (user:group)", f.Owner)
		}
	}
	return nil
}
