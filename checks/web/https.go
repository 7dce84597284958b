package web

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/zone"
)

func init() {
	about(checks.Check{
		ID: "web.https", Rests: []string{"firewall.open.https", "web.caddy", "web.acme"}, Title: "Every name answers over HTTPS, with a certificate that is right", Guide: "caddy, Testing the Configuration",
		Page: checks.Page{
			Asks:    "Does each name of the mail system answer at the proxy's public address, with a certificate for that very name, from an authority that the asking place trusts, that is valid now, and with all that lead to the authority? It is asked from outside.",
			OK:      "It does; the result says how long the certificate still lasts.",
			Warn:    "It does, and the certificate ends soon: it should have been renewed by now.",
			Fail:    "It does not answer; or its certificate is of another name, has ended, is from nobody that is trusted, or comes without what leads there. Browsers and mail programs refuse it.",
			Unknown: "This place cannot ask.",
			Skip:    "The site has no names yet, or the port is open to some only.",
			Mends:   "The chapter Caddy. Where it has no certificate, web.acme tells why; your own files (web.certificate) you renew yourself.",
		},
		Reads: seen.Addresses.Reads, Settles: issuing,
	}, askHTTPS)
	about(checks.Check{
		ID: "web.http", Rests: []string{"firewall.open.http", "web.caddy"}, Title: "Who comes without TLS is sent to HTTPS", Guide: "caddy, Network Considerations",
		Page: checks.Page{
			Asks:    "Does each name answer at the port of plain HTTP, and send who asks to the same name over HTTPS? Authorities come there, too, when they issue a certificate. It is asked from outside.",
			OK:      "It does.",
			Warn:    "It answers there itself: what is typed into such a page can be read on the way.",
			Fail:    "It does not answer there: no certificate can be issued that way, and who types the name alone may wait in vain.",
			Unknown: "This place cannot ask.",
			Skip:    "The site has no names yet, or the port is open to some only.",
			Mends:   "The chapter Caddy, which does so by itself.",
		},
		Reads: seen.Addresses.Reads, Settles: issuing,
	}, askHTTP)
}

func askHTTPS(ctx context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "an answer as %s over HTTPS, with a certificate that is right", Likely: "the web server is not set up for that name"}
	return doors(e, q, "https", zone.Certified(e.Site), func(q checks.Question, d door) checks.Result {
		q.Rests = []string{"firewall.open.https", "web.caddy", "web.acme." + d.name}
		p := d.get(ctx, "GET", "/", "", false)
		if r, none := p.unanswered(q); none && len(p.chain) == 0 {
			return r
		}
		roots, err := d.e.Roots(ctx, d.from)
		if err != nil {
			return q.Cannot(err)
		}
		return judgeChain(q, e, p.chain, d.name, roots)
	})
}

func judgeChain(q checks.Question, e *checks.Env, chain []*x509.Certificate, name string, roots *x509.CertPool) checks.Result {
	flaw := checks.FlawOf(chain, name, roots, e.Now)
	if flaw.Likely == "" {
		flaw.Likely = "your own file (web.certificate) was not renewed, or was and the web server not reloaded"
		if e.Site.Web.Certificate == "" {
			flaw.Likely = "it could not be renewed, which web.acme tells; or the clock of the host or of this place is off"
		}
	}
	switch {
	case flaw.Soon:
		return q.Warn(flaw.Saw, flaw.Likely, checks.Shown(chain))
	case flaw.Saw != "":
		return q.Fail(flaw.Saw, flaw.Likely, checks.Shown(chain))
	}
	return q.OK("it answers; its certificate, %s", checks.Lasts(chain[0], e.Now))
}

func askHTTP(ctx context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "a redirect from http://%s/ to HTTPS", Likely: "the web server is not set up for that name"}
	return doors(e, q, "http", zone.Certified(e.Site), func(q checks.Question, d door) checks.Result {
		p := d.get(ctx, "GET", "/", "", true)
		if r, none := p.unanswered(q); none {
			return r
		}
		to, err := url.Parse(p.to)
		switch {
		case slices.Contains([]int{301, 302, 303, 307, 308}, p.code) && err == nil && to.Scheme == "https" && strings.EqualFold(to.Hostname(), d.name):
			return q.OK("%d, to https://%s", p.code, d.name)
		case p.to != "":
			return q.Warn(fmt.Sprintf("it sends people to %s", remote.Clean(p.to).Line(120)), "another site answers for the name", "")
		}
		return q.Warn(fmt.Sprintf("it answers %d itself, without TLS", p.code), "another site answers for the name, or redirects are switched off", "")
	})
}
