//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
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

// awaitEnd waits until nothing of a host runs, and helps after 20 s.
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
	if err := poll(ctx, 20*time.Second, ended); err != nil {
		if ctx.Err() != nil {
			return err
		}
		_ = syscall.Kill(nspawn, syscall.SIGKILL)
		err := poll(ctx, 10*time.Second, func() bool {
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

// Trust puts the hosts' real keys into the laptop's known_hosts, as an operator
// does who has compared the fingerprints.
func (l *Lab) Trust() error {
	var b strings.Builder
	for _, n := range nodes {
		if !n.boots {
			continue
		}
		keys, err := filepath.Glob(l.dir(n.name, "root", "etc", "ssh", "ssh_host_*_key.pub"))
		if err != nil {
			return err
		}
		addr := strings.Split(n.addrs[0], "/")[0]
		if l.SSHPort != 22 {
			addr = fmt.Sprintf("[%s]:%d", addr, l.SSHPort)
		}
		for _, k := range keys {
			text, err := os.ReadFile(k)
			if err != nil {
				return err
			}
			f := strings.Fields(string(text))
			fmt.Fprintf(&b, "%s %s %s\n", addr, f[0], f[1])
		}
	}
	return os.WriteFile(l.dir("laptop", "home", ".ssh", "known_hosts"), []byte(b.String()), 0o644)
}
