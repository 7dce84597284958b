package main

import (
	"context"
)

// undoCmd takes chapters back.
type undoCmd struct {
	Steps []string `arg:"" optional:"" name:"chapter" offers:"chapters" help:"These chapters."`
	All   bool     `help:"Everything of ours."`
}

// Run brings back what was there before, guarded like every change.
func (c *undoCmd) Run(ctx context.Context, a *app) error {
	switch {
	case c.All && len(c.Steps) > 0:
		return usage("", "undo takes chapters or --all, not both")
	case !c.All && len(c.Steps) == 0:
		return usage("name a chapter, or say --all", "undo of what?")
	}
	r, err := a.ready("undo", c.Steps)
	if err != nil {
		return err
	}
	defer a.finish(r)
	out, err := r.Undo(ctx, c.Steps)
	if err == nil && out.Empty && !a.JSON {
		a.say.line(bold, "Nothing of ours is there to take back.")
		return nil
	}
	return a.ended(out, err)
}
