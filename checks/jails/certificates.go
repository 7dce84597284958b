package jails

import (
	"context"
	"fmt"
	"net/netip"

	"postern/checks"
	"postern/remote"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{ID: "jails.certificates", Layout: "toaster", Rests: []string{"jails.ports", "host.ssh@"}, Step: "firewall", Beyond: true, Title: "Each jail shows a certificate of the mail host's name", Guide: "RFC 8314, 3",
		Page: checks.Page{
			Asks:    "Does each public port of a jail that speaks TLS show a certificate that is valid for the mail host's name, from here, with all that leads to an authority?",
			OK:      "It does; how long it lasts is told.",
			Warn:    "It does, and ends soon.",
			Fail:    "It shows none, or one of another name, or one that has ended or that nobody vouches for.",
			Unknown: "This place cannot ask, or the authorities that it trusts could not be read.",
			Skip:    "The layout has no jails, or the site has no names yet, or nobody listens there.",
			Mends:   "The services in the jails are yours, and so are their certificates: the chapter's task says what each needs. Mail Toaster's jail letsencrypt brings them.",
		}, Reads: reads, Ask: ofToaster(askCertificates)})
}

func askCertificates(ctx context.Context, e *checks.Env) []checks.Result {
	if e.Site.Hostname == "" {
		return []checks.Result{checks.Question{From: checks.Here}.Skip("the site has no names yet (domain, hostname)")}
	}
	var asks []func() checks.Result
	for _, h := range e.Site.Hosts {
		from, err := e.Outside(h)
		if err != nil {
			return []checks.Result{checks.Question{From: h.Name, Want: "certificates of jails", Fix: "firewall"}.Cannot(err)}
		}
		for _, j := range e.Site.Jails {
			for _, port := range j.Ports {
				starts := site.Greeting(port) == "220" && port != site.WorldSMTP
				if !starts && site.Greeting(port) != site.SpeaksTLS || !h.Public4.IsValid() {
					continue
				}
				to := netip.AddrPortFrom(h.Public4, uint16(port))
				q := checks.Question{Suffix: fmt.Sprintf(".%s-%d", j.Name, port), From: from.Name, Want: "a certificate of " + e.Site.Hostname + " at " + to.String(),
					Fix: "give the service in the jail " + j.Name + " a certificate of that name, and have it read that anew when it is renewed", Likely: "the service has one that it made itself, or an old one",
					Rests: []string{fmt.Sprintf("jails.ports.%s-%d", j.Name, port)}}
				asks = append(asks, func() checks.Result { return shows(ctx, e, q, from, to, starts) })
			}
		}
	}
	return checks.Together(asks)
}

func shows(ctx context.Context, e *checks.Env, q checks.Question, from *checks.Vantage, to netip.AddrPort, starts bool) checks.Result {
	if why := e.Blind(from, to); why != "" {
		return q.Skip("%s", why)
	}
	chain, r, err := e.Presented(ctx, from, to, starts)
	switch {
	case err != nil:
		return q.Fail(remote.Clean(remote.Words(err)).Line(160), "no service answers there, or it cannot read its certificate", "")
	case r.Mute(), r.Answer == checks.Dropped:
		return q.Unknown(r.Said(), "the port does not answer: jails.ports tells more")
	case r.Answer != checks.Open:
		return q.Skip("nobody listens there: %s", r.Said())
	case len(chain) == 0:
		return q.Fail("it shows no certificate", "", "")
	}
	roots, err := e.Roots(ctx, from)
	if err != nil {
		return q.Cannot(err)
	}
	flaw := checks.FlawOf(chain, e.Site.Hostname, roots, e.Now)
	switch {
	case flaw.Saw == "":
		return q.OK("it is right: %s", checks.Lasts(chain[0], e.Now))
	case flaw.Soon:
		return q.Warn(flaw.Saw, flaw.Likely, checks.Shown(chain))
	}
	return q.Fail(flaw.Saw, flaw.Likely, checks.Shown(chain))
}
