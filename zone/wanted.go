package zone

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"postern/site"
)

// Domains are the mail domains of a site, each once.
func Domains(s *site.Site) []string {
	var list []string
	for _, d := range append([]string{s.Domain}, s.Domains...) {
		if d != "" && !slices.Contains(list, d) {
			list = append(list, d)
		}
	}
	return list
}

// six says whether the mail host's name may have an IPv6 address: only if every port of it answers there, or who tries IPv6
// first finds some of them dead.
func six(s *site.Site, p *site.Host) bool {
	return p.Public6.IsValid() && len(site.Services(s)) > 0 && !slices.ContainsFunc(site.Services(s), func(one site.Service) bool { return !one.Over6 })
}

// Host are the records of the mail host's own name, which is the proxy's.
//
// guide: dns, A Records
func Host(s *site.Site, p *site.Host) []Record {
	list := []Record{{s.Hostname, "A", address(p), ""}}
	if six(s, p) {
		list = append(list, Record{s.Hostname, "AAAA", p.Public6.String(), ""})
	}
	if !slices.Contains(Domains(s), s.Hostname) { // a name has one SPF record only, and the domain's says it too
		list = append(list, Record{s.Hostname, "TXT", "v=spf1 a -all", ""}) // for bounces (RFC 7208, 2.4)
	}
	return list
}

// address is the proxy's public IPv4 address, or what to put in its place.
func address(p *site.Host) string {
	if p.Public4.IsValid() {
		return p.Public4.String()
	}
	return "PUBLIC-ADDRESS-OF-" + strings.ToUpper(p.Name)
}

// Back are the reverse names of the proxy's addresses, which the provider publishes: one for each address that mail leaves from.
//
// guide: dns, PTR Records
func Back(s *site.Site, p *site.Host) []Record {
	var list []Record
	for _, a := range Addresses(s, p) {
		list = append(list, Record{Reverse(a), "PTR", "", s.Hostname})
	}
	return list
}

// Mail are the records of one mail domain, from the first day on.
//
// guide: dns, MX Records; SPF Records; DMARC Records; SRV Records; Autodiscovery Records
func Mail(s *site.Site, p *site.Host, d string) []Record {
	list := []Record{
		{d, "MX", "10", s.Hostname},
		{d, "TXT", SPF(s, p, "~all"), ""},
		{"_dmarc." + d, "TXT", "v=DMARC1; p=none; rua=mailto:dmarc@" + d, ""},
		{"_smtp._tls." + d, "TXT", "v=TLSRPTv1; rua=mailto:tlsrpt@" + d, ""},
	}
	service := func(name string, port int) {
		list = append(list, Record{name + "._tcp." + d, "SRV", fmt.Sprintf("0 1 %d", port), s.Hostname})
	}
	for _, name := range WebNames(s, d) {
		list = append(list, Record{name, "CNAME", "", s.Hostname})
	}
	service("_autodiscover", s.Ports.HTTPS)
	service("_imaps", s.Ports.IMAPS)
	service("_submissions", s.Ports.Submissions)
	service("_submission", s.Ports.Submission)
	for _, none := range []string{"_imap", "_pop3", "_pop3s"} { // not offered (RFC 6186, 3.4); Mailcow's autoconfig obeys the last two
		list = append(list, Record{none + "._tcp." + d, "SRV", "0 0 0", "."})
	}
	if s.Web.MTASTS != "" {
		list = append(list, Announced(s, d))
	}
	return list
}

// Strict are the records that take the place of those of the same name and type when all mail of a domain is known to pass.
func Strict(s *site.Site, p *site.Host, d string) []Record {
	return []Record{
		{d, "TXT", SPF(s, p, "-all"), ""},
		{"_dmarc." + d, "TXT", "v=DMARC1; p=quarantine; rua=mailto:dmarc@" + d, ""},
	}
}

// Autoconfig is the name under which Thunderbird and others ask the web for a domain's settings.
func Autoconfig(d string) string { return "autoconfig." + d }

// Autodiscover is that under which Outlook does.
func Autodiscover(d string) string { return "autodiscover." + d }

// PolicyHost is that under which other mail servers ask for its MTA-STS policy (RFC 8461, 3.3).
func PolicyHost(d string) string { return "mta-sts." + d }

// WebNames are those that the web server of a site has for one of its domains.
func WebNames(s *site.Site, d string) []string {
	list := []string{Autoconfig(d), Autodiscover(d)}
	if s.Web.MTASTS != "" {
		list = append(list, PolicyHost(d))
	}
	return list
}

// Certified are all the names of a site that the web server has a certificate for, each once.
func Certified(s *site.Site) []string {
	list := []string{s.Hostname}
	for _, d := range Domains(s) {
		for _, name := range WebNames(s, d) {
			if !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	return list
}

// Policy is what the MTA-STS policy of a site says (RFC 8461, 3.2). Where it is being given up it is remembered for a day at most.
func Policy(s *site.Site) string {
	age := 7 * 24 * time.Hour
	switch s.Web.MTASTS {
	case "testing", "none":
		age = 24 * time.Hour
	}
	return fmt.Sprintf("version: STSv1\nmode: %s\nmx: %s\nmax_age: %d\n", s.Web.MTASTS, s.Hostname, int(age.Seconds()))
}

// Announced is the record that says there is a policy; it has another ID for each. It is to be published once the policy is served.
func Announced(s *site.Site, d string) Record {
	sum := sha256.Sum256([]byte(Policy(s)))
	return Record{"_mta-sts." + d, "TXT", "v=STSv1; id=" + hex.EncodeToString(sum[:8]), ""}
}

// SPF names the only addresses that mail leaves from, and what is to be thought of all others (RFC 7208). ip4 costs no lookup (4.6.4).
// The proxy's stay in it beside those of a smart host, so that mail passes on whichever way.
func SPF(s *site.Site, p *site.Host, end string) string {
	from := "v=spf1 ip4:" + address(p)
	for _, a := range Senders(s, p) {
		if a.Is6() {
			from += " ip6:" + a.String()
		}
	}
	for _, one := range append(slices.Clone(s.Smarthost.SPF), end) {
		from += " " + one
	}
	return from
}

// Addresses are those that the mail host's name leads to, as far as they are known.
func Addresses(s *site.Site, p *site.Host) []netip.Addr {
	var list []netip.Addr
	if p.Public4.IsValid() {
		list = append(list, p.Public4)
	}
	if six(s, p) {
		list = append(list, p.Public6)
	}
	return list
}

// Senders are the addresses that mail leaves from. What the mail host sends itself leaves over IPv4 only.
func Senders(s *site.Site, p *site.Host) []netip.Addr {
	list := Addresses(s, p)
	if s.Mail.Path == "direct" {
		list = slices.DeleteFunc(list, netip.Addr.Is6)
	}
	return list
}

// KeyName is where the DKIM key of a domain stands (RFC 6376, 3.6.2.1).
func KeyName(s *site.Site, d string) string { return s.Mail.Selector + "._domainkey." + d }

// Key is the record of a key that mail of a domain is signed with (RFC 6376, 3.6.1).
//
// guide: dns, DKIM Records
func Key(s *site.Site, d, kind, public string) Record {
	return Record{KeyName(s, d), "TXT", "v=DKIM1; k=" + kind + "; p=" + public, ""}
}

// Suffix tells domains apart in the IDs of tasks and results, only where there are several; it begins with a dot.
func Suffix(s *site.Site, d string) string {
	if len(Domains(s)) < 2 {
		return ""
	}
	return "." + d
}
