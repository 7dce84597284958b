package main

import (
	"context"

	"postern/checks"
	"postern/report"
	"postern/steps"
)

// beyond brings a chapter to its end whose work is done elsewhere, such as at the domain's registrar: it asks what is there, and
// shows what is left. Nothing waits for it.
func (w *walk) beyond(ctx context.Context, step steps.Step, plan steps.Plan) error {
	w.say.lines(report.Notes(plan, w.said))
	out, err := w.r.Apply(ctx, []string{step.ID})
	if err != nil {
		return w.ended(out, err)
	}
	w.say.lines(report.Left(out.Tasks, step.ID))
	if checks.Exit(out.Results) == exitOK {
		w.say.line(green, "[ok] %s is in place", step.Title)
	} else {
		w.say.prose(amber, "%s: not all of it is there yet (%s). 'postern check %s' asks again at any time.", step.Title, report.Count(out.Results), step.ID)
	}
	return nil
}
