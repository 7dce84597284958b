package dns

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"postern/checks"
	"postern/remote"
	"postern/zone"
)

func init() {
	about(checks.Check{
		ID: "dns.caa", Title: "The DNS forbids no certificate that the site needs", Guide: "RFC 8659, 3; 4",
		Page: checks.Page{
			Asks: "Do CAA records, of the names that get certificates or of the names above them, let Let's Encrypt or ZeroSSL issue? These are the two that Caddy asks. None are wanted: without them everybody may.",
			OK:   "There are none, or they allow it.",
			Warn: "They forbid it: the next certificate will not be issued, and the one that is there ends.",
		},
	}, "CAA records that let who issues our certificates do so, or none", askCAA)
}

// issuers are those that Caddy asks for certificates: Let's Encrypt, and ZeroSSL where that does not.
var issuers = []string{"letsencrypt.org", "sectigo.com"}

// climb is a name and all above it but the root, in the order in which CAA records are looked for (RFC 8659, 3).
func climb(name string) []string {
	var list []string
	for labels := dns.SplitDomainName(dns.CanonicalName(name)); len(labels) > 0; labels = labels[1:] {
		list = append(list, strings.Join(labels, "."))
	}
	return list
}

func askCAA(_ context.Context, e *checks.Env, s sight, q checks.Question) []checks.Result {
	q.Fix, q.Likely = "add to those records: CAA 0 issue \"letsencrypt.org\"", "they were made for another certificate authority"
	var wrong, lines []string
	for _, name := range zone.Certified(e.Site) {
		owner, told, why := s.caaOf(name)
		if why != "" {
			return []checks.Result{q.Unknown(name+": "+why, "")}
		}
		if forbids := judgeCAA(told); forbids != "" {
			wrong = append(wrong, name+": CAA of "+owner+" "+forbids)
		}
		if line := owner + " CAA " + strings.Join(told, ", "); len(told) > 0 && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	all := strings.Join(lines, "\n")
	switch {
	case len(lines) == 0:
		return []checks.Result{q.OK("none, so everybody may issue")}
	case len(wrong) > 0 && e.Site.Web.Kind == "caddy" && e.Site.Web.CA+e.Site.Web.Certificate == "":
		return []checks.Result{q.Warn(checks.Few(wrong), "", all)}
	case len(wrong) > 0:
		return []checks.Result{q.OK("who issues here is not known; allowed is: %s", remote.Clean(all).Line(200))}
	}
	return []checks.Result{q.OK("%s", remote.Clean(all).Line(200))}
}

// caaOf are the CAA records that hold for a name, and whose they are: its own, or else those of the nearest name above it.
func (s sight) caaOf(name string) (owner string, told []string, why string) {
	for _, n := range climb(name) {
		asked := asking(n, "CAA")
		sp := s.spreadOf(asked, "")
		is, _ := sp.newest()
		r := s.remembered[asked]
		switch {
		case sp.untold() == "" && is.alias == "":
			told = is.values
		case r.err != nil:
			return n, nil, remote.Words(r.err)
		case r.code != dns.RcodeSuccess && r.code != dns.RcodeNameError:
			return n, nil, "the resolver says " + dns.RcodeToString[r.code] // who issues refuses then (RFC 8659, 3)
		default:
			told = values(r.answer, dns.TypeCAA, "")
		}
		if len(told) > 0 {
			return n, told, ""
		}
	}
	return name, nil, ""
}

// judgeCAA says why a set of CAA records lets none of the issuers issue; "" when it does (RFC 8659, 4).
func judgeCAA(told []string) string {
	asked, allowed := false, false
	for _, record := range told {
		flag, rest, _ := strings.Cut(record, " ")
		tag, value, _ := strings.Cut(rest, " ")
		switch tag {
		case "issue":
			who, _, _ := strings.Cut(value, ";")
			asked, allowed = true, allowed || slices.Contains(issuers, strings.ToLower(strings.TrimSpace(who)))
		case "issuewild", "issuemail", "issuevmc", "iodef", "contactemail", "contactphone":
		default:
			if bits, err := strconv.Atoi(flag); err == nil && bits&128 != 0 {
				return "has a critical " + remote.Clean(tag).Line(40) + ", which nobody knows: nobody may issue"
			}
		}
	}
	if asked && !allowed {
		return "lets neither Let's Encrypt nor ZeroSSL issue"
	}
	return ""
}
