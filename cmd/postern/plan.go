package main

import (
	"context"

	"postern/report"
	"postern/run"
	"postern/steps"
)

// planCmd shows what would change.
type planCmd struct {
	Steps  []string `arg:"" optional:"" name:"chapter" offers:"chapters" help:"Only these chapters."`
	Script bool     `help:"Print it as a shell script to read, and to run by hand on each host."`
	Facts  []string `placeholder:"FILE" sep:"none" help:"Plan from a look at a host that 'postern look' saved, and connect to nothing; given once for each host."`
}

// Run looks at the hosts and shows what would be done there. It touches nothing.
func (c *planCmd) Run(ctx context.Context, a *app) error {
	if c.Script && a.JSON {
		return usage("", "--script and --json are two forms of the same plan: give one")
	}
	if c.Script {
		a.say.people, a.quiet = a.world.stderr, true // only what warns is worth a line beside it
	}
	r, err := a.ready("plan", c.Steps)
	if err != nil {
		return err
	}
	defer a.finish(r)
	looked := ""
	if len(c.Facts) > 0 {
		looks, err := facts(r.Site, c.Facts)
		if err != nil {
			return err
		}
		looked = a.fromSaved(r, looks)
	}
	p, err := r.Propose(ctx, c.Steps)
	if err != nil {
		return unasked(err)
	}
	never := len(p.Refused()) > 0 || len(p.LockOut()) > 0 && !r.Accept[lockOut]
	switch {
	case a.JSON:
		a.final(planObject(p))
	case c.Script && never:
		a.say.lines(report.Objections(p))
	case c.Script:
		if err := unsent(p); err != nil {
			return err
		}
		if err := a.say.raw([]byte(script(p, looked))); err != nil {
			return err
		}
	default:
		a.say.lines(report.Proposal(p, a.said, false))
		a.closing(p, c.Steps, never)
	}
	if never {
		return silent(exitFailed)
	}
	return nil
}

// closing says what is left for a person, and then in one line what the plan comes to, or why it cannot be done.
func (a *app) closing(p *run.Proposal, named []string, never bool) {
	var tasks []steps.Task
	looked, measured := len(named) == 0, ""
	for _, plan := range p.Plans {
		tasks = append(tasks, plan.Tasks...)
		step, _ := steps.Find(plan.Step)
		if looked = looked || !step.OfAnswers(); step.OfAnswers() {
			measured = step.ID
		}
	}
	a.say.lines(report.Left(tasks, named...))
	a.say.line(plain, "")
	if never {
		a.say.lines(report.Objections(p))
		return
	}
	if !looked && measured != "" {
		a.say.line(bold, "%s for you. 'postern check %s' asks which of it is done.", report.Plural(len(tasks), "task"), measured)
		return
	}
	if !looked {
		a.say.line(bold, "%s. This program does not look whether it is done: you say so, with 'postern done'.", report.Plural(len(tasks), "task")+" for you")
		return
	}
	if p.Empty() && len(p.LeftOut()) > 0 {
		a.say.line(bold, "Nothing to change, but for what is left out.")
		return
	}
	if p.Empty() && len(report.Open(tasks)) > 0 {
		a.say.line(bold, "Nothing to change but what is left for you. 'postern check' proves what is there.")
		return
	}
	if p.Empty() {
		a.say.line(bold, "Nothing to change: the hosts are as the answers say. 'postern check' proves that it works.")
		return
	}
	n := 0
	for _, part := range append(p.Parts(true), p.Parts(false)...) {
		n += len(part.Changes)
	}
	a.say.line(bold, "%s. Nothing was touched; 'postern apply' does it, 'postern plan --script' prints it as a script.", report.Plural(n, "change"))
}
