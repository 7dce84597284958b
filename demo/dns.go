package demo

import (
	"net"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// The simulated DNS: one machine is the resolver that hosts ask, and each of the two name servers of every zone; and two large resolvers of
// others.
var nameServers = []netip.Addr{netip.MustParseAddr(ResolverAddress), netip.MustParseAddr("198.51.100.54"), netip.MustParseAddr("1.1.1.1"), netip.MustParseAddr("9.9.9.9")}

const (
	dnsPort = 53
	hoster  = "hoster.example."
	soa     = " 300 IN SOA ns1." + hoster + " host." + hoster + " 7 3600 600 86400 60"
)

// mailKey is the public half of a DKIM key that nobody holds the other half of.
const mailKey = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAynasN/OMBKXJC87yEVHD02PtkoRrFt1YWxQEzr8kFwjLezQJ6d9dPuy03D0nYKBIFH3PJWXnda2M" +
	"hqGEEyceigDmHnU5B68RdcW74R24uJcLm0BkC+APnJH7CpCCsJsWuep0t3yu4mAHjqphRHIX8ubOsc3nLuiFO4WUWga4mP7uSiXIUQuZzyiKIgvbYvm936ew7kp8n/wnEVsbAp80N265" +
	"Uer6I5VFNFbWWevBzT2bCfscndGE+mupLs0LWBoEVZBonlrLd84SAQUoLohG0aAUthuJrvJc4yFzAaTRvQso7W5QtpqCf2SJyPq1Kb1OMAsXEEEVs/nWFY0EHqkEnwIDAQAB"

// Publish has the simulated DNS tell records, lines of a zone file each, and a DKIM key for every domain that gets mail.
func (w *World) Publish(lines []string) {
	var list []dns.RR
	for _, line := range append(lines, "2.0.0.127.zen.spamhaus.org. 300 IN A 127.0.0.2") { // a blocklist that names its test entry alone (RFC 5782, 5)
		if rr, err := dns.NewRR(line); err == nil && rr != nil {
			list = append(list, w.spoiled(rr)...)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.records = list
}

// spoiled is a record as the faults that were asked for have it.
func (w *World) spoiled(rr dns.RR) []dns.RR {
	switch r := rr.(type) {
	case *dns.PTR:
		if w.faulty("ptr") {
			r.Ptr = "host-10." + hoster
		}
	case *dns.MX:
		if second, err := dns.NewRR(r.Hdr.Name + ` 300 IN TXT "v=spf1 include:_spf.` + hoster + ` ~all"`); err == nil && w.faulty("spf") {
			return []dns.RR{rr, second}
		}
	}
	return []dns.RR{rr}
}

// tell answers questions over one connection until it ends.
func (w *World) tell(c net.Conn, _ netip.AddrPort) {
	conn := dns.Conn{Conn: c}
	for {
		q, err := conn.ReadMsg()
		if err != nil || len(q.Question) != 1 {
			return
		}
		m := new(dns.Msg).SetReply(q)
		m.Authoritative = !q.RecursionDesired
		w.answerName(m, dns.CanonicalName(q.Question[0].Name), q.Question[0].Qtype)
		if conn.WriteMsg(m) != nil {
			return
		}
	}
}

// answerName fills in what is told of a name.
func (w *World) answerName(m *dns.Msg, name string, kind uint16) {
	labels := dns.SplitDomainName(name)
	apex := dns.Fqdn(strings.Join(labels[max(0, len(labels)-2):], "."))
	w.mu.Lock()
	all := w.records
	w.mu.Unlock()
	known := name == apex
	for range 4 { // aliases
		alias := ""
		for _, rr := range append(w.servers(apex), all...) {
			owner := dns.CanonicalName(rr.Header().Name)
			known = known || dns.IsSubDomain(name, owner)
			if mx, is := rr.(*dns.MX); is && kind == dns.TypeTXT && strings.HasSuffix(name, "._domainkey."+dns.CanonicalName(mx.Hdr.Name)) {
				has := mailKey
				if w.faulty("dkim") {
					has = strings.Replace(has, "LohG", "LohH", 1)
				}
				key := &dns.TXT{Hdr: dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: 300}, Txt: []string{"v=DKIM1; k=rsa; t=s; p=", has[:250], has[250:]}}
				m.Answer, known = append(m.Answer, key), true
			}
			if c, is := rr.(*dns.CNAME); is && owner == name {
				alias = dns.CanonicalName(c.Target)
			}
			if owner == name && (rr.Header().Rrtype == kind || rr.Header().Rrtype == dns.TypeCNAME) {
				m.Answer = append(m.Answer, rr)
			}
		}
		if name = alias; alias == "" || kind == dns.TypeCNAME {
			break
		}
	}
	if begin, err := dns.NewRR(apex + soa); err == nil && len(m.Answer) == 0 {
		m.Ns = []dns.RR{begin}
	}
	if !known {
		m.Rcode = dns.RcodeNameError
	}
}

// servers are the records of a zone's beginning, and where its servers are.
func (w *World) servers(apex string) []dns.RR {
	var list []dns.RR
	for i, name := range []string{"ns1." + hoster, "ns2." + hoster} {
		for _, line := range []string{apex + " 300 IN NS " + name, name + " 300 IN A " + nameServers[i].String()} {
			if rr, err := dns.NewRR(line); err == nil {
				list = append(list, rr)
			}
		}
	}
	if rr, err := dns.NewRR(apex + soa); err == nil {
		list = append(list, rr)
	}
	return list
}
