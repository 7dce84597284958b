//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Options say which lab to boot.
type Options struct {
	Name         string        // of the lab; "lab" when empty
	Suite        string        // of the hosts: bookworm or trixie; bookworm when empty
	Docker       bool          // Docker runs on mail, with the image lab/base
	Mail         string        // the mail server on mail: none when empty, plain, or mailcow (with Docker, on trixie)
	Bare         bool          // neither Docker nor Mailcow is on mail yet, but can be had there
	CPU          int           // percent of one processor that each host has; all there is when 0
	SSHPort      int           // of the hosts' sshd; 22 when 0
	ACMEValidity time.Duration // of the certificates that the lab's authority issues; 90 days when 0
	Log          io.Writer     `json:"-"` // progress; nothing when nil
}

// Lab is a lab that is up, or was.
type Lab struct {
	Options
}

func newHandle(o Options) (*Lab, error) {
	if o.Name == "" {
		o.Name = "lab"
	}
	if o.Suite == "" {
		o.Suite = "bookworm"
	}
	if o.SSHPort == 0 {
		o.SSHPort = 22
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	if !nameForm.MatchString(o.Name) {
		return nil, fmt.Errorf("%q is not a lab's name (1 to 24 of a-z, 0-9 and -, not starting with -)", o.Name)
	}
	if o.Suite != "bookworm" && o.Suite != "trixie" {
		return nil, fmt.Errorf("%q is not a suite of the lab (bookworm or trixie)", o.Suite)
	}
	switch o.Mail {
	case "", "plain":
	case "mailcow":
		if o.Docker = true; o.Suite != "trixie" {
			return nil, fmt.Errorf("%q has no Docker that Mailcow takes: give --suite trixie", o.Suite)
		}
	default:
		return nil, fmt.Errorf("%q is not a mail server of the lab (plain or mailcow)", o.Mail)
	}
	if o.Bare && o.Mail != "mailcow" {
		return nil, errors.New("bare is how Mailcow's host may be: give --mail mailcow")
	}
	if o.SSHPort < 1 || o.SSHPort > 65535 {
		return nil, fmt.Errorf("%d is not a port (1 to 65535)", o.SSHPort)
	}
	if o.CPU < 0 || o.CPU > 100 {
		return nil, fmt.Errorf("%d is not a part of a processor (1 to 100 percent)", o.CPU)
	}
	return &Lab{Options: o}, nil
}

// Open finds a lab that is up.
func Open(name string) (*Lab, error) {
	l, err := newHandle(Options{Name: name})
	if err != nil {
		return nil, err
	}
	name = l.Name
	b, err := os.ReadFile(l.dir("lab.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("lab %q is not up: run `go run ./lab up --name %s` first", name, name)
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &l.Options); err != nil {
		return nil, fmt.Errorf("lab %q: %w", name, err)
	}
	return l, nil
}

// Up boots a fresh lab and returns when both hosts answer SSH. What it needs and
// this machine lacks it prepares first, which takes minutes once. When it fails,
// or ctx ends, nothing of the lab is left.
func Up(ctx context.Context, o Options) (*Lab, error) {
	l, err := newHandle(o)
	if err != nil {
		return nil, err
	}
	if err := canRun(); err != nil {
		return nil, err
	}
	if err := Prepare(ctx, l.Options); err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	unlock, err := l.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if _, err := Open(l.Name); err == nil {
		return nil, fmt.Errorf("lab %q is up already: run `go run ./lab down --name %s` first, or give another --name", l.Name, l.Name)
	}
	// What a killed up left behind.
	if err := l.clear(); err != nil {
		return nil, err
	}
	if err := l.up(ctx); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("interrupted: %w", ctx.Err())
		}
		return nil, errors.Join(err, l.clear())
	}
	return l, nil
}

func (l *Lab) up(ctx context.Context) error {
	if err := l.makeDir(); err != nil {
		return err
	}
	var binary error
	err := together(
		func() error { binary = l.buildProgram(ctx); return nil },
		func() error { return l.bring(ctx) },
	)
	if err != nil {
		return err
	}
	if binary != nil {
		fmt.Fprintf(l.Log, "lab: the program does not build, so laptop has none: %.300v\n", binary)
	}
	b, err := json.MarshalIndent(l.Options, "", "\t")
	if err != nil {
		return err
	}
	// The file's presence is what makes a lab complete.
	return os.WriteFile(l.dir("lab.json"), b, 0o644)
}

// bring makes the network, then the hosts in it.
func (l *Lab) bring(ctx context.Context) error {
	err := together(
		func() error { return l.buildNetwork(ctx) },
		func() error { return l.makeLaptop(ctx) },
		func() error { return l.makePaper("smarthost", smartHost) },
	)
	if err != nil {
		return err
	}
	if err := l.startACME(ctx); err != nil {
		return err
	}
	jobs := []func() error{l.startMirror, func() error { return l.startNames(ctx) }, l.startExchanger}
	for _, n := range nodes {
		if n.boots {
			jobs = append(jobs, func() error { return l.raise(ctx, n) })
		}
	}
	return together(jobs...)
}

// makeDir makes the run directory, a file system whose unmounts reach the hosts'
// own mount namespaces: without that a host would keep another lab's memory.
func (l *Lab) makeDir() error {
	err := os.MkdirAll(l.dir(), 0o755)
	for range 9 { // another lab that ends takes an empty folder of all labs away
		if errors.Is(err, fs.ErrNotExist) {
			err = os.MkdirAll(l.dir(), 0o755)
		}
	}
	if err != nil {
		return err
	}
	if err := unix.Mount("lab", l.dir(), "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mount %s: %w", l.dir(), err)
	}
	if err := unix.Mount("", l.dir(), "", unix.MS_SHARED, ""); err != nil {
		return err
	}
	for _, d := range []string{"netns", "bin", "fault", "files", "laptop", "mx", "trusted"} {
		if err := os.Mkdir(l.dir(d), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// together runs every job at once and joins their errors.
func together(jobs ...func() error) error {
	errs := make([]error, len(jobs))
	var wg sync.WaitGroup
	for i, job := range jobs {
		wg.Go(func() { errs[i] = job() })
	}
	wg.Wait()
	return errors.Join(errs...)
}
