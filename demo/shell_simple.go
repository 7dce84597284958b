package demo

import (
	"path"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// simple runs a simple command. place tells that it is the last of its process, which it may take over.
func (s *shell) simple(cm *syntax.CallExpr, place bool) {
	s.sub = 0
	args, err := s.fields(cm.Args...)
	if err != nil {
		return
	}
	if len(args) == 0 {
		for _, as := range cm.Assigns {
			value, err := s.literal(as.Value)
			if err != nil || !s.set(as.Name.Value, value) {
				return
			}
			if v := s.vars[as.Name.Value]; len(s.frames) > 0 && v.set {
				s.vars[as.Name.Value] = v
			}
		}
		s.status = s.sub
		return
	}
	restore := s.assign(cm.Assigns)
	if s.flow != onward {
		return
	}
	if !special[args[0]] {
		defer restore()
	}
	s.call(args, place)
}

// assign makes the assignments before a command, exported; restore takes them back.
func (s *shell) assign(list []*syntax.Assign) (restore func()) {
	was := map[string]variable{}
	for _, as := range list {
		name := as.Name.Value
		value, err := s.literal(as.Value)
		if err != nil {
			break
		}
		if _, ok := was[name]; !ok {
			was[name] = s.vars[name]
		}
		if !s.set(name, value) {
			break
		}
		v := s.vars[name]
		v.exported = true
		s.vars[name] = v
	}
	return func() {
		for name, v := range was {
			if !v.set && !v.exported {
				delete(s.vars, name)
			} else {
				s.vars[name] = v
			}
		}
	}
}

// call runs a function, a builtin or a command.
func (s *shell) call(args []string, place bool) {
	if body := s.funcs[args[0]]; body != nil && !special[args[0]] {
		s.function(body, args)
		return
	}
	s.beyond(args, place)
}

// beyond is call without the functions.
func (s *shell) beyond(args []string, place bool) {
	if run := builtins[args[0]]; run != nil {
		run(s, args)
		return
	}
	s.status = s.external(args, place)
}

func (s *shell) function(body *syntax.Stmt, args []string) {
	params, loops := s.params, s.loops
	s.params, s.loops = args[1:], 0
	s.frames = append(s.frames, map[string]variable{})
	s.stmt(body)
	for name, v := range s.frames[len(s.frames)-1] {
		if !v.set && !v.exported {
			delete(s.vars, name)
		} else {
			s.vars[name] = v
		}
	}
	s.frames = s.frames[:len(s.frames)-1]
	s.params, s.loops = params, loops
	if s.flow == returning {
		s.flow = onward
	}
}

// external runs a command of the host, in a process of its own or in place of this one.
func (s *shell) external(args []string, place bool) int {
	p := s.p
	if !place {
		p = p.fork(false)
	}
	env := map[string]string{}
	for name, v := range s.vars {
		if v.exported && v.set {
			env[name] = v.value
		}
	}
	status := p.execute(args, env)
	if status == 127 && p.host.which(args[0], env["PATH"]) == "" {
		s.complain("%s: 1: %s: not found", s.name, args[0])
	}
	if !place {
		status = p.finish(status)
	}
	return status
}

// execute makes the process run a command of the host, and gives its exit status: 127 when there is none.
func (p *process) execute(args []string, env map[string]string) int {
	at := p.host.which(args[0], env["PATH"])
	if at == "" {
		return 127
	}
	p.args = args
	base := path.Base(at)
	if text, err := p.host.files.read(at); err == nil {
		return newShell(p, env, at, args[1:]).script(text)
	}
	c := &call{host: p.host, ctx: p.ctx, name: base, args: args[1:], env: env, dir: p.dir, proc: p,
		stdin: p.input(0), stdout: p.output(1), stderr: p.output(2)}
	return commands[base](c)
}

// which is where a command is: a script in the file system, or a command of ours in its folder. It is empty when there is none.
func (h *Host) which(name, paths string) string {
	if paths == "" {
		paths = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	}
	if strings.Contains(name, "/") {
		if h.runnable(name) {
			return name
		}
		return ""
	}
	for _, dir := range strings.Split(paths, ":") {
		if at := dir + "/" + name; h.runnable(at) {
			return at
		}
	}
	return ""
}

// runnable tells whether a path can be run.
func (h *Host) runnable(p string) bool {
	if a, err := h.files.stat(p); err == nil {
		return a.kind == plain && a.mode&0o111 != 0
	}
	return h.command(p)
}

// command tells whether a path is one of our commands, which are no files.
func (h *Host) command(p string) bool {
	dir, base := path.Split(path.Clean(p))
	switch dir = path.Clean(dir); dir {
	case "/bin", "/sbin":
		dir = "/usr" + dir
	}
	return commands[base] != nil && where[base] == dir && !absent(h, base)
}

// look is stat for tests of files, which also sees our commands.
func (h *Host) look(p string, follow bool) (about, error) {
	a, err := h.files.look(p, follow)
	if err != nil && h.command(p) {
		return about{kind: plain, mode: 0o755, links: 1, size: 1}, nil
	}
	return a, err
}
