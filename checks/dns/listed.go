package dns

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"postern/checks"
	"postern/remote"
	"postern/zone"
)

func init() {
	about(checks.Check{
		ID: "dns.listed", Title: "No blocklist names the addresses that mail leaves from", Guide: "RFC 5782, 2.1; 5",
		Page: checks.Page{
			Asks:  "Does one of the blocklists that dns.ask names list an address that mail leaves from? They are asked by the proxy's own resolver, as receivers ask them, each for its test entries first: a list that does not know them tells nothing, nor does one that answers with an error, as to the large resolvers of others. Where dns.ask names none, none is asked: who asks tells them the addresses, and not everybody may ask for free.",
			OK:    "The list answers, and the address is not in it.",
			Warn:  "It is in a list that some receivers ask.",
			Fail:  "It is in Spamhaus's list, which most receivers ask: they refuse its mail.",
			Skip:  "No list is to be asked, or mail leaves by a smart host.",
			Mends: "First stop what sent it, then ask the list to take the address off; its own page says how. A new server may have the address of an old sender: the provider can give another.",
		},
	}, "addresses that no blocklist names", askListed)
}

// networks tells whose network an address is in, and is no list.
const networks = "origin.asn.cymru.com"

// public are resolvers of others that many ask. Blocklists do not answer them, or answer that nothing is listed.
var public = append([]netip.Addr{netip.MustParseAddr("1.0.0.1"), netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("8.8.4.4"), netip.MustParseAddr("149.112.112.112"), netip.MustParseAddr("208.67.222.222"), netip.MustParseAddr("208.67.220.220"),
	netip.MustParseAddr("2606:4700:4700::1111"), netip.MustParseAddr("2001:4860:4860::8888"), netip.MustParseAddr("2620:fe::fe")}, large...)

// spamhaus is the list that most receivers ask, and what its answers mean (docs.spamhaus.com, Available Zones).
const (
	spamhaus     = "zen.spamhaus.org"
	spamhausPage = "https://check.spamhaus.org/"
	pbl          = "PBL: by the rules of its network no mail should leave from it"
)

var spamhausSays = map[string]string{
	"127.0.0.2": "SBL: spam came from it", "127.0.0.3": "CSS: spam came from it", "127.0.0.4": "XBL: a machine at it was broken into", "127.0.0.9": "DROP: its whole network is misused",
	"127.0.0.10": pbl, "127.0.0.11": pbl, "127.0.0.30": "BCL: a machine at it steers others that were broken into",
}

// refusals are answers by which a list says that it does not answer.
var refusals = map[string]string{
	"127.255.255.252": "the name is mistyped", "127.255.255.254": "it does not answer large resolvers of others", "127.255.255.255": "too much was asked",
	"127.0.1.255": "it lists names, not addresses",
}

func askListed(ctx context.Context, e *checks.Env, s sight, q checks.Question) []checks.Result {
	lists := slices.DeleteFunc(slices.Clone(e.Site.DNS.Ask), func(name string) bool { return name == networks })
	from := zone.Senders(e.Site, s.proxy)
	switch {
	case e.Site.Smarthost.Host != "":
		return []checks.Result{q.Skip("mail leaves by %s: its addresses are not ours", e.Site.Smarthost.Host)}
	case len(lists) == 0:
		return []checks.Result{q.Skip("dns.ask names no blocklist, so none was asked; see %s, or --set dns.ask=%s --save", spamhausPage, spamhaus)}
	case len(from) == 0:
		return []checks.Result{q.Unknown(s.proxy.Name+"'s public address is not known", "it is behind a NAT, and nobody said")}
	case slices.Contains(public, s.resolver.Addr()):
		r := q.Unknown(s.proxy.Name+" asks "+s.resolver.Addr().String()+", by which blocklists tell nothing true", "they do not answer large resolvers of others")
		r.Fix = "look by hand at " + spamhausPage + ", or have the proxy ask a resolver of its own, such as unbound"
		return []checks.Result{r}
	}
	var asks []question
	for _, list := range lists {
		for _, a := range from {
			asks = append(asks, asking(entry(a, list), "A"), asking(entry(a, list), "TXT"), asking(entry(test(a, 1), list), "A"), asking(entry(test(a, 2), list), "A"))
		}
	}
	said := party{from: s.from.Dial, at: s.resolver, recurse: true}.ask(ctx, asks)
	var results []checks.Result
	for _, list := range lists {
		for _, a := range from {
			one := q
			if one.Suffix = "." + list; a.Is6() {
				one.Suffix += ".v6"
			}
			results = append(results, judgeListed(one, list, a, said))
		}
	}
	return results
}

