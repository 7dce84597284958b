package mailcow

import (
	"context"

	"postern/checks"
	"postern/seen"
)

func init() {
	checks.Register(checks.Check{
		ID: "mailcow.admin", Rests: []string{"mailcow.containers@", "host.ssh@"}, Step: "mailcow", Title: "Mailcow's administrator has a password of its own",
		Page: checks.Page{
			Asks:    "Does Mailcow's administrator still have the password of a fresh installation, which everybody knows? Its database is asked on the host; nobody logs in, and nothing of a password leaves it.",
			OK:      "It has another one, or there is no such administrator.",
			Fail:    "It has: who reaches the web interface reads all mail.",
			Skip:    "There is no Mailcow, or it was not started yet.",
			Unknown: "Its database gave no answer.",
			Mends:   "A person changes it in Mailcow's web interface: the chapter Mailcow says how to get there.",
		},
		Guide: "mailcow, Initial Setup", Reads: checks.Join(seen.OfMailcow.Reads, seen.MailcowAdmin.Reads),
		Ask: each(checks.Question{Want: "another password than that of a fresh installation", Fix: "change it in the web interface: 'postern plan mailcow' says how to get there", Likely: "nobody has changed it yet"}, there(judgeAdmin)),
	})
}

func judgeAdmin(_ context.Context, _ *checks.Env, q checks.Question, v *checks.Vantage, now seen.Mailcow) checks.Result {
	if !now.Begun() {
		return q.Skip("it was not started yet")
	}
	switch password, err := seen.MailcowAdmin.Of(v.Facts); {
	case err != nil:
		return q.Cannot(err)
	case password == "absent":
		return q.Unknown("its database does not run", "mailcow.containers tells")
	case password == "first":
		return q.Fail("admin's password is the one of every fresh Mailcow", "", "")
	case password == "":
		return q.OK("there is no administrator called admin")
	}
	return q.OK("admin's password is not the first one")
}
