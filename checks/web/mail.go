package web

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
)

func init() {
	about(checks.Check{
		ID: "web.webmail", Rests: []string{"web.https", "tunnel.handshake", "mailcow.containers"}, Title: "Mailcow's webmail answers the world", Guide: "caddy, Testing the Configuration",
		Page: checks.Page{
			Asks:    "Does the web server show Mailcow's own page under the mail host's name, through the tunnel? It is asked from outside, as a browser asks.",
			OK:      "It does.",
			Warn:    "Something answers, and it is not Mailcow's page.",
			Fail:    "The web server answers, and what is behind it does not.",
			Unknown: "This place cannot ask.",
			Skip:    "The mail server is another (mail.kind = plain), or the site has no names yet.",
			Mends:   "See that Mailcow runs on the mail host and has its web at ports.web of the tunnel's address (chapter Mailcow), and that the tunnel is up.",
		},
		Reads: seen.Addresses.Reads, Settles: issuing,
	}, askWebmail)
	about(checks.Check{
		ID: "web.admin", Rests: []string{"web.https"}, Title: "The admin pages are closed to the world", Guide: "caddy, Configuration",
		Page: checks.Page{
			Asks:    "Are Mailcow's admin pages kept from the world? Each of their paths is asked for from outside. Who runs the mail system opens them from where web.admin says, or through the tunnel.",
			OK:      "They are: nothing of them is shown.",
			Fail:    "They are shown to everybody, so that only a password stands before them.",
			Unknown: "This place cannot ask.",
			Skip:    "The mail server is another (mail.kind = plain), or the site has no names yet.",
			Mends:   "The chapter Caddy; where another web server does its part, what it has to paste.",
		},
		Reads: seen.Addresses.Reads, Settles: issuing,
	}, askAdmin)
}

func mailcow(e *checks.Env) (skip []checks.Result) {
	if e.Site.Mail.Kind != "mailcow" {
		return []checks.Result{checks.Question{From: checks.Here}.Skip("the mail server is another (mail.kind = %s)", e.Site.Mail.Kind)}
	}
	return nil
}

func askWebmail(ctx context.Context, e *checks.Env) []checks.Result {
	if skip := mailcow(e); skip != nil {
		return skip
	}
	behind := fmt.Sprintf("%s:%d", e.Site.Tunnel.Mail, e.Site.Ports.Web)
	q := checks.Question{Want: "Mailcow's page at https://%s/", Likely: "Mailcow is down or not there yet, or does not listen at " + behind}
	return doors(e, q, "https", []string{e.Site.Hostname}, func(q checks.Question, d door) checks.Result {
		p := d.get(ctx, "GET", "/", "", false)
		if r, none := p.unanswered(q); none {
			return r
		}
		q.Fix = "mailcow"
		switch {
		case slices.Contains([]int{502, 503, 504}, p.code):
			return q.Fail(fmt.Sprintf("the web server answers, and the mail host's at %s does not (%d)", behind, p.code), "", "")
		case strings.Contains(strings.ToLower(p.text), "mailcow"), p.code/100 == 3:
			return q.OK("it answers")
		}
		return q.Warn(fmt.Sprintf("it answers %d, and not as Mailcow does", p.code), "another web server, or another site, is there", remote.Clean(p.text).Line(200))
	})
}

// adminPaths are what Mailcow has for who runs it. A path that needs nothing but to be asked for is taken of each.
var adminPaths = []string{"/admin", "/admin/dashboard", "/api/v1/get/status/version", "/domainadmin", "/rspamd/"}

func askAdmin(ctx context.Context, e *checks.Env) []checks.Result {
	if skip := mailcow(e); skip != nil {
		return skip
	}
	q := checks.Question{Want: "nothing of the admin pages at https://%s/admin", Likely: "the web server passes everything on"}
	return doors(e, q, "https", []string{e.Site.Hostname}, func(q checks.Question, d door) checks.Result {
		var open []string
		for _, path := range adminPaths {
			p := d.get(ctx, "GET", path, "", false)
			if r, none := p.unanswered(q); none {
				return r
			}
			if p.code != 404 && p.code != 403 {
				open = append(open, fmt.Sprintf("%s answers %d", path, p.code))
			}
		}
		return q.None(open, "closed: %s", strings.Join(adminPaths, ", "))
	})
}
