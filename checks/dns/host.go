package dns

import (
	"context"
	"fmt"
	"net/netip"
	"strings"

	"postern/checks"
	"postern/remote"
	"postern/site"
	"postern/zone"
)

func init() {
	about(checks.Check{
		ID: "dns.host", Title: "The mail host's name leads to the proxy", Guide: "dns, A Records",
		Page: checks.Page{
			Asks: "Do all servers of its zone give the proxy's address for the mail host's name, and no other? An IPv6 address only if every port of it answers there; and an SPF record for bounces, which the host sends in its own name. They are asked from the proxy, over TCP.",
			OK:   "The name leads to the proxy, and to nowhere else.",
			Warn: "It does, but the name has no SPF record of its own: some receivers then doubt bounces.",
			Fail: "It leads elsewhere, or nowhere, or is an alias: mail and mail programs do not find the proxy.",
		},
	}, "the proxy's address and no other", askHost)
	about(checks.Check{
		ID: "dns.reverse", Title: "The proxy's address leads back to the mail host's name", Guide: "dns, PTR Records",
		Page: checks.Page{
			Asks:  "Does the reverse name of each address that mail leaves from say the mail host's name, and no other? The provider's own servers are asked, and that name must lead back (dns.host).",
			OK:    "The reverse name is the mail host's name.",
			Fail:  "It is another, or there is none: many receivers refuse mail from such an address.",
			Mends: "In the provider's panel, where it shows the server's addresses: set the reverse name. Most take it only when the name leads to the address already.",
		},
	}, "one reverse name, the one that the server greets with", askReverse)
}

func askHost(ctx context.Context, e *checks.Env, s sight, q checks.Question) []checks.Result {
	if !s.proxy.Public4.IsValid() {
		return []checks.Result{q.Unknown(s.proxy.Name+"'s public address is not known", "it is behind a NAT, and nobody said")}
	}
	six, helo, host := q, q, e.Site.Hostname
	six.Suffix, six.Want = ".v6", "an IPv6 address only where every port answers over IPv6"
	four := s.judge(q, set{host, "A", ""}, exactly("A", s.proxy.Public4.String()))
	results := []checks.Result{four, s.judge(six, set{host, "AAAA", ""}, s.six(e.Site))}
	for _, r := range zone.Host(e.Site, s.proxy) {
		if r.Type != "TXT" {
			continue
		}
		helo.Suffix, helo.Want = ".helo", "an SPF record that lets the proxy greet with this name (RFC 7208, 2.3)"
		l := s.lookups()
		results = append(results, s.judge(helo, set{host, "TXT", spfMark}, func(told []string) (wrong, odd string) {
			if len(told) == 0 {
				return "", "the name has no SPF record: " + r.Form()
			}
			return judgeSPF(ctx, l, host, told, []netip.Addr{s.proxy.Public4})
		}))
	}
	return results
}

// six judges the IPv6 addresses of the host's name: one that is wanted must be there, and none that is not.
func (s sight) six(of *site.Site) func([]string) (string, string) {
	for _, r := range zone.Host(of, s.proxy) {
		if r.Type == "AAAA" {
			return exactly("AAAA", r.Value)
		}
	}
	return func(told []string) (wrong, odd string) {
		if len(told) == 0 {
			return "", ""
		}
		return fmt.Sprintf("AAAA %s: not every port answers over IPv6, so who tries that first finds some of them dead; take it away, or set tunnel.network6",
			remote.Clean(strings.Join(told, ", ")).Line(120)), ""
	}
}

func askReverse(_ context.Context, e *checks.Env, s sight, q checks.Question) []checks.Result {
	q.Fix = "set it in the provider's panel: 'postern plan dns' says where"
	var results []checks.Result
	for i, r := range zone.Back(e.Site, s.proxy) {
		one := q
		if one.Suffix = ""; i > 0 {
			one.Suffix = ".v6"
		}
		results = append(results, s.judge(one, set{r.Name, "PTR", ""}, exactly("PTR", r.Target)))
	}
	if len(results) == 0 {
		return []checks.Result{q.Unknown(s.proxy.Name+"'s public address is not known", "it is behind a NAT, and nobody said")}
	}
	return results
}
