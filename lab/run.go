//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// run runs a tool of this machine and gives its standard output. The error
// carries the command and what it said.
func run(ctx context.Context, argv ...string) (string, error) {
	return runCmd(exec.CommandContext(ctx, argv[0], argv[1:]...))
}

func runCmd(cmd *exec.Cmd) (string, error) {
	var out, errs bytes.Buffer
	cmd.Stdout = &out
	cmd.Stderr = &errs
	ownGroup(cmd, syscall.SIGTERM)
	// Should we be killed, the tool is too. The kernel takes the thread that started it for us, so that one stays.
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Run(); err != nil {
		said := strings.TrimSpace(errs.String())
		if said == "" {
			said = strings.TrimSpace(out.String())
		}
		return out.String(), fmt.Errorf("%.200q: %w: %s", strings.Join(cmd.Args, " "), err, tail(said, 2000))
	}
	return out.String(), nil
}

// ownGroup keeps a terminal's interrupt from reaching a command in the middle of
// its work. When its context ends, it and all it started get the signal.
func ownGroup(cmd *exec.Cmd, end syscall.Signal) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, end) }
	cmd.WaitDelay = 10 * time.Second
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

// poll asks again every 50 ms until done says so, the time is up or ctx ends.
func poll(ctx context.Context, limit time.Duration, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}
