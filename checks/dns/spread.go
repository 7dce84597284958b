package dns

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// spread is how far a set of records has come: what each server of its zone tells, and what the resolver remembers.
type spread struct {
	zone  *zoneAt
	by    []telling
	has   []string // what the resolver tells
	later uint32   // for how many seconds more it may do so
}

// telling is what one server tells.
type telling struct {
	server *server
	values []string
	alias  string // the name that stands for the one asked, "" when it is no alias
}

// spreadOf is what is told of one name and type, of texts only those that begin with mark.
func (s *survey) spreadOf(q question, mark string) spread {
	sp := spread{zone: s.zoneOf(q.name)}
	if sp.zone == nil {
		return sp
	}
	for _, one := range sp.zone.servers {
		if r, asked := one.replies[q]; one.err == nil && asked && r.err == nil && (r.code == dns.RcodeSuccess || r.code == dns.RcodeNameError) {
			sp.by = append(sp.by, telling{one, values(r.answer, q.kind, mark), aliasOf(r.answer, q.name)})
		}
	}
	if r := s.remembered[q]; r.err == nil {
		sp.has = values(r.answer, q.kind, mark)
		for _, rr := range slices.Concat(r.answer, r.authority) {
			sp.later = max(sp.later, rr.Header().Ttl)
		}
	}
	return sp
}

// newest is what the servers tell that have the newest copy of the zone (RFC 1982). Where these do not agree, agree is false.
func (sp spread) newest() (is telling, agree bool) {
	agree = true
	for i, t := range sp.by {
		switch ahead := int32(t.server.serial - is.serial()); {
		case i == 0 || ahead > 0:
			is, agree = t, true
		case ahead == 0 && (!slices.Equal(t.values, is.values) || t.alias != is.alias):
			agree = false
		}
	}
	return is, agree
}

func (t telling) serial() uint32 {
	if t.server == nil {
		return 0
	}
	return t.server.serial
}

// lagging names the servers that tell something else and have an older copy.
func (sp spread) lagging() []string {
	var list []string
	is, _ := sp.newest()
	for _, t := range sp.by {
		if t.server.serial != is.server.serial && (!slices.Equal(t.values, is.values) || t.alias != is.alias) {
			list = append(list, plain(t.server.name))
		}
	}
	return list
}

// lines say who tells what, one server each.
func (sp spread) lines() string {
	var parts []string
	for _, t := range sp.by {
		is := strings.Join(t.values, ", ")
		if t.alias != "" {
			is = "an alias of " + plain(t.alias)
		} else if is == "" {
			is = "none"
		}
		parts = append(parts, fmt.Sprintf("%s (serial %d): %s", plain(t.server.name), t.server.serial, is))
	}
	return strings.Join(parts, "\n")
}

// aliasOf is what a name stands for, where it is an alias.
func aliasOf(answer []dns.RR, name string) string {
	for _, rr := range answer {
		if c, is := rr.(*dns.CNAME); is && dns.CanonicalName(c.Hdr.Name) == name {
			return dns.CanonicalName(c.Target)
		}
	}
	return ""
}

// values are the records of a type as people write them, sorted: names in lower case and without the last dot, the strings of a text
// joined (RFC 7208, 3.3; RFC 6376, 3.6.2.2).
func values(answer []dns.RR, kind uint16, mark string) []string {
	var list []string
	for _, rr := range answer {
		if rr.Header().Rrtype != kind {
			continue
		}
		switch r := rr.(type) {
		case *dns.A:
			list = append(list, r.A.String())
		case *dns.AAAA:
			list = append(list, r.AAAA.String())
		case *dns.CNAME:
			list = append(list, plain(r.Target))
		case *dns.MX:
			list = append(list, fmt.Sprintf("%d %s", r.Preference, plain(r.Mx)))
		case *dns.PTR:
			list = append(list, plain(r.Ptr))
		case *dns.NS:
			list = append(list, plain(r.Ns))
		case *dns.CAA:
			list = append(list, fmt.Sprintf("%d %s %s", r.Flag, strings.ToLower(r.Tag), r.Value))
		case *dns.TLSA:
			list = append(list, fmt.Sprintf("%d %d %d %s", r.Usage, r.Selector, r.MatchingType, strings.ToLower(r.Certificate)))
		case *dns.SRV:
			list = append(list, fmt.Sprintf("%d %d %d %s", r.Priority, r.Weight, r.Port, plain(r.Target)))
		case *dns.TXT:
			if text := textOf(r); strings.HasPrefix(strings.ToLower(strings.TrimLeft(text, " \"")), mark) {
				list = append(list, text)
			}
		}
	}
	slices.Sort(list)
	return list
}

// plain is a name as people write it.
func plain(name string) string {
	if name = dns.CanonicalName(name); name != "." {
		name = strings.TrimSuffix(name, ".")
	}
	return name
}

// textOf is a text in one piece. The strings stand in it as in a zone file: what is no plain sign is \DDD, and \ stands before a sign
// that means something.
func textOf(r *dns.TXT) string {
	var b strings.Builder
	for raw := strings.Join(r.Txt, ""); raw != ""; {
		n, err := strconv.ParseUint(raw[min(1, len(raw)):min(4, len(raw))], 10, 8)
		switch {
		case raw[0] != '\\' || len(raw) < 2:
			b.WriteByte(raw[0])
			raw = raw[1:]
		case err == nil && len(raw) >= 4:
			b.WriteByte(byte(n))
			raw = raw[4:]
		default:
			b.WriteByte(raw[1])
			raw = raw[2:]
		}
	}
	return b.String()
}
