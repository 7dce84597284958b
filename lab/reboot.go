//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"
)

// Reboot shuts a host down in order and boots it again on the same disk. Its
// network namespace and links are made anew: what was not made to last is gone.
func (l *Lab) Reboot(ctx context.Context, name string) error {
	return l.reboot(ctx, name, func(init int) error {
		// systemd takes SIGRTMIN+4 as poweroff.
		return syscall.Kill(init, syscall.Signal(34+4))
	})
}

// PowerCut is a Reboot without any warning to the host.
func (l *Lab) PowerCut(ctx context.Context, name string) error {
	return l.reboot(ctx, name, func(init int) error { return syscall.Kill(init, syscall.SIGKILL) })
}

func (l *Lab) reboot(ctx context.Context, name string, end func(init int) error) error {
	n, err := nodeNamed(name)
	if err != nil {
		return err
	}
	if !n.boots {
		return fmt.Errorf("%s has no system of its own to boot (proxy and mail have)", name)
	}
	if init, err := l.HostPID(name); err == nil {
		if err := end(init); err != nil {
			return fmt.Errorf("%s: shut down: %w", name, err)
		}
	}
	if err := l.awaitEnd(ctx, name); err != nil {
		return err
	}
	for _, step := range []func(context.Context, node) error{l.unwire, l.wire, l.refault, l.boot} {
		if err := step(ctx, n); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// awaitEnd waits until nothing of a host runs, and helps after a minute.
func (l *Lab) awaitEnd(ctx context.Context, name string) error {
	helpFrom := time.Now().Add(time.Minute)
	err := poll(ctx, 2*time.Minute, func() bool {
		left := cgroupPIDs(l.cgroup(name))
		for _, pid := range left {
			if time.Now().After(helpFrom) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		return len(left) == 0
	})
	if err != nil {
		return fmt.Errorf("%s does not end: %w", name, err)
	}
	return os.Remove(l.dir(name, "nspawn.pid"))
}
