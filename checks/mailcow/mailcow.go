// Package mailcow asks the Mailcow of the mail host whether it runs, where it listens and what it was told. It knows nothing of how that is
// set, and nothing of mail.
package mailcow

import (
	"context"
	"slices"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

// judge answers a question about the Mailcow of one host.
type judge func(context.Context, *checks.Env, checks.Question, *checks.Vantage, seen.Mailcow) checks.Result

// there asks only where there is a Mailcow.
func there(ask judge) judge {
	return func(ctx context.Context, e *checks.Env, q checks.Question, v *checks.Vantage, now seen.Mailcow) checks.Result {
		if now.Absent {
			return q.Skip("there is no Mailcow on %s yet", v.Name)
		}
		return ask(ctx, e, q, v, now)
	}
}

// each asks the same of every mail host whose mail server is to be Mailcow.
func each(q checks.Question, ask judge) func(context.Context, *checks.Env) []checks.Result {
	return checks.Linux(func(ctx context.Context, e *checks.Env) []checks.Result {
		return checks.EachHost(e, q, func(q checks.Question, _ *site.Host, v *checks.Vantage) checks.Result {
			if e.Site.Hostname == "" || e.Site.Mail.Kind != "mailcow" {
				return q.Skip("the site has no names yet, or its mail server is another (mail.kind)")
			}
			now, err := seen.OfMailcow.Of(v.Facts)
			if err != nil {
				return q.Cannot(err)
			}
			return ask(ctx, e, q, v, now)
		}, site.Mail)
	})
}

// publishedBy are the ports that its containers publish now.
func publishedBy(now seen.Mailcow, docker seen.Containers) []seen.Published {
	return slices.DeleteFunc(slices.Clone(docker.Published), func(p seen.Published) bool {
		return !slices.ContainsFunc(now.Containers, func(c seen.Container) bool { return c.Name == p.Container })
	})
}
