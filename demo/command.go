package demo

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"
)

// call is one run of a command on a host.
type call struct {
	host   *Host
	ctx    context.Context   // ends when the process is killed: whatever waits must heed it
	args   []string          // without the command's own name, which is name
	name   string            // as it was called, without folders
	env    map[string]string // exported variables; a command's own copy
	dir    string            // the working folder, absolute
	stdin  io.Reader         // never nil
	stdout io.Writer
	stderr io.Writer
	proc   *process // whose descriptors, umask and group it has
}

// commands are everything that can be run, by name. The folder that each is in is told by where.
var commands = map[string]func(*call) int{}

// where is the folder of each command, for `command -v`; those not in it are in /usr/bin.
var where = map[string]string{}

// register makes a command known: to be called at start-up. The name may have its folder ("/usr/sbin/ufw"). It gives the
// exit status. A host has the command only while packages says so: see absent.
func register(name string, run func(*call) int) {
	base := path.Base(name)
	if commands[base] != nil {
		panic("demo: two commands are called " + base)
	}
	commands[base] = run
	where[base] = "/usr/bin"
	if dir := path.Dir(name); dir != "." {
		where[base] = dir
	}
}

// absent tells whether a host lacks a command because the package that has it is not installed: a model that knows packages
// sets it.
var absent = func(h *Host, name string) bool { return false }

// abs is a path as the command means it.
func (c *call) abs(p string) string {
	if !strings.HasPrefix(p, "/") {
		p = c.dir + "/" + p
	}
	return path.Clean(p)
}

// out prints on standard output.
func (c *call) out(format string, args ...any) {
	io.WriteString(c.stdout, fmt.Sprintf(format, args...))
}

// warn prints on standard error.
func (c *call) warn(format string, args ...any) {
	io.WriteString(c.stderr, fmt.Sprintf(format, args...))
}

// fail says why on standard error, after the command's name, and gives the exit status.
func (c *call) fail(code int, format string, args ...any) int {
	io.WriteString(c.stderr, c.name+": "+fmt.Sprintf(format, args...)+"\n")
	return code
}

// run runs another command of the host, with this call's surroundings, and gives its exit status; 127 when there is none.
func (c *call) run(stdout io.Writer, args ...string) int {
	return c.proc.exec(c.ctx, args, c.env, c.dir, strings.NewReader(""), stdout, c.stderr)
}

// sh runs a shell script with this call's surroundings, and gives its exit status.
func (c *call) sh(stdout io.Writer, script string) int {
	return c.run(stdout, "sh", "-c", script)
}
