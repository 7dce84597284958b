package demo

import (
	"path"
	"strings"
	"syscall"
)

func init() {
	for name, run := range map[string]func(*call) int{
		"cp": cp, "mv": mv, "ln": ln, "rm": rm, "mkdir": mkdir, "rmdir": rmdir, "touch": touch, "chmod": chmod, "chown": chown,
		"readlink": readlink, "mktemp": mktemp, "basename": basename, "dirname": dirname, "install": install,
	} {
		register(name, run)
	}
}

// into is the target of a copy or a move: the path itself, or the name in it when it is a folder.
func (c *call) into(target, name string, asIs bool) string {
	at := c.abs(target)
	if a, err := c.host.files.stat(at); err == nil && a.kind == folder && !asIs {
		return path.Join(at, path.Base(name))
	}
	return at
}

func cp(c *call) int {
	got, names := c.options("pafrRdTuH")
	if len(names) < 2 {
		return c.fail(1, "missing file operand")
	}
	target := names[len(names)-1]
	status := 0
	for _, name := range names[:len(names)-1] {
		to := c.into(target, name, has(got, "T"))
		if err := c.copyOne(name, to, has(got, "p", "a"), has(got, "r", "R", "a"), !has(got, "a", "d")); err != nil {
			status = c.fail(1, "cannot copy '%s' to '%s': %s", name, to, why(err))
		}
	}
	return status
}

// copyOne copies a file, or a folder with all in it.
func (c *call) copyOne(from, to string, keep, deep, follow bool) error {
	fs := c.host.files
	a, err := fs.look(c.abs(from), follow)
	if err != nil {
		if from != "/dev/stdin" {
			return err
		}
	}
	switch {
	case a.kind == symlink:
		fs.remove(to)
		return fs.symlink(a.target, to)
	case a.kind == folder && !deep:
		return syscall.EISDIR
	case a.kind == folder:
		if err := fs.mkdir(to, a.mode); err != nil && !fs.exists(to) {
			return err
		}
		names, err := fs.list(c.abs(from))
		for _, n := range names {
			if err == nil {
				err = c.copyOne(path.Join(c.abs(from), n), path.Join(to, n), keep, deep, follow)
			}
		}
		if keep {
			fs.dress(to, a)
		}
		return err
	}
	text, err := c.load(from)
	if err != nil {
		return err
	}
	f, err := c.host.openFile(to, modeWrite|modeCreate|modeTruncate, a.mode&0o777&^c.proc.umask)
	if err != nil {
		return err
	}
	defer f.close()
	if _, err := f.write(c.ctx, []byte(text)); err != nil {
		return err
	}
	if keep {
		fs.dress(to, a)
	}
	return nil
}

// dress gives a path the mode, owner and time of another.
func (f *files) dress(p string, a about) {
	f.change("chmod", p, func(n *node) { n.mode, n.uid, n.gid, n.changed = a.mode, a.uid, a.gid, a.changed })
}

func mv(c *call) int {
	got, names := c.options("fnT")
	if len(names) < 2 {
		return c.fail(1, "missing file operand")
	}
	target := names[len(names)-1]
	status := 0
	for _, name := range names[:len(names)-1] {
		if err := c.host.files.rename(c.abs(name), c.into(target, name, has(got, "T"))); err != nil {
			status = c.fail(1, "cannot move '%s' to '%s': %s", name, target, why(err))
		}
	}
	return status
}

func ln(c *call) int {
	got, names := c.options("sfnT")
	if len(names) != 2 {
		return c.fail(1, "missing file operand")
	}
	fs := c.host.files
	to := c.abs(names[1])
	if a, err := fs.look(to, !has(got, "n")); err == nil && a.kind == folder && !has(got, "T") {
		to = path.Join(to, path.Base(names[0]))
	}
	if has(got, "f") {
		fs.remove(to)
	}
	var err error
	if has(got, "s") {
		err = fs.symlink(names[0], to)
	} else {
		err = fs.link(c.abs(names[0]), to)
	}
	if err != nil {
		return c.fail(1, "failed to create link '%s': %s", names[1], why(err))
	}
	return 0
}

func rm(c *call) int {
	got, names := c.options("rfRd")
	status := 0
	for _, name := range names {
		at := c.abs(name)
		a, err := c.host.files.lstat(at)
		switch {
		case err != nil && has(got, "f"):
			continue
		case err == nil && a.kind == folder && has(got, "r", "R"):
			err = c.host.files.removeAll(at)
		case err == nil && a.kind == folder:
			err = syscall.EISDIR
		case err == nil:
			err = c.host.files.remove(at)
		}
		if err != nil {
			status = c.fail(1, "cannot remove '%s': %s", name, why(err))
		}
	}
	return status
}

func mkdir(c *call) int {
	got, names := c.options("pm:")
	mode := 0o777 &^ c.proc.umask
	if has(got, "m") {
		mode, _ = modeOf(got["m"])
	}
	status := 0
	for _, name := range names {
		at := c.abs(name)
		if has(got, "p") {
			if a, err := c.host.files.stat(at); err == nil && a.kind == folder {
				continue
			}
			c.parents(path.Dir(at))
		}
		if err := c.host.files.mkdir(at, mode); err != nil {
			status = c.fail(1, "cannot create directory '%s': %s", name, why(err))
		}
	}
	return status
}

// parents makes the folders above as mkdir -p does.
func (c *call) parents(p string) {
	if !c.host.files.exists(p) {
		c.parents(path.Dir(p))
		c.host.files.mkdir(p, 0o777&^c.proc.umask|0o300)
	}
}

func rmdir(c *call) int {
	_, names := c.options("p")
	status := 0
	for _, name := range names {
		a, err := c.host.files.lstat(c.abs(name))
		if err == nil && a.kind != folder {
			err = syscall.ENOTDIR
		}
		if err == nil {
			err = c.host.files.remove(c.abs(name))
		}
		if err != nil {
			status = c.fail(1, "failed to remove '%s': %s", name, why(err))
		}
	}
	return status
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
