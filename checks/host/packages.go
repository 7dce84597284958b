package host

import (
	"postern/checks"
	"postern/seen"
)

func init() {
	checks.Register(checks.Check{ID: "host.packages", Rests: []string{"host.ssh@"}, Step: "network", Title: "No installation was cut short", Guide: "network, Network Architecture",
		Page: checks.Page{
			Asks:    "Are all packages of the host installed whole? A reboot in the middle of an installation leaves some half done, and nothing more can be installed.",
			OK:      "They are.",
			Warn:    "Some are half done; they are named.",
			Unknown: "The host does not tell, or something is being installed at this moment.",
			Mends:   "Chapter Network finishes what was begun: dpkg --configure -a on the host, and what was unpacked in part is installed again.",
			Skip:    "The host runs FreeBSD, which has no dpkg.",
		}, Reads: checks.Join(seen.Systems.Reads, seen.Dpkg.Reads), Ask: checks.OfHosts(seen.Dpkg, checks.Question{Want: "packages that are installed whole", Fix: "network",
			Likely: "a reboot, or a full disk, in the middle of an installation"}, func(q checks.Question, now seen.Installing) checks.Result {
			switch {
			case now.Absent:
				return q.Skip("it has no dpkg, of which this asks")
			case now.Busy:
				return q.Unknown("something is being installed right now", "another apt is at work: ask again when it is through")
			case len(now.Half) > 0:
				return q.Warn("half done: "+checks.Few(now.Half), "", "")
			}
			return q.OK("all are whole")
		}),
	})
}
