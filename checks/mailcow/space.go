package mailcow

import (
	"context"
	"fmt"

	"postern/checks"
	"postern/seen"
)

// What / should have free: below the first Postfix takes no mail of the largest size any more and databases stop; the second is a day or
// two before that.
const (
	full   = 1 << 30
	narrow = 3 << 30
)

func init() {
	checks.Register(checks.Check{
		ID: "mailcow.space", Rests: []string{"host.ssh@"}, Step: "mailcow", Title: "The mail host has room for mail",
		Page: checks.Page{
			Asks:    "How much is free on the mail host's disk? Mail, databases and images lie on it.",
			OK:      "There is room.",
			Warn:    "It is getting full.",
			Fail:    "It is as good as full: mail is refused, and databases stop.",
			Skip:    "There is no Mailcow, or the mail server is another.",
			Unknown: "The host could not be asked.",
			Mends:   "Make room on the host: docker system df tells what Docker has of it, docker image prune takes images away that nobody uses any more.",
		},
		Guide: "mailcow, Prerequisites", Reads: checks.Join(seen.OfMailcow.Reads, seen.Sizes.Reads),
		Ask: each(checks.Question{Want: "some gigabytes free", Fix: "make room on it: 'docker system df' tells what Docker has, 'docker image prune' takes away what nobody uses", Likely: "mail, logs or old images"}, there(judgeSpace)),
	})
}

func judgeSpace(_ context.Context, _ *checks.Env, q checks.Question, v *checks.Vantage, _ seen.Mailcow) checks.Result {
	size, err := seen.Sizes.Of(v.Facts)
	if err != nil {
		return q.Cannot(err)
	}
	free := fmt.Sprintf("%.1f GB free on /", float64(size.Free)/(1<<30))
	switch {
	case size.Disk == 0:
		return q.Unknown("how much is free was not told", "")
	case size.Free < full:
		return q.Fail(free, "", "")
	case size.Free < narrow:
		return q.Warn(free, "", "")
	}
	return q.OK("%s", free)
}
