package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"postern/checks"
	"postern/remote"
	"postern/site"
	"postern/steps"
)

// globals are the flags every command has.
type globals struct {
	Site       string        `placeholder:"FILE" help:"The answers. Default: postern.toml here, else the only one in your config folder."`
	JSON       bool          `name:"json" help:"Print one JSON object on standard output; words go to standard error."`
	Events     bool          `help:"With --json: stream progress as JSON lines before the object."`
	Plain      bool          `help:"Line mode: questions and answers, no colour, nothing drawn."`
	Yes        bool          `help:"Agree to every guarded change that is shown."`
	Set        []string      `sep:"none" placeholder:"KEY=VALUE" offers:"keys" help:"Answer one field, for this run only. Repeatable; see 'postern fields'."`
	Save       bool          `help:"Keep what --set gave in the answers file."`
	Deadline   time.Duration `help:"How long a host waits to be confirmed before it takes a change back: 90 (seconds), 90s, 5m; 10s to 1h. Otherwise two minutes, and up to ten where hosts are slow."`
	AcceptRisk []string      `placeholder:"NAME" offers:"risks checks" help:"Accept a named risk: lose-ssh, or the ID of a check that may break."`
	Askpass    string        `placeholder:"CMD" help:"Called with what is asked as its argument; prints the secret."`
	NoColor    bool          `help:"No colours."`
	ASCII      bool          `name:"ascii" help:"Draw with ASCII letters only."`
	Demo       bool          `help:"Against two simulated hosts inside the program: nothing outside it is read or written."`
	OS         string        `placeholder:"SYSTEM" enum:",debian,freebsd" default:"" help:"In the demo: what the proxy runs, debian or freebsd."`
	Fault      []string      `placeholder:"NAME" offers:"faults" help:"In the demo: make something go wrong; 'postern demo --help' lists what."`
	Layout     string        `enum:"proxy,toaster" default:"proxy" help:"In the demo: proxy (two hosts), or toaster (one FreeBSD host with jails)."`
	Version    bool          `help:"Print the version and exit."`
}

// grammar is the whole command line.
type grammar struct {
	globals
	Guide  guideCmd    `cmd:"" default:"1" hidden:"" help:"The wizard: ask, look, show, change, prove, chapter by chapter."`
	Plan   planCmd     `cmd:"" help:"Show what would change (diffs); touch nothing."`
	Look   lookCmd     `cmd:"" help:"Write down what a host answers, without its secrets: to plan from, or to send to somebody."`
	Apply  applyCmd    `cmd:"" help:"Change it, guarded; exit 0 only when confirmed and proven."`
	Check  checkCmd    `cmd:"" help:"Prove it again; change nothing."`
	Why    whyCmd      `cmd:"" help:"Say why a port does not answer: follow its packets hop by hop, and name the first that breaks."`
	Checks checksCmd   `cmd:"" help:"List every check: ID, title, what it asks."`
	Port25 port25Cmd   `cmd:"" name:"port25" help:"Outgoing port 25: measure who keeps it back, and ask the provider with that."`
	Undo   undoCmd     `cmd:"" help:"Take a chapter, or everything of ours, back."`
	Adopt  adoptCmd    `cmd:"" help:"Take the answers from a host that was set up before."`
	Done   doneCmd     `cmd:"" help:"Say that tasks for a person are done; nothing proves it."`
	Export exportCmd   `cmd:"" help:"Write out what other programs take: the DNS records as a zone file."`
	Fields fieldsCmd   `cmd:"" help:"List every answer: key, default, meaning."`
	Try    demoCmd     `cmd:"" name:"demo" help:"Try all of it on two simulated hosts: nothing to set up."`
	Learn  learnCmd    `cmd:"" name:"completion" help:"Print what makes a shell complete all this: bash, zsh or fish."`
	Help   helpCmd     `cmd:"" help:"Say what a command does and takes."`
	About  versionCmd  `cmd:"" name:"version" help:"Print the version."`
	Offer  completeCmd `cmd:"" name:"complete" hidden:"" help:"What the last word of a command line may become, for the shells."`
}

const description = `Sets up a public server as the gate of a hidden mail server, and proves that it works.

Without a command it is a wizard that goes through the chapters: asks what it cannot find out, shows every change as
a diff, makes it so that the host takes it back unless a new login works, and proves the result. Without a terminal, or
with --plain, it does the same line by line. Run it again at any time. 'postern demo' needs no hosts.`

