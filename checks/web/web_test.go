package web

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"syscall"
	"testing"

	"postern/checks"
)

// A healthy web server is right in all that is asked, whatever mail server is behind it.
func TestHealthy(t *testing.T) {
	for _, kind := range []string{"plain", "mailcow"} {
		w := newWorld(t, kind)
		results := w.ask()
		for key, r := range results {
			if r.Outcome != checks.OK && (r.Outcome != checks.Skip || kind == "mailcow") || r.Saw.String() == "" {
				t.Errorf("%s: %s: %s: %s (%s)", kind, key, r.Outcome, r.Saw, r.Likely)
			}
		}
		if len(results) != 18 {
			t.Errorf("%s: %d results", kind, len(results))
		}
	}
}

const refusedOrder = "[mail.example.org] creating new order: HTTP 429 urn:ietf:params:acme:error:rateLimited - Error creating new order :: too many certificates (5) already issued for this exact set of domains in the last 168h0m0s, retry after 2026-11-22 13:04:05 UTC: see https://x"

func acme(msg, why string) func(*world) {
	return func(w *world) { w.edit("acme", "== end", logged("mail.example.org", msg, why)+"== end") }
}

func shown(key string, a answer) func(*world) { return func(w *world) { w.says[key] = a } }

func inside(key, old, new string) func(*world) {
	return func(w *world) {
		a := w.says[key]
		if !strings.Contains(a.text, old) {
			w.t.Fatalf("no %q in %s", old, key)
		}
		a.text = strings.ReplaceAll(a.text, old, new)
		w.says[key] = a
	}
}

func edit(id, old, new string) func(*world) { return func(w *world) { w.edit(id, old, new) } }

const config, discover = "autoconfig.example.org/mail/config-v1.1.xml", "autodiscover.example.org/autodiscover/autodiscover.xml"
const valid = "validating authorization"

