package web

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

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
		roots, err := d.roots(ctx)
		if err != nil {
			return q.Cannot(err)
		}
		return judgeChain(q, e, p.chain, d.name, roots)
	})
}

// soon is when a certificate should have been renewed, at the latest; one that lasts for days alone has a quarter of its time.
const soon = 21 * 24 * time.Hour

func judgeChain(q checks.Question, e *checks.Env, chain []*x509.Certificate, name string, roots *x509.CertPool) checks.Result {
	leaf, between := chain[0], x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	shows := fmt.Sprintf("shown: for %s, issued by %s, %s to %s, %d certificates", strings.Join(leaf.DNSNames, ", "), issuer(leaf), day(leaf.NotBefore), day(leaf.NotAfter), len(chain))
	_, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: between, CurrentTime: e.Now})
	left := leaf.NotAfter.Sub(e.Now)
	var unknown x509.UnknownAuthorityError
	own := "your own file (web.certificate) was not renewed, or was and the web server not reloaded"
	if e.Site.Web.Certificate == "" {
		own = "it could not be renewed, which web.acme tells; or the clock of the host or of this place is off"
	}
	switch {
	case e.Now.After(leaf.NotAfter):
		return q.Fail("its certificate ended on "+day(leaf.NotAfter), own, shows)
	case e.Now.Before(leaf.NotBefore):
		return q.Fail("its certificate is valid from "+day(leaf.NotBefore)+" only", "the clock of this place is off", shows)
	case leaf.VerifyHostname(name) != nil:
		return q.Fail("its certificate is of another name: "+remote.Clean(strings.Join(leaf.DNSNames, ", ")).Line(120), "no certificate was issued for this name, or another site answers for it", shows)
	case errors.As(err, &unknown) && len(chain) == 1 && leaf.Issuer.String() != leaf.Subject.String():
		return q.Fail("its chain is incomplete: only the certificate itself is shown, and not what leads to its authority", "the file has the certificate alone; it wants the full chain (fullchain.pem)", shows)
	case errors.As(err, &unknown):
		return q.Fail("its certificate is from nobody that is trusted: "+remote.Clean(issuer(leaf)).Line(120), "it is self-signed, or from an authority of your own that this place does not know", shows)
	case err != nil:
		return q.Fail("its certificate does not do: "+remote.Clean(remote.Words(err)).Line(160), "", shows)
	case left < min(soon, leaf.NotAfter.Sub(leaf.NotBefore)/4):
		return q.Warn("its certificate ends"+span(left, " in %s")+", on "+day(leaf.NotAfter), own, shows)
	}
	return q.OK("it answers; its certificate, by %s, lasts until %s%s", remote.Clean(issuer(leaf)).Line(80), leaf.NotAfter.UTC().Format("2006-01-02"), span(left, ", for %s"))
}

// issuer is who signed a certificate, by the name of the organization first.
func issuer(c *x509.Certificate) string {
	return strings.TrimSpace(strings.Join(append(slices.Clone(c.Issuer.Organization), c.Issuer.CommonName), " "))
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// span is a time in the unit that tells; nobody wants the days of many years.
func span(d time.Duration, words string) string {
	days := int(d.Hours() / 24)
	switch {
	case days > 10*365:
		return ""
	case days > 1:
		return fmt.Sprintf(words, fmt.Sprintf("%d days", days))
	}
	return fmt.Sprintf(words, d.Round(time.Minute))
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
