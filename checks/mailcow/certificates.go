package mailcow

import (
	"context"
	"strings"

	"postern/checks"
	"postern/seen"
)

func init() {
	checks.Register(checks.Check{
		ID: "mailcow.certificates", Rests: []string{"host.ssh@"}, Step: "mailcow", Title: "No old certificate of Mailcow's own stands before the others",
		Page: checks.Page{
			Asks:    "Are there folders in data/assets/ssl with certificates that Mailcow once got by itself? Postfix and Dovecot serve those to who asks for their names, whatever is in cert.pem, and behind the tunnel nobody renews them.",
			OK:      "There are none.",
			Warn:    "There are; they are named.",
			Skip:    "There is no Mailcow, or the mail server is another.",
			Unknown: "The host could not be asked.",
			Mends:   "Once the certificate in data/assets/ssl/cert.pem is good, move the folders away and restart postfix-mailcow and dovecot-mailcow.",
		},
		Guide: "mailcow, Starting Mailcow", Reads: seen.OfMailcow.Reads,
		Ask: each(checks.Question{Want: "one certificate for all ports, in data/assets/ssl/cert.pem", Likely: "Mailcow asked for certificates by itself before it came behind the tunnel",
			Fix: "once cert.pem is good, move these folders out of " + seen.MailcowDir + " and run: docker compose restart postfix-mailcow dovecot-mailcow"}, there(judgeCertificates)),
	})
}

func judgeCertificates(_ context.Context, _ *checks.Env, q checks.Question, _ *checks.Vantage, now seen.Mailcow) checks.Result {
	if len(now.Leftover) > 0 {
		return q.Warn(checks.Few(now.Leftover)+": served before cert.pem, and nobody renews it", "", strings.Join(now.Leftover, "\n"))
	}
	return q.OK("none")
}
