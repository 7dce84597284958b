package smtp

import (
	"context"

	"postern/checks"
	"postern/remote"
	"postern/seen"
)

func init() {
	checks.Register(checks.Check{
		ID: "smtp.submission", Rests: []string{"firewall.open", "mailcow.containers"}, Step: "haraka", Title: "Mail programs can hand in mail, with a login and TLS only",
		Page: checks.Page{
			Asks: "Does each port for mail programs speak as it should: TLS from the first byte on the one (RFC 8314), STARTTLS on the other (RFC 6409), and a login offered inside TLS and not before? " +
				"No password is sent. That mail without a login is refused is smtp.relay's question.",
			OK:      "It is so.",
			Fail:    "It is silent or no mail server, or it takes passwords in the clear.",
			Unknown: "This place cannot ask.",
			Skip:    "The site has no names yet, or the port waits for the tunnel.",
			Mends:   "The mail server's own settings: smtpd_tls_auth_only = yes, and its services submission and submissions. For the way there, Firewall and WireGuard.",
		},
		Guide: "network, Port Requirements", Reads: seen.Tunnels.Reads, Outside: true, Ask: withNames(askSubmission),
	})
}

func askSubmission(ctx context.Context, e *checks.Env) []checks.Result {
	var all []checks.Result
	for _, service := range []string{"submissions", "submission"} {
		q := checks.Question{Want: "a login inside TLS only, at %s", Fix: "switch the service on in the mail server, with TLS and logins, then ask again"}
		all = append(all, doors(e, service, "."+service, q, func(q checks.Question, d door) checks.Result {
			return askLogin(ctx, e, q, d, service == "submissions")
		})...)
	}
	return all
}

func askLogin(ctx context.Context, e *checks.Env, q checks.Question, d door, encrypted bool) checks.Result {
	t, r, err := call(ctx, e, d.from, d.to, encrypted)
	if t == nil {
		return unheard(q, r, err)
	}
	defer t.bye()
	if !encrypted {
		switch {
		case t.offersTo("AUTH"):
			return q.Fail("it offers a login before TLS", "smtpd_tls_auth_only is off: passwords cross the network in the clear", "")
		case !t.offersTo("STARTTLS"):
			return q.Fail("it offers no TLS", "its certificate is missing, or TLS is switched off", "")
		}
		if err := t.startTLS(ctx); err != nil {
			return q.Fail(remote.Clean(remote.Words(err)).Line(200), "its certificate or key cannot be read", "")
		}
	}
	if !t.offersTo("AUTH") {
		return q.Fail("it offers no login, so nobody can hand in mail there", "SASL is not set up, or not on this port", "")
	}
	return q.OK("a login is offered inside TLS only")
}
