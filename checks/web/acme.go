package web

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/zone"
)

// marked finds the mark of a file of ours.
var marked = regexp.MustCompile(`(?m)^\s*vars ` + seen.CaddyMark + ` ([0-9a-f]+)$`)

// markOf is the mark of a file of ours, "" where it has none.
func markOf(text string) string {
	if m := marked.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

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
	var results []checks.Result
	for _, h := range e.Site.HostsOf(site.Proxy) {
		q.From = h.Name
		var all []seen.Attempt
		var tries func(string) bool
		v, err := e.Look(h)
		if err == nil {
			all, err = seen.ACME.Of(v.Facts)
		}
		if err == nil {
			tries, err = taken(v.Facts)
		}
		switch {
		case e.Site.Web.Kind == "existing":
			results = append(results, q.Skip("another web server does its part (web.kind = existing)"))
		case e.Site.Web.Certificate != "":
			results = append(results, q.Skip("the certificate is your own (web.certificate)"))
		case err != nil:
			results = append(results, q.Cannot(err))
		default:
			results = append(results, judgeAttempts(q, zone.Certified(e.Site), checks.Named(e.Site, h), all, tries)...)
		}
	}
	return results
}

// taken says of a name whether Caddy has it from our sites as they are in their file now.
func taken(f remote.Facts) (func(name string) bool, error) {
	now, err := seen.CaddyOf.Of(f)
	if err != nil {
		return nil, err
	}
	ours, told := f.File(seen.CaddySites)
	if !told {
		return nil, fmt.Errorf("%s could not be read", seen.CaddySites)
	}
	runs := ours != nil && slices.Contains(now.Runs, markOf(ours.Text))
	return func(name string) bool { return runs && strings.Contains(ours.Text, name) }, nil
}

// judgeAttempts tells how the last attempt of each name ended. What fails of the same as another before it follows from that.
func judgeAttempts(q checks.Question, names []string, suffix string, all []seen.Attempt, tries func(string) bool) (results []checks.Result) {
	first := map[string]string{}
	for _, name := range names {
		one := q
		one.Suffix = "." + name + suffix
		i := slices.IndexFunc(all, func(a seen.Attempt) bool { return a.Name == name && (!a.OK || a.Busy) })
		switch {
		case !tries(name):
			results = append(results, one.Skip("Caddy does not have this name yet"))
			continue
		case i < 0:
			results = append(results, one.OK("none failed"))
			continue
		case all[i].OK:
			results = append(results, one.Unknown("one is under way", "the authority is being asked: ask again"))
			continue
		}
		saw, likely := cause(all[i])
		if before, is := first[saw]; is {
			one.Rests = []string{before + "@"}
		} else {
			first[saw] = "web.acme" + one.Suffix
		}
		results = append(results, one.Fail(saw, likely, all[i].Problem+" "+all[i].Said))
	}
	return results
}

// cause is what an attempt failed of, and what to do then.
func cause(a seen.Attempt) (saw, likely string) {
	if a.Problem == "unauthorized" && shut.MatchString(a.Said) {
		a.Problem = "connection"
	}
	c, known := causes[a.Problem]
	switch {
	case !known && a.Problem == "" && unreached.MatchString(a.Said):
		return "the authority cannot be reached from the proxy", "it is down, or what the proxy sends does not get out: " + a.Said
	case !known:
		return "the attempt failed", "it says: " + a.Said
	}
	if until := limit.FindString(a.Said); a.Problem == "rateLimited" && until != "" {
		c.saw += ", " + strings.Replace(until, "retry after", "until", 1)
	}
	return c.saw, c.likely
}

var (
	unreached = regexp.MustCompile(`dial tcp|i/o timeout|deadline exceeded|connection refused|no such host|EOF`)
	shut      = regexp.MustCompile(`(?i)failed to connect|timeout|refused`)
	limit     = regexp.MustCompile(`retry after [0-9-]{10}[T ][0-9:]{8}( ?[A-Z]+)?`)
)
