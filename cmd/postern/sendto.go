package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"postern/checks"
	"postern/checks/smtp"
	"postern/remote"
)

// agree says what will be sent, to whom and from where, and asks whether to. No message is sent but those.
func (c *checkCmd) agree(ctx context.Context, a *app, from *answers) (bool, error) {
	if len(c.SendTo) == 0 {
		return true, nil
	}
	for _, address := range c.SendTo {
		if err := smtp.Addressable(address); err != nil {
			return false, usage("", "--send-to: %w", err)
		}
	}
	if from.site.Domain == "" || from.site.Hostname == "" {
		return false, usage("give them: --set domain=DOMAIN --set hostname=NAME --save", "--send-to: the site has no names yet")
	}
	if len(c.Steps) > 0 && !slices.ContainsFunc(c.Steps, sends) {
		return false, usage("name smtp.message too, or nothing", "--send-to: nothing of what is named sends a message")
	}
	a.say.line(bold, "Sent will be:")
	for _, l := range smtp.Letters(from.site, c.SendTo, "test") {
		a.say.prose(plain, "  a message %s", l)
	}
	return a.agreed(ctx, "Send them now?", "the messages", "sent")
}

// agreed asks whether to do what was just said, which sends something; --yes and --json have agreed to it. what and done are in the words
// that tell that nobody did.
func (a *app) agreed(ctx context.Context, question, what, done string) (bool, error) {
	if a.Yes || a.JSON {
		a.say.line(plain, "%s yes (%s)", question, map[bool]string{true: "--yes", false: "--json"}[a.Yes])
		return true, nil
	}
	yes, err := a.ask.agree(ctx, question)
	switch {
	case errors.Is(err, remote.ErrNoAnswer):
		return false, &problem{code: exitUsage, err: fmt.Errorf("nobody agreed to %s: %w", what, err), hints: []string{"nothing was sent; run it at a terminal, or agree beforehand with --yes"}}
	case err == nil && !yes:
		a.say.line(plain, "Nothing was %s.", done)
		return false, silent(exitFailed)
	}
	return yes, err
}

// sends says whether what is named of the checks, a chapter or one of them, sends messages.
func sends(id string) bool {
	message, _ := checks.Find("smtp.message")
	named, _ := checks.Of(id)
	return id == message.Step || named.ID == message.ID
}
