package demo

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// shell is a POSIX shell as dash is one, over the syntax and the word expansion of mvdan.cc/sh. Its own interpreter has two
// descriptors too few, no process of its own, and looks at the real file system.
type shell struct {
	p      *process
	name   string // $0
	params []string
	vars   map[string]variable
	funcs  map[string]*syntax.Stmt
	frames []map[string]variable // what local has hidden, by function
	cfg    *expand.Config

	status int // $?
	sub    int // status of the last command substitution of a command
	bg     int // $!
	pid    int // $$
	jobs   map[int]*process
	atExit string // trap EXIT

	errexit, nounset, noglob bool
	quiet                    int // depth of conditions, where errexit does not count
	flow                     flowing
	levels                   int // of break and continue
	loops                    int
	keep                     bool // exec: the redirections stay
	place                    bool // the last command may take the process over
	trapping                 bool
}

// flowing is what takes the shell out of the normal order.
type flowing byte

const (
	onward flowing = iota
	breaking
	continuing
	returning
	exiting
)

type variable struct {
	value              string
	set                bool
	exported, readonly bool
}

// newShell is a shell in a process, with these variables exported.
func newShell(p *process, env map[string]string, name string, params []string) *shell {
	s := &shell{p: p, pid: p.pid, name: name, params: params, vars: map[string]variable{}, funcs: map[string]*syntax.Stmt{}, jobs: map[int]*process{}}
	for k, v := range env {
		s.vars[k] = variable{value: v, set: true, exported: true}
	}
	s.vars["PWD"] = variable{value: p.dir, set: true, exported: true}
	s.vars["IFS"] = variable{value: " \t\n", set: true}
	if s.vars["PATH"].value == "" {
		s.vars["PATH"] = variable{value: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", set: true}
	}
	s.configure()
	return s
}

// branch is the shell of a subshell, in a process of its own.
func (s *shell) branch(p *process) *shell {
	c := *s
	c.p = p
	c.vars, c.funcs, c.params = maps.Clone(s.vars), maps.Clone(s.funcs), slices.Clone(s.params)
	c.jobs, c.frames, c.atExit = map[int]*process{}, nil, ""
	c.loops, c.flow, c.place, c.keep, c.trapping = 0, onward, false, false, false
	c.configure()
	return &c
}

// script runs a whole text and gives the exit status.
func (s *shell) script(text string) int {
	f, err := parse(text)
	if err != nil {
		s.complain("%s: %v", s.name, err)
		s.status = 2
		return s.end()
	}
	s.stmts(f.Stmts)
	return s.end()
}

// interact runs commands as they come in on standard input, line by line, and leaves the rest of it to them.
func (s *shell) interact() int {
	parser := syntax.NewParser(syntax.Variant(syntax.LangPOSIX))
	for stmts, err := range parser.InteractiveSeq(s.p.lines(0)) {
		if err != nil {
			if !s.p.dead() {
				s.complain("%s: %v", s.name, err)
				s.status = 2
			}
			break
		}
		if parser.Incomplete() {
			continue
		}
		s.stmts(stmts)
		if s.stopped() {
			break
		}
	}
	return s.end()
}

// end runs what a trap left to do.
func (s *shell) end() int {
	status := s.status
	if s.atExit != "" && !s.trapping && s.p.signal.Load() == 0 {
		s.trapping, s.flow = true, onward
		if f, err := parse(s.atExit); err == nil {
			s.stmts(f.Stmts)
		}
		if s.flow == exiting {
			status = s.status
		}
	}
	return status
}

func (s *shell) stopped() bool { return s.flow != onward || s.p.dead() }

func (s *shell) complain(format string, args ...any) {
	io.WriteString(s.p.output(2), fmt.Sprintf(format, args...)+"\n")
}

func (s *shell) stmts(list []*syntax.Stmt) {
	last := s.place
	s.place = false
	for i, st := range list {
		if s.stopped() {
			return
		}
		s.place = last && i == len(list)-1
		s.stmt(st)
	}
}

// stmt runs one command with its redirections.
func (s *shell) stmt(st *syntax.Stmt) {
	if st.Background {
		s.background(st)
		return
	}
	if len(st.Redirs) > 0 {
		undo, err := s.redirect(st.Redirs)
		defer func() {
			if s.keep {
				undo.forget()
			} else {
				undo.restore()
			}
			s.keep = false
		}()
		if err != nil {
			s.complain("%s: %v", s.name, err)
			s.status = 2
			if c, ok := st.Cmd.(*syntax.CallExpr); ok && len(c.Args) > 0 && special[c.Args[0].Lit()] {
				s.flow = exiting // as POSIX has it for special builtins
			}
			s.judge(st)
			return
		}
	}
	if st.Negated {
		s.quiet++
		s.place = false
	}
	if st.Cmd != nil {
		s.cmd(st.Cmd)
	} else {
		s.status = 0
	}
	if st.Negated {
		s.quiet--
		if s.flow == onward {
			s.status = map[bool]int{true: 1, false: 0}[s.status == 0]
		}
		return
	}
	s.judge(st)
}

// judge ends the shell after a command that failed, where errexit counts.
func (s *shell) judge(st *syntax.Stmt) {
	if b, ok := st.Cmd.(*syntax.BinaryCmd); ok && (b.Op == syntax.AndStmt || b.Op == syntax.OrStmt) {
		return
	}
	if s.errexit && s.quiet == 0 && s.status != 0 && s.flow == onward {
		s.flow = exiting
	}
}

// background starts a command that nobody waits for.
func (s *shell) background(st *syntax.Stmt) {
	st2 := *st
	st2.Background = false
	c := s.p.fork(true)
	sub := s.branch(c)
	sub.place = true
	if f, err := c.host.openFile("/dev/null", modeRead, 0); err == nil {
		c.open(0, f)
	}
	s.bg = c.pid
	s.jobs[c.pid] = c
	s.status = 0
	s.p.host.w.spawn(func() {
		sub.stmts([]*syntax.Stmt{&st2})
		c.finish(sub.end())
	})
}

// inside runs commands in a subshell.
func (s *shell) inside(stmts []*syntax.Stmt, with func(*process)) int {
	c := s.p.fork(false)
	if with != nil {
		with(c)
	}
	sub := s.branch(c)
	sub.stmts(stmts)
	return c.finish(sub.end())
}

// pipeline runs both sides at once; its status is that of the last.
func (s *shell) pipeline(b *syntax.BinaryCmd) {
	reader, writer := s.p.host.pipe()
	left := s.p.fork(false)
	left.open(1, writer)
	right := s.p.fork(false)
	right.open(0, reader)
	done := make(chan struct{})
	subl, subr := s.branch(left), s.branch(right)
	subl.quiet, subr.quiet = s.quiet, s.quiet
	s.p.host.w.spawn(func() {
		defer close(done)
		subl.stmts([]*syntax.Stmt{b.X})
		left.finish(subl.end())
	})
	subr.stmts([]*syntax.Stmt{b.Y})
	s.status = right.finish(subr.end())
	<-done
}
