package main

import (
	"context"

	"github.com/alecthomas/kong"
)

// helpCmd says what a command does: 'help apply' is 'apply --help'.
type helpCmd struct {
	Command []string `arg:"" optional:"" name:"command" offers:"commands" help:"The command."`
	asked   bool
}

// AfterApply notes that help is wanted; parse then reads the command line that prints it.
func (c *helpCmd) AfterApply(*kong.Context) error { //nolint:unparam // kong's own kind of function
	c.asked = true
	return nil
}

// Run has nothing to do: the help was printed when the command line was read.
func (*helpCmd) Run(context.Context, *app) error { return nil }

// versionCmd tells which version this is.
type versionCmd struct{}

// Run prints it.
func (*versionCmd) Run(_ context.Context, a *app) error {
	return a.say.raw([]byte("postern " + version + "\n"))
}
