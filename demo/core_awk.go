package demo

import (
	"errors"
	"io"
	"regexp"
	"strings"

	"github.com/benhoyt/goawk/interp"
	"github.com/benhoyt/goawk/parser"
)

func init() { register("awk", awk) }

// piped and closed are how a program sends text to a command, which goawk would run outside.
var (
	piped  = regexp.MustCompile(`(?m)\bprintf? ?([^|\n]*[^|\s])\s*\|\s*([A-Za-z_]\w*|"[^"]*")\s*$`)
	closed = regexp.MustCompile(`\bclose\(`)
)

// awk runs goawk, which sees standard input only: files are read here, and commands run here.
func awk(c *call) int {
	got, rest := c.options("F:v:f:")
	vars := []string{}
	for i := 0; i+1 < len(c.args); i++ { // every -v counts, not the last only
		if c.args[i] == "-v" {
			name, value, _ := strings.Cut(c.args[i+1], "=")
			vars = append(vars, name, value)
		}
	}
	if f, ok := got["F"]; ok {
		vars = append(vars, "FS", f)
	}
	if len(rest) == 0 {
		return c.fail(2, "no program")
	}
	text := rest[0]
	pipes := map[string]*strings.Builder{}
	funcs := map[string]any{
		"postern_pipe": func(command, s string) {
			if pipes[command] == nil {
				pipes[command] = &strings.Builder{}
			}
			pipes[command].WriteString(s)
		},
		"postern_close": func(command string) {
			if in := pipes[command]; in != nil {
				delete(pipes, command)
				c.proc.exec(c.ctx, []string{"sh", "-c", command}, c.env, c.dir, strings.NewReader(in.String()), c.stdout, c.stderr)
			}
		},
	}
	if piped.MatchString(text) {
		text = closed.ReplaceAllString(piped.ReplaceAllString(text, "postern_pipe($2, sprintf($1))"), "postern_close(")
	}
	prog, err := parser.ParseProgram([]byte(text), &parser.ParserConfig{Funcs: funcs})
	if err != nil {
		return c.fail(2, "%v", err)
	}
	in := c.stdin
	status := 0
	if len(rest) > 1 {
		var all strings.Builder
		status = c.inputs(rest[1:], func(_, text string) { all.WriteString(text) }) * 2
		in = strings.NewReader(all.String())
	}
	code, err := interp.ExecProgram(prog, &interp.Config{Stdin: in, Output: c.stdout, Error: c.stderr, Argv0: "awk", Vars: vars, Funcs: funcs,
		NoExec: true, NoFileReads: true, NoFileWrites: true, Environ: []string{}})
	if err != nil && c.ctx.Err() == nil && !errors.Is(err, io.EOF) {
		return c.fail(2, "%v", err)
	}
	for command := range pipes {
		funcs["postern_close"].(func(string))(command)
	}
	return max(code, status)
}
