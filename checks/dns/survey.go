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
)

// survey is what the DNS says of some names: every server of their zones, and the resolver of the host that asks.
type survey struct {
	zones      []*zoneAt
	remembered map[question]reply // by the resolver
}

// zoneAt is one zone, and the servers that should tell it.
type zoneAt struct {
	apex    string
	bogus   bool     // resolvers that look at signatures refuse to tell it
	above   string   // the zone that delegates it
	parent  []string // the servers that one names; none where that was not told
	servers []*server
	err     error // why its servers are not known
}

// server is one name server at one address.
type server struct {
	name    string
	at      netip.Addr
	serial  uint32
	replies map[question]reply
	err     error // why it tells nothing of the zone
}

// look asks about names: first where their zones begin, then who tells them, then those. All that is asked is in the zone of one of the
// names, or of a name above it. The error is of a resolver that says nothing.
func look(ctx context.Context, from remote.Dialer, resolver netip.AddrPort, names []string, asks []question) (*survey, error) {
	s, r := &survey{remembered: map[question]reply{}}, party{from: from, at: resolver, recurse: true}
	begins := r.ask(ctx, each(names, dns.TypeSOA))
	if first := begins[question{names[0], dns.TypeSOA}].err; first != nil {
		return nil, fmt.Errorf("the resolver %s of the proxy: %w", resolver.Addr(), first)
	}
	for _, name := range names {
		z := &zoneAt{}
		is := begins[question{name, dns.TypeSOA}]
		if is.code == dns.RcodeServerFailure && is.err == nil {
			r.unchecked = true
			is = r.ask(ctx, each([]string{name}, dns.TypeSOA))[question{name, dns.TypeSOA}]
			z.bogus = is.code != dns.RcodeServerFailure
		}
		if z.apex, z.err = apex(name, is); !slices.ContainsFunc(s.zones, func(o *zoneAt) bool { return o.apex == z.apex }) {
			s.zones = append(s.zones, z)
		}
	}
	s.findServers(ctx, r)
	r.unchecked = false
	servers := s.servers()
	checks.AtOnce(1+len(servers), func(i int) {
		if i == 0 {
			s.remembered = r.ask(ctx, asks)
			return
		}
		one := servers[i-1]
		one.server.ask(ctx, party{from: from, at: netip.AddrPortFrom(one.server.at, 53)}, one.zone.apex,
			slices.DeleteFunc(slices.Clone(asks), func(q question) bool { return s.zoneOf(q.name) != one.zone }))
	})
	return s, nil
}

// each is the same asked of several names.
func each(names []string, kind uint16) []question {
	var list []question
	for _, n := range names {
		list = append(list, question{n, kind})
	}
	return list
}

var errUnregistered = errors.New("the DNS does not know it: it is not registered, or its registrar names no servers for it")

// apex is where the zone of a name begins: the owner of the SOA record that is told of it, itself or in its absence (RFC 2308, 2).
func apex(name string, r reply) (string, error) {
	if r.err != nil {
		return name, r.err
	}
	for _, rr := range slices.Concat(r.answer, r.authority) {
		switch owner := dns.CanonicalName(rr.Header().Name); {
		case rr.Header().Rrtype != dns.TypeSOA || !dns.IsSubDomain(owner, name):
		case r.code == dns.RcodeNameError && dns.CountLabel(owner) < 2:
			return name, errUnregistered
		default:
			return owner, nil
		}
	}
	return name, fmt.Errorf("the resolver says %s", dns.RcodeToString[r.code])
}

// findServers asks who tells each zone, and where they are.
func (s *survey) findServers(ctx context.Context, r party) {
	var asks []question
	for _, z := range s.zones {
		if z.err == nil {
			asks = append(asks, question{z.apex, dns.TypeNS})
		}
	}
	told := r.ask(ctx, asks)
	asks = nil
	for _, z := range s.zones {
		for _, rr := range told[question{z.apex, dns.TypeNS}].answer {
			if ns, is := rr.(*dns.NS); is && z.err == nil {
				name := dns.CanonicalName(ns.Ns)
				z.servers = append(z.servers, &server{name: name})
				asks = append(asks, question{name, dns.TypeA}, question{name, dns.TypeAAAA})
			}
		}
		if z.err == nil && len(z.servers) == 0 {
			z.err = errors.New("the resolver names no servers of it")
			if err := told[question{z.apex, dns.TypeNS}].err; err != nil {
				z.err = err
			}
		}
		slices.SortFunc(z.servers, func(a, b *server) int { return strings.Compare(a.name, b.name) })
	}
	asks = append(asks, s.delegations(ctx, r)...)
	at := r.ask(ctx, asks)
	for _, z := range s.zones {
		for _, one := range z.servers {
			one.find(at[question{one.name, dns.TypeA}], at[question{one.name, dns.TypeAAAA}])
		}
	}
}

// find takes in where a server is: at its IPv4 address, where it has one.
func (s *server) find(four, six reply) {
	s.err = errors.New("its name has no address")
	if four.err != nil {
		s.err = four.err
	}
	for _, rr := range slices.Concat(six.answer, four.answer) {
		switch a := rr.(type) {
		case *dns.A:
			s.at, _ = netip.AddrFromSlice(a.A.To4())
		case *dns.AAAA:
			s.at, _ = netip.AddrFromSlice(a.AAAA)
		}
	}
}

type serverOf struct {
	zone   *zoneAt
	server *server
}

// servers are those that can be asked.
func (s *survey) servers() []serverOf {
	var list []serverOf
	for _, z := range s.zones {
		for _, one := range z.servers {
			if one.at.IsValid() {
				list = append(list, serverOf{z, one})
			}
		}
	}
	return list
}

// zoneOf is the zone that a name is in, nil when it is in none of those that were asked for.
func (s *survey) zoneOf(name string) *zoneAt {
	var found *zoneAt
	for _, z := range s.zones {
		if dns.IsSubDomain(z.apex, name) && (found == nil || len(z.apex) > len(found.apex)) {
			found = z
		}
	}
	return found
}

// ask asks a server what it holds, its serial number too.
func (s *server) ask(ctx context.Context, p party, apex string, asks []question) {
	begin := question{apex, dns.TypeSOA}
	s.replies = p.ask(ctx, append(asks, begin, question{apex, dns.TypeNS}))
	r := s.replies[begin]
	if s.err = r.err; s.err == nil {
		s.err = errors.New("it does not know the zone")
	}
	for _, rr := range r.answer {
		if soa, is := rr.(*dns.SOA); is {
			s.serial, s.err = soa.Serial, nil
		}
	}
	if r.err == nil && r.code != dns.RcodeSuccess {
		s.err = fmt.Errorf("it says %s", dns.RcodeToString[r.code])
	}
}
