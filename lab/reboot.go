//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
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
	if err := l.unwire(ctx, n); err != nil {
		return fmt.Errorf("%s: network: %w", name, err)
	}
	if err := l.wire(ctx, n); err != nil {
		return fmt.Errorf("%s: network: %w", name, err)
	}
	if err := l.refault(ctx, name); err != nil {
		return err
	}
	if err := l.boot(ctx, n); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// awaitEnd waits until nothing of a host runs, and helps after a minute.
func (l *Lab) awaitEnd(ctx context.Context, name string) error {
	b, err := os.ReadFile(l.dir(name, "nspawn.pid"))
	if err != nil {
		return err
	}
	nspawn, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return err
	}
	ended := func() bool { return len(cgroupPIDs(l.cgroup(name))) == 0 }
	if err := poll(ctx, time.Minute, ended); err != nil {
		if ctx.Err() != nil {
			return err
		}
		_ = syscall.Kill(nspawn, syscall.SIGKILL)
		err := poll(ctx, time.Minute, func() bool {
			for _, pid := range cgroupPIDs(l.cgroup(name)) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			return ended()
		})
		if err != nil {
			return fmt.Errorf("%s does not end: %w", name, err)
		}
	}
	return os.Remove(l.dir(name, "nspawn.pid"))
}
