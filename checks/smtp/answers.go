package smtp

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "smtp.answers", Rests: []string{"firewall.open", "smtp.haraka", "mailcow.containers"}, Step: "haraka", Title: "A mail server greets the world, and speaks TLS",
		Page: checks.Page{
			Asks:    "Does a mail server answer at the proxy's public addresses? A whole conversation is held: greeting, EHLO, STARTTLS. A port that is open, or a unit that is active, proves none of it.",
			OK:      "It greets with the site's name and goes on inside TLS.",
			Warn:    "It works, and greets with another name, or offers no TLS.",
			Fail:    "It is silent, hangs up, or refuses: mail of others waits with them, and comes back to them after some days.",
			Unknown: "This place cannot ask. A silent port 25 is this too: many networks let nobody dial it.",
			Skip:    "The site has no names yet (domain, hostname), or the port waits for the tunnel.",
			Mends:   "The chapter Haraka; for the way there, Firewall and WireGuard. With mail.path = direct it is the mail host's own server that answers.",
		},
		Guide: "haraka, Email Flow", Reads: seen.Tunnels.Reads, Outside: true, Ask: withNames(askAnswers),
	})
}

// door is one public address at which the world's mail arrives.
type door struct {
	proxy  *site.Host
	from   *checks.Vantage
	to     netip.AddrPort
	suffix string
}

// named is for a site with names, of which all that a mail server does is made; another's check is a skip.
func named(ask func(context.Context, *checks.Env) []checks.Result) func(context.Context, *checks.Env) []checks.Result {
	return checks.Linux(withNames(ask))
}

// withNames is the same for what is asked of any layout, because it asks from outside alone.
func withNames(ask func(context.Context, *checks.Env) []checks.Result) func(context.Context, *checks.Env) []checks.Result {
	return func(ctx context.Context, e *checks.Env) []checks.Result {
		if e.Site.Hostname == "" || e.Site.Domain == "" {
			return []checks.Result{checks.Question{From: checks.Here}.Skip("the site has no names yet (domain, hostname)")}
		}
		return ask(ctx, e)
	}
}

const notYet = "the tunnel is not set up on %s yet: chapter 3 does it"

// doors asks the same of every public address that a service of the site has; want may name one with %s.
func doors(e *checks.Env, service, suffix string, q checks.Question, ask func(checks.Question, door) checks.Result) []checks.Result {
	var asks []func() checks.Result
	for _, s := range site.Services(e.Site) {
		if s.Name != service {
			continue
		}
		for _, p := range e.Site.HostsOf(site.Proxy) {
			all := []door{{p, nil, netip.AddrPortFrom(p.Public4, uint16(s.Port)), suffix + checks.Named(e.Site, p)}}
			if s.Over6 && p.Public6.IsValid() {
				all = append(all, door{p, nil, netip.AddrPortFrom(p.Public6, uint16(s.Port)), suffix + checks.Named(e.Site, p) + ".v6"})
			}
			for _, d := range all {
				asks = append(asks, func() checks.Result { return d.ask(e, q, s, ask) })
			}
		}
	}
	return checks.Together(asks)
}

func (d door) ask(e *checks.Env, q checks.Question, s site.Service, ask func(checks.Question, door) checks.Result) checks.Result {
	q.Suffix, q.From, q.Want = d.suffix, checks.Here, strings.ReplaceAll(q.Want, "%s", d.to.String())
	if q.Rests = []string{"firewall.open." + s.Name, "smtp.haraka", "mailcow.containers"}; s.Forwarded {
		q.Rests = slices.Delete(q.Rests, 1, 2)
	}
	from, why := e.Public(&q, d.proxy, s, d.to)
	if d.from = from; from == nil {
		return why
	}
	if name := e.Unset(append(e.Site.HostsOf(site.Mail), d.proxy)...); s.Forwarded && name != "" {
		return q.Skip(notYet, name)
	}
	return ask(q, d)
}

// unheard is the result where nobody spoke at all, or not as a mail server does.
func unheard(q checks.Question, r checks.Reached, err error) checks.Result {
	switch {
	case r.Mute(), r.Answer == checks.Dropped:
		return q.Unknown(r.Said(), "the network it was asked from may block the port, as most homes' do; firewall.open tells more")
	case r.Answer != checks.Open:
		return q.Fail(r.Said(), "nothing listens there, or a firewall rejects it; firewall.open tells more", "")
	}
	return q.Fail(remote.Clean(remote.Words(err)).Line(200), "the mail server is down or broken behind an open port", "")
}

func askAnswers(ctx context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "a mail server that greets as " + e.Site.Hostname + " at %s, and speaks TLS", Fix: "haraka"}
	return doors(e, "smtp", "", q, func(q checks.Question, d door) checks.Result {
		t, r, err := call(ctx, e, d.from, d.to, false)
		if t == nil {
			return unheard(q, r, err)
		}
		defer t.bye()
		name := remote.Clean(t.server).Line(80)
		if !t.offersTo("STARTTLS") {
			return q.Warn(fmt.Sprintf("%s greets, and offers no TLS", name), "its certificate is missing, or TLS is switched off", "")
		}
		if err := t.startTLS(ctx); err != nil {
			return q.Fail(remote.Clean(remote.Words(err)).Line(200), "its certificate or key cannot be read", "")
		}
		if !strings.EqualFold(t.server, e.Site.Hostname) {
			return q.Warn(fmt.Sprintf("it greets as %s", name), "its own name is set otherwise: some of the world's servers compare it with the reverse name", "")
		}
		return q.OK("%s greets, and speaks TLS", name)
	})
}
