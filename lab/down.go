//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
// An abstract socket leaves no file behind and goes with its process.
func (l *Lab) lock() (unlock func(), err error) {
	var ln net.Listener
	waitErr := poll(context.Background(), 2*time.Minute, func() bool {
		ln, err = net.Listen("unix", "@postern-lab-"+l.Name)
		return err == nil || !errors.Is(err, syscall.EADDRINUSE)
	})
	if waitErr != nil {
		return nil, fmt.Errorf("lab %q is being brought up or down by another command: wait for it, or end it", l.Name)
	}
	if err != nil {
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
	if err := unmountBelow(l.dir()); err != nil {
		return err
	}
	if err := removeCgroup(l.cgroup()); err != nil {
		return fmt.Errorf("lab %q: its control groups stay busy: %w", l.Name, err)
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
	points, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	for i := len(points) - 1; i >= 0; i-- {
		err := unix.Unmount(points[i], unix.MNT_DETACH)
		if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("unmount %s: %w", points[i], err)
		}
	}
	return nil
}

func mountsBelow(dir string) ([]string, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var points []string
	s := bufio.NewScanner(f)
	for s.Scan() {
		field := strings.Fields(s.Text())
		if len(field) > 4 && (field[4] == dir || strings.HasPrefix(field[4], dir+"/")) {
			points = append(points, field[4])
		}
	}
	return points, s.Err()
}
