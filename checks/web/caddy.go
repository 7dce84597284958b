package web

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

func init() {
	about(checks.Check{
		ID: "web.caddy", Rests: []string{"host.ssh@"}, Title: "Caddy runs, with our sites", Guide: "caddy, Installation",
		Page: checks.Page{
			Asks:    "Does Caddy's unit on the proxy run, will it after a reboot, and has it taken up the file with our sites as it is now? What it runs is compared with the file: one that was written and never loaded is told.",
			OK:      "It runs with our sites, and starts at boot.",
			Warn:    "It runs with what its files said before.",
			Fail:    "It does not run, or will not after a reboot, or our sites are not among those that it has. Where another program has its port, that is named.",
			Unknown: "The proxy could not be asked.",
			Skip:    "Another web server does its part (web.kind = existing), or the site has no names yet.",
			Mends:   "The chapter Caddy. What Caddy's last words tell of, such as a line of your own in its file, is yours to mend; nothing of others is stopped for it.",
		},
		Reads: checks.Join(seen.UnitsOf.Reads, seen.CaddyOf.Reads, seen.Listeners.Reads, checks.Files(seen.CaddySites, seen.Caddyfile)),
	}, askCaddy)
	about(checks.Check{
		ID: "web.acme", Rests: []string{"web.caddy", "dns.host", "dns.clients", "dns.caa", "web.http"}, Title: "Certificates are issued, and renewed", Guide: "caddy, Configuration",
		Page: checks.Page{
			Asks:    "What came of Caddy's last attempts to get a certificate for each name of the site? Its log on the proxy is read, of two days.",
			OK:      "None failed, or a later one succeeded; what is served is web.https's question.",
			Fail:    "The last one failed, and why: nobody reached the name's port from outside, another machine answered for it, the name is not in the DNS, CAA records forbid it, the authority wants no more for some hours, or cannot be reached. While it fails, an old certificate goes on until it ends.",
			Unknown: "The proxy could not be asked, or the first attempt is under way.",
			Skip:    "Caddy does not have the name yet, so none was made; another web server does its part (web.kind = existing), or the certificate is your own (web.certificate), or the site has no names yet.",
			Mends:   "What is likely says what to do; Caddy tries again by itself, less and less often. 'systemctl restart caddy' on the proxy has it try at once.",
		},
		Reads: checks.Join(seen.ACME.Reads, seen.CaddyOf.Reads, checks.Files(seen.CaddySites)), Settles: issuing,
	}, askACME)
}

func askCaddy(ctx context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "Caddy at work with our sites, now and after a reboot", Fix: "caddy", Likely: "it was stopped, or it is not set up yet"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		if q.Suffix = checks.Named(e.Site, h); e.Site.Web.Kind == "existing" {
			return q.Skip("another web server does its part (web.kind = existing)")
		}
		units, err := checks.UnitsOf(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		now, err := seen.CaddyOf.Of(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		ours, told := v.Facts.File(seen.CaddySites)
		all, told2 := v.Facts.File(seen.Caddyfile)
		if !told || !told2 {
			return q.Unknown(seen.Caddyfile+" could not be read", "")
		}
		u := units.By[seen.CaddyUnit]
		if r, bad := stopped(q, e.Site, u, v, now, func() []string {
			said, _ := checks.Ask(ctx, e.Site, v, seen.LastWords(seen.CaddyUnit))
			return said
		}); bad {
			return r
		}
		mark := ""
		if ours != nil {
			mark = markOf(ours.Text)
		}
		switch {
		case mark == "":
			return q.Fail("it runs, and has no file of ours", "the chapter was not applied yet, or somebody took the file away", "")
		case all == nil || !strings.Contains(all.Text, "import "+seen.CaddySites):
			return q.Fail("it runs, and "+seen.Caddyfile+" does not import our file", "somebody wrote the file anew", "")
		case now.Saved && len(now.Runs) == 0:
			return q.Fail("it runs without our sites, which its file imports", "the file was written and never loaded", "")
		case now.Saved && !slices.Contains(now.Runs, mark):
			return q.Warn("it runs with an older file of ours than the one that is there", "the file was written and never loaded", "")
		case !u.Enabled() && !units.Armed:
			return q.Fail(seen.CaddyUnit+" does not start at boot", "it was disabled by hand", "")
		}
		return q.OK("it runs with our sites")
	}, site.Proxy)
}

// stopped says that Caddy does not run, and who is in its way.
func stopped(q checks.Question, s *site.Site, u seen.Unit, v *checks.Vantage, now seen.Caddy, last func() []string) (r checks.Result, bad bool) {
	var taken []string
	listeners, _ := seen.Listeners.Of(v.Facts)
	for _, l := range listeners {
		if l.Proto == "tcp" && (l.Port == s.Ports.HTTP || l.Port == s.Ports.HTTPS) && l.Process != "caddy" && !l.Addr.IsLoopback() {
			if words := fmt.Sprintf("%s has port %d", l.Process, l.Port); !slices.Contains(taken, words) {
				taken = append(taken, words)
			}
		}
	}
	switch {
	case u.State == "running":
		return r, false
	case now.Absent || !u.Loaded:
		return q.Fail("Caddy is not there"+also(taken), "the chapter was not applied yet", ""), true
	}
	said := last()
	likely := ""
	if len(taken) > 0 {
		likely = "it cannot have a port that another program has: give that up, or have it do Caddy's part (web.kind=existing)"
	} else if len(said) > 0 {
		likely = "its last words: " + said[len(said)-1]
	}
	return q.Fail(fmt.Sprintf("%s does not run (%s)%s", seen.CaddyUnit, u.State, also(taken)), likely, strings.Join(said, "\n")), true
}

func also(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return ": " + remote.Clean(strings.Join(words, ", ")).Line(120)
}
