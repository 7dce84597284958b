package remote

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"strconv"
	"strings"
	"time"
)

// Query is one read-only look at a host: a file, or a snippet of POSIX sh that only reads.
type Query struct {
	ID   string // unique within one look; a file query's ID is its path
	File string // absolute path: contents, mode and owner; secrets in it are redacted on the host
	Run  string // POSIX sh; its standard output is the answer
	Unit string // with Run: the systemd unit that it asks of; all units of a look are asked for at once

	// Shared says of Run that it needs no shell to itself: it does not exit, and leaves nothing behind that the next one would
	// notice, but for its working directory.
	Shared bool
}

// ReadFile is the query for one file.
func ReadFile(path string) Query { return Query{ID: path, File: path} }

// ReadRun is the query for what a snippet of POSIX sh prints.
func ReadRun(id, script string) Query { return Query{ID: id, Run: script} }

// ReadShared is ReadRun of a snippet that needs no shell to itself.
func ReadShared(id, script string) Query { return Query{ID: id, Run: script, Shared: true} }

// ReadUnit is the query for what systemd says of a unit: LoadState, ActiveState and UnitFileState, one "key=value" a line.
func ReadUnit(name string) Query {
	return Query{ID: "unit " + name, Run: unitShow + Quote(name), Unit: name}
}

const unitShow = "systemctl show -p LoadState -p ActiveState -p UnitFileState -- "

// Answer is what a host said to one Query. Out is hostile: parse it, or Clean it before it is shown.
type Answer struct {
	Out   string
	Code  int // exit status of Run; for a file: 0 it is there, 1 it is absent, 2 it cannot be read
	Mode  fs.FileMode
	Owner string // user:group, for a file
	Cut   bool   // the answer was longer than MaxAnswer and is not whole
	Late  bool   // it took longer than a host lets one take, and was ended there
}

// MaxAnswer is the longest answer that is kept, in bytes: a host ends what says more.
const MaxAnswer = 1 << 20

// maxLook is how long a host lets one query take. Once one took longer, those after it in the same look have a quarter of that: what
// hangs may be asked in several ways.
const maxLook = 20 * time.Second

// Facts are the frozen answers of one host, with the time they were taken.
type Facts struct {
	Host    string
	At      time.Time
	Answers map[string]Answer
}

// After is what the host will say once the files of these changes are in place. Nothing is known of one that was not looked at.
func (f Facts) After(changes []Change) Facts {
	if f.Answers = maps.Clone(f.Answers); f.Answers == nil {
		return f
	}
	for _, c := range changes {
		switch {
		case c.Path == "":
		case c.New == nil:
			f.Answers[c.Path] = Answer{Code: 1}
		default:
			f.Answers[c.Path] = Answer{Out: c.New.Text, Mode: c.New.Mode, Owner: c.New.Owner}
		}
	}
	return f
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
	case !ok || a.Cut || a.Late || a.Code > 1:
		return nil, false
	case a.Code == 1:
		return nil, true
	}
	return &File{Text: a.Out, Mode: a.Mode, Owner: a.Owner}, true
}

// Facts asks all the queries in one round trip. Files, and what snippets print, come without the secrets of WireGuard and Mailcow: a line
// `PrivateKey = X` or `PresharedKey = X` reads `PrivateKey = redacted:HASH`, where HASH is the first 16 hex digits of X's SHA-256, and one
// such as `DBPASS=X` or `API_KEY=X` reads `DBPASS=redacted:HASH`.
func (s *Session) Facts(ctx context.Context, queries []Query) (Facts, error) {
	byID := map[string]Query{}
	var ask []Query
	for _, q := range queries {
		if was, ok := byID[q.ID]; ok && was != q {
			return Facts{}, fmt.Errorf("%s: two queries are called %q", s.name, q.ID)
		} else if !ok {
			byID[q.ID] = q
			ask = append(ask, q)
		}
	}
	f := Facts{Host: s.name, At: time.Now(), Answers: map[string]Answer{}}
	if len(ask) == 0 {
		return f, nil
	}
	limit := cmp.Or(s.o.Look, maxLook)
	ctx, cancel := within(ctx, limit+time.Duration(len(ask))*limit/4+shellTimeout) // of a host on which not even the limits work
	defer cancel()
	nonce := nonce()
	l := &looker{nonce: nonce, answers: make([]Answer, len(ask))}
	var tail keeper
	s.log(fmt.Sprintf("> look at %d things", len(ask)))
	code, err := s.feed(ctx, nil, lookScript(nonce, ask, limit), func(b []byte) {
		l.take(b)
		tail.take(b)
	}, nil)
	if err != nil {
		return Facts{}, err
	}
	if code != 0 || l.whole != len(ask) {
		return Facts{}, fmt.Errorf("%s: the host answered %d of %d questions (it said %q)", s.name, l.whole, len(ask), theirs(tail.String()).last(200))
	}
	for i, q := range ask {
		if q.File != "" {
			l.answers[i].file()
		}
		f.Answers[q.ID] = l.answers[i]
	}
	return f, nil
}

// nonceOf is the nonce of one query's frame.
func nonceOf(nonce string, query int) string { return nonce + "q" + strconv.Itoa(query) }

// looker sorts a stream into answers. Each keeps MaxAnswer bytes; the rest is read and dropped.
type looker struct {
	nonce   string
	answers []Answer
	whole   int    // answers that came to their end
	frame   *frame // of the answer being read
	out     keeper
}

func (l *looker) take(b []byte) {
	for l.whole < len(l.answers) {
		if l.frame == nil {
			l.out = keeper{}
			l.frame = &frame{nonce: nonceOf(l.nonce, l.whole), sink: l.out.take}
		}
		rest, done := l.frame.feed(b)
		if !done {
			return
		}
		l.answers[l.whole] = Answer{Out: l.out.String(), Code: l.frame.code, Cut: l.out.cut, Late: l.frame.code < 0}
		l.whole, l.frame, b = l.whole+1, nil, rest
	}
}

// file takes the first line, with mode and owner, off the answer about a file.
func (a *Answer) file() {
	if a.Code != 0 {
		a.Out = ""
		return
	}
	about, text, _ := strings.Cut(a.Out, "\n")
	mode, owner, ok := parseAbout(about)
	if !ok {
		*a = Answer{Code: 2}
		return
	}
	a.Out, a.Mode, a.Owner = text, mode, owner
}

// parseAbout reads "644 root:root", and the size in bytes that may follow.
func parseAbout(s string) (mode fs.FileMode, owner string, ok bool) {
	octal, owner, ok := strings.Cut(s, " ")
	owner, _, _ = strings.Cut(owner, " ")
	n, err := strconv.ParseUint(octal, 8, 12)
	if !ok || err != nil || !strings.Contains(owner, ":") {
		return 0, "", false
	}
	mode = fs.FileMode(n & 0o777)
	for bit, m := range map[uint64]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if n&bit != 0 {
			mode |= m
		}
	}
	return mode, owner, true
}
