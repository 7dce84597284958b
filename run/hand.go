package run

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"postern/remote"
	"postern/steps"
)

// hand asks the operator for the secrets that inert changes need, and lays them out on the hosts. Nothing was changed before.
func (r *Runner) hand(ctx context.Context, parts []steps.Part) error {
	for _, p := range parts {
		words := secretOf(p)
		if words == "" {
			continue
		}
		err, secret := remote.ErrNoAnswer, ""
		if r.Ask != nil {
			secret, err = r.Ask(ctx, remote.Prompt{Kind: remote.Handed, Host: p.Host, Text: remote.Clean(words)})
		}
		if err == nil && (secret == "" || len(secret) > 1000 || strings.ContainsAny(secret, "\r\n\x00")) {
			err = fmt.Errorf("the %s: one line is wanted, and not an empty one", words)
		}
		if err != nil {
			return refused(err)
		}
		if err := r.hosts[p.Host].session.Hand(ctx, secret); err != nil {
			return named(p.Host, "preparing", err)
		}
	}
	return nil
}

// handles says whether a part takes a secret, or puts one back.
func handles(p steps.Part) bool {
	return slices.ContainsFunc(p.Changes, func(c remote.Change) bool { return strings.Contains(c.Do, remote.HandedPath) })
}

// secretOf is the secret that a part needs, in words: one at most.
func secretOf(p steps.Part) string {
	for _, c := range p.Changes {
		if c.Secret != "" {
			return c.Secret
		}
	}
	return ""
}
