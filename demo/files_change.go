package demo

import (
	"path"
	"strings"
	"syscall"
)

// at runs change with the folder a path is in, its name there, and what it is now (nil for nothing); a symlink at its end is
// not followed.
func (f *files) at(op, p string, change func(dir *node, name string, n *node) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, name, n, err := f.walk(p, false, 0)
	if err == nil && name == "" {
		err = syscall.EBUSY // the root itself
	}
	if err == nil {
		err = change(dir, name, n)
	}
	if err != nil {
		return errno(op, p, err)
	}
	dir.changed = f.now()
	return nil
}

// mkdir makes one folder.
func (f *files) mkdir(p string, mode uint32) error {
	return f.at("mkdir", p, func(dir *node, name string, n *node) error {
		if n != nil {
			return syscall.EEXIST
		}
		dir.names[name] = f.node(folder, mode)
		return nil
	})
}

// mkdirAll makes a folder and those above it that are missing, 0755.
func (f *files) mkdirAll(p string) error {
	if p = path.Clean(p); p == "/" || p == "." || f.exists(p) {
		return nil
	}
	if err := f.mkdirAll(path.Dir(p)); err != nil {
		return err
	}
	return f.mkdir(p, 0o755)
}

// remove removes a file, a link or an empty folder.
func (f *files) remove(p string) error {
	return f.at("remove", p, func(dir *node, name string, n *node) error {
		switch {
		case n == nil:
			return syscall.ENOENT
		case n.kind == folder && len(n.names) > 0:
			return syscall.ENOTEMPTY
		}
		n.links--
		delete(dir.names, name)
		return nil
	})
}

// removeAll removes a path and all in it; nothing there is no error.
func (f *files) removeAll(p string) error {
	err := f.at("remove", p, func(dir *node, name string, n *node) error {
		if n != nil {
			n.drop()
			delete(dir.names, name)
		}
		return nil
	})
	if !f.exists(p) {
		return nil
	}
	return err
}

// drop takes one name off a node and off all in it.
func (n *node) drop() {
	n.links--
	for _, m := range n.names {
		m.drop()
	}
}

// rename moves a path onto another, which it replaces, at once.
func (f *files) rename(from, to string) error {
	err := f.move(from, to)
	if err == nil && f.renamed != nil {
		f.renamed(path.Clean(to))
	}
	return err
}

func (f *files) move(from, to string) error {
	if strings.HasPrefix(path.Clean(to)+"/", path.Clean(from)+"/") && path.Clean(to) != path.Clean(from) {
		return errno("rename", to, syscall.EINVAL)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, name, n, err := f.walk(from, false, 0)
	if err == nil && n == nil {
		err = syscall.ENOENT
	}
	if err != nil {
		return errno("rename", from, err)
	}
	dir2, name2, old, err := f.walk(to, false, 0)
	switch {
	case err != nil:
	case old == n:
		return nil
	case old != nil && old.kind == folder && n.kind != folder:
		err = syscall.EISDIR
	case old != nil && old.kind != folder && n.kind == folder:
		err = syscall.ENOTDIR
	case old != nil && len(old.names) > 0:
		err = syscall.ENOTEMPTY
	}
	if err != nil {
		return errno("rename", to, err)
	}
	if old != nil {
		old.links--
	}
	delete(dir.names, name)
	dir2.names[name2] = n
	dir.changed, dir2.changed = f.now(), f.now()
	return nil
}

// link gives a file another name; EEXIST when that is taken.
func (f *files) link(from, to string) error {
	f.mu.Lock()
	n, err := f.find(from, false)
	f.mu.Unlock()
	if err == nil && n.kind == folder {
		err = syscall.EPERM
	}
	if err != nil {
		return errno("link", from, err)
	}
	return f.at("link", to, func(dir *node, name string, was *node) error {
		if was != nil {
			return syscall.EEXIST
		}
		n.links++
		dir.names[name] = n
		return nil
	})
}

// symlink makes a symbolic link at p.
func (f *files) symlink(target, p string) error {
	return f.at("symlink", p, func(dir *node, name string, was *node) error {
		if was != nil {
			return syscall.EEXIST
		}
		n := f.node(symlink, 0o777)
		n.target = target
		dir.names[name] = n
		return nil
	})
}

// change runs f on what a path leads to.
func (f *files) change(op, p string, do func(*node)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.find(p, true)
	if err != nil {
		return errno(op, p, err)
	}
	do(n)
	return nil
}

// chmod sets the 12 bits of permission.
func (f *files) chmod(p string, mode uint32) error {
	return f.change("chmod", p, func(n *node) { n.mode = mode & 0o7777 })
}

// chown sets the owner; -1 leaves one as it is.
func (f *files) chown(p string, uid, gid int) error {
	return f.change("chown", p, func(n *node) {
		if uid >= 0 {
			n.uid = uid
		}
		if gid >= 0 {
			n.gid = gid
		}
	})
}
