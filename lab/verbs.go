//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

var (
	errUsage  = errors.New("usage")
	errPassOn = errors.New("exit code to pass on")
)

// call is a verb with its flags taken out.
type call struct {
	Options
	hard, all bool
	args      []string // what is left before --
	rest      []string // what stands after --
}

// command runs one verb.
func command(ctx context.Context, argv []string) error {
	if len(argv) == 0 || slices.Contains([]string{"help", "-h", "--help"}, argv[0]) {
		fmt.Print(usage)
		return nil
	}
	verb := map[string]func(context.Context, call) error{
		"prepare": verbPrepare, "up": verbUp, "status": verbStatus, "down": verbDown,
	}[argv[0]]
	inside := map[string]func(context.Context, *Lab, call) error{
		"exec": verbExec, "trust": verbTrust, "reboot": verbReboot, "fault": verbFault, "publish": verbPublish,
	}[argv[0]]
	if verb == nil && inside == nil {
		return fmt.Errorf("%w: %q is not a verb", errUsage, argv[0])
	}
	c, err := parse(argv[1:])
	if err != nil {
		return fmt.Errorf("%w: %s: %w", errUsage, argv[0], err)
	}
	if err := canRun(); err != nil {
		return err
	}
	if verb != nil {
		return verb(ctx, c)
	}
	l, err := Open(c.Name)
	if err != nil {
		return err
	}
	return inside(ctx, l, c)
}

// parse takes flags in any place before --.
func parse(argv []string) (call, error) {
	c := call{Options: Options{Log: os.Stderr}}
	if i := slices.Index(argv, "--"); i >= 0 {
		argv, c.rest = argv[:i], argv[i+1:]
	}
	f := flag.NewFlagSet("lab", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&c.Name, "name", "", "")
	f.StringVar(&c.Suite, "suite", "", "")
	f.IntVar(&c.SSHPort, "ssh-port", 0, "")
	f.IntVar(&c.CPU, "cpu", 0, "")
	f.BoolVar(&c.Docker, "docker", false, "")
	f.StringVar(&c.Mail, "mail", "", "")
	f.BoolVar(&c.Bare, "bare", false, "")
	f.DurationVar(&c.ACMEValidity, "acme-validity", 0, "")
	f.BoolVar(&c.hard, "hard", false, "")
	f.BoolVar(&c.all, "all", false, "")
	for {
		if err := f.Parse(argv); err != nil || f.NArg() == 0 {
			return c, err
		}
		c.args, argv = append(c.args, f.Arg(0)), f.Args()[1:]
	}
}

func verbPrepare(ctx context.Context, c call) error {
	suites := []string{"bookworm", "trixie"}
	if c.Suite != "" {
		if _, err := newHandle(c.Options); err != nil {
			return err
		}
		suites = []string{c.Suite}
	}
	c.Docker, c.Mail = true, "plain"
	for _, c.Suite = range suites {
		if err := Prepare(ctx, c.Options); err != nil {
			return err
		}
		if c.Suite == "trixie" {
			of := c.Options
			of.Mail = "mailcow"
			if err := Prepare(ctx, of); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(c.Log, "lab: everything is in %s\n", cacheDir())
	return nil
}

func verbUp(ctx context.Context, c call) error {
	start := time.Now()
	l, err := Up(ctx, c.Options)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Log, "lab: %q is up after %s: go run ./lab exec laptop --name %s -- ssh root@203.0.113.10\n",
		l.Name, time.Since(start).Round(100*time.Millisecond), l.Name)
	return nil
}

func verbExec(ctx context.Context, l *Lab, c call) error {
	argv := c.rest
	if len(c.args) > 1 {
		argv = append(c.args[1:], argv...)
	}
	if len(c.args) == 0 || len(argv) == 0 {
		return fmt.Errorf("%w: exec NODE -- CMD…", errUsage)
	}
	if c.args[0] == "laptop" && argv[0] == "postern" {
		if err := l.buildProgram(ctx); err != nil {
			return err
		}
	}
	// The terminal's interrupt reaches the command by itself; we wait for it.
	cmd, err := l.Command(context.WithoutCancel(ctx), c.args[0], argv...)
	if err != nil {
		return err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		for s := range ends {
			_ = cmd.Process.Signal(s)
		}
	}()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %w", errPassOn, err)
	}
	return nil
}

// verbPublish reads what "postern export zone" prints.
func verbPublish(_ context.Context, l *Lab, c call) error {
	lines, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	return l.PublishLines(string(lines), c.args...)
}

func verbTrust(_ context.Context, l *Lab, _ call) error { return l.Trust() }

func verbReboot(ctx context.Context, l *Lab, c call) error {
	if len(c.args) != 1 {
		return fmt.Errorf("%w: reboot NODE", errUsage)
	}
	if c.hard {
		return l.PowerCut(ctx, c.args[0])
	}
	return l.Reboot(ctx, c.args[0])
}

func verbDown(_ context.Context, c call) error {
	names := []string{c.Name}
	if c.all {
		var err error
		if names, err = running(); err != nil {
			return err
		}
	}
	for _, name := range names {
		l, err := newHandle(Options{Name: name})
		if err != nil {
			return err
		}
		if err := l.Down(); err != nil {
			return err
		}
	}
	return nil
}
