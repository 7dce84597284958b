package demo

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

func eval(s *shell, args []string) {
	f, err := parse(strings.Join(args[1:], " "))
	if err != nil {
		s.complain("%s: %v", s.name, err)
		s.status, s.flow = 2, exiting
		return
	}
	s.status = 0
	s.stmts(f.Stmts)
}

func source(s *shell, args []string) {
	if len(args) < 2 {
		s.status = 0
		return
	}
	text, err := s.p.host.files.read(s.abs(args[1]))
	var f *syntax.File
	if err == nil {
		f, err = parse(text)
	}
	if err != nil {
		s.complain("%s: 1: .: cannot open %s: %s", s.name, args[1], why(err))
		s.status, s.flow = 2, exiting
		return
	}
	s.status = 0
	s.stmts(f.Stmts)
	if s.flow == returning {
		s.flow = onward
	}
}

func execute(s *shell, args []string) {
	if len(args) == 1 {
		s.keep, s.status = true, 0
		return
	}
	s.atExit = ""
	s.status = s.external(args[1:], true)
	s.flow = exiting
}

func commandOnly(s *shell, args []string) {
	args = args[1:]
	show := false
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		show = show || args[0] == "-v" || args[0] == "-V"
		args = args[1:]
	}
	s.status = 0
	if len(args) == 0 {
		return
	}
	if !show {
		s.beyond(args, false)
		return
	}
	if at := s.known(args[0]); at != "" {
		s.say(at + "\n")
	} else {
		s.status = 127
	}
}

// known is what a name runs: itself for a function or a builtin, or where the command is.
func (s *shell) known(name string) string {
	if s.funcs[name] != nil || builtins[name] != nil {
		return name
	}
	paths, _ := s.lookup("PATH")
	return s.p.host.which(name, paths)
}

func typeOf(s *shell, args []string) {
	status := 0
	for _, a := range args[1:] {
		if at := s.known(a); at != "" {
			s.say(a + " is " + at + "\n")
		} else {
			s.say(a + ": not found\n")
			status = 127
		}
	}
	s.status = status
}