const exitCodes = `Exit codes, the first that applies: 3 wrong usage or unusable answers, 4 a host took a change back,
1 something failed, 2 something could not be asked, 0 ok or warnings.`

// runner is one command.
type runner interface {
	Run(ctx context.Context, a *app) error
}

// parse reads the command line. done says that help was printed and nothing is left to do.
func parse(args []string, w world) (g *grammar, cmd runner, done bool, err error) {
	g = &grammar{}
	parser, err := kong.New(g, kong.Name("postern"), kong.Description(description+"\n\n"+exitCodes),
		kong.Writers(w.stdout, w.stderr), kong.Exit(func(int) { done = true }), kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(patience)),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 120}))
	if err != nil {
		return nil, nil, false, fmt.Errorf("the command line's grammar: %w", err)
	}
	parsed, err := parser.Parse(args)
	if err == nil && g.Help.asked {
		parsed, err = parser.Parse(append(g.Help.Command, "--help"))
	}
	switch {
	case done:
		return g, nil, true, nil
	case err != nil:
		return g, nil, false, usage("postern --help shows the commands", "%w", plainer(err))
	}
	cmd, ok := parsed.Selected().Target.Addr().Interface().(runner)
	if !ok {
		return g, nil, false, fmt.Errorf("%s has nothing to run", parsed.Command())
	}
	switch c := cmd.(type) {
	case *demoCmd:
		g.Demo = true
	case *completeCmd:
		c.table = parser.Model.Node
	}
	return g, cmd, false, g.check()
}

// plainer takes away what kong says about its own workings.
func plainer(err error) error {
	return errors.New(strings.TrimPrefix(err.Error(), "kong: "))
}

// patience reads a time as people give it: a number alone is seconds.
func patience(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("time", &text); err != nil {
		return err
	}
	d, err := time.ParseDuration(text)
	if n, bare := strconv.Atoi(text); bare == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil {
		return fmt.Errorf("%q is not a time: seconds, such as 90, or 90s, 2m, 1h", text)
	}
	target.SetInt(int64(d))
	return nil
}

// check refuses flags that make no sense before anything is touched.
func (g *globals) check() error {
	switch {
	case g.Deadline != 0 && (g.Deadline < 10*time.Second || g.Deadline > time.Hour):
		return usage("", "--deadline %q is not between 10s and 1h", g.Deadline)
	case g.Events && !g.JSON:
		return usage("add --json", "--events streams JSON lines, so it goes with --json")
	case g.Save && len(g.Set) == 0:
		return usage("", "--save keeps what --set gives, and there is no --set")
	}
	for _, risk := range g.AcceptRisk {
		if risk != string(remote.LoseSSH) && !isCheck(risk) {
			return usage("", "--accept-risk %q is not a risk (%s, or the ID of a check)", risk, remote.LoseSSH)
		}
	}
	return nil
}

// named checks the chapters named on the command line, or the chapters and checks.
func named(given []string, checksToo bool) error {
	var names, known []string
	for _, s := range steps.All() {
		names = append(names, s.ID)
	}
	what, hint := "is not a chapter (%s)", ""
	if known = names; checksToo {
		what, hint = "is neither a chapter (%s) nor a check", "'postern checks' lists the checks"
		for _, c := range checks.All() {
			known = append(known, c.ID)
		}
	}
	for _, id := range given {
		if slices.Contains(names, id) || checksToo && isCheck(id) {
			continue
		}
		if isCheck(id) {
			hint = fmt.Sprintf("that is a check: 'postern check %s' asks it", id)
		}
		if family := slices.DeleteFunc(slices.Clone(known), func(name string) bool { return !strings.HasPrefix(name, id+".") }); len(family) > 0 {
			return usage("name one of its checks: "+strings.Join(family, ", "), "%q "+what, id, strings.Join(names, ", "))
		}
		return usage(cmp.Or(meant(id, known), hint), "%q "+what, id, strings.Join(names, ", "))
	}
	return nil
}

// meant is the hint to a mistyped name, or "".
func meant(text string, names []string) string {
	if near := site.Near(text, names); len(near) > 0 {
		return fmt.Sprintf("did you mean %q?", near[0])
	}
	return ""
}
