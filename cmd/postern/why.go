package main

import (
	"context"
	"net"
	"time"

	"postern/checks"
	"postern/checks/path"
	"postern/report"
	"postern/site"
)

// whyCmd says why a port does not answer.
type whyCmd struct {
	Port string `arg:"" placeholder:"PORT[/udp]" help:"A number, or a service's name: smtp, submission, submissions, imaps, http, https, ssh, tunnel."`
}

// Run follows the port's packets and names the first hop that breaks.
func (c *whyCmd) Run(ctx context.Context, a *app) error {
	from, err := a.answers(true)
	if err != nil {
		return err
	}
	port, err := path.Named(from.site, c.Port)
	if err != nil {
		return usage("", "%w", err)
	}
	if agreed, err := c.agree(ctx, a, port); err != nil || !agreed {
		return err
	}
	r, err := a.begin("why "+c.Port, from)
	if err != nil {
		return err
	}
	defer a.finish(r)
	var names *net.Resolver
	if a.sim == nil {
		names = net.DefaultResolver
	}
	found, err := r.Why(ctx, port, names)
	if err != nil && ctx.Err() == nil {
		return &problem{code: exitUnasked, err: err}
	} else if err != nil {
		return err
	}
	var outcomes []checks.Result
	for _, d := range found {
		outcomes = append(outcomes, checks.Result{Outcome: d.Outcome()})
		a.say.line(plain, "")
		a.say.lines(report.Why(d))
	}
	code := checks.Exit(outcomes)
	if a.JSON {
		a.final(whyJSON{Schema: schema, At: a.world.now(), Diagnoses: found, Exit: code})
	}
	if code != exitOK {
		return silent(code)
	}
	return nil
}

// agree says what will be done, and asks whether to.
func (c *whyCmd) agree(ctx context.Context, a *app, port site.Service) (bool, error) {
	a.say.line(bold, "To find out where %s ends, postern will:", path.Called(port))
	for _, one := range path.Says(port) {
		a.say.prose(plain, "  - %s", one)
	}
	return a.agreed(ctx, "Do this now?", "ask", "asked")
}

type whyJSON struct {
	Schema    int              `json:"schema"`
	At        time.Time        `json:"at"`
	Diagnoses []path.Diagnosis `json:"diagnoses"`
	Exit      int              `json:"exit"`
}
