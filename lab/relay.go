//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	oneWay    = 50 * time.Millisecond // half of what delay adds to a round trip
	relayMark = 0x1ab                 // on the relay's own packets, which must not come back to it
	relayPort = 22001                 // on the laptop's loopback; one for each host
)

// delay leads the laptop's SSH connections through a relay that holds everything
// back for half a round trip: this kernel has no netem. The program under test
// dials the same addresses as before. IPv4 only.
func delay(ctx context.Context, l *Lab, on bool) error {
	targets := []string{}
	for _, n := range nodes {
		if !n.boots {
			continue
		}
		addr := strings.Split(n.addrs[0], "/")[0]
		rule := fmt.Sprintf("OUTPUT -t nat -p tcp -d %s --dport %d -m mark ! --mark %d -j REDIRECT --to-ports %d",
			addr, l.SSHPort, relayMark, relayPort+len(targets))
		if err := l.iptables(ctx, "laptop", "iptables", on, rule); err != nil {
			return err
		}
		targets = append(targets, net.JoinHostPort(addr, strconv.Itoa(l.SSHPort)))
	}
	if !on {
		for _, pid := range cgroupPIDs(l.cgroup("relay")) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		return nil
	}
	if _, err := l.background("relay", "relay", l.dir("relay.log"), append([]string{l.Name}, targets...)...); err != nil {
		return err
	}
	return poll(ctx, time.Minute, func() bool {
		c, err := l.Dial(ctx, "laptop", "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(relayPort+len(targets)-1)))
		if err != nil {
			return false
		}
		c.Close()
		return true
	})
}

// childRelay relays to every target from a port of its own.
func childRelay(args []string) error {
	l := &Lab{Options{Name: args[0]}}
	failed := make(chan error)
	for i, target := range args[1:] {
		ln, err := l.Listen(context.Background(), "laptop", "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(relayPort+i)))
		if err != nil {
			return err
		}
		go func() { failed <- serveRelay(ln, l.netns("laptop"), target) }()
	}
	return <-failed
}

func serveRelay(ln net.Listener, netns, target string) error {
	mark := func(_, _ string, c syscall.RawConn) (err error) {
		ctlErr := c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK, relayMark)
		})
		if err == nil {
			err = ctlErr
		}
		return err
	}
	for {
		near, err := ln.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer near.Close()
			start := time.Now()
			var far net.Conn
			err := inNetns(netns, func() (err error) {
				d := net.Dialer{Timeout: 30 * time.Second, Control: mark}
				far, err = d.Dial("tcp", target)
				return err
			})
			if err != nil {
				return
			}
			defer far.Close()
			done := make(chan struct{}, 2)
			// The handshake that the kernel did at once would have cost three ways.
			go func() { late(far, near, start.Add(3*oneWay)); done <- struct{}{} }()
			go func() { late(near, far, start.Add(4*oneWay)); done <- struct{}{} }()
			<-done
			<-done
		}()
	}
}

// late copies in order, each piece held back by one way and none before first.
func late(dst, src net.Conn, first time.Time) {
	type piece struct {
		due  time.Time
		data []byte
	}
	pieces := make(chan piece, 1024)
	go func() {
		defer close(pieces)
		for {
			b := make([]byte, 32<<10)
			n, err := src.Read(b)
			due := time.Now().Add(oneWay)
			if due.Before(first) {
				due = first
			}
			if n > 0 {
				pieces <- piece{due, b[:n]}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range pieces {
		time.Sleep(time.Until(p.due))
		if _, err := dst.Write(p.data); err != nil {
			break
		}
	}
	if c, ok := dst.(*net.TCPConn); ok {
		_ = c.CloseWrite()
	}
	_, _ = io.Copy(io.Discard, src)
}