// entry is where a list tells of an address.
func entry(a netip.Addr, list string) string {
	return strings.TrimSuffix(strings.TrimSuffix(zone.Reverse(a), ".in-addr.arpa"), ".ip6.arpa") + "." + list
}

// test is an address that every list has (2) or must not have (1), of the family of another (RFC 5782, 5).
func test(like netip.Addr, last byte) netip.Addr {
	if like.Is6() {
		return netip.AddrFrom16([16]byte{10: 0xff, 11: 0xff, 12: 127, 15: last})
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, last})
}

// judgeListed is what one list says of one address, once it is known that the list works.
func judgeListed(q checks.Question, list string, a netip.Addr, said map[question]reply) checks.Result {
	tell := func(a netip.Addr) ([]string, string) { return codes(said[asking(entry(a, list), "A")]) }
	there, why := tell(test(a, 2))
	never, whyNever := tell(test(a, 1))
	is, whyNot := tell(a)
	for _, w := range []string{why, whyNever, whyNot} {
		if w != "" {
			return unlisted(q, list, w)
		}
	}
	switch {
	case len(there) == 0 && a.Is6() && len(is) == 0:
		return q.Skip("%s has no test entry for IPv6, so it tells nothing of %s", list, a)
	case len(there) == 0:
		return unlisted(q, list, "it does not know its own test entry, so whom it does not name may be listed all the same")
	case len(never) > 0:
		return unlisted(q, list, "it names whom no list may name: it was given up, and names everybody")
	case len(is) == 0:
		return q.OK("%s is not in %s, which names its test entry", a, list)
	}
	return listed(q, list, a, is, values(said[asking(entry(a, list), "TXT")].answer, dns.TypeTXT, ""))
}

// unlisted could not be told: the address is neither listed nor clean.
func unlisted(q checks.Question, list, why string) checks.Result {
	r := q.Unknown(list+": "+why, "the list is gone or away, or it does not answer the resolver that the proxy asks")
	r.Fix = "look by hand, at " + spamhausPage + " for Spamhaus; have the proxy ask a resolver of its own, such as unbound; or take the list out of dns.ask"
	return r
}

// listed is what a list says of an address that it has.
func listed(q checks.Question, list string, a netip.Addr, is, texts []string) checks.Result {
	byRule, says := list == spamhaus, []string(nil)
	for _, code := range is {
		word := code
		if means := spamhausSays[code]; list == spamhaus && means != "" {
			word += " (" + means + ")"
		}
		byRule, says = byRule && spamhausSays[code] == pbl, append(says, word)
	}
	saw, own := a.String()+" is in "+list+": "+checks.Few(says), "the list says: "+remote.Clean(strings.Join(texts, "; ")).Line(300)
	switch {
	case byRule:
		q.Fix = "have it taken off at " + spamhausPage + "; where only the owner of the network can, ask the provider, or for another address"
		return q.Fail(saw, "nobody complained: the provider's network is listed as one that no mail is sent from, as those of homes are", own)
	case list == spamhaus:
		q.Fix = "find what sends ('postern check smtp' shows open relays and queues), stop it, then ask for removal at " + spamhausPage
		return q.Fail(saw, "spam left from it: by this server, or by who had the address before", own)
	}
	q.Fix = "find what sends, stop it, then ask for removal as the pages of " + list + " say"
	return q.Warn(saw, "spam left from it: by this server, or by who had the address before; how much it matters hangs on who asks this list", own)
}

// codes are what a list answers, none where it does not have an address; or why it tells nothing.
func codes(r reply) (list []string, why string) {
	switch {
	case r.err != nil:
		return nil, remote.Words(r.err)
	case r.code != dns.RcodeSuccess && r.code != dns.RcodeNameError:
		return nil, "the resolver says " + dns.RcodeToString[r.code]
	}
	for _, is := range values(r.answer, dns.TypeA, "") {
		a, err := netip.ParseAddr(is)
		switch {
		case err != nil || !netip.PrefixFrom(netip.AddrFrom4([4]byte{127}), 8).Contains(a):
			return nil, "it answers " + remote.Clean(is).Line(40) + ", as no list does: somebody answers in its place" // RFC 5782, 2.1
		case strings.HasPrefix(is, "127.255.255."), refusals[is] != "":
			return nil, "it answers " + is + ", an error: " + cmp.Or(refusals[is], "what it means is unknown here")
		}
		list = append(list, is)
	}
	return list, ""
}
