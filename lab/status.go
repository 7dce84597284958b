//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
)

func verbFault(ctx context.Context, l *Lab, c call) error {
	if len(c.args) == 1 && c.args[0] == "list" {
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		for _, f := range faults() {
			fmt.Fprintf(w, "%s\t%s\t%s\n", f.name, onOff(l.faulty(f.name)), f.words)
		}
		return w.Flush()
	}
	if len(c.args) != 2 || (c.args[1] != "on" && c.args[1] != "off") {
		return fmt.Errorf("%w: fault NAME on|off, or fault list", errUsage)
	}
	return l.Fault(ctx, c.args[0], c.args[1] == "on")
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// verbStatus shows one lab, or all of them when none is named.
func verbStatus(ctx context.Context, c call) error {
	names := []string{c.Name}
	if c.Name == "" {
		var err error
		if names, err = running(); err != nil {
			return err
		}
	}
	if len(names) == 0 {
		fmt.Println("no lab is up")
	}
	for _, name := range names {
		l, err := Open(name)
		if err != nil {
			return err
		}
		l.show(ctx)
	}
	return nil
}

func (l *Lab) show(ctx context.Context) {
	more := ""
	if l.Docker {
		more = ", Docker on mail"
	}
	if l.Bare {
		more += " to come"
	}
	if l.Mail != "" {
		more += ", " + l.Mail + " mail server"
	}
	if l.CPU > 0 {
		more += fmt.Sprintf(", %d%% of a processor each", l.CPU)
	}
	fmt.Printf("lab %q: %s, SSH on %d%s\n", l.Name, l.Suite, l.SSHPort, more)
	w := tabwriter.NewWriter(os.Stdout, 2, 0, 2, ' ', 0)
	for _, n := range nodes {
		state := "a namespace"
		if n.boots {
			state = l.hostState(ctx, n.name)
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\n", n.name, state, strings.Join(n.addrs, " "))
	}
	_ = w.Flush() // to the standard output, like what Printf says here
	for _, f := range faults() {
		if l.faulty(f.name) {
			fmt.Printf("  broken: %s, %s\n", f.name, f.words)
		}
	}
}

func (l *Lab) hostState(ctx context.Context, name string) string {
	pid, err := l.HostPID(name)
	if err != nil {
		return "does not run"
	}
	out, _ := l.Exec(ctx, name, "systemctl", "is-system-running")
	return fmt.Sprintf("%s, pid %d", strings.TrimSpace(out), pid)
}
