package smtp

import (
	"context"
	"regexp"
	"slices"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "smtp.message", Rests: []string{"smtp.answers", "smtp.leaves"}, Step: "haraka", Title: "A message goes its whole way, hop by hop", Beyond: true,
		Page: checks.Page{
			Asks: "Does a message that is really sent arrive? Only where the operator says to whom: postern check --send-to ADDRESS, once or more often. To an address of the site's own one is sent from outside (in), " +
				"and one in its name to a domain that there never is, of which it must be told (bounce). To any other address one goes out from the mail host (out). Each is followed through the servers' own logs.",
			OK:      "It arrived, or the receiver's server took it; the result names each hop, and whom the mail host saw.",
			Warn:    "It arrived, and seems to come from another address than this place has.",
			Fail:    "It did not: the first broken hop is named, with what the server there said.",
			Unknown: "A server put it off, a log could not be read, or it was still on its way when the time was up: a minute for what comes in, two for what goes out.",
			Skip:    "Nobody said to whom.",
			Mends:   "What the hop says. For the proxy and the tunnel the chapters Haraka and WireGuard; a mailbox that is over its quota is made larger, or emptied, on the mail server.",
		},
		Guide: "haraka, Email Flow", Reads: checks.Join(seen.Tunnels.Reads, seen.SSH.Reads, seen.Docker.Reads, seen.Postfix.Reads), Ask: named(askMessage),
	})
}

func askMessage(ctx context.Context, e *checks.Env) []checks.Result {
	if len(e.SendTo) == 0 {
		return []checks.Result{checks.Question{From: checks.Here}.Skip("a message is sent only where you say to whom: postern check --send-to ADDRESS")}
	}
	letters := Letters(e.Site, e.SendTo, e.Word)
	each := make([][]checks.Result, len(letters))
	checks.AtOnce(len(letters), func(i int) {
		if letters[i].way == bounced {
			return // after the one before it
		}
		each[i] = letters[i].ask(ctx, e)
		if letters[i].way == inward {
			each[i+1] = letters[i+1].after(ctx, e, each[i])
		}
	})
	return slices.Concat(each...)
}

// after sends one to a mailbox that may have been found not to take any: then that it does not come says nothing new.
func (l Letter) after(ctx context.Context, e *checks.Env, before []checks.Result) []checks.Result {
	if slices.ContainsFunc(before, func(r checks.Result) bool { return r.Outcome == checks.Fail }) {
		q := checks.Question{Suffix: "." + l.way, From: e.Site.HostsOf(site.Mail)[0].Name}
		return []checks.Result{q.Skip("%s gets no mail at all: see smtp.message.in", l.from)}
	}
	return l.ask(ctx, e)
}

// ask sends one, and follows it.
func (l Letter) ask(ctx context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Suffix: "." + l.way, Fix: "haraka"}
	if l.way == inward {
		q.Want = "a message to " + l.to + " that arrives, from %s on"
		return doors(e, "smtp", q.Suffix, q, func(q checks.Question, d door) checks.Result { return l.arrives(ctx, e, q, d) })
	}
	q.Want = "a message to " + l.to + " that leaves"
	if l.way == bounced {
		q.Want = "word to " + l.from + " that a message cannot be delivered"
	}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		if name := e.Unset(e.Site.Hosts...); name != "" {
			return q.Skip(notYet, name)
		}
		q.Suffix += checks.Named(e.Site, h)
		if err := l.handIn(ctx, e, v); err != nil {
			return q.Cannot(err)
		}
		return l.leaves(ctx, e, q, v)
	}, site.Mail)
}

// reasons tell by a server's words what is likely where a message ends, and what mends it; the first that fits counts.
var reasons = []struct {
	words       *regexp.Regexp
	likely, fix string
}{
	{overQuota, "the mailbox is over its quota", "empty the mailbox, or give it a larger quota on the mail server"},
	{regexp.MustCompile(`takes no XCLIENT`), "the mail host does not believe the proxy about who sends", ""},
	{regexp.MustCompile(`(?i)\b5\.1\.1\b|user unknown|no such (user|recipient)|does ?n.t have|unknown in virtual`), "nobody has that address", "give the address of a mailbox that there is"},
	{regexp.MustCompile(`(?i)relay access denied|cannot deliver mail for`), "the server does not know that the domain is its own", ""},
	{regexp.MustCompile(`(?i)spam|\b5\.7\.1\b|block ?list|blacklist|poor reputation`), "a filter takes it for spam", "read what the filter says of it: its log names each reason"},
	{regexp.MustCompile(`(?i)connection refused`), "nobody listens there: its server is down", ""},
	{regexp.MustCompile(`(?i)timed out|unreachable|no route to host|permission denied|not permitted`), "the way there is closed: the tunnel, a firewall, or the provider", ""},
	{regexp.MustCompile(`(?i)host not found|name service|domain not found|NXDOMAIN|ENOTFOUND|ESERVFAIL|EAI_AGAIN`), "a name cannot be looked up", "see that the host's resolver answers, then ask again"},
}

var (
	overQuota = regexp.MustCompile(`(?i)quota|mailbox( for user)? is full|mailbox full|\b[45]\.2\.2\b`)
	putOff    = regexp.MustCompile(`(?i)gr[ea]y.?list|\b4\.3\.2\b|service (is )?currently unavailable`)
)

// broken is the result for a message that ended at a hop, with what the server there said.
func broken(q checks.Question, hops, reason, otherwise string) checks.Result {
	for _, r := range reasons {
		if r.words.MatchString(reason) {
			if otherwise = r.likely; r.fix != "" {
				q.Fix = r.fix
			}
			break
		}
	}
	if otherwise == "the mailbox is over its quota" {
		hops += ", which is over its quota"
	}
	return q.Fail(hops+": "+said(reason), otherwise, "")
}
