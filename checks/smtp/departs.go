package smtp

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

// leaves follows a message from the mail host, where it was handed in, into the world; or, where it cannot be delivered, home again.
func (l Letter) leaves(ctx context.Context, e *checks.Env, q checks.Question, v *checks.Vantage) checks.Result {
	t := &trail{at: v, words: []string{l.id}}
	if err := t.follow(ctx, e, goesWithin, (*trail).settled); err != nil {
		return q.Unknown(fmt.Sprintf("handed in at %s, and what became of it cannot be told: %s", v.Name, remote.Words(err)), "its log is kept elsewhere")
	}
	hops := "handed in at " + v.Name
	d, is := t.last()
	proxy := e.Site.HostsOf(site.Proxy)[0]
	relay := fmt.Sprintf("[%s]:%d", e.Site.TunnelAddress(proxy), e.Site.Ports.Relay)
	haraka := e.Site.Mail.Path != "direct"
	switch {
	case len(t.words) == 1:
		return q.Unknown(fmt.Sprintf("%s, and its log knows nothing of it", hops), "the log is kept elsewhere")
	case !is:
		return q.Unknown(fmt.Sprintf("%s, and neither sent nor put off within %s", hops, goesWithin), "a filter, or a server out there, takes its time: smtp.queues tells what waits")
	case l.way == bounced && !haraka && d.status == "bounced":
		return l.comesHome(ctx, e, q, hops+"; given up there", v)
	case d.status != "sent" && haraka:
		if !strings.Contains(d.reason, "refused") {
			q.Fix = "wireguard"
		}
		return broken(q, fmt.Sprintf("%s; %s on the way to the proxy", hops, remote.Clean(d.status).Line(20)), d.reason, "the proxy does not take it")
	case d.status != "sent":
		return broken(q, fmt.Sprintf("%s; %s on the way into the world", hops, remote.Clean(d.status).Line(20)), d.reason, "the receiver's server does not take it")
	case haraka && !strings.HasSuffix(d.relay, relay):
		q.Likely = "relayhost is not " + relay + ": mail leaves from home"
		return q.Fail(fmt.Sprintf("%s; it left by %s, and not by the proxy", hops, remote.Clean(d.relay).Line(120)), "", "")
	case haraka:
		return l.beyondProxy(ctx, e, q, hops+"; taken by "+proxy.Name, v, proxy)
	case l.way == bounced:
		return q.Fail(hops+"; "+remote.Clean(d.relay).Line(120)+" took it, for a domain that there is not", "something on the way takes mail for any domain", "")
	}
	return q.OK("%s; taken by %s: %s", hops, remote.Clean(d.relay).Line(120), said(d.reason))
}

// What Haraka logs of what it sends.
var (
	outDelivered = regexp.MustCompile(`\] +delivered file=.* host=(\S+) ip=(\S+) .*response="([^"]*)"`)
	outRefused   = regexp.MustCompile(`\[outbound\] +(?:recipient \S+ (?:deferred|rejected)|Double bounce): (.*)$`)
	outTrouble   = regexp.MustCompile(`\[outbound\] +(?:MX Lookup for \S+ failed|Ongoing connection failed to \S+|Remote end \S+ closed connection)[^:]*:? *(.*)$`)
)

// match is the last line that fits, taken apart; nil where none does.
func (t *trail) match(what *regexp.Regexp) (m []string) {
	for _, line := range t.lines {
		if found := what.FindStringSubmatch(line); found != nil {
			m = found
		}
	}
	return m
}

