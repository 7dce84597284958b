package zone

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"postern/site"
)

func usual() (*site.Site, *site.Host) {
	s := site.Default()
	s.Domain, s.Hostname = "example.org", "mail.example.org"
	p := s.Host("proxy")
	p.Public4, p.Public6 = netip.MustParseAddr("203.0.113.10"), netip.MustParseAddr("2001:db8:113::10")
	return s, p
}

// Every line is one that a name server reads, and says the same there as the web form does.
func TestLinesAreRecords(t *testing.T) {
	s, p := usual()
	s.Tunnel.Network6 = netip.MustParsePrefix("fd00:50::/64")
	long := Record{"x.example.org", "TXT", strings.Repeat(`a"b\c `, 100), ""}
	for _, r := range slices.Concat(Host(s, p), Mail(s, p, "example.org"), Strict(s, p, "example.org"), Back(s, p), []Record{Key(s, "example.org", "rsa", strings.Repeat("A", 392)), long}) {
		rr, err := dns.NewRR(r.Line())
		if err != nil {
			t.Errorf("%s: %v", r.Line(), err)
			continue
		}
		if rr.Header().Name != r.Name+"." || dns.TypeToString[rr.Header().Rrtype] != r.Type {
			t.Errorf("%s reads as %s", r.Line(), rr)
		}
		if txt, is := rr.(*dns.TXT); is {
			for _, one := range txt.Txt {
				if raw := strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(one); len(raw) > most {
					t.Errorf("a string of %d bytes", len(raw))
				}
			}
			if got := strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(strings.Join(txt.Txt, "")); got != r.Form() && got != r.Value {
				t.Errorf("the zone file says %q, the form %q", got, r.Form())
			}
			continue
		}
		said := strings.TrimPrefix(rr.String(), rr.Header().String())
		if said != "0 0 0 ." { // no such service
			said = strings.TrimSuffix(said, ".")
		}
		if said != r.Form() {
			t.Errorf("the zone file says %q, the form %q", said, r.Form())
		}
	}
}

// A name has an IPv6 address only where every port answers there, and an SPF record once.
func TestWhatIsWanted(t *testing.T) {
	s, p := usual()
	types := func(list []Record) (all string) {
		for _, r := range list {
			all += r.Type + " "
		}
		return strings.TrimSpace(all)
	}
	if got := types(Host(s, p)); got != "A TXT" || len(Back(s, p)) != 1 || len(Senders(s, p)) != 1 {
		t.Errorf("without a tunnel for IPv6: %s, %d reverse names", got, len(Back(s, p)))
	}
	s.Tunnel.Network6 = netip.MustParsePrefix("fd00:50::/64")
	if got := types(Host(s, p)); got != "A AAAA TXT" || len(Back(s, p)) != 2 || SPF(s, p, "-all") != "v=spf1 ip4:203.0.113.10 ip6:2001:db8:113::10 -all" {
		t.Errorf("with one: %s, %d reverse names, %s", got, len(Back(s, p)), SPF(s, p, "-all"))
	}
	s.Hostname = "example.org"
	if got := types(Host(s, p)); got != "A AAAA" {
		t.Errorf("the domain's own name: %s", got)
	}
	s.Domains = []string{"example.net", "example.org"}
	if got := Domains(s); len(got) != 2 || Suffix(s, "example.net") != ".example.net" {
		t.Errorf("domains %v, suffix %q", got, Suffix(s, "example.net"))
	}
	p.Public4 = netip.Addr{}
	if line := Host(s, p)[0].Line(); !strings.Contains(line, "PUBLIC-ADDRESS-OF-PROXY") {
		t.Errorf("an address nobody knows: %s", line)
	}
	s.Mail.Path, p.Public4 = "direct", netip.MustParseAddr("203.0.113.10")
	if got := Senders(s, p); len(got) != 1 || got[0] != p.Public4 || SPF(s, p, "-all") != "v=spf1 ip4:203.0.113.10 -all" {
		t.Errorf("what the mail host sends itself leaves from %v: %s", got, SPF(s, p, "-all"))
	}
	s.Smarthost.SPF = []string{"include:spf.example.net", "ip4:192.0.2.0/24"}
	if got := SPF(s, p, "~all"); got != "v=spf1 ip4:203.0.113.10 include:spf.example.net ip4:192.0.2.0/24 ~all" {
		t.Errorf("with a smart host: %s", got)
	}
}

func TestReverse(t *testing.T) {
	for a, want := range map[string]string{
		"203.0.113.10":     "10.113.0.203.in-addr.arpa",
		"2001:db8:113::10": "0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.3.1.1.0.8.b.d.0.1.0.0.2.ip6.arpa",
	} {
		if got := Reverse(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s is told at %s, want %s", a, got, want)
		}
	}
}
