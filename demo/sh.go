package demo

import "strings"

func init() { register("/usr/bin/sh", sh) }

// sh is the command: -s, -c SCRIPT, -e, or a file.
func sh(c *call) int {
	s := newShell(c.proc, c.env, "sh", nil)
	args := c.args
	script := false
	for len(args) > 0 && len(args[0]) > 1 && strings.IndexByte("-+", args[0][0]) >= 0 {
		if args[0] == "--" {
			args = args[1:]
			break
		}
		script = script || strings.Contains(args[0], "c")
		s.options(args[0])
		stdin := strings.Contains(args[0], "s")
		args = args[1:]
		if stdin {
			s.params = args
			return s.interact()
		}
	}
	switch {
	case script && len(args) == 0:
		return c.fail(2, "-c requires an argument")
	case script:
		if len(args) > 1 {
			s.name, s.params = args[1], args[2:]
		}
		return s.script(args[0])
	case len(args) == 0 || args[0] == "-":
		return s.interact()
	}
	text, err := c.host.files.read(c.abs(args[0]))
	if err != nil {
		c.name = "sh: 0"
		return c.fail(2, "cannot open %s: %s", args[0], why(err))
	}
	s.name, s.params = args[0], args[1:]
	return s.script(text)
}
