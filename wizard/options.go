// Package wizard is the program's face on a screen: it draws what run, steps and checks say, and asks what they ask. It
// knows screens, keys and sizes; it refuses to decide anything, to reach a host, and to put text on a screen that did not
// pass its one gate (Theme.Draw).
package wizard

import (
	"context"
	"io"
	"time"

	"postern/report"
	"postern/run"
	"postern/site"
)

// Options are what the wizard needs from outside. The functions may do I/O: they are called beside the screen, never by it.
type Options struct {
	In      io.Reader
	Out     io.Writer
	Environ []string         // for the terminal: TERM, NO_COLOR, LANG …
	Width   int              // of the screen before it says so itself, in columns; 0 means ask
	Height  int              // likewise, in rows
	Clock   func() time.Time // now

	File      *site.File // the answers; nil shows the list of sites first
	Sites     Sites
	Runner    func(*site.Site, Asker) (*run.Runner, error) // wired with log, guard, dialers, and the Asker for connecting; the wizard sets Approve and Saved; Emit and Result are told as well
	Script    func(*run.Proposal) ([]byte, error)          // the same as plan --script
	Write     func(name string, text []byte) (path string, err error)
	Pager     func(text string) error                                              // shows a text in the operator's pager, in the screen's place; nil: there is none
	Leads     func(ctx context.Context, s *site.Site, host string) (string, error) // where SSH goes to, in a few words, without asking the host; nil: not said
	Past      func(path string) map[string]Past                                    // what the checks said in earlier runs, by checks.Result.Key, of the answers at a path; may be nil
	Keep      func(path string, all map[string]Past) error                         // keeps that for later runs; may be nil
	Secret    func(string)                                                         // told every secret that was answered, so that no log can hold it; may be nil
	Askpass   func(ctx context.Context, what string) (string, error)               // asks for secrets in the operator's stead; nil for none
	Log       func() string                                                        // the path of this run's log, "" when there is none; may be nil
	Simulated string                                                               // what to say on every screen, such as "demo: both hosts are simulated"; "" for real hosts
	ASCII     bool                                                                 // draw with ASCII only, whatever the locale
	NoColor   bool                                                                 // bold and reverse only
}

// Sites are the ways to the answers of more than one site. Those that are nil are not offered.
type Sites struct {
	List   func() ([]Known, error)
	Open   func(path string) (*site.File, error)
	New    func(name string) (*site.File, error)
	Adopt  func(ctx context.Context, destination, name string, ask Asker) (*site.File, error) // takes the answers that lie on a host
	Rename func(path, name string) (string, error)
	Forget func(path string) error // the file goes; the hosts stay as they are
}

// Past is what a check said at an earlier time.
type Past = report.Past

// Known is one site in the list.
type Known struct {
	Name string // the file's name without .toml
	Path string
	Says string // the mail host's name, or why the file cannot be read
}

// Ending is how the wizard was left.
type Ending struct {
	Lines []string // the plain summary that stays in the scrollback
	Code  int      // 0 all proven or just left, 1 something failed, 2 something could not be asked
}
