package web

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"postern/checks"
	"postern/seen"
	"postern/site"
	"postern/zone"
)

// marked finds the mark of a file of ours.
var marked = regexp.MustCompile(`(?m)^\s*vars ` + seen.CaddyMark + ` ([0-9a-f]+)$`)

// causes are what an attempt fails of, by the word of ACME for it (RFC 8555, 6.7), and what to do then.
var causes = map[string]struct{ saw, likely string }{
	"connection":              {"nobody reached it from outside (challenge blocked)", "the provider or a firewall drops the web's ports towards the proxy, or the name leads elsewhere: firewall.open and dns.host tell"},
	"dns":                     {"the authority does not find it in the DNS", "its record is missing or new: dns.host and dns.clients tell"},
	"unauthorized":            {"another machine answered for it", "the name leads elsewhere, over IPv6 too, or another web server takes what comes: dns.host tells"},
	"caa":                     {"CAA records forbid it", "they name another authority: dns.caa tells"},
	"rateLimited":             {"the authority wants no more orders for now (rate-limited)", "too many were asked for: wait as long as it says, and do not start Caddy anew meanwhile"},
	"rejectedIdentifier":      {"the authority issues nothing for such a name", "it is no name of the public DNS"},
	"tls":                     {"its HTTPS answered something else", "another program has the port: web.caddy tells"},
	"incorrectResponse":       {"another machine answered for it", "the name leads elsewhere, or another web server takes what comes: dns.host tells"},
	"serverInternal":          {"the authority has trouble of its own", "wait: it is tried again"},
	"userActionRequired":      {"the authority wants its terms agreed to anew", "see what it says"},
	"externalAccountRequired": {"the authority wants to know whose account it is", "web.ca names one that takes registered accounts only"},
}

func askACME(_ context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{Want: "certificates that are issued and renewed", Likely: "Caddy's log tells: journalctl -u caddy",
		Fix: "mend what is likely; Caddy tries again by itself, or at once after 'systemctl restart caddy'"}
	return checks.EachHost(e, q, func(q checks.Question, h *site.Host, v *checks.Vantage) checks.Result {
		switch q.Suffix = checks.Named(e.Site, h); {
		case e.Site.Web.Kind == "existing":
			return q.Skip("another web server does its part (web.kind = existing)")
		case e.Site.Web.Certificate != "":
			return q.Skip("the certificate is your own (web.certificate)")
		}
		all, err := seen.ACME.Of(v.Facts)
		if err != nil {
			return q.Cannot(err)
		}
		return judgeAttempts(q, zone.Certified(e.Site), all)
	}, site.Proxy)
}

// judgeAttempts tells the last failure of each name, the names of one cause together.
func judgeAttempts(q checks.Question, names []string, all []seen.Attempt) checks.Result {
	type failure struct {
		saw, likely, said string
		names             []string
	}
	var failed []failure
	var lines []string
	for _, a := range all {
		if a.OK || !slices.Contains(names, a.Name) {
			continue
		}
		c, known := causes[a.Problem]
		if !known {
			c.saw, c.likely = "the attempt failed", "it says: "+a.Said
			if a.Problem == "" && unreached.MatchString(a.Said) {
				c.saw, c.likely = "the authority cannot be reached from the proxy", "it is down, or what the proxy sends does not get out: "+a.Said
			}
		}
		if a.Problem == "rateLimited" {
			if until := limit.FindString(a.Said); until != "" {
				c.saw += ", " + strings.Replace(until, "retry after", "until", 1)
			}
		}
		lines = append(lines, a.Name+": "+a.Problem+" "+a.Said)
		i := slices.IndexFunc(failed, func(f failure) bool { return f.saw == c.saw })
		if i < 0 {
			i, failed = len(failed), append(failed, failure{c.saw, c.likely, a.Said, nil})
		}
		failed[i].names = append(failed[i].names, a.Name)
	}
	if len(failed) == 0 {
		return q.OK("none failed")
	}
	var saw []string
	for _, f := range failed {
		saw = append(saw, strings.Join(f.names, ", ")+": "+f.saw)
	}
	return q.Fail(checks.Few(saw), failed[0].likely, strings.Join(lines, "\n"))
}

var (
	unreached = regexp.MustCompile(`dial tcp|i/o timeout|deadline exceeded|connection refused|no such host|EOF`)
	limit     = regexp.MustCompile(`retry after [0-9-]{10}[T ][0-9:]{8}( ?[A-Z]+)?`)
)
