//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// raise makes a host from the base and boots it.
func (l *Lab) raise(ctx context.Context, n node) error {
	for _, step := range []func(context.Context, node) error{l.makeRoot, l.dressHost, l.boot} {
		if err := step(ctx, n); err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
	}
	return nil
}

// boot starts a host's system on its root and waits until it is up.
func (l *Lab) boot(ctx context.Context, n node) error {
	args := []string{"-q", "-b", "-D", l.dir(n.name, "root"), "--machine=" + l.machine(n.name),
		"--register=no", "--keep-unit", "--network-namespace-path=" + l.netns(n.name),
		"--capability=all", "--drop-capability=CAP_SYS_TIME", "--bind=/dev/net/tun",
		"--kill-signal=SIGRTMIN+3", "--resolv-conf=off", "--timezone=off", "--link-journal=no",
		"--console=read-only", "--system-call-filter=add_key keyctl bpf"}
	if l.Docker && n.name == "mail" {
		// Docker's layers cannot lie on an overlay.
		args = append(args, "--bind="+l.dir(n.name, "disk", "docker")+":/var/lib/docker")
		if l.Bare {
			args = append(args, "--bind-ro="+mailcowPath(l.Suite)+":"+mailcowImage)
		}
	}
	pid, err := l.background("boot", n.name, l.dir(n.name, "console.log"), args...)
	if err != nil {
		return err
	}
	if l.CPU > 0 {
		if err := limitCPU(l.cgroup(n.name), l.CPU); err != nil {
			return err
		}
	}
	if err := os.WriteFile(l.dir(n.name, "nspawn.pid"), []byte(strconv.Itoa(pid)), 0o644); err != nil {
		return err
	}
	if err := l.awaitBoot(ctx, n, pid); err != nil {
		log, _ := os.ReadFile(l.dir(n.name, "console.log"))
		return fmt.Errorf("boot: %w: %s", err, tail(strings.TrimSpace(string(log)), 1500))
	}
	if l.Docker && !l.Bare && n.name == "mail" {
		return l.dressDocker(ctx)
	}
	if l.nativeMail(n) {
		return l.awaitMail(ctx, strings.Split(n.addrs[0], "/")[0])
	}
	return nil
}

// awaitBoot waits for the host's init to say that boot is over (degraded is as
// good: kernel modules may fail to load here), and then for an SSH banner.
func (l *Lab) awaitBoot(ctx context.Context, n node, nspawn int) error {
	var state string
	err := poll(ctx, 3*time.Minute, func() bool {
		if syscall.Kill(nspawn, 0) != nil {
			return true
		}
		if _, err := l.HostPID(n.name); err != nil {
			return false
		}
		out, _ := l.Exec(ctx, n.name, "systemctl", "is-system-running", "--wait")
		state = strings.TrimSpace(out)
		return state == "running" || state == "degraded"
	})
	if err != nil {
		return fmt.Errorf("system is %q: %w", state, err)
	}
	if state == "" {
		return fmt.Errorf("systemd-nspawn ended")
	}
	addr := net.JoinHostPort(strings.Split(n.addrs[0], "/")[0], strconv.Itoa(l.SSHPort))
	// Asked from itself: a fault, or its own firewall, may stand between it and the others.
	if err := poll(ctx, time.Minute, func() bool { return l.hasBanner(ctx, n.name, addr) }); err != nil {
		return fmt.Errorf("no SSH banner from %s: %w", addr, err)
	}
	return nil
}

func (l *Lab) hasBanner(ctx context.Context, from, addr string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := l.Dial(ctx, from, "tcp", addr)
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	b := make([]byte, 4)
	_, err = io.ReadFull(c, b)
	return err == nil && string(b) == "SSH-"
}

// HostPID is the machine's number for the first process of a booted host. With
// it `nsenter -t PID -a` gets in when the network does not.
func (l *Lab) HostPID(name string) (int, error) {
	b, err := os.ReadFile(l.dir(name, "nspawn.pid"))
	if err != nil {
		return 0, fmt.Errorf("%s is not a host that runs: %w", name, err)
	}
	nspawn := strings.TrimSpace(string(b))
	children, err := os.ReadFile("/proc/" + nspawn + "/task/" + nspawn + "/children")
	if err != nil {
		return 0, fmt.Errorf("%s does not run: %w", name, err)
	}
	for _, pid := range strings.Fields(string(children)) {
		status, _ := os.ReadFile("/proc/" + pid + "/status")
		for line := range strings.Lines(string(status)) {
			if f := strings.Fields(line); len(f) == 3 && f[0] == "NSpid:" && f[2] == "1" {
				return strconv.Atoi(pid)
			}
		}
	}
	return 0, fmt.Errorf("%s has no first process yet", name)
}
