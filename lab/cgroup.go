//go:build linux

package main

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// hierarchy is one mounted tree of control groups.
type hierarchy struct {
	path   string
	needed bool // systemd lives here: a host cannot boot without a group of its own
}

// hierarchies reads where control groups are mounted: one tree on a machine of
// today (v2), a dozen on an older one (v1, or both).
func hierarchies() ([]hierarchy, error) {
	mounted, err := mounts()
	var all []hierarchy
	for _, m := range mounted {
		if v2 := m.kind == "cgroup2"; v2 || m.kind == "cgroup" {
			all = append(all, hierarchy{m.point, v2 || strings.Contains(m.options, "name=systemd")})
		}
	}
	return all, err
}

// joinCgroup puts this process into a group of its own in every hierarchy.
func joinCgroup(name string) error {
	all, err := hierarchies()
	if err != nil {
		return err
	}
	for _, h := range all {
		if err := joinOne(h.path, name); err != nil && h.needed {
			return err
		}
	}
	return nil
}

func joinOne(root, name string) error {
	dir := root
	for _, part := range strings.Split(name, "/") {
		dir = filepath.Join(dir, part)
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		// A v1 cpuset takes nobody in before it has processors and memory.
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			if up, err := os.ReadFile(filepath.Join(dir, "..", file)); err == nil {
				_ = os.WriteFile(filepath.Join(dir, file), up, 0o644)
			}
		}
	}
	return os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0o644)
}

// eachCgroup calls f with every group under the named one, the deepest first.
func eachCgroup(name string, f func(dir string)) {
	all, _ := hierarchies()
	for _, h := range all {
		var dirs []string
		_ = filepath.WalkDir(filepath.Join(h.path, name), func(p string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, p)
			}
			return nil
		})
		for i := len(dirs) - 1; i >= 0; i-- {
			f(dirs[i])
		}
	}
}

// cgroupPIDs lists the processes of a group and the groups below it.
func cgroupPIDs(name string) []int {
	seen := map[int]bool{}
	eachCgroup(name, func(dir string) {
		b, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
		for _, s := range strings.Fields(string(b)) {
			if pid, err := strconv.Atoi(s); err == nil {
				seen[pid] = true
			}
		}
	})
	return slices.Collect(maps.Keys(seen))
}

// removeCgroup removes a group and the groups below it. Who died a moment ago may
// still keep one busy, and the child of an up that was killed joins late: it is ended.
func removeCgroup(name string) error {
	return poll(context.Background(), time.Minute, func() bool {
		gone := true
		for _, pid := range cgroupPIDs(name) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		eachCgroup(name, func(dir string) {
			err := syscall.Rmdir(dir)
			gone = gone && (err == nil || errors.Is(err, fs.ErrNotExist))
		})
		return gone
	})
}
