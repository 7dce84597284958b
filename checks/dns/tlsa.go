package dns

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"postern/checks"
	"postern/remote"
	"postern/site"
)

func init() {
	about(checks.Check{
		ID: "dns.tlsa", Title: "A TLSA record that is there names the certificate of port 25", Guide: "RFC 7672, 3.1",
		Page: checks.Page{
			Asks:  "Where a TLSA record (DANE) stands at _25._tcp of the mail host's name: is its zone signed, and does one of the records name the certificate that port 25 shows? None is wanted: one that is forgotten when the certificate changes stops mail.",
			OK:    "There is none, or it names the certificate that port 25 shows.",
			Warn:  "Its zone is not signed, or all of it is of kinds that mail servers pass over: it does nothing.",
			Fail:  "It names another certificate: servers that look at it refuse to deliver.",
			Mends: "Where the domain's records are kept: take the record away, or publish that of the new certificate beside it before the certificate changes (RFC 7671, 8.1).",
		},
	}, "a TLSA record that names the certificate of port 25, or none", askTLSA)
}

// tlsaName is where the TLSA records of the mail host's port stand (RFC 7672, 2.2.3).
func tlsaName(s *site.Site) string { return fmt.Sprintf("_%d._tcp.%s", site.WorldSMTP, s.Hostname) }

func askTLSA(ctx context.Context, e *checks.Env, s sight, q checks.Question) []checks.Result {
	q.Fix, q.Likely = "take it away, or publish the one of the certificate that port 25 shows", "the certificate was changed, and the record was not"
	name := asking(tlsaName(e.Site), "TLSA")
	none := func(told []string) (string, string) { return "", "" }
	r := s.judge(q, set{tlsaName(e.Site), "TLSA", ""}, none)
	is, _ := s.spreadOf(name, "").newest()
	if r.Outcome != checks.OK || len(is.values) == 0 {
		return []checks.Result{r}
	}
	signed, err := s.signed(ctx, name.name)
	if err != nil {
		return []checks.Result{q.Unknown("whether its zone is signed: "+remote.Words(err), "the resolver of "+s.proxy.Name+" does not tell")}
	}
	if !signed {
		return []checks.Result{q.Warn("its zone is not signed (no DS record), so nobody looks at it", "the zone was never signed, or is not any more", strings.Join(is.values, "\n"))}
	}
	chain, err := s.presented(ctx, e)
	if err != nil {
		return []checks.Result{q.Unknown("what port 25 shows: "+remote.Words(err), "no mail server answers there")}
	}
	var records []*dns.TLSA
	for _, rr := range is.server.replies[name].answer {
		if t, ok := rr.(*dns.TLSA); ok {
			records = append(records, t)
		}
	}
	switch wrong, odd := judgeTLSA(records, chain); {
	case wrong != "":
		return []checks.Result{q.Fail(wrong, "", strings.Join(is.values, "\n"))}
	case odd != "":
		return []checks.Result{q.Warn(odd, "it is of the kind that is for web servers", strings.Join(is.values, "\n"))}
	}
	return []checks.Result{r}
}

// signed says whether the zone of a name is: its parent holds the key's digest then (RFC 4035, 2.4).
func (s sight) signed(ctx context.Context, name string) (bool, error) {
	z := s.zoneOf(name)
	asked := question{z.apex, dns.TypeDS}
	r := party{from: s.from.Dial, at: s.resolver, recurse: true}.ask(ctx, []question{asked})[asked]
	if r.err == nil && r.code != dns.RcodeSuccess {
		r.err = fmt.Errorf("the resolver says %s", dns.RcodeToString[r.code])
	}
	for _, rr := range r.answer {
		if rr.Header().Rrtype == dns.TypeDS {
			return true, nil
		}
	}
	return false, r.err
}

// presented is the certificate that the mail server behind the site's name shows after STARTTLS, and those that come with it. The
// proxy asks: itself, or on the direct path the mail host, to which the world's port leads.
func (s sight) presented(ctx context.Context, e *checks.Env) ([]*x509.Certificate, error) {
	at := s.proxy.Public4
	if hosts := e.Site.HostsOf(site.Mail); e.Site.Mail.Path == "direct" && len(hosts) > 0 {
		at = e.Site.TunnelAddress(hosts[0])
	}
	chain, reached, err := e.Presented(ctx, s.from, netip.AddrPortFrom(at, uint16(site.WorldSMTP)), true)
	if err == nil && reached.Answer != checks.Open {
		err = fmt.Errorf("%s: %s", at, reached.Answer)
	}
	return chain, err
}

// judgeTLSA compares records with what a mail server shows: one that fits is enough (RFC 7672, 3.1). Usages 0 and 1 are passed over
// (3.1.3); 3 is of the certificate itself, 2 of who signed it.
func judgeTLSA(records []*dns.TLSA, chain []*x509.Certificate) (wrong, odd string) {
	usable := 0
	for _, r := range records {
		for i, c := range chain {
			if of := map[bool]uint8{true: 3, false: 2}[i == 0]; r.Usage == of && r.Verify(c) == nil {
				return "", ""
			}
		}
		if r.Usage == 2 || r.Usage == 3 {
			usable++
		}
	}
	if usable == 0 {
		return "", "its usage is none that mail servers look at: 3 1 1 would be"
	}
	return "port 25 shows a certificate that none of the TLSA records names", ""
}
