//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

var labsMade atomic.Int32

// newLab boots a lab for a test and takes it down after it. Where no lab can be,
// the test is skipped with the reason.
func newLab(t testing.TB, o Options) *Lab {
	t.Helper()
	needLab(t)
	if o.Name == "" {
		o.Name = testName()
	}
	if o.Log == nil {
		o.Log = t.Output()
	}
	l, err := Up(t.Context(), o)
	if err != nil {
		t.Fatalf("up: %v", err)
	}
	t.Cleanup(func() {
		if err := l.Down(); err != nil {
			t.Errorf("down: %v", err)
		}
	})
	return l
}

// needTorture skips what takes too long for every run.
func needTorture(t testing.TB) {
	t.Helper()
	if !torture() {
		t.Skip("skipped: it runs only in make torture")
	}
}

func torture() bool { return os.Getenv("POSTERN_TORTURE") != "" }

// needLab skips where no lab can be, and ends labs of test runs that were killed.
func needLab(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped: -short, and this boots a lab")
	}
	if err := canRun(); err != nil {
		t.Skipf("skipped: %v", err)
	}
	names, err := running()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		var pid, n int
		if _, err := fmt.Sscanf(name, "t%d-%d", &pid, &n); err != nil || syscall.Kill(pid, 0) == nil {
			continue
		}
		if l, err := newHandle(Options{Name: name}); err == nil {
			_ = l.Down()
		}
	}
}

// testName is a lab's name that tells which test run it belongs to.
func testName() string {
	return "t" + strconv.Itoa(os.Getpid()) + "-" + strconv.Itoa(int(labsMade.Add(1)))
}

// want runs a command on a node and gives what it printed, without space around.
func want(t testing.TB, l *Lab, node string, argv ...string) string {
	t.Helper()
	out, err := l.Exec(t.Context(), node, argv...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// reaches says whether a node gets a TCP connection, or why not.
func reaches(ctx context.Context, l *Lab, node, addr string) error {
	c, err := l.Dial(ctx, node, "tcp", addr)
	if err == nil {
		c.Close()
	}
	return err
}

// Fingerprint is the SHA256 fingerprint of a host's Ed25519 key, as ssh shows it.
func (l *Lab) Fingerprint(ctx context.Context, host string) (string, error) {
	out, err := run(ctx, "ssh-keygen", "-lf", l.dir(host, "root", "etc", "ssh", "ssh_host_ed25519_key.pub"))
	if err != nil {
		return "", err
	}
	f := strings.Fields(out)
	if len(f) < 2 {
		return "", fmt.Errorf("ssh-keygen says %q", out)
	}
	return f[1], nil
}
