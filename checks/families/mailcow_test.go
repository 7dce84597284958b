package families

import (
	"strings"

	"postern/checks"
	"postern/remote"
)

// What the mail host says of a Mailcow that is as it should be.
const (
	mailcowSays = "== engine\n26.1.5 overlay2\n== compose\n2.26.1\n== conf\nMAILCOW_HOSTNAME=mail.example.org\nHTTP_BIND=10.0.0.2\nHTTPS_BIND=10.0.0.2\nHTTPS_PORT=8443\n" +
		"SMTP_PORT=10.0.0.2:25\nSMTPS_PORT=10.0.0.2:465\nSUBMISSION_PORT=10.0.0.2:587\nIMAPS_PORT=10.0.0.2:993\nIMAP_PORT=127.0.0.1:143\nENABLE_IPV6=false\nSKIP_LETS_ENCRYPT=y\n" +
		"== publishes\npostfix-mailcow|10.0.0.2|25|tcp\ndovecot-mailcow|127.0.0.1|143|tcp\n== now\n2026-11-30T06:00:00Z\n" +
		"== containers\npostfix-mailcow|/mc-postfix-mailcow-1|running|0|2026-11-30T05:00:00.1Z\nnginx-mailcow|/mc-nginx-mailcow-1|running|0|2026-11-30T05:00:00.1Z\n== leftover\n== hook\nyes\n== end\n"
	mailcowPorts = "== ps\nmc-postfix-mailcow-1|10.0.0.2:25->25/tcp, 10.0.0.2:465->465/tcp, 10.0.0.2:587->587/tcp, 10.0.0.2:993->993/tcp\nmc-nginx-mailcow-1|10.0.0.2:8443->8443/tcp\n== end\n"
	roomSays     = "== memory\nMemTotal: 8000000 kB\n== disk\nFilesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 41152736 4115273 37037463 10% /\n== end\n"
)

// mailcow is a world with one, of which something is said otherwise.
func mailcow(old, new string) func(*world) {
	return func(w *world) {
		w.env.Site.Domain, w.env.Site.Hostname = "example.org", "mail.example.org"
		for id, text := range map[string]string{"mailcow": mailcowSays, "mailcow-admin": "== admin\nown\n== end\n", readDocker: mailcowPorts, "size": roomSays} {
			w.env.Hosts["mail"].Facts.Answers[id] = remote.Answer{Out: strings.ReplaceAll(text, old, new)}
		}
	}
}

var mailcowStories = []story{
	{"healthy", "mailcow.containers", "mailcow.containers@mail", mailcow("", ""), checks.OK, "all 2 run"},
	{"not started", "mailcow.containers", "mailcow.containers@mail", mailcow("postfix-mailcow|/mc-postfix-mailcow-1|running|0|2026-11-30T05:00:00.1Z\nnginx-mailcow|/mc-nginx-mailcow-1|running|0|2026-11-30T05:00:00.1Z\n", ""), checks.Fail, "none of its containers"},
	{"stopped", "mailcow.containers", "mailcow.containers@mail", mailcow("nginx-mailcow-1|running", "nginx-mailcow-1|exited"), checks.Fail, "nginx-mailcow is exited"},
	{"restarting", "mailcow.containers", "mailcow.containers@mail", mailcow("nginx-mailcow-1|running", "nginx-mailcow-1|restarting"), checks.Fail, "mc-nginx-mailcow-1 ends and is started again"},
	{"restarted a moment ago", "mailcow.containers", "mailcow.containers@mail", mailcow("running|0|2026-11-30T05:00:00.1Z\nnginx", "running|9|2026-11-30T05:59:55.1Z\nnginx"), checks.Fail, "mc-postfix-mailcow-1 ends"},
	{"restarted once, long ago", "mailcow.containers", "mailcow.containers@mail", mailcow("running|0|2026-11-30T05", "running|1|2026-11-30T05"), checks.OK, "all 2 run"},
	{"none there", "mailcow.containers", "mailcow.containers@mail", func(w *world) {
		mailcow("", "")(w)
		w.say("mail", "mailcow", "== absent\n== end\n")
	}, checks.Fail, "no Mailcow on mail yet"},
	{"another server", "mailcow.settings", "mailcow.settings@mail", also(mailcow("", ""), func(w *world) { w.env.Site.Mail.Kind = "plain" }), checks.Skip, "another"},
	{"as wanted", "mailcow.settings", "mailcow.settings@mail", mailcow("", ""), checks.OK, "binds Mailcow to 10.0.0.2"},
	{"the usual settings", "mailcow.settings", "mailcow.settings@mail", mailcow("SMTP_PORT=10.0.0.2:25", "SMTP_PORT=25"), checks.Fail, "SMTP_PORT is 25, not 10.0.0.2:25"},
	{"IPv6 is back", "mailcow.settings", "mailcow.settings@mail", mailcow("ENABLE_IPV6=false", "ENABLE_IPV6=true"), checks.Fail, "switched IPv6 on again"},
	{"a setting is gone", "mailcow.settings", "mailcow.settings@mail", mailcow("HTTPS_BIND=10.0.0.2\n", "HTTPS_BIND=\n"), checks.Fail, "HTTPS_BIND is not set, not 10.0.0.2"},
	{"behind the tunnel", "mailcow.ports", "mailcow.ports@mail", mailcow("", ""), checks.OK, "5 ports, on 10.0.0.2"},
	{"on all addresses", "mailcow.ports", "mailcow.ports@mail", mailcow("10.0.0.2:25->", "0.0.0.0:25->"), checks.Fail, "25/tcp of mc-postfix-mailcow-1 is on 0.0.0.0"},
	{"on all of IPv6", "mailcow.ports", "mailcow.ports@mail", mailcow("10.0.0.2:25->25/tcp", "10.0.0.2:25->25/tcp, [::]:25->25/tcp"), checks.Fail, "is on ::"},
	{"on all addresses at the next start", "mailcow.ports", "mailcow.ports@mail", mailcow("dovecot-mailcow|127.0.0.1", "dovecot-mailcow|"), checks.Fail, "143/tcp of dovecot-mailcow is on 0.0.0.0"},
	{"a port too few", "mailcow.ports", "mailcow.ports@mail", mailcow("10.0.0.2:993->993/tcp", "993/tcp"), checks.Fail, "993/tcp is not on 10.0.0.2"},
	{"the first password", "mailcow.admin", "mailcow.admin@mail", mailcow("== admin\nown", "== admin\nfirst"), checks.Fail, "every fresh Mailcow"},
	{"another password", "mailcow.admin", "mailcow.admin@mail", mailcow("", ""), checks.OK, "not the first"},
	{"no database", "mailcow.admin", "mailcow.admin@mail", mailcow("== admin\nown", "== absent"), checks.Unknown, "does not run"},
	{"certificates of its own", "mailcow.certificates", "mailcow.certificates@mail", mailcow("== leftover\n", "== leftover\ndata/assets/ssl/mail.example.org\n"), checks.Warn, "data/assets/ssl/mail.example.org: served before"},
	{"no room", "mailcow.space", "mailcow.space@mail", mailcow("4115273 37037463", "41000000 152736"), checks.Fail, "0.1 GB free"},
	{"little room", "mailcow.space", "mailcow.space@mail", mailcow("4115273 37037463", "39000000 2152736"), checks.Warn, "2.1 GB free"},
}
