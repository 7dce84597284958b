package demo

import (
	"path"
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
