package demo

import (
	"io"
	"path"
	"strconv"
	"strings"
)

// special are the builtins whose assignments stay, and whose failed redirections end a shell.
var special = map[string]bool{":": true, ".": true, "eval": true, "exec": true, "exit": true, "export": true, "readonly": true,
	"return": true, "set": true, "shift": true, "trap": true, "unset": true, "break": true, "continue": true}

var builtins map[string]func(*shell, []string)

func init() {
	builtins = map[string]func(*shell, []string){
		":": succeed, "true": succeed, "false": func(s *shell, _ []string) { s.status = 1 },
		"exit": leave, "return": leave, "break": jump, "continue": jump,
		"cd": changeDir, "pwd": func(s *shell, _ []string) { s.say(s.p.dir + "\n") },
		"echo": echo, "printf": printFormat, "read": readLine, "test": test, "[": test,
		"set": setOptions, "shift": shift, "unset": unset,
		"export": declareWords, "readonly": declareWords, "local": declareWords,
		"eval": eval, ".": source, "exec": execute, "command": commandOnly, "type": typeOf,
		"umask": umask, "ulimit": succeed, "times": succeed, "hash": succeed, "alias": succeed, "unalias": succeed,
		"wait": wait, "kill": kill, "trap": trap, "getopts": getopts, "jobs": succeed,
	}
}

func succeed(s *shell, _ []string) { s.status = 0 }

// say prints, and fails where that cannot be.
func (s *shell) say(text string) {
	s.status = 0
	if text == "" {
		return
	}
	if _, err := io.WriteString(s.p.output(1), text); err != nil {
		s.status = 1
	}
}

func leave(s *shell, args []string) {
	if len(args) > 1 {
		n, err := strconv.Atoi(args[1])
		if err != nil {
			s.complain("%s: %s: Illegal number: %s", s.name, args[0], args[1])
			n = 2
		}
		s.status = n & 255
	}
	s.flow = exiting
	if args[0] == "return" {
		s.flow = returning
	}
}

func jump(s *shell, args []string) {
	s.levels = 1
	if len(args) > 1 {
		s.levels, _ = strconv.Atoi(args[1])
	}
	s.levels = min(s.levels, s.loops)
	s.status = 0
	if s.loops == 0 {
		return
	}
	s.flow = breaking
	if args[0] == "continue" {
		s.flow = continuing
	}
}

// abs is a path as the shell means it.
func (s *shell) abs(p string) string {
	if !strings.HasPrefix(p, "/") {
		p = s.p.dir + "/" + p
	}
	return path.Clean(p)
}

func changeDir(s *shell, args []string) {
	to, _ := s.lookup("HOME")
	if len(args) > 1 && args[1] != "--" {
		to = args[1]
	}
	if to == "-" {
		to, _ = s.lookup("OLDPWD")
	}
	at := s.abs(to)
	if a, err := s.p.host.files.stat(at); err != nil || a.kind != folder {
		s.complain("%s: 1: cd: can't cd to %s", s.name, to)
		s.status = 2
		return
	}
	s.set("OLDPWD", s.p.dir)
	s.set("PWD", at)
	s.p.dir = at
	s.status = 0
}

func setOptions(s *shell, args []string) {
	s.status = 0
	args = args[1:]
	for i, a := range args {
		switch {
		case a == "--":
			s.params = append([]string(nil), args[i+1:]...)
			return
		case len(a) > 1 && (a[0] == '-' || a[0] == '+'):
			s.options(a)
		default:
			s.params = append([]string(nil), args[i:]...)
			return
		}
	}
	if len(args) == 0 {
		return
	}
}

// options turns -eu and the like on, or off with +.
func (s *shell) options(word string) {
	on := word[0] == '-'
	for _, c := range word[1:] {
		switch c {
		case 'e':
			s.errexit = on
		case 'u':
			s.nounset = on
			s.cfg.NoUnset = on
		case 'f':
			s.noglob = on
		}
	}
}

func shift(s *shell, args []string) {
	n := 1
	if len(args) > 1 {
		n, _ = strconv.Atoi(args[1])
	}
	if n > len(s.params) {
		s.complain("%s: 1: shift: can't shift that many", s.name)
		s.status, s.flow = 2, exiting
		return
	}
	s.params = s.params[n:]
	s.status = 0
}

func unset(s *shell, args []string) {
	s.status = 0
	funcs := false
	for _, a := range args[1:] {
		switch {
		case a == "-f" || a == "-v":
			funcs = a == "-f"
		case funcs:
			delete(s.funcs, a)
		default:
			delete(s.vars, a)
		}
	}
}

// declareWords is export, readonly and local where the parser took them for plain commands.
func declareWords(s *shell, args []string) {
	s.status = 0
	for _, w := range args[1:] {
		s.declareOne(args[0], w)
	}
}

// declareOne does NAME or NAME=VALUE.
func (s *shell) declareOne(how, word string) {
	name, value, has := strings.Cut(word, "=")
	if strings.HasPrefix(name, "-") {
		return
	}
	if how == "local" {
		if n := len(s.frames); n > 0 {
			if _, ok := s.frames[n-1][name]; !ok {
				s.frames[n-1][name] = s.vars[name]
			}
		}
	}
	if has && !s.set(name, value) {
		return
	}
	v := s.vars[name]
	v.exported = v.exported || how == "export"
	v.readonly = v.readonly || how == "readonly"
	s.vars[name] = v
}

func umask(s *shell, args []string) {
	s.status = 0
	if len(args) == 1 {
		s.say("00" + strconv.FormatUint(uint64(s.p.umask), 8) + "\n")
		return
	}
	n, err := strconv.ParseUint(args[1], 8, 32)
	if err != nil {
		s.status = 2
		return
	}
	s.p.umask = uint32(n) & 0o777
}
