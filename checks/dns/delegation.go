package dns

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"postern/checks"
	"postern/remote"
)

// delegations asks the zones above which servers they name, takes in those that the zones themselves do not name, and gives what is to be
// asked to find them. Where nothing is told, nothing is known of it.
func (s *survey) delegations(ctx context.Context, r party) []question {
	var own []*zoneAt
	var above []string
	for _, z := range s.zones {
		if name := upper(z.apex); z.err == nil && name != "." && !strings.HasSuffix(z.apex, ".arpa.") {
			own, above = append(own, z), append(above, name)
		}
	}
	begins := r.ask(ctx, each(above, dns.TypeSOA))
	for i, name := range above {
		above[i], _ = apex(name, begins[question{name, dns.TypeSOA}])
		own[i].above = above[i]
	}
	told := r.ask(ctx, each(above, dns.TypeNS))
	var names []string
	for _, name := range above {
		names = append(names, namesIn(told[question{name, dns.TypeNS}].answer, name)...)
	}
	at := r.ask(ctx, each(names, dns.TypeA))
	checks.AtOnce(len(own), func(i int) {
		servers := namesIn(told[question{above[i], dns.TypeNS}].answer, above[i])
		for _, name := range servers[:min(3, len(servers))] {
			for _, rr := range at[question{name, dns.TypeA}].answer {
				if a, is := rr.(*dns.A); is && len(own[i].parent) == 0 {
					addr, _ := netip.AddrFromSlice(a.A.To4())
					asked := question{own[i].apex, dns.TypeNS}
					said := party{from: r.from, at: netip.AddrPortFrom(addr, 53)}.ask(ctx, []question{asked})[asked]
					own[i].parent = namesIn(slices.Concat(said.answer, said.authority), own[i].apex)
				}
			}
		}
	})
	var asks []question
	for _, z := range own {
		for _, name := range z.parent {
			if !slices.ContainsFunc(z.servers, func(one *server) bool { return one.name == name }) {
				z.servers = append(z.servers, &server{name: name})
				asks = append(asks, question{name, dns.TypeA}, question{name, dns.TypeAAAA})
			}
		}
	}
	return asks
}

// upper is the name above another, the root's for those of one label.
func upper(name string) string {
	if at, end := dns.NextLabel(name, 0); !end {
		return name[at:]
	}
	return "."
}

// namesIn are the servers that records name for a zone.
func namesIn(records []dns.RR, apex string) []string {
	var list []string
	for _, rr := range records {
		if ns, is := rr.(*dns.NS); is && dns.CanonicalName(ns.Hdr.Name) == apex {
			list = append(list, dns.CanonicalName(ns.Ns))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// delegated says in what a zone and the zone above differ about who tells it.
func (s sight) delegated(z *zoneAt) string {
	is, _ := s.spreadOf(question{z.apex, dns.TypeNS}, "").newest()
	var odd []string
	for _, name := range z.parent {
		if !slices.Contains(is.values, plain(name)) {
			odd = append(odd, plain(z.above)+" names "+plain(name)+" for it, and "+plain(z.apex)+" itself does not")
		}
	}
	for _, name := range is.values {
		if len(z.parent) > 0 && !slices.Contains(z.parent, dns.Fqdn(name)) {
			odd = append(odd, plain(z.apex)+" names "+name+", and "+plain(z.above)+" does not: nobody asks it")
		}
	}
	return remote.Clean(checks.Few(odd)).Line(300)
}
