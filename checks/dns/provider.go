package dns

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"postern/checks"
	"postern/remote"
	"postern/site"
	"postern/zone"
)

func init() {
	checks.Register(checks.Check{
		ID: "dns.provider", Step: "network", Title: "The proxy's provider is answered", Guide: "RFC 1035, 3.5", Beyond: true, Rests: []string{"host.ssh"},
		Page: checks.Page{
			Asks:    "Where the proxy's provider is not answered: whose is its public address? The proxy's resolver is asked for the name that a new server has from its provider; and for the number of the network (AS), where dns.ask names " + networks + ", which then learns the address.",
			OK:      "It is not asked: the provider is answered, or nobody is known by these signs.",
			Warn:    "The address is of a provider whose pages are known: with that answer, chapter Network tells its panel, its mail port and its letter.",
			Unknown: "The resolver of the proxy could not be asked.",
			Skip:    "The provider is answered, or neither sign tells.",
			Mends:   "Answer host.NAME.provider. It is never taken without you: many sell servers in a network of others.",
		},
		Reads: checks.Files(resolvers),
		Ask:   askProvider,
	})
}

func askProvider(ctx context.Context, e *checks.Env) []checks.Result {
	q := checks.Question{From: checks.Here, Want: "the provider's name in the answers, for what its panel and its support want", Fix: "network", Likely: "it was left open"}
	proxy, v, err := from(e)
	if proxy != nil {
		q.From = proxy.Name
	}
	switch {
	case err != nil:
		return []checks.Result{q.Cannot(err)}
	case proxy.Provider != "":
		return []checks.Result{q.Skip("answered: %s", proxy.Provider)}
	case !proxy.Public4.IsValid():
		return []checks.Result{q.Skip("%s's public address is not known", proxy.Name)}
	}
	list, err := resolversOf(v.Facts)
	if err != nil {
		return []checks.Result{q.Cannot(err)}
	}
	reverse, origin := asking(zone.Reverse(proxy.Public4), "PTR"), asking(entry(proxy.Public4, networks), "TXT")
	asks := []question{reverse}
	if slices.Contains(e.Site.DNS.Ask, networks) {
		asks = append(asks, origin)
	}
	var said map[question]reply
	for _, at := range list {
		if said = (party{from: v.Dial, at: at, recurse: true}).ask(ctx, asks); said[reverse].err == nil {
			break
		}
	}
	if err := said[reverse].err; err != nil {
		return []checks.Result{q.Unknown("the resolver of "+proxy.Name+": "+remote.Words(err), "it is down, or packets to port 53 do not leave "+proxy.Name)}
	}
	signs := []string{}
	for _, name := range values(said[reverse].answer, dns.TypePTR, "") {
		signs = append(signs, "is called "+remote.Clean(name).Line(100))
		if id, is := whose(e, 0, name); id != "" {
			return []checks.Result{suggest(q, proxy, signs[len(signs)-1], id, is)}
		}
	}
	for _, text := range values(said[origin].answer, dns.TypeTXT, "") {
		for _, n := range origins(text) {
			signs = append(signs, fmt.Sprintf("belongs to AS%d", n))
			if id, is := whose(e, n, ""); id != "" {
				return []checks.Result{suggest(q, proxy, signs[len(signs)-1], id, is)}
			}
		}
	}
	if len(asks) == 1 {
		signs = append(signs, "dns.ask does not name "+networks+", which tells its network")
	}
	return []checks.Result{q.Skip("%s tells no provider: %s", proxy.Public4, cmp.Or(checks.Few(signs), "it has no name, and its network is not told"))}
}

// suggest says who it seems to be, and by which sign.
func suggest(q checks.Question, proxy *site.Host, sign, id, name string) checks.Result {
	r := q.Warn(fmt.Sprintf("%s %s: that is %s", proxy.Public4, sign, name), "", "")
	r.Answer = "host." + proxy.Name + ".provider=" + id
	return r
}

// whose is who has such a network or gives such names.
func whose(e *checks.Env, network uint32, reverse string) (id, name string) {
	if e.Whose == nil {
		return "", ""
	}
	return e.Whose(network, reverse)
}

// origins are the networks that an answer of origin.asn.cymru.com begins with: "64500 64501 | 203.0.113.0/24 | DE | ripencc | 2001-02-03".
func origins(text string) []uint32 {
	first, _, found := strings.Cut(text, "|")
	var list []uint32
	for _, word := range strings.Fields(first) {
		if n, err := strconv.ParseUint(word, 10, 32); err == nil && found && n > 0 {
			list = append(list, uint32(n))
		}
	}
	return list[:min(len(list), 8)]
}
