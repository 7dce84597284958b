package main

import (
	"os/exec"
	"path"
	"strings"
	"time"
)

// pager shows a long text in the screen's place: $PAGER, or else less; nil where neither is there. What may end at once is waited for.
func (a *app) pager() func(text string) error {
	line := strings.TrimSpace(a.world.getenv("PAGER"))
	first, _, _ := strings.Cut(line, " ")
	if _, err := exec.LookPath(first); err != nil {
		line, first = "less", "less"
	}
	if _, err := exec.LookPath(first); err != nil {
		return nil
	}
	script := "{ " + line + "\n} || exit\nprintf '\\n%s' 'enter goes back to postern' >/dev/tty\nread -r _ </dev/tty\n"
	if path.Base(first) == "less" {
		script = line + " -+F" // it stays also where the text is short
	}
	return func(text string) error {
		a.paging.Add(1)                                                // ctrl+c is the pager's
		defer time.AfterFunc(time.Second, func() { a.paging.Add(-1) }) // what ended it may be on its way to us still
		cmd := exec.Command("sh", "-c", script)
		cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = strings.NewReader(a.secrets.scrub(text)), a.world.stdout, a.world.stderr, a.world.environ()
		return cmd.Run()
	}
}
