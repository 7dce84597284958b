package smtp

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/zone"
)

func init() {
	checks.Register(checks.Check{
		ID: "smtp.mailboxes", Rests: []string{"smtp.haraka", "tunnel.tcp", "mailcow.containers"}, Step: "haraka", Title: "Mailboxes take the mail that comes for them", Beyond: true,
		Page: checks.Page{
			Asks:    "Was the last mail for each address of the site's own delivered, as far as the mail host's Postfix tells of the last day? Its log is read.",
			OK:      "It was, or none came.",
			Warn:    "A mailbox turned it away, or put it off. The commonest reason is told; a mailbox over its quota is named.",
			Unknown: "The log could not be read.",
			Skip:    "No Postfix is known on the mail host, on its own or in a container.",
			Mends:   "On the mail server: empty the mailbox, or give it a larger quota.",
		},
		Guide: "haraka, Email Flow", Reads: checks.Join(seen.Docker.Reads, seen.Postfix.Reads), Ask: named(askMailboxes),
	})
}

const aDay = 24 * 60 // minutes

func askMailboxes(ctx context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "mailboxes that take what comes for them", Fix: "mend what the mail server says of it, then ask again", Likely: "the mailbox's server was away, or does not know the address"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		q.Suffix = checks.Named(e.Site, h)
		if _, err := mailBox(e.Site, v); err != nil {
			return q.Skip("%s", remote.Words(err))
		}
		words := []string{" 5.2.2 ", " 4.2.2 "} // of who asks for a quota before it takes a mail
		for _, d := range zone.Domains(e.Site) {
			words = append(words, "@"+d+">, relay=", "@"+d+">, orig_to=")
		}
		lines, err := checks.Ask(ctx, e.Site, v, seen.MailLog(aDay, words...))
		if err != nil {
			return q.Cannot(err)
		}
		return judgeMailboxes(q, lastOf(e.Site, lines))
	}, site.Mail)
}

// judgeMailboxes tells by the last of each what most of those that are not well have.
func judgeMailboxes(q checks.Question, last map[string]delivery) checks.Result {
	reasons, full, bad := map[string]int{}, []string{}, 0
	for _, who := range slices.Sorted(maps.Keys(last)) {
		switch d := last[who]; {
		case d.status == "sent":
		case overQuota.MatchString(d.reason):
			full = append(full, remote.Clean(who).Line(80)+" is over its quota: "+said(d.reason))
		default:
			reasons[d.reason]++
			bad++
		}
	}
	if len(full) > 0 {
		q.Fix = "empty the mailbox, or give it a larger quota on the mail server"
		return q.Warn(checks.Few(full), "the mailbox is full", strings.Join(full, "\n"))
	}
	if why, often := seen.Commonest(reasons); often > 0 {
		return q.Warn(fmt.Sprintf("%d of %d did not take their last mail, most for this reason: %s", bad, len(last), said(why)), "", "")
	}
	if len(last) == 0 {
		return q.OK("no mail came for one within a day")
	}
	return q.OK("each of %d that had mail within a day took the last", len(last))
}

var rejected = regexp.MustCompile(`: reject: RCPT from [^;]*?: (\d{3} [^;]*); from=<[^>]*> to=<([^>]*)>`)

// lastOf is what became of the last mail for each address of the site's own, by lines of Postfix's log.
func lastOf(s *site.Site, lines []string) map[string]delivery {
	last := map[string]delivery{}
	for _, line := range lines {
		d, _ := delivering(line)
		if m := rejected.FindStringSubmatch(line); m != nil && overQuota.MatchString(m[1]) {
			d = delivery{to: m[2], status: "rejected", reason: m[1]}
		}
		if own(s, d.to) {
			last[strings.ToLower(d.to)] = d
		}
	}
	return last
}
