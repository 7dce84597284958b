package demo

import (
	"context"
	"io"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

func sleepFor(c *call) int {
	for _, a := range c.args {
		d, ok := duration(a)
		if !ok {
			return c.fail(1, "invalid time interval '%s'", a)
		}
		if !c.host.w.clock.wait(c.ctx, d) {
			return 1
		}
	}
	return 0
}

// timeout runs a command in a group of its own, and ends that.
func timeout(c *call) int {
	args := c.args
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		if args[0] == "-k" || args[0] == "-s" {
			args = args[1:]
		}
		args = args[1:]
	}
	if len(args) < 2 {
		return c.fail(125, "missing operand")
	}
	d, ok := duration(args[0])
	if !ok {
		return c.fail(125, "invalid time interval '%s'", args[0])
	}
	p := c.proc.fork(false)
	p.lead()
	group := p.group
	var late atomic.Bool
	if d > 0 {
		t := time.AfterFunc(c.host.w.clock.real(d), func() {
			late.Store(true)
			c.host.killAll(-group, syscall.SIGTERM)
		})
		defer t.Stop()
	}
	found := c.host.which(args[1], c.env["PATH"]) != ""
	status := p.finish(p.execute(args[1:], c.env))
	switch {
	case !found:
		return c.fail(127, "failed to run command '%s': No such file or directory", args[1])
	case status == 128+15 && late.Load():
		return 124
	}
	return status
}

func setsid(c *call) int {
	c.proc.lead()
	return inPlace(c)
}

// flock locks an open descriptor, or a file while a command runs.
func flock(c *call) int {
	args := c.args
	shared, free := false, false
	wait := time.Duration(-1)
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		switch args[0] {
		case "-s", "--shared":
			shared = true
		case "-u", "--unlock":
			free = true
		case "-n", "--nonblock":
			wait = 0
		case "-w", "--timeout":
			wait, _ = duration(args[1])
			args = args[1:]
		}
		args = args[1:]
	}
	if len(args) == 0 {
		return c.fail(64, "not enough arguments")
	}
	if len(args) == 1 {
		n, err := strconv.Atoi(args[0])
		f := c.proc.fds[n]
		if err != nil || f == nil || f.node == nil {
			return c.fail(65, "%s: Bad file descriptor", args[0])
		}
		if free {
			c.host.files.unlock(f)
			return 0
		}
		return c.locked(f, shared, wait)
	}
	mode := modeRead | modeCreate
	if a, err := c.host.files.stat(c.abs(args[0])); err == nil && a.kind == folder {
		mode = modeRead
	}
	f, err := c.host.openFile(c.abs(args[0]), mode, 0o666&^c.proc.umask)
	if err != nil {
		return c.fail(66, "cannot open lock file %s: %s", args[0], why(err))
	}
	fd := 3
	for c.proc.fds[fd] != nil {
		fd++
	}
	c.proc.open(fd, f)
	if status := c.locked(f, shared, wait); status != 0 {
		return status
	}
	child := c.proc.fork(false)
	return child.finish(child.execute(args[1:], c.env))
}

func (c *call) locked(f *file, shared bool, wait time.Duration) int {
	ctx := c.ctx
	if wait == 0 { // without waiting, but a try
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		cancel()
	}
	if c.host.lock(ctx, f, shared, wait) {
		return 0
	}
	return 1
}

// inPlace runs its arguments as the command itself.
func inPlace(c *call) int {
	args := c.args
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		args = args[1:]
	}
	if len(args) == 0 {
		return 0
	}
	return c.become(args)
}

// become runs a command in place of this one.
func (c *call) become(args []string) int {
	status := c.proc.execute(args, c.env)
	if status == 127 && c.host.which(args[0], c.env["PATH"]) == "" {
		return c.fail(127, "'%s': No such file or directory", args[0])
	}
	return status
}

func xargs(c *call) int {
	got := map[string]string{}
	args := c.args
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		if args[0] == "-n" || args[0] == "-I" || args[0] == "-P" {
			got[args[0][1:]] = args[1]
			args = args[1:]
		} else {
			got[args[0][1:]] = ""
		}
		args = args[1:]
	}
	if len(args) == 0 {
		args = []string{"echo"}
	}
	text, _ := io.ReadAll(c.stdin)
	words := strings.Fields(string(text))
	if has(got, "0") {
		words = strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
	}
	if len(words) == 0 && has(got, "r") {
		return 0
	}
	each := len(words)
	if n, err := strconv.Atoi(got["n"]); err == nil {
		each = n
	}
	status := 0
	for first := true; first || len(words) > 0; first = false {
		n := min(max(each, 1), len(words))
		if c.run(c.stdout, append(append([]string(nil), args...), words[:n]...)...) != 0 {
			status = 123
		}
		words = words[n:]
	}
	return status
}

func envCommand(c *call) int {
	args := c.args
	for len(args) > 0 {
		if args[0] == "-i" {
			c.env = map[string]string{}
		} else if name, value, ok := strings.Cut(args[0], "="); ok {
			c.env[name] = value
		} else if args[0] == "-u" && len(args) > 1 {
			delete(c.env, args[1])
			args = args[1:]
		} else {
			return c.become(args)
		}
		args = args[1:]
	}
	var all []string
	for k, v := range c.env {
		all = append(all, k+"="+v)
	}
	sort.Strings(all)
	for _, line := range all {
		c.out("%s\n", line)
	}
	return 0
}

// builtin is a command that shells have as a builtin too.
func builtin(run func(*shell, []string)) func(*call) int {
	return func(c *call) int {
		s := newShell(c.proc, c.env, c.name, nil)
		run(s, append([]string{c.name}, c.args...))
		return s.status
	}
}
