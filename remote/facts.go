package remote

import (
	"io/fs"
	"time"
)

// Query is one read-only look at a host: a file, or a snippet of POSIX sh that only reads.
type Query struct {
	ID   string // unique within one look; a file query's ID is its path
	File string // absolute path: contents, mode and owner; secrets in it are redacted on the host
	Run  string // POSIX sh; its standard output is the answer
}

// ReadFile is the query for one file.
func ReadFile(path string) Query { return Query{ID: path, File: path} }

// ReadRun is the query for what a snippet of POSIX sh prints.
func ReadRun(id, script string) Query { return Query{ID: id, Run: script} }

// Answer is what a host said to one Query. Out is hostile: parse it, or Clean it before it is shown.
type Answer struct {
	Out   string
	Code  int // exit status of Run; for a file: 0 it is there, 1 it is absent, 2 it cannot be read
	Mode  fs.FileMode
	Owner string // user:group, for a file
	Cut   bool   // the answer was longer than MaxAnswer and is not whole
}

// MaxAnswer is the longest answer that is kept, in bytes.
const MaxAnswer = 1 << 20

// Facts are the frozen answers of one host, with the time they were taken.
type Facts struct {
	Host    string
	At      time.Time
	Answers map[string]Answer
}

// Get is the raw standard output of a snippet that exited with 0, and whether there is one.
func (f Facts) Get(id string) (string, bool) {
	a, ok := f.Answers[id]
	return a.Out, ok && a.Code == 0 && !a.Cut
}

// File is the file at path as it was, nil when it is absent. known is false when nobody looked, or it could not be read whole.
func (f Facts) File(path string) (file *File, known bool) {
	a, ok := f.Answers[path]
	switch {
	case !ok || a.Cut || a.Code > 1:
		return nil, false
	case a.Code == 1:
		return nil, true
	}
	return &File{Text: a.Out, Mode: a.Mode, Owner: a.Owner}, true
}
