package main

import (
	"context"
	"fmt"

	"postern/run"
)

// undoCmd takes chapters back.
type undoCmd struct {
	Steps []string `arg:"" optional:"" name:"chapter" offers:"chapters" help:"These chapters."`
	All   bool     `help:"Everything of ours."`
	Last  bool     `help:"The last change, where one host kept it and the other took it back."`
}

// Run brings back what was there before, guarded like every change.
func (c *undoCmd) Run(ctx context.Context, a *app) error {
	switch {
	case c.All && len(c.Steps) > 0:
		return usage("", "undo takes chapters or --all, not both")
	case c.Last && (c.All || len(c.Steps) > 0):
		return usage("", "undo --last goes alone")
	case !c.All && !c.Last && len(c.Steps) == 0:
		return usage("name a chapter, or say --all", "undo of what?")
	}
	r, err := a.ready("undo", c.Steps)
	if err != nil {
		return err
	}
	defer a.finish(r)
	if c.Last {
		return c.last(ctx, a, r)
	}
	out, err := r.Undo(ctx, c.Steps)
	if err == nil && out.Empty && !a.JSON {
		a.say.line(bold, "Nothing of ours is there to take back.")
		return nil
	}
	return a.ended(out, err)
}

// last brings the hosts in line with the one that took the last change back.
func (c *undoCmd) last(ctx context.Context, a *app, r *run.Runner) error {
	split, err := r.LastSplit(ctx)
	if err == nil && split == nil {
		err = fmt.Errorf("%w: the hosts agree: no change was kept on one and taken back on the other", run.ErrRefused)
	}
	if err == nil {
		a.say.line(plain, "%s", split.Words())
		err = a.sure(ctx, "Take it back on "+split.Kept+" now?")
	}
	if err == nil {
		err = r.UndoSplit(ctx, split)
	}
	return a.ended(run.Outcome{Changed: err == nil}, err)
}
