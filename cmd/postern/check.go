package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/report"
)

// checkCmd proves chapters again.
type checkCmd struct {
	Steps    []string      `arg:"" optional:"" name:"chapter|check" offers:"chapters checks" help:"Only these chapters, or checks by their IDs."`
	SendTo   []string      `name:"send-to" placeholder:"ADDRESS" sep:"none" help:"Also send messages to this address, once you agreed, and follow each to its end; may be given more than once."`
	Received string        `placeholder:"FILE" help:"Judge a message as its receiver saved it (show original), and nothing else; no host is asked."`
	Watch    bool          `help:"Go on asking, and tell what changes."`
	Interval time.Duration `default:"60s" help:"How long --watch waits between two rounds."`
	Explain  bool          `help:"Say of each check named what it asks, what each answer means and what mends it; ask nothing."`
	JUnit    string        `name:"junit" placeholder:"FILE" help:"Also write the results as JUnit XML."`
}

// Run asks every check and changes nothing.
func (c *checkCmd) Run(ctx context.Context, a *app) error {
	if err := named(c.Steps, true); err != nil {
		return err
	}
	if c.Explain {
		c.explain(a)
		return nil
	}
	if c.Interval < time.Second {
		return usage("", "--interval %q is less than 1s", c.Interval)
	}
	if c.Watch && len(c.SendTo) > 0 {
		return usage("ask once", "--watch would send a message in each round: --send-to does not go with it")
	}
	from, err := a.answers(true)
	if err != nil {
		return err
	}
	if c.Received != "" {
		return c.judge(ctx, a, from)
	}
	if agreed, err := c.agree(ctx, a, from); err != nil || !agreed {
		return err
	}
	results, err := c.once(ctx, a, from, !c.Watch)
	if err != nil {
		return unasked(err)
	}
	if c.Watch {
		a.say.lines(report.Findings(results))
		a.quiet = true
		results = c.watch(ctx, a, from, results)
	}
	if code := checks.Exit(results); code != exitOK {
		return silent(code)
	}
	return nil
}

// explain tells what the checks named are, or those of the chapters named; all when none is.
func (c *checkCmd) explain(a *app) {
	for _, one := range checks.All() {
		of := func(id string) bool {
			named, _ := checks.Of(id)
			return id == one.Step || named.ID == one.ID
		}
		if len(c.Steps) == 0 || slices.ContainsFunc(c.Steps, of) {
			a.say.prose(plain, "%s", report.CheckPage(one))
		}
	}
}

// once asks every check over new logins and tells the results.
func (c *checkCmd) once(ctx context.Context, a *app, from *answers, aloud bool) ([]checks.Result, error) {
	r, err := a.begin("check "+strings.Join(c.Steps, " "), from)
	if err != nil {
		return nil, err
	}
	defer a.finish(r)
	r.SendTo = c.SendTo
	r.Result = func(one checks.Result) { a.log.line(report.Result(one).Text) }
	if aloud {
		r.Result = a.result
	}
	results, err := r.Check(ctx, c.Steps)
	if err != nil {
		return nil, err
	}
	if c.JUnit != "" {
		if err := writeJUnit(c.JUnit, results); err != nil {
			return nil, err
		}
	}
	if a.JSON {
		object := checkJSON{Schema: schema, At: a.world.now(), Results: resultObjects(results), Causes: causeObjects(results), Exit: checks.Exit(results)}
		if c.Watch {
			return results, a.say.json(object, false)
		}
		a.final(object)
	}
	a.since(from.file.Path, results, aloud)
	if aloud {
		a.say.lines(report.Causes(results))
		a.say.lines(report.Findings(results))
	}
	return results, nil
}

// watch asks again and again, and tells only what is not as it was the time before. It ends with ctrl+c.
func (c *checkCmd) watch(ctx context.Context, a *app, from *answers, last []checks.Result) []checks.Result {
	a.say.line(plain, "watching every %s; ctrl+c ends it", c.Interval)
	tick := time.NewTicker(c.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return last
		case <-tick.C:
		}
		results, err := c.once(ctx, a, from, false)
		switch {
		case ctx.Err() != nil:
			return last
		case err != nil:
			a.say.line(amber, "%s could not ask: %s", a.world.now().Format(time.TimeOnly), remote.Words(err))
		default:
			for _, line := range report.Changed(last, results) {
				a.say.line(plain, "%s %s", a.world.now().Format(time.TimeOnly), line)
			}
			last = results
		}
	}
}