var stories = []struct {
	name, key string
	spoil     func(*world)
	want      checks.Outcome
	words     string
}{
	{"stopped", "web.caddy@proxy", edit("units wg0", "SubState=running", "SubState=dead"), checks.Fail, "does not run (dead)"},
	{"80 taken", "web.caddy@proxy", func(w *world) {
		w.edit("units wg0", "SubState=running", "SubState=failed")
		w.edit("listeners", "*:80 *:* users:((\"caddy\"", "*:80 *:* users:((\"nginx\"")
	}, checks.Fail, "nginx has port 80"},
	{"not at boot", "web.caddy@proxy", edit("units wg0", "UnitFileState=enabled", "UnitFileState=disabled"), checks.Fail, "does not start at boot"},
	{"not there", "web.caddy@proxy", edit("caddy", "== others", "== absent"), checks.OK, ""},
	{"not there, nor its unit", "web.caddy@proxy", func(w *world) { w.edit("units wg0", "Id=caddy", "Id=other") }, checks.Fail, "Caddy is not there"},
	{"never loaded", "web.caddy@proxy", edit("caddy", "\"postern\":\"0123456789abcdef\"\n", ""), checks.Fail, "without our sites"},
	{"an older file is loaded", "web.caddy@proxy", edit("caddy", "0123456789abcdef", "fedcba9876543210"), checks.Warn, "an older file"},
	{"no import", "web.caddy@proxy", edit("/etc/caddy/Caddyfile", "import /etc/caddy/postern.caddy\n", ""), checks.Fail, "does not import"},
	{"challenge blocked", "web.acme.mail.example.org@proxy", acme(valid, "authorization failed: HTTP 400 urn:ietf:params:acme:error:connection - 203.0.113.10: Fetching http://mail.example.org/.well-known/acme-challenge/x: Timeout"), checks.Fail, "challenge blocked"},
	{"rate-limited", "web.acme.mail.example.org@proxy", acme("could not get certificate from issuer", refusedOrder), checks.Fail, "rate-limited), until 2026-11-22 13:04:05 UTC"},
	{"forbidden by CAA", "web.acme.mail.example.org@proxy", acme("could not get certificate from issuer", "HTTP 403 urn:ietf:params:acme:error:caa - CAA record prevents issuance"), checks.Fail, "CAA"},
	{"no such name", "web.acme.mail.example.org@proxy", acme(valid, "HTTP 400 urn:ietf:params:acme:error:dns - DNS problem: NXDOMAIN looking up A"), checks.Fail, "in the DNS"},
	{"authority away", "web.acme.mail.example.org@proxy", acme("could not get certificate from issuer", "registering account [] with server: provisioning client: performing request: Get \"https://acme-v02.api.letsencrypt.org/directory\": dial tcp 198.51.100.207:443: connect: connection refused"), checks.Fail, "cannot be reached from the proxy"},
	{"another's name fails", "web.acme.mail.example.org@proxy", func(w *world) {
		w.edit("acme", "== end", logged("www.example.org", valid, "HTTP 400 urn:ietf:params:acme:error:connection - x")+"== end")
	}, checks.OK, "none failed"},
	{"a later one succeeds", "web.acme.mail.example.org@proxy", func(w *world) {
		w.edit("acme", "== lines\n", "== lines\n"+logged("mail.example.org", valid, "HTTP 400 urn:ietf:params:acme:error:connection - x"))
	}, checks.OK, "none failed"},
	{"Caddy does not have it yet", "web.acme.mail.example.org@proxy", edit("caddy", "0123456789abcdef", "fedcba9876543210"), checks.Skip, "does not have this name yet"},
	{"one is under way", "web.acme.autoconfig.example.org@proxy", func(w *world) {
		w.edit("acme", "== end", logged("autoconfig.example.org", "obtaining certificate", "")+"== end")
	}, checks.Unknown, "under way"},
	{"another one after a failure", "web.acme.mail.example.org@proxy", func(w *world) {
		w.edit("acme", "== end", logged("mail.example.org", valid, "HTTP 400 urn:ietf:params:acme:error:connection - Timeout")+logged("mail.example.org", "obtaining certificate", "")+"== end")
	}, checks.Fail, "challenge blocked"},
	{"the port is shut", "web.http.mail.example.org@here", func(w *world) { w.refused[w.env.Site.Ports.HTTP] = syscall.ECONNREFUSED }, checks.Fail, "refused"},
	{"answered without TLS", "web.http.mail.example.org@here", shown("http mail.example.org", answer{code: 200}), checks.Warn, "without TLS"},
	{"sent elsewhere", "web.http.mail.example.org@here", shown("http mail.example.org", answer{code: 301, to: "https://www.example.org/"}), checks.Warn, "https://www.example.org/"},
	{"silent", "web.https.mail.example.org@here", func(w *world) { w.refused[w.env.Site.Ports.HTTPS] = syscall.ETIMEDOUT }, checks.Fail, "no answer"},
	{"no certificate", "web.https.mail.example.org@here", func(w *world) { w.shows["mail.example.org"] = nil }, checks.Fail, "web.acme tells why"},
	{"expired", "web.https.mail.example.org@here", func(w *world) { w.shows["mail.example.org"] = certificate("mail.example.org", now.AddDate(0, 0, -1)) }, checks.Fail, "ended on"},
	{"ends soon", "web.https.mail.example.org@here", func(w *world) { w.shows["mail.example.org"] = certificate("mail.example.org", now.AddDate(0, 0, 5)) }, checks.Warn, "ends in 5 days"},
	{"wrong name", "web.https.autoconfig.example.org@here", func(w *world) { w.shows["autoconfig.example.org"] = w.shows["mail.example.org"] }, checks.Fail, "of another name: mail.example.org"},
	{"chain incomplete", "web.https.mail.example.org@here", func(w *world) {
		c := w.shows["mail.example.org"]
		w.shows["mail.example.org"] = &tls.Certificate{Certificate: c.Certificate[:1], PrivateKey: c.PrivateKey}
	}, checks.Fail, "chain is incomplete"},
	{"nobody's", "web.https.mail.example.org@here", func(w *world) { w.env.Here.Trusts = x509.NewCertPool() }, checks.Fail, "from nobody that is trusted"},
	{"a closed port", "web.clients.autoconfig.example.org@here", inside(config, "<port>993</port>", "<port>143</port>"), checks.Fail, "imap mail.example.org:143, a port that is closed"},
	{"another host", "web.clients.autoconfig.example.org@here", inside(config, "<hostname>mail.example.org", "<hostname>home.example.net"), checks.Fail, "another host"},
	{"no TLS", "web.clients.autoconfig.example.org@here", inside(config, "STARTTLS", "plain"), checks.Fail, "with plain in place of starttls"},
	{"not served", "web.clients.autoconfig.example.org@here", func(w *world) { delete(w.says, config) }, checks.Fail, "not served (404)"},
	{"no XML", "web.clients.autodiscover.example.org@here", inside(discover, "<Autodiscover", "Autodiscover"), checks.Fail, "cannot be read"},
	{"POP", "web.clients.autodiscover.example.org@here", inside(discover, "<Type>IMAP", "<Type>POP3"), checks.Fail, "pop3 mail.example.org:993"},
	{"nobody answers", "web.clients.autoconfig.example.org@here", func(w *world) { w.refused[w.env.Site.Ports.Submissions] = syscall.ECONNREFUSED }, checks.Fail, "port 465, which is named, is closed"},
	{"nobody listens", "web.clients.autoconfig.example.org@here", func(w *world) {
		a := w.env.Hosts["mail"].Facts.Answers["listeners"]
		a.Out = strings.ReplaceAll(a.Out, "*:993", "*:994")
		w.env.Hosts["mail"].Facts.Answers["listeners"] = a
	}, checks.Warn, "nobody listens at port 993 yet"},
	{"no policy", "web.mtasts.mta-sts.example.org@here", func(w *world) { delete(w.says, "mta-sts.example.org/.well-known/mta-sts.txt") }, checks.Fail, "not served"},
	{"another policy", "web.mtasts.mta-sts.example.org@here", inside("mta-sts.example.org/.well-known/mta-sts.txt", "testing", "enforce"), checks.Fail, "something else"},
	{"the mail host is away", "web.webmail@here", shown("mail.example.org/", answer{code: 502}), checks.Fail, "10.0.0.2:8443 does not (502)"},
	{"another page", "web.webmail@here", shown("mail.example.org/", answer{code: 200, text: "It works!"}), checks.Warn, "not as Mailcow"},
	{"admin open", "web.admin@here", shown("mail.example.org/admin", answer{code: 302}), checks.Fail, "/admin answers 302"},
	{"another web server", "web.caddy@proxy", func(w *world) { w.env.Site.Web.Kind = "existing" }, checks.Skip, "another web server"},
}

// Each story breaks one thing, and wants one result to tell of it, with a fix that fits.
func TestStories(t *testing.T) {
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			kind := "plain"
			if strings.HasPrefix(s.key, "web.webmail") || strings.HasPrefix(s.key, "web.admin") {
				kind = "mailcow"
			}
			w := newWorld(t, kind)
			s.spoil(w)
			results := w.ask()
			r, is := results[s.key]
			if text := r.Saw.String() + "\n" + r.Likely; !is || r.Outcome != s.want || !strings.Contains(text, s.words) {
				t.Fatalf("%s, want %s with %q: %s\n%v", r.Outcome, s.want, s.words, text, results)
			}
			if r.Amiss() && (r.Want == "" || r.Likely == "" || r.Fix == "") {
				t.Errorf("it does not say what was wanted, what is likely and what mends it: %+v", r)
			}
		})
	}
}
