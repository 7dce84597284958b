package dns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"postern/checks"
	"postern/remote"
	"postern/site"
	"postern/zone"
)

const resolvers = "/etc/resolv.conf"

// sight is what the checks of this family judge: what the DNS says of the site, seen from its proxy.
type sight struct {
	*survey
	records  []zone.Record // those that the site wants, as far as they are known
	proxy    *site.Host
	from     *checks.Vantage
	resolver netip.AddrPort
	err      error
}

var kinds = map[string]uint16{"A": dns.TypeA, "AAAA": dns.TypeAAAA, "CNAME": dns.TypeCNAME, "MX": dns.TypeMX, "PTR": dns.TypePTR, "SRV": dns.TypeSRV, "TXT": dns.TypeTXT,
	"CAA": dns.TypeCAA, "TLSA": dns.TypeTLSA}

// see asks everything that the checks of the family want to know, once per Run.
func see(ctx context.Context, e *checks.Env) sight {
	type key struct{}
	s, err := checks.Once(ctx, e, key{}, func(ctx context.Context) sight {
		var s sight
		if s.proxy, s.from, s.err = from(e); s.err != nil {
			return s
		}
		var list []netip.AddrPort
		list, s.err = resolversOf(s.from.Facts)
		names, asks := wanted(e.Site, s.proxy)
		s.records = records(e.Site, s.proxy)
		for _, one := range list {
			s.resolver = one
			if s.survey, s.err = look(ctx, s.from.Dial, one, names, asks); s.err == nil {
				break // the next one is asked only where this one is silent, as the host does
			}
		}
		return s
	})
	if err != nil {
		s.err = err
	}
	return s
}

// wanted are the names that have zones of their own, and all that is to be asked: what should be there, and for texts also whether it
// landed at a name with the zone's own added once more.
func wanted(s *site.Site, proxy *site.Host) (names []string, asks []question) {
	host := dns.CanonicalName(s.Hostname)
	names, asks = []string{host}, []question{asking(host, "AAAA"), asking(tlsaName(s), "TLSA")}
	for _, n := range zone.Certified(s) {
		for _, above := range climb(n) {
			asks = append(asks, asking(above, "CAA"))
		}
	}
	for _, d := range zone.Domains(s) {
		names = append(names, dns.CanonicalName(d))
		for _, r := range zone.Mail(s, proxy, d) {
			if r.Type == "CNAME" {
				asks = append(asks, asking(r.Name, "A"))
			}
		}
		asks = append(asks, asking(zone.KeyName(s, d)+"."+d, "TXT"), asking("_dmarc."+d+"."+d, "TXT"), asking("_mta-sts."+d, "TXT"))
	}
	for _, r := range zone.Back(s, proxy) {
		names = append(names, dns.CanonicalName(r.Name))
	}
	for _, r := range records(s, proxy) {
		asks = append(asks, asking(r.Name, r.Type))
	}
	return names, asks
}

// records are those that a site wants. What a DKIM key is, the mail server says.
func records(s *site.Site, proxy *site.Host) []zone.Record {
	list := slices.Concat(zone.Host(s, proxy), zone.Back(s, proxy))
	for _, d := range zone.Domains(s) {
		list = append(list, append(zone.Mail(s, proxy, d), zone.Record{Name: zone.KeyName(s, d), Type: "TXT"})...)
	}
	return list
}

// asking is one question by the names that people write.
func asking(name, kind string) question { return question{dns.CanonicalName(name), kinds[kind]} }

// from is the place that asks: the proxy, whose mail the records are about.
func from(e *checks.Env) (*site.Host, *checks.Vantage, error) {
	list := e.Site.HostsOf(site.Proxy)
	if len(list) == 0 {
		return nil, nil, errors.New("the site has no proxy")
	}
	v, err := e.Look(list[0])
	if err == nil && v.Dial == nil {
		err = fmt.Errorf("%s cannot be asked to connect", list[0].Name)
	}
	return list[0], v, err
}

// resolversOf are those that a host asks for names, in their order.
func resolversOf(f remote.Facts) (list []netip.AddrPort, err error) {
	file, known := f.File(resolvers)
	if !known || file == nil {
		return nil, fmt.Errorf("%s could not be read", resolvers)
	}
	for _, line := range strings.Split(file.Text, "\n") {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "nameserver" {
			if a, err := netip.ParseAddr(words[1]); err == nil {
				list = append(list, netip.AddrPortFrom(a, 53))
			}
		}
	}
	if len(list) == 0 {
		err = fmt.Errorf("%s names no resolver", resolvers)
	}
	return list, err
}
