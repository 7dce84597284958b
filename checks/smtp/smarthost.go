package smtp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/netip"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "smtp.smarthost", Rests: []string{"smtp.haraka"}, Step: "haraka", Title: "The smart host's password is on the proxy, and is not refused",
		Page: checks.Page{
			Asks:    "Is the password of this account at the smart host on the proxy, and what came of the last login there? Nobody logs in to find out: Haraka's own words are read.",
			OK:      "It is there. The result says whether it was taken, or nothing was sent since it was put there.",
			Warn:    "Mail waited for the smart host the last time, and none does now.",
			Fail:    "It is not there, or it was refused, or mail waits because the smart host is not reached: nothing is lost, and nothing leaves.",
			Skip:    "Mail goes straight to the world: there is no smart host (smarthost.host), or no Haraka.",
			Unknown: "The host could not be asked.",
			Mends:   "The chapter Haraka asks for the password where it is not there, and where it was refused. Mail that waits is tried again by itself, less and less often, and comes home after three days.",
		},
		Guide: "RFC 4954, 4", Reads: seen.Smarthost.Reads, Ask: named(askPassword),
	})
}

func askPassword(_ context.Context, e *checks.Env) []checks.Result {
	m := e.Site.Smarthost
	q := checks.Question{Want: "a password of " + m.Account() + " that is taken", Fix: "haraka", Likely: "a slip in the password or in smarthost.user, or it was changed there"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		if q.Suffix = checks.Named(e.Site, h); m.Host == "" || e.Site.Mail.Path != "haraka" {
			return q.Skip("mail does not go by a smart host")
		}
		now, err := seen.Smarthost.Of(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		return judgePassword(q, now)
	}, site.Proxy)
}

func judgePassword(q checks.Question, now seen.Sending) checks.Result {
	waiting := fmt.Sprintf("%d mails wait", now.Waiting)
	switch {
	case !now.Password:
		return q.Fail("it is not there; "+waiting, "the chapter was not applied since these answers were given", "")
	case strings.HasPrefix(now.Said, seen.SmarthostRefuses):
		return q.Fail("the smart host "+now.Said+"; "+waiting, "", "")
	case now.Said == "" && now.Waiting == 0:
		return q.OK("it is there; nothing was sent since, so whether it is taken is not known")
	case now.Said == "":
		return q.OK("it is there; %s for the next try", waiting)
	case now.Said == seen.SmarthostTakes:
		return q.OK("the smart host %s; %s", now.Said, waiting)
	case now.Waiting > 0:
		return q.Fail("the last try failed: "+now.Said+"; "+waiting, "it is not reached, or does not prove its name: smtp.leaves tells", "")
	}
	return q.Warn("the last try failed: "+now.Said, "it was not reached for a while", "")
}

// askSmarthost asks the smart host from where mail goes to it, as far as a login could be tried.
func askSmarthost(ctx context.Context, e *checks.Env, q checks.Question, v *checks.Vantage) checks.Result {
	m := e.Site.Smarthost
	q.Want = fmt.Sprintf("%s takes mail at port %d from who logs in, inside TLS and under its own name", m.Host, m.Port)
	q.Likely = "a slip in smarthost.host or smarthost.port, or it does not do what Haraka needs: mail waits"
	q.Fix = "answer smarthost.host and smarthost.port as its pages tell them, then: postern apply haraka"
	roots, err := checks.Ask(ctx, e.Site, v, seen.Roots)
	if err != nil {
		return q.Cannot(err)
	}
	at, err := checks.Ask(ctx, e.Site, v, seen.Lookup(m.Host))
	switch {
	case err != nil:
		return q.Cannot(err)
	case len(at) == 0 || at[0].Is6():
		return q.Fail(v.Name+" finds no IPv4 address of "+m.Host, "a slip in smarthost.host, or its resolver does not answer", "")
	}
	t, r, err := callAs(ctx, e, v, netip.AddrPortFrom(at[0], uint16(m.Port)), m.Host, m.Wrapped())
	if t == nil && r.Answer != checks.Open {
		if r.Mute() {
			return q.Unknown(r.Said(), "")
		}
		return q.Fail(r.Said(), "the provider keeps this port back too, or the smart host is down, or has another port", "")
	}
	if t != nil && !m.Wrapped() && !t.offersTo("STARTTLS") {
		t.bye()
		return q.Fail("it offers no TLS: no password is told to it", "", "")
	}
	if t != nil && !m.Wrapped() {
		err = t.startTLS(ctx)
	}
	if err != nil {
		return q.Fail(remote.Clean(remote.Words(err)).Line(200), "", "")
	}
	defer t.bye()
	if err := vouched(t, m.Host, roots); err != nil {
		return q.Fail("its certificate proves nothing: "+remote.Clean(remote.Words(err)).Line(160), "another server answers there, or "+v.Name+" does not trust who signed it", "")
	}
	if !t.offersTo("AUTH") {
		return q.Fail("it takes no login inside TLS", "", "")
	}
	return q.OK("%s proves its name, and takes mail from who logs in", m.Host)
}

// vouched says whether a server's certificate is its own, as a host trusts it.
func vouched(t *talk, name string, roots *x509.CertPool) error {
	var chain []*x509.Certificate
	if c, is := t.conn.(*tls.Conn); is {
		chain = c.ConnectionState().PeerCertificates
	}
	if len(chain) == 0 {
		return fmt.Errorf("there is none")
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: name, Roots: roots, Intermediates: between})
	return err
}
