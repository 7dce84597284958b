package demo

import (
	"strconv"
	"strings"
	"syscall"
)

func wait(s *shell, args []string) {
	s.status = 0
	if len(args) == 1 {
		for pid := range s.jobs {
			s.await(pid)
		}
		s.status = 0
		return
	}
	for _, a := range args[1:] {
		pid, _ := strconv.Atoi(a)
		s.await(pid)
	}
}

// await waits for one child.
func (s *shell) await(pid int) {
	c := s.jobs[pid]
	if c == nil {
		s.status = 127
		return
	}
	select {
	case <-c.done:
		s.status = c.status
		delete(s.jobs, pid)
	case <-s.p.ctx.Done():
	}
}

var signals = map[string]syscall.Signal{"0": 0, "HUP": 1, "1": 1, "INT": 2, "2": 2, "QUIT": 3, "3": 3, "KILL": 9, "9": 9,
	"USR1": 10, "USR2": 12, "PIPE": 13, "13": 13, "ALRM": 14, "TERM": 15, "15": 15}

func kill(s *shell, args []string) {
	sig := syscall.Signal(15)
	args = args[1:]
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		word := args[0]
		if word == "--" {
			args = args[1:]
			break
		}
		if word == "-s" && len(args) > 1 {
			word, args = "-"+args[1], args[1:]
		}
		named, ok := signals[strings.TrimPrefix(word[1:], "SIG")]
		if !ok {
			break
		}
		sig, args = named, args[1:]
	}
	s.status = 0
	for _, a := range args {
		pid, err := strconv.Atoi(a)
		if err != nil || pid == 0 || !s.p.host.killAll(pid, sig) {
			s.complain("%s: 1: kill: No such process", s.name)
			s.status = 1
		}
	}
}

func trap(s *shell, args []string) {
	s.status = 0
	args = args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return
	}
	action := args[0]
	names := args[1:]
	if len(names) == 0 {
		names, action = args, "-"
	}
	for _, name := range names {
		if name == "EXIT" || name == "0" {
			s.atExit = strings.TrimPrefix(action, "-")
			continue
		}
		sig, ok := signals[strings.TrimPrefix(name, "SIG")]
		if !ok {
			s.complain("%s: 1: trap: %s: bad trap", s.name, name)
			s.status = 1
			continue
		}
		ignored := map[syscall.Signal]bool{sig: action == ""}
		for was, yes := range s.p.ignored {
			if was != sig {
				ignored[was] = yes
			}
		}
		s.p.ignored = ignored
	}
}
