package host

import (
	"context"
	"strings"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "host.packages", Step: "network", Title: "No installation was cut short", Guide: "network, Network Architecture",
		Page: checks.Page{
			Asks:    "Are all packages of the host installed whole? A reboot in the middle of an installation leaves some half done, and nothing more can be installed.",
			OK:      "They are.",
			Warn:    "Some are half done; they are named.",
			Unknown: "Something is being installed at this moment.",
			Mends:   "Chapter Network finishes what was begun: dpkg --configure -a on the host. What was unpacked in part must be installed again there.",
		},
		Reads: seen.Dpkg.Reads, Ask: askPackages,
	})
}

func askPackages(_ context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "packages that are installed whole", Fix: "network", Likely: "a reboot, or a full disk, in the middle of an installation"}
	return checks.EachHost(e, q, func(q checks.Question, _ *site.Host, v *checks.Vantage) checks.Result {
		now, err := seen.Dpkg.Of(v.Facts)
		switch {
		case err != nil:
			return q.Cannot(err)
		case now.Absent:
			return q.Skip("the host has no dpkg")
		case now.Busy:
			return q.Unknown("something is being installed right now", "another apt is at work: ask again when it is through")
		case len(now.Half) > 0:
			return q.Warn("to be configured: "+strings.Join(now.Half, ", "), "", "")
		case len(now.Broken) > 0:
			q.Fix = "on the host: apt-get install --reinstall " + strings.Join(now.Broken, " ")
			return q.Warn("unpacked in part: "+strings.Join(now.Broken, ", "), "", "")
		}
		return q.OK("all are whole")
	}, site.Proxy, site.Mail)
}
