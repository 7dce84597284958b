//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

const usage = `usage: go run ./lab VERB [--name N] …

  prepare [--suite S]        install what this machine lacks, build the root file
                             systems and fill the package mirror (up does it too)
  up [--suite bookworm|trixie] [--docker] [--mail plain|mailcow [--bare]] [--ssh-port N]
     [--acme-validity 5m]    boot a fresh lab; with --mail its mail host is a mail server,
     [--cpu 25]              with --cpu each host has that many percent of one processor
  exec NODE -- CMD…          run a command on laptop, proxy, mail, gw, inet or world
  trust                      put the hosts' real keys into the laptop's known_hosts
  reboot NODE [--hard]       boot proxy or mail again, its network made anew
  fault NAME on|off          break something; fault list shows the names
  publish [SERVER…]          have the name servers (ns1, ns2, provider; all that hold the zone)
                             tell the zone file lines of standard input
  status                     what runs
  down [--all]               take it all away

--name N  which lab (default "lab"); several run side by side
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := command(ctx, os.Args[1:])
	stop()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return
	case errors.As(err, &exit) && errors.Is(err, errPassOn):
		os.Exit(exitCode(exit))
	case errors.Is(err, errUsage):
		fmt.Fprintf(os.Stderr, "%v\n\n%s", err, usage)
		os.Exit(3)
	}
	fmt.Fprintf(os.Stderr, "lab: %v\n", err)
	os.Exit(1)
}

// exitCode gives what a shell would give: the code, or 128 and the signal.
func exitCode(e *exec.ExitError) int {
	if ws, ok := e.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return e.ExitCode()
}
