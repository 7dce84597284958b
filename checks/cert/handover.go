package cert

import (
	"context"
	"regexp"
	"strings"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

// hindrances are what keeps a certificate from being handed over, by the words that ssh and the mail host have for it.
var hindrances = []struct {
	said        *regexp.Regexp
	likely, fix string
}{
	{regexp.MustCompile(`Permission denied|Too many authentication`), "the mail host does not let the proxy's key in: the key is gone from /root/.ssh/authorized_keys, or its sshd lets root in from nowhere", "caddy"},
	{regexp.MustCompile(`Host key verification|IDENTIFICATION HAS CHANGED|key is known`), "the mail host's sshd has another key than it had", "caddy"},
	{regexp.MustCompile(`(?i)timed out|no route|unreachable|no answer in time|refused$|Connection (closed|reset)`), "the mail host is not reached through the tunnel, or its firewall does not let SSH in from there: tunnel.handshake tells", "see that the mail host is reached through the tunnel; it is tried again every hour"},
	{regexp.MustCompile(`not come whole|nothing came`), "the connection broke in the middle: nothing of it was taken", "run 'systemctl start postern-certificate' on the proxy"},
	{regexp.MustCompile(`newer was taken`), "the web server went back to an older certificate", "where that is meant, do as it says on the mail host, and run 'systemctl start postern-certificate' on the proxy"},
	{regexp.MustCompile(`belongs to another certificate|cannot be read|it is not for|it ended on`), "the web server's own file is not right", "see that the web server gets another one: web.acme and web.https tell more"},
	{regexp.MustCompile(`cannot be reloaded|cannot be started anew|hook fails`), "the mail host has it, and its server cannot take it up: that one's own log tells", "see why the mail host's server does not start with it"},
	{regexp.MustCompile(`no Mailcow`), "there is no Mailcow yet", "mailcow"},
	{regexp.MustCompile(`Haraka could not`), "Haraka does not start, or its folder cannot be written to: smtp.haraka tells", "see that Haraka runs"},
}

func askHandover(_ context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "the web server's certificate on every mail port, and the next one too", Fix: "caddy", Likely: "the chapter was not applied yet, or what watches was stopped"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		q.Suffix = checks.Named(e.Site, h)
		now, err := seen.HandoverOf.Of(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		missing, err := lacking(e, now)
		if err != nil {
			return q.Cannot(err)
		}
		units, err := seen.UnitsOf.Of(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		switch certificate, _ := e.Site.OwnCertificate(); {
		case units.Armed && !now.Failed && (!now.Set || len(now.Chain) > 0 && len(missing) > 0):
			return q.Skip("a change waits for its confirmation: what is new is handed over only then")
		case !now.Set:
			return q.Fail("nothing watches for a new certificate", "", "")
		case now.Failed:
			for _, one := range hindrances {
				if one.said.MatchString(now.Said) {
					q.Fix = one.fix
					return q.Fail(now.Said, one.likely, "")
				}
			}
			q.Fix = "see what it says: journalctl -u " + seen.CertificateUnit
			return q.Fail(now.Said, "it says why", "")
		case len(now.Chain) == 0 && certificate != "":
			q.Fix = "set web.certificate and web.key to where your web server has them"
			return q.Warn("there is no certificate in "+certificate, "your web server has it elsewhere, or gets it later", "")
		case len(now.Chain) == 0:
			q.Fix = "see why there is none: web.acme tells; once there is, it is handed over"
			return q.Warn("the web server has no certificate for "+e.Site.Hostname+" yet", "it was not issued, which web.acme tells", "")
		case len(missing) > 0:
			return q.Fail("the web server's certificate, of "+checks.Day(now.Chain[0].NotBefore)+", is not on "+strings.Join(missing, " and "), "it is new, and about to be; or what is there was changed by hand", checks.Shown(now.Chain))
		}
		return q.OK("the one of %s was", checks.Day(now.Chain[0].NotBefore))
	}, site.Proxy)
}

// lacking names who has another certificate in its file than the web server.
func lacking(e *checks.Env, now seen.Handover) (missing []string, err error) {
	if e.Site.Mail.Path == "haraka" && !same(now.Haraka, now.Chain) {
		missing = append(missing, "Haraka")
	}
	for _, h := range e.Site.HostsOf(site.Mail) {
		v, err := e.Look(h)
		if err != nil {
			return nil, err
		}
		file, err := seen.TakenOf.Of(v.Facts)
		if err != nil {
			return nil, err
		}
		if !same(file, now.Chain) {
			missing = append(missing, h.Name)
		}
	}
	return missing, nil
}
