package demo

import (
	"io"
	"path"
	"strconv"
	"strings"
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

// quiet is a command that has nothing to do here.
func quiet(c *call) int {
	return 0
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

// kernelRelease is the kernel that both hosts run.
const kernelRelease = "6.12.57+deb13-amd64"

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

func init() {
	furnish(func(h *Host) {
		h.files.device("/dev/null", func() string { return "" }, func(string) error { return nil })
		h.files.device("/dev/urandom", func() string { b := make([]byte, 1<<16); h.w.rand(b); return string(b) }, nil)
		h.files.device("/proc/1/comm", func() string { return "systemd\n" }, nil)
		h.files.write("/etc/hostname", h.Name+"\n", 0o644)
		h.files.mkdirAll(path.Join("/run", "systemd", "system"))
	})
}
