package demo

import (
	"path"
	"strings"
)

func readlink(c *call) int {
	got, names := c.options("fen")
	for _, name := range names {
		a, err := c.host.files.lstat(c.abs(name))
		switch {
		case has(got, "f", "e"):
			c.out("%s\n", c.host.files.real(c.abs(name)))
		case err != nil || a.kind != symlink:
			return 1
		default:
			c.out("%s\n", a.target)
		}
	}
	return 0
}

// real is a path with every symbolic link followed.
func (f *files) real(p string) string {
	for range 40 {
		at, done := "/", true
		parts := strings.Split(strings.Trim(p, "/"), "/")
		for i, part := range parts {
			next := path.Join(at, part)
			if a, err := f.lstat(next); err == nil && a.kind == symlink {
				to := a.target
				if !strings.HasPrefix(to, "/") {
					to = path.Join(at, to)
				}
				p, done = path.Join(append([]string{to}, parts[i+1:]...)...), false
				break
			}
			at = next
		}
		if done {
			return path.Clean(p)
		}
	}
	return p
}

func mktemp(c *call) int {
	got, names := c.options("dup:t")
	form := "/tmp/tmp.XXXXXXXXXX"
	if len(names) > 0 {
		form = c.abs(names[0])
	}
	var b [10]byte
	c.host.w.rand(b[:])
	out := []byte(form)
	for i, n := len(out)-1, 0; i >= 0 && out[i] == 'X' && n < len(b); i, n = i-1, n+1 {
		out[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[int(b[n])%36]
	}
	var err error
	if has(got, "d") {
		err = c.host.files.mkdir(string(out), 0o700)
	} else {
		_, err = c.host.files.open(string(out), true, true, 0o600)
	}
	if err != nil {
		return c.fail(1, "failed to create: %s", why(err))
	}
	c.out("%s\n", out)
	return 0
}

func basename(c *call) int {
	if len(c.args) == 0 {
		return c.fail(1, "missing operand")
	}
	b := path.Base(c.args[0])
	if len(c.args) > 1 && b != c.args[1] {
		b = strings.TrimSuffix(b, c.args[1])
	}
	c.out("%s\n", b)
	return 0
}

func dirname(c *call) int {
	if len(c.args) == 0 {
		return c.fail(1, "missing operand")
	}
	c.out("%s\n", path.Dir(c.args[0]))
	return 0
}

func install(c *call) int {
	got, names := c.options("dm:o:g:D")
	mode := uint32(0o755)
	if has(got, "m") {
		mode, _ = modeOf(got["m"])
	}
	if has(got, "d") {
		for _, name := range names {
			c.parents(c.abs(name))
			c.host.files.chmod(c.abs(name), mode)
		}
		return 0
	}
	if len(names) != 2 {
		return c.fail(1, "missing file operand")
	}
	to := c.into(names[1], names[0], false)
	if has(got, "D") {
		c.parents(path.Dir(to))
	}
	if err := c.copyOne(names[0], to, false, false, true); err != nil {
		return c.fail(1, "cannot copy '%s': %s", names[0], why(err))
	}
	c.host.files.chmod(to, mode)
	return 0
}

func touch(c *call) int {
	_, names := c.options("cd:r:t:am")
	for _, name := range names {
		f, err := c.host.openFile(c.abs(name), modeWrite|modeCreate|modeAppend, 0o666&^c.proc.umask)
		if err != nil {
			return c.fail(1, "cannot touch '%s': %s", name, why(err))
		}
		f.close()
		c.host.files.change("touch", c.abs(name), func(n *node) { n.changed = c.host.files.now() })
	}
	return 0
}
