package dns

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"postern/checks"
)

func init() {
	about(checks.Check{
		ID: "dns.resolvers", Title: "Large resolvers see the records", Guide: "RFC 1034, 4.3.5",
		Page: checks.Page{
			Asks:  "Do 1.1.1.1 and 9.9.9.9, which many networks ask, tell what the servers of the zones tell? They are asked from the proxy for every record that the site wants, and so learn these names. What they remember from before is told, with how long they still may.",
			OK:    "They see what the servers tell; or something older, until the time that the result names.",
			Warn:  "One refuses to tell: part of the world does not find the records.",
			Skip:  "None of them answers the proxy: what they see is not known, and nothing hangs on it.",
			Mends: "Where they refuse, the zone's signatures are usually broken: see dns.servers. What they remember goes by itself.",
		},
	}, "large resolvers that tell what the zones' servers tell", askResolvers)
}

// large are resolvers of others that many ask: Cloudflare's and Quad9's. Both look at signatures.
var large = []netip.Addr{netip.MustParseAddr("1.1.1.1"), netip.MustParseAddr("9.9.9.9")}

func askResolvers(ctx context.Context, _ *checks.Env, s sight, q checks.Question) []checks.Result {
	q.Fix, q.Likely = "see what dns.servers says of the zone; ask the resolver's own status page", "the zone's signatures are broken, or some of its servers do not answer everybody"
	var asks []question
	for _, r := range s.records {
		asked := asking(r.Name, r.Type)
		if sp := s.spreadOf(asked, ""); sp.untold() == "" && !sp.zone.bogus {
			asks = append(asks, asked)
		}
	}
	if len(asks) == 0 {
		return []checks.Result{q.Skip("no server of the zones tells anything to compare with")}
	}
	said := make([]map[question]reply, len(large))
	checks.AtOnce(len(large), func(i int) {
		said[i] = party{from: s.from.Dial, at: netip.AddrPortFrom(large[i], 53), recurse: true}.ask(ctx, asks)
	})
	var refused, older, heard []string
	for i, at := range large {
		no, old, answers := s.compare(said[i])
		if answers == 0 {
			continue
		}
		heard = append(heard, at.String())
		for _, one := range no {
			refused = append(refused, at.String()+" "+one)
		}
		for _, one := range old {
			older = append(older, at.String()+" "+one)
		}
	}
	switch {
	case len(heard) == 0:
		return []checks.Result{q.Skip("neither %s nor %s answers %s: what they see is not known", large[0], large[1], s.proxy.Name)}
	case len(refused) > 0:
		return []checks.Result{q.Warn(checks.Few(refused), "", strings.Join(append(refused, older...), "\n"))}
	case len(older) > 0:
		return []checks.Result{q.OK("%s", checks.Few(older))}
	}
	return []checks.Result{q.OK("%s: the same", strings.Join(heard, ", "))}
}

// compare says what a resolver refuses to tell, and of what it remembers something older than any server tells now.
func (s sight) compare(said map[question]reply) (refused, older []string, answers int) {
	asks := make([]question, 0, len(said))
	for asked := range said {
		asks = append(asks, asked)
	}
	slices.SortFunc(asks, compareQuestions)
	for _, asked := range asks {
		r := said[asked]
		if r.err != nil {
			continue
		}
		answers++
		name := plain(asked.name) + " " + dns.TypeToString[asked.kind]
		if r.code != dns.RcodeSuccess && r.code != dns.RcodeNameError {
			refused = append(refused, "says "+dns.RcodeToString[r.code]+" to "+name)
			continue
		}
		has, sp := values(r.answer, asked.kind, ""), s.spreadOf(asked, "")
		if !slices.ContainsFunc(sp.by, func(t telling) bool { return slices.Equal(t.values, has) || t.alias != "" }) {
			later := uint32(0)
			for _, rr := range slices.Concat(r.answer, r.authority) {
				later = max(later, rr.Header().Ttl)
			}
			older = append(older, fmt.Sprintf("remembers something older of %s, for %d s at most", name, later))
		}
	}
	return refused, older, answers
}
