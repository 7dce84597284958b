package dns

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"blitiri.com.ar/go/spf"
	"github.com/miekg/dns"

	"postern/remote"
	"postern/site"
)

// lookups answers what an SPF record asks for: of the site's own names what their servers tell, of others what the resolver finds.
type lookups struct {
	from     remote.Dialer
	resolver netip.AddrPort
	told     map[question][]dns.RR
}

var _ spf.DNSResolver = lookups{}

// spfMark begins each SPF record (RFC 7208, 4.5).
const spfMark = "v=spf1"

// lookups are of what was told already, by the newest copy of each zone.
func (s sight) lookups() lookups {
	l := lookups{s.from.Dial, s.resolver, map[question][]dns.RR{}}
	for q := range s.remembered {
		sp := s.spreadOf(q, "")
		if is, _ := sp.newest(); sp.untold() == "" && is.alias == "" {
			l.told[q] = is.server.replies[q].answer
		}
	}
	return l
}

func (l lookups) find(ctx context.Context, name string, kind uint16) ([]dns.RR, error) {
	q := question{dns.CanonicalName(name), kind}
	if told, is := l.told[q]; is {
		if len(told) == 0 {
			return nil, &net.DNSError{Err: "no such record", Name: name, IsNotFound: true}
		}
		return told, nil
	}
	r := party{from: l.from, at: l.resolver, recurse: true}.ask(ctx, []question{q})[q]
	switch {
	case r.err != nil:
		return nil, &net.DNSError{Err: r.err.Error(), Name: name, IsTemporary: true}
	case r.code != dns.RcodeSuccess && r.code != dns.RcodeNameError:
		return nil, &net.DNSError{Err: dns.RcodeToString[r.code], Name: name, IsTemporary: true}
	case len(r.answer) == 0:
		return nil, &net.DNSError{Err: "no such record", Name: name, IsNotFound: true}
	}
	return r.answer, nil
}

// LookupTXT is the texts of a name.
func (l lookups) LookupTXT(ctx context.Context, name string) ([]string, error) {
	found, err := l.find(ctx, name, dns.TypeTXT)
	var list []string
	for _, rr := range found {
		if t, is := rr.(*dns.TXT); is {
			list = append(list, textOf(t))
		}
	}
	return list, err
}

// LookupMX is the mail exchangers of a name.
func (l lookups) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	found, err := l.find(ctx, name, dns.TypeMX)
	var list []*net.MX
	for _, rr := range found {
		if m, is := rr.(*dns.MX); is {
			list = append(list, &net.MX{Host: m.Mx, Pref: m.Preference})
		}
	}
	return list, err
}

// LookupIPAddr is the addresses of a name.
func (l lookups) LookupIPAddr(ctx context.Context, name string) ([]net.IPAddr, error) {
	var list []net.IPAddr
	var why error
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
		found, err := l.find(ctx, name, kind)
		if err != nil {
			why = err
		}
		for _, rr := range found {
			switch a := rr.(type) {
			case *dns.A:
				list = append(list, net.IPAddr{IP: a.A})
			case *dns.AAAA:
				list = append(list, net.IPAddr{IP: a.AAAA})
			}
		}
	}
	if len(list) > 0 {
		why = nil
	}
	return list, why
}

// LookupAddr is the names of an address.
func (l lookups) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	name, err := dns.ReverseAddr(addr)
	if err != nil {
		return nil, err
	}
	found, err := l.find(ctx, name, dns.TypePTR)
	var list []string
	for _, rr := range found {
		if p, is := rr.(*dns.PTR); is {
			list = append(list, p.Ptr)
		}
	}
	return list, err
}

// stranger is an address that nobody sends mail from (RFC 5737).
var stranger = netip.MustParseAddr("192.0.2.77")

// judgeSPF says what is wrong with the SPF record of a domain, by what it comes to for who sends and for a stranger: it must let the
// ones through and not the other (RFC 7208). Odd is what works and should not stay so.
func judgeSPF(ctx context.Context, l lookups, domain string, records []string, senders []netip.Addr) (wrong, odd string) {
	switch len(records) {
	case 0:
		return "there is no SPF record", ""
	case 1:
	default:
		return fmt.Sprintf("there are %d SPF records, which counts as none (RFC 7208, 4.5): %s", len(records), strings.Join(records, " | ")), ""
	}
	if is := records[0]; is != strings.TrimLeft(is, " \"") {
		return fmt.Sprintf("it begins with a blank or a quote, and so is none: %q", is), ""
	}
	says := func(a netip.Addr) (spf.Result, error) {
		return spf.CheckHostWithSender(net.IP(a.AsSlice()), domain, "postmaster@"+domain, spf.WithContext(ctx), spf.WithResolver(l))
	}
	for _, a := range senders {
		switch r, err := says(a); r {
		case spf.Pass:
		case spf.PermError:
			return fmt.Sprintf("receivers cannot read it: %s", remote.Words(err)), ""
		case spf.TempError:
			return "", fmt.Sprintf("it could not be followed to its end: %s", remote.Words(err))
		default:
			return fmt.Sprintf("mail from %s is %s by it: %s", a, r, records[0]), ""
		}
	}
	switch r, _ := says(stranger); r {
	case spf.Pass:
		return "it lets everybody send in your name: " + records[0], ""
	case spf.Fail, spf.SoftFail:
		return "", ""
	default:
		return "", "it says nothing of who else may send: end it with ~all: " + records[0]
	}
}

// bySmarthost says whether an SPF record lets mail pass that leaves by a smart host. From which addresses that sends, only its pages tell.
func bySmarthost(m site.Smarthost, record string) (wrong, odd string) {
	if len(m.SPF) == 0 {
		return "", "whether it lets mail by " + m.Host + " pass is not known: answer smarthost.spf with what its pages say that the record needs: " + record
	}
	for _, one := range m.SPF {
		if !slices.Contains(strings.Fields(strings.ToLower(record)), one) {
			return one + " is not in it, so mail by " + m.Host + " does not pass: " + record, ""
		}
	}
	return "", ""
}
