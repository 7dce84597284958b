package demo

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"bytes"
	"io"
)

// environ is the shell's variables as word expansion sees them.
type environ struct{ s *shell }

func (e environ) Get(name string) expand.Variable {
	value, set := e.s.lookup(name)
	if name == "@" || name == "*" {
		return expand.Variable{Set: true, Kind: expand.Indexed, List: e.s.params}
	}
	return expand.Variable{Set: set, Kind: expand.String, Str: value}
}

func (e environ) Set(name string, v expand.Variable) error {
	e.s.set(name, v.String())
	return nil
}

func (e environ) Each(f func(string, expand.Variable) bool) {
	for name, v := range e.s.vars {
		if !f(name, expand.Variable{Set: v.set, Kind: expand.String, Str: v.value, Exported: v.exported}) {
			return
		}
	}
}

// lookup is the value of a variable or a special parameter.
func (s *shell) lookup(name string) (value string, set bool) {
	switch name {
	case "?":
		return strconv.Itoa(s.status), true
	case "$":
		return strconv.Itoa(s.pid), true
	case "!":
		return strconv.Itoa(s.bg), s.bg != 0
	case "#":
		return strconv.Itoa(len(s.params)), true
	case "0":
		return s.name, true
	case "-":
		if s.errexit {
			return "e", true
		}
		return "", true
	case "PPID", "LINENO":
		return "1", true
	}
	if n, err := strconv.Atoi(name); err == nil {
		if n > 0 && n <= len(s.params) {
			return s.params[n-1], true
		}
		return "", false
	}
	if strings.HasPrefix(name, "HOME ") { // ~user: never asked of the real system
		return "/home/" + name[5:], true
	}
	v := s.vars[name]
	return v.value, v.set
}

// set gives a variable a value.
func (s *shell) set(name, value string) bool {
	v := s.vars[name]
	if v.readonly {
		s.complain("%s: %s: is read only", s.name, name)
		s.status, s.flow = 2, exiting
		return false
	}
	v.value, v.set = value, true
	s.vars[name] = v
	return true
}

func (s *shell) configure() {
	s.cfg = &expand.Config{Env: environ{s}, CmdSubst: s.substitute, NoUnset: s.nounset}
}

// substitute runs $(…). It ends when everybody has closed its output, as a pipe does.
func (s *shell) substitute(w io.Writer, cs *syntax.CmdSubst) error {
	var out held
	f := &file{host: s.p.host, sink: &out, refs: 1, last: make(chan struct{})}
	s.sub = s.inside(cs.Stmts, func(c *process) { c.open(1, f) })
	select {
	case <-f.last:
	case <-s.p.ctx.Done():
	}
	out.mu.Lock()
	defer out.mu.Unlock()
	_, err := w.Write(out.b.Bytes())
	return err
}

// held keeps what several write.
type held struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (h *held) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.b.Write(b)
}

// expandErr says why words could not be expanded, which ends a shell.
func (s *shell) expandErr(err error) error {
	if err != nil {
		s.complain("%s: %v", s.name, err)
		s.status, s.flow = 2, exiting
	}
	return err
}

func (s *shell) fields(words ...*syntax.Word) ([]string, error) {
	list, err := s.words(words)
	return list, s.expandErr(err)
}

func (s *shell) literal(word *syntax.Word) (string, error) {
	if word == nil {
		return "", nil
	}
	text, err := expand.Literal(s.cfg, word)
	return text, s.expandErr(err)
}

func (s *shell) pattern(word *syntax.Word) (string, error) {
	text, err := expand.Pattern(s.cfg, word)
	return text, s.expandErr(err)
}

// entry is one name of a folder.
type entry struct {
	name string
	about
}

// Mode is how ls -l shows it.
func (e entry) Mode() fs.FileMode {
	mode := fs.FileMode(e.mode & 0o777)
	switch e.kind {
	case folder:
		mode |= fs.ModeDir
	case symlink:
		mode |= fs.ModeSymlink
	}
	return mode
}

// why is an error as a command prints it.
func why(err error) string {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		err = pe.Err
	}
	var e syscall.Errno
	errors.As(err, &e)
	for known, text := range reasons {
		if e == known {
			return text
		}
	}
	return err.Error()
}

var reasons = map[syscall.Errno]string{
	syscall.ENOENT: "No such file or directory", syscall.EEXIST: "File exists", syscall.ENOTDIR: "Not a directory",
	syscall.EISDIR: "Is a directory", syscall.ENOTEMPTY: "Directory not empty", syscall.EACCES: "Permission denied",
	syscall.EPERM: "Operation not permitted", syscall.EINVAL: "Invalid argument", syscall.EBADF: "Bad file descriptor",
	syscall.ELOOP: "Too many levels of symbolic links", syscall.EROFS: "Read-only file system", syscall.ENOSPC: "No space left on device",
	syscall.EBUSY: "Device or resource busy", syscall.EPIPE: "Broken pipe",
}
