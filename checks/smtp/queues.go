package smtp

import (
	"context"
	"fmt"
	"time"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "smtp.queues", Rests: []string{"smtp.leaves", "smtp.mailboxes"}, Step: "haraka", Title: "No mail waits for long", Beyond: true,
		Page: checks.Page{
			Asks:    "Does mail wait in the queues of the mail host's Postfix or of Haraka on the proxy, for how long, and why? The queues are counted, and the servers' own words told.",
			OK:      "None waits, or not for long.",
			Warn:    "One has waited for more than an hour. The server still tries: most tell the sender after five days.",
			Unknown: "The host, or its mail server, does not tell.",
			Skip:    "The host has no queue of which one knows.",
			Mends:   "What the reason says. Where a receiver is away it needs nothing but time; where the proxy does not take mail, or cannot send it, the chapter Haraka, and the letter of chapter Network.",
		},
		Guide: "haraka, Email Flow", Reads: checks.Files(), Ask: named(askQueues),
	})
}

// tooLong is how long a mail may wait. A receiver that greylists has nobody wait for longer.
const tooLong = time.Hour

func askQueues(ctx context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "no mail that has waited for more than an hour", Fix: "read the reason; the server goes on trying", Likely: "the receiver is away, or does not like who sends"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		now, err := checks.Ask(ctx, e.Site, v, seen.MailQueue)
		switch {
		case err != nil:
			return q.Cannot(err)
		case now.Absent:
			return q.Skip("there is no queue of mail on %s", h.Name)
		case now.Count == 0:
			return q.OK("none waits")
		}
		saw := fmt.Sprintf("%d waiting, the oldest for %s", now.Count, now.For().Round(time.Second))
		why := now.Why
		if why == "" && h.Role == site.Proxy {
			why = harakaSays(ctx, e, v)
		}
		if why != "" {
			saw += ": " + said(why)
		}
		if now.For() <= tooLong {
			return q.OK("%s", saw)
		}
		return q.Warn(saw, "", "")
	}, site.Proxy, site.Mail)
}

// harakaSays is why Haraka put mail off last, by its log of the last day.
func harakaSays(ctx context.Context, e *checks.Env, v *checks.Vantage) string {
	lines, err := checks.Ask(ctx, e.Site, v, seen.MailLog(aDay, "[outbound]  recipient", "[outbound]  MX Lookup", "[outbound]  Ongoing", "[outbound]  Remote"))
	t := trail{lines: lines}
	if err != nil {
		return ""
	}
	if m := t.match(outRefused); m != nil {
		return m[1]
	}
	if m := t.match(outTrouble); m != nil {
		return m[0]
	}
	return ""
}
