package demo

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// saved is what redirections have replaced.
type saved struct {
	p    *process
	fds  map[int]*file // nil: it was closed
	list []int
}

// keepAway puts a descriptor aside before it is redirected.
func (u *saved) keepAway(fd int) {
	if _, ok := u.fds[fd]; ok {
		return
	}
	u.fds[fd] = u.p.fds[fd]
	u.list = append(u.list, fd)
	delete(u.p.fds, fd)
}

func (u *saved) restore() {
	for _, fd := range u.list {
		u.p.close(fd)
		if f := u.fds[fd]; f != nil {
			u.p.fds[fd] = f
		}
	}
}

// forget leaves the redirections as they are, for good.
func (u *saved) forget() {
	for _, f := range u.fds {
		if f != nil {
			f.close()
		}
	}
}

// redirect does a command's redirections in order.
func (s *shell) redirect(list []*syntax.Redirect) (*saved, error) {
	u := &saved{p: s.p, fds: map[int]*file{}}
	for _, rd := range list {
		if err := s.redirectOne(u, rd); err != nil {
			return u, err
		}
	}
	return u, nil
}

func (s *shell) redirectOne(u *saved, rd *syntax.Redirect) error {
	fd := 1
	switch rd.Op {
	case syntax.RdrIn, syntax.RdrInOut, syntax.DplIn, syntax.Hdoc, syntax.DashHdoc, syntax.WordHdoc:
		fd = 0
	}
	if rd.N != nil {
		n, err := strconv.Atoi(rd.N.Value)
		if err != nil {
			return err
		}
		fd = n
	}
	if rd.Op == syntax.Hdoc || rd.Op == syntax.DashHdoc {
		text, err := s.document(rd)
		if err != nil {
			return err
		}
		u.keepAway(fd)
		s.p.fds[fd] = &file{host: s.p.host, node: &node{kind: plain, data: []byte(text)}, mode: modeRead, refs: 1}
		return nil
	}
	arg, err := s.literal(rd.Word)
	if err != nil {
		return err
	}
	if rd.Op == syntax.DplIn || rd.Op == syntax.DplOut {
		return s.duplicate(u, fd, arg)
	}
	mode := map[syntax.RedirOperator]int{syntax.RdrIn: modeRead, syntax.RdrInOut: modeRead | modeWrite | modeCreate,
		syntax.RdrOut: modeWrite | modeCreate | modeTruncate, syntax.RdrClob: modeWrite | modeCreate | modeTruncate,
		syntax.AppOut: modeWrite | modeCreate | modeAppend}[rd.Op]
	if mode == 0 {
		return fmt.Errorf("%s is not POSIX", rd.Op)
	}
	f, err := s.p.host.openFile(s.abs(arg), mode, 0o666&^s.p.umask)
	if err != nil {
		if mode&modeCreate != 0 {
			return fmt.Errorf("cannot create %s: %s", arg, why(err))
		}
		return fmt.Errorf("cannot open %s: %s", arg, why(err))
	}
	u.keepAway(fd)
	s.p.open(fd, f)
	return nil
}

// duplicate is N>&M, N<&M and N>&-.
func (s *shell) duplicate(u *saved, fd int, arg string) error {
	if arg == "-" {
		u.keepAway(fd)
		s.p.close(fd)
		return nil
	}
	from, err := strconv.Atoi(arg)
	if err != nil {
		return errors.New("bad fd number")
	}
	f := s.p.fds[from]
	if f == nil {
		return fmt.Errorf("%d: Bad file descriptor", from)
	}
	f = f.again()
	u.keepAway(fd)
	s.p.open(fd, f)
	return nil
}

// document is the text of a here-document.
func (s *shell) document(rd *syntax.Redirect) (string, error) {
	if rd.Hdoc == nil {
		return "", nil
	}
	quoted := false
	for _, part := range rd.Word.Parts {
		switch part := part.(type) {
		case *syntax.Lit:
			quoted = quoted || strings.Contains(part.Value, `\`)
		case *syntax.SglQuoted, *syntax.DblQuoted:
			quoted = true
		}
	}
	word := rd.Hdoc
	if rd.Op == syntax.DashHdoc {
		word = untabbed(word)
	}
	if quoted {
		return word.Lit(), nil
	}
	text, err := expand.Document(s.cfg, word)
	return text, s.expandErr(err)
}

// untabbed takes the tabs off the start of each line of a here-document.
func untabbed(word *syntax.Word) *syntax.Word {
	out := &syntax.Word{}
	start := true
	for _, part := range word.Parts {
		if lit, ok := part.(*syntax.Lit); ok {
			lines := strings.SplitAfter(lit.Value, "\n")
			for i, line := range lines {
				if i > 0 || start {
					lines[i] = strings.TrimLeft(line, "\t")
				}
			}
			part = &syntax.Lit{Value: strings.Join(lines, "")}
		}
		start = false
		out.Parts = append(out.Parts, part)
	}
	return out
}
