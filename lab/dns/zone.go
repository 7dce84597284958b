// Package dns is the lab's part of the DNS: name servers that each tell what stands in a folder of their own, and a
// resolver that finds its way from the root. What a server tells changes with its files; so a secondary can lag, or lie.
package dns

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/miekg/dns"
)

// zone is what one server holds of one zone.
type zone struct {
	origin string // with its last dot, in lower case
	sets   map[string]map[uint16][]dns.RR
	soa    dns.RR
}

// FileOf names the file of a zone in a server's folder: as its origin is, with the last dot; the root's is "root".
func FileOf(origin string) string {
	if origin = dns.CanonicalName(origin); origin == "." {
		return "root"
	}
	return origin
}

// readZone reads a zone in master format.
func readZone(folder, origin string) (*zone, error) {
	path := filepath.Join(folder, FileOf(origin))
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z := &zone{origin: origin, sets: map[string]map[uint16][]dns.RR{}}
	p := dns.NewZoneParser(f, z.origin, path)
	p.SetDefaultTTL(300)
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		name, kind := dns.CanonicalName(rr.Header().Name), rr.Header().Rrtype
		if !dns.IsSubDomain(z.origin, name) {
			return nil, fmt.Errorf("%s: %s is not in the zone", path, name)
		}
		if z.sets[name] == nil {
			z.sets[name] = map[uint16][]dns.RR{}
		}
		z.sets[name][kind] = append(z.sets[name][kind], rr)
		if kind == dns.TypeSOA {
			z.soa = rr
		}
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	if z.soa == nil {
		return nil, fmt.Errorf("%s: no SOA record", path)
	}
	return z, nil
}

// zoneFor reads the zone of a folder that a name is in, the longest one; nil when it is in none.
func zoneFor(folder, name string) (*zone, error) {
	for {
		z, err := readZone(folder, name)
		if err == nil || !os.IsNotExist(err) {
			return z, err
		}
		if name == "." {
			return nil, nil
		}
		if name = name[strings.IndexByte(name, '.')+1:]; name == "" {
			name = "."
		}
	}
}

// cut is the delegation that a name is below, nil when the zone itself has the name.
func (z *zone) cut(name string) []dns.RR {
	var found []dns.RR
	for at := name; at != z.origin; {
		if ns := z.sets[at][dns.TypeNS]; ns != nil {
			found = ns // the highest one counts
		}
		if at = at[strings.IndexByte(at, '.')+1:]; at == "" {
			at = "."
		}
	}
	return found
}

// has says whether there is a name, or one below it.
func (z *zone) has(name string) bool {
	for at := range z.sets {
		if dns.IsSubDomain(name, at) {
			return true
		}
	}
	return false
}

// answer fills the reply to one question.
func (z *zone) answer(m *dns.Msg, q dns.Question) {
	name := dns.CanonicalName(q.Name)
	if ns := z.cut(name); ns != nil && (q.Qtype != dns.TypeDS || z.sets[name][dns.TypeNS] == nil) { // a DS record is its parent's
		m.Ns = ns
		for _, rr := range ns {
			at := z.sets[dns.CanonicalName(rr.(*dns.NS).Ns)]
			m.Extra = append(append(m.Extra, at[dns.TypeA]...), at[dns.TypeAAAA]...)
		}
		return
	}
	m.Authoritative = true
	for range 8 { // aliases that lead to each other
		set := z.sets[name]
		if found := set[q.Qtype]; found != nil {
			m.Answer = append(m.Answer, found...)
			return
		}
		alias := set[dns.TypeCNAME]
		if alias == nil {
			break
		}
		m.Answer = append(m.Answer, alias...)
		if name = dns.CanonicalName(alias[0].(*dns.CNAME).Target); !dns.IsSubDomain(z.origin, name) || z.cut(name) != nil {
			return
		}
	}
	m.Ns = []dns.RR{z.soa}
	if !z.has(name) {
		m.Rcode = dns.RcodeNameError
	}
}
