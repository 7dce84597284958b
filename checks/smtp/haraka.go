package smtp

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"postern/checks"
	"postern/seen"
	"postern/site"
)

func init() {
	checks.Register(checks.Check{
		ID: "smtp.haraka", Rests: []string{"host.ssh@"}, Step: "haraka", Title: "Haraka runs, in the version that was proven",
		Page: checks.Page{
			Asks: "Do both of Haraka's units on the proxy run, will they after a reboot, and which version do they start? Haraka ends when something in it breaks, and its unit starts it anew: how often is asked too. " +
				"Only its current version gets security fixes, so each version of this program brings the one that it was proven with.",
			OK:      "Both run, in the version that this program brings.",
			Warn:    "Another version runs than the one this program brings, or it had to be started anew in the last minutes.",
			Fail:    "One of them does not run, or will not after a reboot. Its last words stand there.",
			Unknown: "The proxy could not be asked.",
			Skip:    "Mail goes past the proxy (mail.path = direct), or the site has no names yet.",
			Mends:   "The chapter Haraka: a new version is put beside the old one and tried before any mail goes through it, and the old one stays to go back to. What its own words tell of, such as a full disk, no chapter mends.",
		},
		Guide: "haraka, Systemd Service Files", Reads: seen.UnitsOf.Reads, Ask: named(askHaraka),
	})
}

// lately is how long a unit that was started anew is still told of.
const lately = 10 * time.Minute

func askHaraka(ctx context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "both of Haraka's units at work, in version " + seen.HarakaVersion, Fix: "haraka"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		q.Suffix = checks.Named(e.Site, h)
		if e.Site.Mail.Path != "haraka" {
			return q.Skip("mail goes past %s to the mail host", h.Name)
		}
		units, err := checks.UnitsOf(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		return judgeHaraka(q, units, func(name string) []string {
			said, _ := checks.Ask(ctx, e.Site, v, seen.LastWords(name))
			return said
		})
	}, site.Proxy)
}

func judgeHaraka(q checks.Question, units seen.Units, last func(unit string) []string) checks.Result {
	var wrong, amiss, said []string
	for _, name := range []string{seen.HarakaIn, seen.HarakaOut} {
		i, version := units.By[name], units.By[name].Haraka()
		switch {
		case !i.Loaded:
			wrong = append(wrong, "there is no "+name)
		case i.State != "running":
			wrong, said = append(wrong, fmt.Sprintf("%s does not run (%s)", name, cmp.Or(i.State, "nothing is told of it"))), append(said, last(name)...)
		case !i.Enabled() && !units.Armed:
			wrong = append(wrong, name+" does not start at boot")
		case i.Restarts > 0 && i.Up < lately:
			amiss = append(amiss, fmt.Sprintf("%s ended and was started anew, %d times by now, %s ago the last", name, i.Restarts, i.Up.Round(time.Second)))
		case version == "":
			amiss = append(amiss, name+" starts another Haraka than the one of this program")
		case older(version, seen.HarakaVersion):
			amiss = append(amiss, fmt.Sprintf("%s starts version %s, and %s is there since", name, version, seen.HarakaVersion))
		case older(seen.HarakaVersion, version):
			amiss = append(amiss, fmt.Sprintf("%s starts version %s, which a newer version of this program set up: use that, for this one would go back to %s", name, version, seen.HarakaVersion))
		}
	}
	switch {
	case len(wrong) > 0 && len(said) > 0:
		return q.Fail(strings.Join(wrong, "; "), "its last words: "+said[len(said)-1], strings.Join(said, "\n"))
	case len(wrong) > 0:
		return q.Fail(strings.Join(wrong, "; "), "it was stopped, or it is not set up yet", "")
	case len(amiss) > 0:
		return q.Warn(strings.Join(amiss, "; "), "a version that was set up before, or one made by hand; or something ends it: journalctl -u haraka-in -u haraka-out", "")
	}
	return q.OK("both run, in version %s", seen.HarakaVersion)
}

// older says whether a version comes before another; both are three numbers.
func older(one, other string) bool {
	a, b := strings.Split(one, "."), strings.Split(other, ".")
	for i := range min(len(a), len(b)) {
		x, _ := strconv.Atoi(a[i])
		y, _ := strconv.Atoi(b[i])
		if x != y {
			return x < y
		}
	}
	return false
}
