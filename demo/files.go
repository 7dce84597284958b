package demo

import (
	"io/fs"
	"path"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"
)

// files is a host's file system. Every method is atomic; paths are absolute. Errors are *fs.PathError with an errno.
type files struct {
	mu   sync.Mutex
	root *node
	now  func() time.Time
	next uint64

	renamed func(to string) // told of every rename; may be nil
}

// kind is what a path leads to.
type kind byte

const (
	plain kind = iota
	folder
	symlink
	device // its content is made by functions: /proc, /sys, /dev
)

// node is one file, folder or link.
type node struct {
	kind     kind
	inode    uint64
	mode     uint32 // permissions, 12 bits
	uid, gid int
	links    int
	changed  time.Time
	data     []byte           // of a plain file; never written in place, so that a reader may keep it
	target   string           // of a symlink
	names    map[string]*node // of a folder
	get      func() string    // of a device
	set      func(string) error
	lock     lock // flock
}

func newFiles(now func() time.Time) *files {
	f := &files{now: now}
	f.root = f.node(folder, 0o755)
	for _, d := range []string{"/boot", "/dev", "/etc", "/home", "/media", "/mnt", "/opt", "/proc", "/root", "/run",
		"/srv", "/sys", "/tmp", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/share", "/usr/local/bin", "/usr/local/sbin",
		"/var/lib", "/var/log", "/var/cache", "/var/tmp"} {
		f.mkdirAll(d)
	}
	for _, d := range []string{"bin", "sbin", "lib"} {
		f.symlink("usr/"+d, "/"+d)
	}
	f.chmod("/root", 0o700)
	f.chmod("/tmp", 0o1777)
	f.chmod("/var/tmp", 0o1777)
	return f
}

func (f *files) node(k kind, mode uint32) *node {
	f.next++
	n := &node{kind: k, inode: f.next, mode: mode, links: 1, changed: f.now()}
	if k == folder {
		n.names = map[string]*node{}
	}
	return n
}

func errno(op, p string, err error) error { return &fs.PathError{Op: op, Path: p, Err: err} }

// find walks to a path; last tells whether a symlink at its end is followed too.
func (f *files) find(p string, last bool) (*node, error) {
	_, _, n, err := f.walk(p, last, 0)
	if err == nil && n == nil {
		err = syscall.ENOENT
	}
	return n, err
}

// walk finds the folder that a path is in, its name there, and what it is, nil when there is nothing of that name.
func (f *files) walk(p string, last bool, depth int) (dir *node, name string, n *node, err error) {
	if depth > 40 {
		return nil, "", nil, syscall.ELOOP
	}
	dir, n = f.root, f.root
	at := ""
	parts := strings.Split(strings.Trim(path.Clean("/"+p), "/"), "/")
	for i, part := range parts {
		if part == "" {
			return f.root, "", f.root, nil
		}
		if n == nil {
			return nil, "", nil, syscall.ENOENT
		}
		if n.kind != folder {
			return nil, "", nil, syscall.ENOTDIR
		}
		dir, name, n = n, part, n.names[part]
		if n != nil && n.kind == symlink && (last || i < len(parts)-1) {
			to := n.target
			if !strings.HasPrefix(to, "/") {
				to = at + "/" + to
			}
			rest := strings.Join(parts[i+1:], "/")
			return f.walk(to+"/"+rest, last, depth+1)
		}
		at += "/" + part
	}
	return dir, name, n, nil
}

// about is what stat tells.
type about struct {
	kind     kind
	inode    uint64
	mode     uint32
	uid, gid int
	links    int
	size     int64
	changed  time.Time
	target   string
}

// stat tells about a path, a symlink at its end followed.
func (f *files) stat(p string) (about, error) { return f.look(p, true) }

// lstat tells about a path itself.
func (f *files) lstat(p string) (about, error) { return f.look(p, false) }

func (f *files) look(p string, follow bool) (about, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.find(p, follow)
	if err != nil {
		return about{}, errno("stat", p, err)
	}
	return n.about(), nil
}

func (n *node) about() about {
	a := about{kind: n.kind, inode: n.inode, mode: n.mode, uid: n.uid, gid: n.gid, links: n.links, size: int64(len(n.data)), changed: n.changed, target: n.target}
	if n.kind == symlink {
		a.size, a.mode = int64(len(n.target)), 0o777
	}
	if n.kind == folder {
		a.size, a.links = 4096, 2
	}
	return a
}

// exists tells whether a path leads to anything.
func (f *files) exists(p string) bool {
	_, err := f.stat(p)
	return err == nil
}

// read is the content of a file.
func (f *files) read(p string) (string, error) {
	f.mu.Lock()
	n, err := f.find(p, true)
	if err == nil && n.kind == folder {
		err = syscall.EISDIR
	}
	f.mu.Unlock() // a device's content may need other locks
	if err != nil {
		return "", errno("read", p, err)
	}
	return n.text(f), nil
}

func (n *node) text(f *files) string {
	if n.get != nil {
		return n.get()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return string(n.data)
}

// text is the content of a file, empty when there is none.
func (f *files) text(p string) string {
	s, _ := f.read(p)
	return s
}

// write puts a whole text in a file, in place: one that is new gets the mode, and belongs to root. Folders are made.
func (f *files) write(p, text string, mode uint32) error {
	f.mkdirAll(path.Dir(p))
	n, err := f.open(p, true, false, mode)
	if err != nil {
		return err
	}
	if n.kind == device {
		if n.set == nil {
			return errno("write", p, syscall.EACCES)
		}
		return n.set(text)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	n.data, n.changed = []byte(text), f.now()
	return nil
}

// open finds a file, and makes it where create says so.
func (f *files) open(p string, create, only bool, mode uint32) (*node, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, name, n, err := f.walk(p, true, 0)
	switch {
	case err != nil:
		return nil, errno("open", p, err)
	case n != nil && only:
		return nil, errno("open", p, syscall.EEXIST)
	case n != nil && n.kind == folder && create:
		return nil, errno("open", p, syscall.EISDIR)
	case n != nil:
		return n, nil
	case !create:
		return nil, errno("open", p, syscall.ENOENT)
	}
	n = f.node(plain, mode)
	dir.names[name] = n
	dir.changed = f.now()
	return n, nil
}

// device puts a file at p whose content is made by get; set takes what is written, nil means that it is read-only.
func (f *files) device(p string, get func() string, set func(string) error) {
	f.mkdirAll(path.Dir(p))
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, name, _, err := f.walk(p, false, 0)
	if err != nil {
		return
	}
	n := f.node(device, 0o444)
	if set != nil {
		n.mode = 0o644
	}
	n.get, n.set = get, set
	dir.names[name] = n
}

// list is the names in a folder, sorted.
func (f *files) list(p string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, err := f.find(p, true)
	if err == nil && n.kind != folder {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, errno("read", p, err)
	}
	var names []string
	for name := range n.names {
		names = append(names, name)
	}
	sort.Strings(names)
	return names, nil
}
