package remote

import (
	"io/fs"
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
// Do, Undo, Keep and Test are POSIX sh, run as root with LC_ALL=C, set -e and stdin from /dev/null.
type Change struct {
	ID        string // stable name within its step: letters, digits, dots and hyphens; the host's record of what was before us goes by it
	Step      string // the step it belongs to
	Title     string // what it does, in the operator's words
	Why       string // one sentence, may be empty
	Path      string // the file it writes; empty when it only runs Do
	Old, New  *File  // nil means absent
	AtConfirm bool   // the file is put in place only at confirm: the running state is made by Do, and a reboot before forgets it
	Test      string // checks the staged file, named by $NEW, before anything is changed
	Do        string // run once all files are in place, in the order of the changes
	Undo      string // run once all files are restored, in reverse order; must work from any point Do may have stopped at
	Keep      string // run at confirm, such as enabling a unit at boot
	Forget    bool   // at confirm the host drops its record of this change, as nothing of ours is left: an undo
	Risk      Risk
	Takes     time.Duration // how long Do may take; 0: a moment
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
