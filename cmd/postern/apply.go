package main

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/report"
	"postern/run"
	"postern/saved"
	"postern/site"
	"postern/steps"
)

// lockOut is the name of the risk to cut the operator off.
const lockOut = string(remote.LoseSSH)

// applyCmd brings chapters in place.
type applyCmd struct {
	Steps []string `arg:"" optional:"" name:"chapter" offers:"chapters" help:"Only these chapters."`
}

// Run changes what the plan shows, guarded, and proves it.
func (c *applyCmd) Run(ctx context.Context, a *app) error {
	r, err := a.ready("apply", c.Steps)
	if err != nil {
		return err
	}
	defer a.finish(r)
	if err := a.answered(r.Site, c.Steps); err != nil {
		return err
	}
	out, err := r.Apply(ctx, c.Steps)
	if err == nil {
		a.since(a.of, out.Results, false)
	}
	return a.ended(out, err)
}

// answered refuses chapters that were named and lack the answers that they are made of. Where none was named it notes which do.
func (a *app) answered(s *site.Site, named []string) error {
	for _, step := range steps.All() {
		lacks := step.Lacks(s)
		switch {
		case len(lacks) == 0:
		case slices.Contains(named, step.ID):
			return usage("--save --set "+strings.Join(lacks, "=NAME --set ")+"=NAME", "chapter %s is made of answers that are missing: %s", step.ID, strings.Join(lacks, ", "))
		case len(named) == 0:
			a.waiting = append(a.waiting, step)
		}
	}
	return nil
}

// ended tells how a change ended and gives the error that carries its exit code. What failed is told last, but for how it ended:
// that is what is still in sight.
func (a *app) ended(out run.Outcome, err error) error {
	code := outcomeCode(out, err)
	if err == nil {
		if open := report.Open(out.Tasks); out.Empty && len(open) > 0 {
			a.say.line(plain, "%s left for you: 'postern plan' says what.", report.Plural(len(open), "task"))
		} else {
			a.say.lines(report.Left(out.Tasks))
		}
	}
	if len(out.Results) > 0 {
		a.say.lines(report.Findings(out.Results))
	}
	for _, why := range out.LeftOut {
		a.say.prose(amber, "left out: %s", why)
	}
	standing := "what this program sets up is in place"
	if len(out.LeftOut) > 0 {
		standing = "what it sets up on these systems is in place"
	}
	if len(a.waiting) > 0 {
		standing = "what the answers are enough for is in place; for " + titles(a.waiting) + " some are missing"
	}
	switch {
	case err != nil:
		err = &problem{code: code, err: err, hints: endHints(out, err)}
	case out.Declined:
		a.say.line(plain, "Nothing was changed.")
	case out.Empty && code != exitOK:
		a.say.line(amber, "Nothing to change: %s. Not all of it works: what does not stands above.", standing)
	case out.Empty && len(out.Results) > 0 && len(a.waiting) == 0:
		a.say.line(bold, "Nothing to change: %s, and was proven.", standing)
	case out.Empty:
		a.say.line(bold, "Nothing to change: %s.", standing)
	case code != exitOK:
		a.say.line(amber, "Done: confirmed over new logins. Not all of it works yet: what does not stands above.")
	default:
		a.say.line(green, "Done: confirmed over new logins.")
	}
	if err == nil && code != exitOK {
		err = silent(code)
	}
	if a.JSON {
		a.final(outcomeObject(out, err, code, a.log))
	}
	return err
}

// outcomeCode is the exit code of a change. One that the operator declined is not done, so it failed.
func outcomeCode(out run.Outcome, err error) int {
	var p *problem
	switch {
	case errors.As(err, &p):
		return p.code
	case errors.Is(err, run.ErrStale):
		return exitUsage
	case errors.Is(err, run.ErrRolledBack) || len(out.RolledBack) > 0:
		return exitTakeback
	case errors.Is(err, run.ErrUntold):
		return exitUnasked
	case err != nil || out.Declined:
		return exitFailed
	}
	return checks.Exit(out.Results)
}

func endHints(out run.Outcome, err error) []string {
	_, hints := verdict(err)
	switch {
	case errors.Is(err, run.ErrRefused):
		hints = append(hints, "nothing was changed")
	case errors.Is(err, run.ErrRolledBack) && out.Changed:
		hints = append(hints, "what was confirmed before it is kept")
	}
	return hints
}

func outcomeObject(out run.Outcome, err error, code int, log *runLog) outcomeJSON {
	o := outcomeJSON{Schema: schema, RolledBack: some(out.RolledBack), Results: resultObjects(out.Results), Tasks: taskObjects("", out.Tasks), Exit: code}
	switch {
	case errors.Is(err, run.ErrRolledBack) || len(out.RolledBack) > 0:
		o.Outcome = "rolled-back"
	case errors.Is(err, run.ErrRefused):
		o.Outcome = "refused"
	case out.Declined:
		o.Outcome = "declined"
	case out.Changed:
		o.Outcome = "changed"
	case out.Empty:
		o.Outcome = "in-place"
	default:
		o.Outcome = "failed"
	}
	var quiet silent
	if err != nil && !errors.As(err, &quiet) {
		o.Error = remote.Clean(remote.Words(err)).String()
	}
	if log != nil {
		o.Log = log.path
	}
	return o
}

// unasked marks an error that kept us from looking at a host: nothing was found wrong, it could not be asked.
func unasked(err error) error {
	var p *problem
	var network net.Error
	if err == nil || errors.As(err, &p) || errors.Is(err, run.ErrStale) {
		return err
	}
	if errors.Is(err, remote.ErrLost) || errors.Is(err, saved.ErrLacks) || errors.Is(err, remote.ErrNoAnswer) || errors.As(err, &network) {
		_, hints := verdict(err)
		return &problem{code: exitUnasked, err: err, hints: hints}
	}
	return err
}