// beyondProxy follows what the proxy has taken to send. Of what cannot be delivered Haraka logs nothing: it comes home, or does not.
func (l Letter) beyondProxy(ctx context.Context, e *checks.Env, q checks.Question, hops string, mail *checks.Vantage, proxy *site.Host) checks.Result {
	v, err := e.Look(proxy)
	if err != nil {
		return q.Cannot(err)
	}
	t := &trail{at: v, words: []string{l.id}}
	if l.way == bounced {
		r := l.comesHome(ctx, e, q, hops, mail)
		if r.Outcome == checks.OK {
			return r
		}
		if err := t.follow(ctx, e, again, func(*trail) bool { return true }); err == nil {
			if m := t.match(outTrouble); m != nil {
				return q.Unknown(hops+", which still tries: "+said(m[0]), "the proxy's resolver does not answer")
			}
		}
		return r
	}
	err = t.follow(ctx, e, goesWithin, func(t *trail) bool { return t.match(outDelivered) != nil || t.match(outRefused) != nil })
	if err != nil {
		return q.Unknown(fmt.Sprintf("%s, and what became of it cannot be told: %s", hops, remote.Words(err)), "its log is kept elsewhere")
	}
	if m := t.match(outDelivered); m != nil {
		return q.OK("%s; delivered to %s[%s]: %s", hops, remote.Clean(m[1]).Line(80), remote.Clean(m[2]).Line(45), said(m[3]))
	}
	if m := t.match(outRefused); m != nil {
		return broken(q, hops+"; refused, or put off, by the receiver's server", m[1], "the receiver's server does not like who sends, or what: SPF, DKIM and the reverse name are what most ask for")
	}
	if m := t.match(outTrouble); m != nil {
		return broken(q, hops+"; not delivered yet", m[0], "the receiver's server cannot be reached: the provider may keep outgoing mail back")
	}
	return q.Unknown(fmt.Sprintf("%s, and not delivered within %s", hops, goesWithin), "the receiver's server cannot be reached, or lets others wait: smtp.queues tells what waits")
}

// comesHome waits for word that a message could not be delivered: a message of this system's own making, with the null sender, for who sent it.
// Nothing in a log ties the two together, so another such that comes in the same minute would pass for it.
func (l Letter) comesHome(ctx context.Context, e *checks.Env, q checks.Question, hops string, v *checks.Vantage) checks.Result {
	ctx, cancel := context.WithTimeout(ctx, comesWithin)
	defer cancel()
	for {
		d, is, err := l.homecoming(ctx, e, v)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			return q.Unknown(fmt.Sprintf("%s, and whether word of that came home cannot be told: %s", hops, remote.Words(err)), "its log is kept elsewhere")
		case is && d.status == "sent":
			return q.OK("%s; word of it came home: %s", hops, said(d.reason))
		case is:
			return broken(q, fmt.Sprintf("%s; word of it came home, and was %s at the mailbox", hops, remote.Clean(d.status).Line(20)), d.reason, "the mailbox's server does not take it")
		}
		select {
		case <-ctx.Done():
			return q.Fail(fmt.Sprintf("%s, and no word of it came home within %s", hops, comesWithin), "the way home for bounces is missing: on the proxy relay_dest_domains.ini of haraka-out must name each domain of the site", "")
		case <-time.After(again):
		}
	}
}

// homecoming is what became of the bounce on the mail host, if it is there.
func (l Letter) homecoming(ctx context.Context, e *checks.Env, v *checks.Vantage) (d delivery, is bool, err error) {
	tag, _, _ := strings.Cut(l.id, ".")
	lines, err := checks.Ask(ctx, e.Site, v, seen.MailLog(recently, "from=<>", "to=<"+l.from+">", tag))
	if err != nil {
		return d, false, err
	}
	for id, one := range comers(lines, l) {
		lines, err := checks.Ask(ctx, e.Site, v, seen.MailLog(recently, id))
		if err != nil {
			return d, false, err
		}
		if slices.ContainsFunc(lines, func(line string) bool {
			return strings.Contains(line, id+": message-id=<") && strings.HasSuffix(strings.TrimSpace(line), "@"+e.Site.Hostname+">")
		}) {
			return one, true, nil
		}
	}
	return d, false, nil
}

var queued = regexp.MustCompile(`\w\[\d+\]: ([0-9A-Za-z]{5,20}): (.*)$`)

// comers are the messages with the null sender, and not of this check, that came for who sent a message, after that; by their queue ID.
func comers(lines []string, l Letter) map[string]delivery {
	began, null, all := false, map[string]bool{}, map[string]delivery{}
	for _, line := range lines {
		began = began || strings.Contains(line, "<"+l.id+">")
		m := queued.FindStringSubmatch(line)
		if !began || m == nil {
			continue
		}
		switch id, rest := m[1], strings.ToLower(m[2]); {
		case strings.HasPrefix(rest, "from=<>,"):
			null[id] = true
		case null[id] && strings.Contains(rest, "to=<"+strings.ToLower(l.from)+">"):
			if d, is := delivering(line); is {
				all[id] = d
			}
		}
	}
	return all
}
