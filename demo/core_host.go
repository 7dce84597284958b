package demo

import (
	"context"
	"io"
	"path"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

func init() {
	for name, run := range map[string]func(*call) int{
		"true": func(*call) int { return 0 }, "false": func(*call) int { return 1 },
		"date": date, "sleep": sleepFor, "timeout": timeout, "setsid": setsid, "flock": flock, "logger": quiet, "wall": quiet, "sync": quiet,
		"uname": uname, "hostname": hostname, "id": id, "whoami": func(c *call) int { c.out("root\n"); return 0 }, "env": envCommand, "nohup": inPlace, "nice": inPlace,
		"dd": dd, "xargs": xargs, "getconf": getconf, "nproc": func(c *call) int { c.out("2\n"); return 0 },
		"printf": builtin(printFormat), "echo": builtin(echo), "test": builtin(test), "[": builtin(test), "kill": builtin(kill), "pwd": builtin(func(s *shell, _ []string) { s.say(s.p.dir + "\n") }),
	} {
		register(name, run)
	}
}

// builtin is a command that shells have as a builtin too.
func builtin(run func(*shell, []string)) func(*call) int {
	return func(c *call) int {
		s := newShell(c.proc, c.env, c.name, nil)
		run(s, append([]string{c.name}, c.args...))
		return s.status
	}
}

// quiet is a command that has nothing to do here.
func quiet(c *call) int {
	return 0
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

func date(c *call) int {
	got, rest := c.options("ud:R")
	at := c.host.w.clock.time().UTC()
	if d, ok := got["d"]; ok {
		if n, err := strconv.ParseInt(strings.TrimPrefix(d, "@"), 10, 64); err == nil {
			at = time.Unix(n, 0).UTC()
		}
	}
	form := "+%a %b %e %H:%M:%S UTC %Y"
	if len(rest) > 0 {
		form = rest[0]
	}
	c.out("%s\n", strftime(at, strings.TrimPrefix(form, "+")))
	return 0
}

// strftime formats a time.
func strftime(t time.Time, form string) string {
	names := map[byte]string{'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'F': "2006-01-02", 'T': "15:04:05",
		'Z': "MST", 'z': "-0700", 'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday", 'e': "_2", 'y': "06", 'I': "03", 'p': "PM"}
	var b strings.Builder
	for i := 0; i < len(form); i++ {
		if form[i] != '%' || i+1 == len(form) {
			b.WriteByte(form[i])
			continue
		}
		i++
		switch form[i] {
		case 's':
			b.WriteString(strconv.FormatInt(t.Unix(), 10))
		case 'N':
			b.WriteString(strconv.Itoa(1e9 + t.Nanosecond())[1:])
		case 'j':
			b.WriteString(strconv.Itoa(1000 + t.YearDay())[1:])
		case '%':
			b.WriteByte('%')
		case 'n':
			b.WriteByte('\n')
		default:
			b.WriteString(t.Format(names[form[i]]))
		}
	}
	return b.String()
}

// duration reads 5, 0.2, 10s, 2m or 1h.
func duration(s string) (time.Duration, bool) {
	unit := time.Second
	for suffix, u := range map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "ms": time.Millisecond, "min": time.Minute} {
		if n := strings.TrimSuffix(s, suffix); n != s && strings.TrimRight(n, "0123456789.") == "" {
			s, unit = n, u
			break
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	return time.Duration(n * float64(unit)), err == nil && n >= 0
}

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

// kernelRelease is the kernel that both hosts run.
const kernelRelease = "6.1.0-28-amd64"

func uname(c *call) int {
	got, _ := c.options("asnrmvpio")
	switch {
	case has(got, "a"):
		c.out("Linux %s %s #1 SMP Debian x86_64 GNU/Linux\n", c.host.Name, kernelRelease)
	case has(got, "r"):
		c.out("%s\n", kernelRelease)
	case has(got, "n"):
		c.out("%s\n", c.host.Name)
	case has(got, "m"):
		c.out("x86_64\n")
	default:
		c.out("Linux\n")
	}
	return 0
}

func hostname(c *call) int {
	c.out("%s\n", c.host.Name)
	return 0
}

func id(c *call) int {
	got, _ := c.options("ungGr")
	switch {
	case has(got, "n"):
		c.out("root\n")
	case has(got, "u", "g", "G"):
		c.out("0\n")
	default:
		c.out("uid=0(root) gid=0(root) groups=0(root)\n")
	}
	return 0
}

func getconf(c *call) int {
	if len(c.args) > 0 && c.args[0] == "PAGESIZE" {
		c.out("4096\n")
		return 0
	}
	c.out("64\n")
	return 0
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

// dd copies whole blocks.
func dd(c *call) int {
	opts := map[string]string{"bs": "512"}
	for _, a := range c.args {
		k, v, _ := strings.Cut(a, "=")
		opts[k] = v
	}
	bs, _ := strconv.Atoi(opts["bs"])
	in := c.stdin
	if p := opts["if"]; p != "" {
		f, err := c.host.openFile(c.abs(p), modeRead, 0)
		if err != nil {
			return c.fail(1, "failed to open '%s': %s", p, why(err))
		}
		c.proc.open(0, f)
		in = c.proc.input(0)
	}
	if n, err := strconv.Atoi(opts["count"]); err == nil {
		in = io.LimitReader(in, int64(n*bs))
	}
	out := c.stdout
	if p := opts["of"]; p != "" {
		f, err := c.host.openFile(c.abs(p), modeWrite|modeCreate|modeTruncate, 0o666&^c.proc.umask)
		if err != nil {
			return c.fail(1, "failed to open '%s': %s", p, why(err))
		}
		c.proc.open(1, f)
		out = c.proc.output(1)
	}
	if _, err := io.Copy(out, in); err != nil {
		return c.fail(1, "error writing: %s", why(err))
	}
	return 0
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

func init() {
	furnish(func(h *Host) {
		h.files.device("/dev/null", func() string { return "" }, func(string) error { return nil })
		h.files.device("/dev/urandom", func() string { b := make([]byte, 1<<16); h.w.rand(b); return string(b) }, nil)
		h.files.device("/proc/1/comm", func() string { return "systemd\n" }, nil)
		h.files.device("/proc/locks", func() string { return "" }, nil)
		h.files.write("/etc/hostname", h.Name+"\n", 0o644)
		h.files.mkdirAll(path.Join("/run", "systemd", "system"))
	})
}
