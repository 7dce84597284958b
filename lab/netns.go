//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// newNetns makes a network namespace and pins it at path.
func newNetns(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return err
	}
	f.Close()
	done := make(chan error, 1)
	go func() {
		// The thread is not given back: it ends here.
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("new network namespace: %w", err)
			return
		}
		done <- unix.Mount("/proc/thread-self/ns/net", path, "", unix.MS_BIND, "")
	}()
	return <-done
}

// dropNetns unpins a namespace, which ends with the last process in it.
func dropNetns(path string) error {
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount %s: %w", path, err)
	}
	return os.Remove(path)
}

// inNetns runs f on a thread inside a network namespace. The thread is not
// given back: it ends with f.
func inNetns(path string, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		ns, err := os.Open(path)
		if err != nil {
			done <- err
			return
		}
		defer ns.Close()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter %s: %w", path, err)
			return
		}
		done <- f()
	}()
	return <-done
}

// Dial connects from a node of the lab. The address must be numeric.
func (l *Lab) Dial(ctx context.Context, node, network, addr string) (c net.Conn, err error) {
	err = inNetns(l.netns(node), func() error {
		var d net.Dialer
		c, err = d.DialContext(ctx, network, addr)
		return err
	})
	return c, err
}

// Listen listens on a node of the lab. The address must be numeric. Programs of
// the host do not see the process, but the network is the host's.
func (l *Lab) Listen(ctx context.Context, node, network, addr string) (ln net.Listener, err error) {
	err = inNetns(l.netns(node), func() error {
		var c net.ListenConfig
		ln, err = c.Listen(ctx, network, addr)
		return err
	})
	return ln, err
}
