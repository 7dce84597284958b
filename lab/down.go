//go:build linux

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Down ends the lab: its processes, namespaces, mounts, groups and files. A lab
// that is not up is no error.
func (l *Lab) Down() error {
	unlock, err := l.lock()
	if err != nil {
		return err
	}
	defer unlock()
	return l.clear()
}

// lock keeps two commands from building or clearing one lab at the same time.
func (l *Lab) lock() (unlock func(), err error) {
	unlock, err = alone(context.Background(), "postern-lab-"+l.Name, 2*time.Minute, func() {})
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("lab %q is being brought up or down by another command: wait for it, or end it", l.Name)
	}
	return unlock, err
}

// alone waits until no other process has the name; waiting is called once when
// it must. An abstract socket leaves no file behind and goes with its process.
func alone(ctx context.Context, name string, limit time.Duration, waiting func()) (unlock func(), err error) {
	var ln net.Listener
	say := sync.OnceFunc(waiting)
	ended := poll(ctx, limit, func() bool {
		if ln, err = net.Listen("unix", "@"+name); errors.Is(err, syscall.EADDRINUSE) {
			say()
			return false
		}
		return true
	})
	if err := cmp.Or(ended, err); err != nil {
		return nil, err
	}
	return func() { ln.Close() }, nil
}

// clear works from the lab's name alone, so that it also takes away what a
// killed up has left half-made.
func (l *Lab) clear() error {
	if err := l.killAll(); err != nil {
		return err
	}
	if err := removeCgroup(l.cgroup()); err != nil {
		return fmt.Errorf("lab %q: its control groups stay busy: %w", l.Name, err)
	}
	if err := unmountBelow(l.dir()); err != nil {
		return err
	}
	if err := os.RemoveAll(l.dir()); err != nil {
		return err
	}
	if err := os.Remove(runRoot); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTEMPTY) {
		return err
	}
	return nil
}

// killAll ends every process of the lab and waits until none is left.
func (l *Lab) killAll() error {
	var left []int
	killed := map[int]bool{}
	err := poll(context.Background(), time.Minute, func() bool {
		left = append(cgroupPIDs(l.cgroup()), l.inNamespaces()...)
		for _, pid := range left {
			killed[pid] = true
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		return len(left) == 0
	})
	if err != nil {
		return fmt.Errorf("lab %q: processes %v do not end", l.Name, left)
	}
	// A dying process has left its group, but not yet the machine. A zombie that
	// nobody waits for is not ours to wait for either.
	_ = poll(context.Background(), 2*time.Second, func() bool {
		for pid := range killed {
			stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
			if err == nil && !strings.Contains(string(stat), ") Z ") {
				return false
			}
		}
		return true
	})
	return nil
}

// inNamespaces lists the processes of this machine that stand in one of the
// lab's network namespaces: what exec started.
func (l *Lab) inNamespaces() []int {
	ours := map[uint64]bool{}
	paths, _ := filepath.Glob(l.dir("netns", "*"))
	for _, p := range paths {
		if ino, ok := netnsInode(p); ok {
			ours[ino] = true
		}
	}
	if len(ours) == 0 {
		return nil
	}
	var pids []int
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if ino, ok := netnsInode("/proc/" + e.Name() + "/ns/net"); ok && ours[ino] {
			pids = append(pids, pid)
		}
	}
	return pids
}

// netnsInode gives a network namespace's number; a path that is not pinned (a
// plain file) has none.
func netnsInode(path string) (uint64, bool) {
	var sfs unix.Statfs_t
	var st unix.Stat_t
	if unix.Statfs(path, &sfs) != nil || sfs.Type != unix.NSFS_MAGIC || unix.Stat(path, &st) != nil {
		return 0, false
	}
	return st.Ino, true
}

// unmountBelow unmounts everything at and below a directory, the last mounted
// first.
func unmountBelow(dir string) error {
	mounted, err := mounts()
	for _, m := range slices.Backward(mounted) {
		if m.point != dir && !strings.HasPrefix(m.point, dir+"/") {
			continue
		}
		err := unix.Unmount(m.point, unix.MNT_DETACH)
		if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("unmount %s: %w", m.point, err)
		}
	}
	return err
}

type mount struct{ point, kind, options string }

// mounts lists what is mounted in this process's view, in its order.
func mounts() ([]mount, error) {
	text, err := os.ReadFile("/proc/self/mounts")
	var all []mount
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 3 {
			all = append(all, mount{f[1], f[2], f[3]})
		}
	}
	return all, err
}
