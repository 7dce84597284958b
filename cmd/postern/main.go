// Command postern sets up a public proxy in front of a hidden mail server, and proves that it works. This package knows
// arguments, environment, terminals and exit codes; it refuses to know how a host is reached, planned, changed or checked.
package main

import (
	"os"
	"os/user"
	"strings"
	"time"
)

// version is set by the linker at release.
var version = "development"

func main() { os.Exit(command(os.Args[1:], here())) }

// world is what the program touches outside itself; only main fills it from the machine.
type world struct {
	stdin    *os.File
	stdout   *os.File
	stderr   *os.File
	getenv   func(string) string
	environ  func() []string
	now      func() time.Time
	home     string // the operator's home folder
	user     string // the operator's login name
	hostname string
	config   string // the folder of the user's configuration
}

// here is the world as it is.
func here() world {
	w := world{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, environ: os.Environ, now: time.Now}
	w.home, _ = os.UserHomeDir()
	if u, err := user.Current(); err == nil {
		w.user = u.Username[strings.LastIndex(u.Username, `\`)+1:]
	}
	w.hostname, _ = os.Hostname()
	w.config, _ = os.UserConfigDir()
	return w
}
