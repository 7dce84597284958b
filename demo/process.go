package demo

import (
	"context"
	"io"
)

// process is one running program of a host.
type process struct {
	host *Host
}

// exec runs a command as a child and gives its exit status.
func (p *process) exec(ctx context.Context, args []string, env map[string]string, dir string, stdin io.Reader, stdout, stderr io.Writer) int {
	run := commands[args[0]]
	if run == nil || absent(p.host, args[0]) {
		return 127
	}
	return run(&call{host: p.host, ctx: ctx, name: args[0], args: args[1:], env: env, dir: dir, stdin: stdin, stdout: stdout, stderr: stderr, proc: p})
}
