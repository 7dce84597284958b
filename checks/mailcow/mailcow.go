// Package mailcow asks the Mailcow of the mail host whether it runs, where it listens and what it was told. It knows nothing of how that is
// set, and nothing of mail.
package mailcow

import (
	"context"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

// there asks only where there is a Mailcow.
func there(judge func(context.Context, *checks.Env, checks.Question, *checks.Vantage, seen.Mailcow) checks.Result) func(context.Context, *checks.Env, checks.Question, *checks.Vantage, seen.Mailcow) checks.Result {
	return func(ctx context.Context, e *checks.Env, q checks.Question, v *checks.Vantage, now seen.Mailcow) checks.Result {
		if now.Absent {
			return q.Skip("there is no Mailcow on %s yet", v.Name)
		}
		return judge(ctx, e, q, v, now)
	}
}

// each asks the same of every mail host whose mail server is to be Mailcow.
func each(q checks.Question, judge func(context.Context, *checks.Env, checks.Question, *checks.Vantage, seen.Mailcow) checks.Result) func(context.Context, *checks.Env) []checks.Result {
	return checks.Linux(func(ctx context.Context, e *checks.Env) []checks.Result {
		return checks.EachHost(e, q, func(q checks.Question, _ *site.Host, v *checks.Vantage) checks.Result {
			if e.Site.Hostname == "" || e.Site.Mail.Kind != "mailcow" {
				return q.Skip("the site has no names yet, or its mail server is another (mail.kind)")
			}
			now, err := seen.OfMailcow.Of(v.Facts)
			if err != nil {
				return q.Cannot(err)
			}
			return judge(ctx, e, q, v, now)
		}, site.Mail)
	})
}
