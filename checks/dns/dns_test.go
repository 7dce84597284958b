package dns

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	wire "github.com/miekg/dns"

	"postern/checks"
	"postern/remote"
	"postern/site"
)

// usualKey and shortKey are keys of DKIM, made once.
var usualKey, shortKey = sync.OnceValue(func() string { return rsaKey(2048) }), sync.OnceValue(func() string { return rsaKey(1024) })

func rsaKey(bits int) string {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

// Our own checks accept our own records, whatever the site.
func TestWhatWeWantIsRight(t *testing.T) {
	for name, edit := range map[string]func(*site.Site){
		"usual":           nil,
		"plain":           func(s *site.Site) { s.Mail.Kind = "plain" },
		"direct":          func(s *site.Site) { s.Mail.Path = "direct" },
		"two domains":     func(s *site.Site) { s.Domains = []string{"example.net"} },
		"over IPv6":       func(s *site.Site) { s.Tunnel.Network6 = netip.MustParsePrefix("fd00:50::/64") },
		"the domain":      func(s *site.Site) { s.Hostname = "example.org" },
		"another's name":  func(s *site.Site) { s.Hostname = "mx.example.net" },
		"a selector":      func(s *site.Site) { s.Mail.Selector = "s2026.mail" },
		"other ports":     func(s *site.Site) { s.Ports.IMAPS, s.Ports.HTTPS = 1993, 8444 },
		"no IPv6 address": func(s *site.Site) { s.Host("proxy").Public6 = netip.Addr{} },
		"below":           belowOnly,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, edit)
			for id, r := range w.ask() {
				if r.Outcome != checks.OK && id != "dns.provider" { // which has nothing to say here
					t.Errorf("%s is %s: %s\n%s", id, r.Outcome, r.Saw, r.Evidence)
				}
			}
		})
	}
}

func belowOnly(s *site.Site) { s.Domain = "lists.example.org" }

const ns = "@ NS ns1.hoster.test.\n@ NS ns2.hoster.test.\n"

// story breaks one thing of a DNS that is right, and says which check tells of it.
type story struct {
	name  string
	spoil func(*world)
	id    string
	want  checks.Outcome
	words string
}

var stories = []story{
	{"no address", func(w *world) { w.edit("mail.example.org. 300 IN A 203.0.113.10\n", "") }, "dns.host", checks.Fail, "there is no A 203.0.113.10"},
	{"the address at home", func(w *world) { w.edit("IN A 203.0.113.10", "IN A 198.51.100.20") }, "dns.host", checks.Fail, "A 198.51.100.20 is not of this site"},
	{"two addresses", func(w *world) {
		w.edit("IN A 203.0.113.10\n", "IN A 203.0.113.10\nmail.example.org. 300 IN A 198.51.100.20\n")
	}, "dns.host", checks.Fail, "198.51.100.20 is not of this site"},
	{"an alias", func(w *world) {
		w.edit("mail.example.org. 300 IN A 203.0.113.10\nmail.example.org. 300 IN TXT \"v=spf1 a -all\"\n", "mail.example.org. 300 IN CNAME host.example.org.\nhost.example.org. 300 IN A 203.0.113.10\n")
	}, "dns.host", checks.Fail, "is an alias of host.example.org"},
	{"AAAA without IPv6", func(w *world) {
		w.edit("IN A 203.0.113.10\n", "IN A 203.0.113.10\nmail.example.org. 300 IN AAAA 2001:db8:113::10\n")
	}, "dns.host.v6", checks.Fail, "not every port answers over IPv6"},
	{"no SPF of the name", func(w *world) { w.edit("mail.example.org. 300 IN TXT \"v=spf1 a -all\"\n", "") }, "dns.host.helo", checks.Warn, "has no SPF record"},
	{"another reverse name", func(w *world) {
		w.publish(atProvider, "in-addr.arpa.", "@ NS ns.provider.test.\n10.113.0.203.in-addr.arpa. PTR vps10.provider.test.\n")
	}, "dns.reverse", checks.Fail, "there is no PTR mail.example.org; PTR vps10.provider.test is not of this site"},
	{"no reverse name", func(w *world) { w.publish(atProvider, "in-addr.arpa.", "@ NS ns.provider.test.\n") }, "dns.reverse", checks.Fail, "there is no PTR mail.example.org"},
	{"a reverse name by an alias", func(w *world) {
		w.publish(atProvider, "in-addr.arpa.", "@ NS ns.provider.test.\n10.113.0.203.in-addr.arpa. CNAME 10.8-15.113.0.203.in-addr.arpa.\n10.8-15.113.0.203.in-addr.arpa. PTR mail.example.org.\n")
	}, "dns.reverse", checks.OK, "mail.example.org"},
	{"no MX", func(w *world) { w.edit("example.org. 300 IN MX 10 mail.example.org.\n", "") }, "dns.mx", checks.Fail, "there is no MX mail.example.org"},
	{"the registrar's MX", func(w *world) {
		w.edit("IN MX 10 mail.example.org.\n", "IN MX 10 mail.example.org.\n@ MX 10 mx00.parked.test.\n")
	}, "dns.mx", checks.Fail, "MX 10 mx00.parked.test is not of this site: mail goes there, too"},
	{"MX to an alias", func(w *world) {
		w.edit("IN MX 10 mail.example.org.\n", "IN MX 10 mx.example.org.\nmx CNAME mail.example.org.\n")
	}, "dns.mx", checks.Fail, "MX 10 mx.example.org is an alias of mail.example.org: name that itself"},
	{"no mail at all", func(w *world) { w.edit("IN MX 10 mail.example.org.\n", "IN MX 0 .\n") }, "dns.mx", checks.Fail, "no mail at all"},
	{"SPF doubled", func(w *world) { w.edit("@ NS ns1", "@ TXT \"v=spf1 mx -all\"\n@ NS ns1") }, "dns.spf", checks.Fail, "there are 2 SPF records"},
	{"SPF of another host", func(w *world) { w.edit("v=spf1 ip4:203.0.113.10", "v=spf1 ip4:203.0.113.11") }, "dns.spf", checks.Fail, "mail from 203.0.113.10 is softfail by it"},
	{"SPF lets all in", func(w *world) { w.edit("203.0.113.10 ~all", "203.0.113.10 +all") }, "dns.spf", checks.Fail, "lets everybody send in your name"},
	{"SPF says nothing of others", func(w *world) { w.edit("203.0.113.10 ~all", "203.0.113.10 ?all") }, "dns.spf", checks.Warn, "says nothing of who else may send"},
	{"SPF nobody can read", func(w *world) { w.edit("v=spf1 ip4:203", "v=spf1 ipv4:203") }, "dns.spf", checks.Fail, "receivers cannot read it"},
	{"SPF that goes on and on", func(w *world) {
		w.edit("v=spf1 ip4:203.0.113.10 ~all", "v=spf1 include:a.example.org ip4:203.0.113.10 ~all\"\na TXT \"v=spf1 include:a.example.org")
	}, "dns.spf", checks.Fail, "receivers cannot read it"},
	{"a smart host in SPF", func(w *world) {
		w.smarthost("ip4:198.51.100.0/25")
		w.edit("ip4:198.51.100.0/25 ", "IP4:198.51.100.0/25 ")
	}, "dns.spf", checks.OK, "198.51.100.0/25"},
	{"a smart host that is not in SPF", func(w *world) {
		w.smarthost("ip4:198.51.100.0/25")
		w.edit("ip4:198.51.100.0/25 ", "")
	}, "dns.spf", checks.Fail, "ip4:198.51.100.0/25 is not in it"},
	{"a smart host whose SPF nobody told", func(w *world) { w.smarthost() }, "dns.spf", checks.Warn, "answer smarthost.spf"},
	{"SPF by the MX", func(w *world) { w.edit("v=spf1 ip4:203.0.113.10 ~all", "v=spf1 mx -all") }, "dns.spf", checks.OK, "v=spf1 mx -all"},
	{"SPF with quotes pasted", func(w *world) { w.edit(`"v=spf1 ip4:203.0.113.10 ~all"`, `"\"v=spf1 ip4:203.0.113.10 ~all\""`) }, "dns.spf", checks.Fail, "begins with a blank or a quote"},
	{"SPF with text of others beside it", func(w *world) { w.edit("@ NS ns1", "@ TXT \"site-verification=x\"\n@ NS ns1") }, "dns.spf", checks.OK, "v=spf1"},
	{"no DMARC", func(w *world) { w.edit("_dmarc.example.org. 300", "_dmark.example.org. 300") }, "dns.dmarc", checks.Fail, "there is no DMARC record"},
	{"DMARC at a doubled name", func(w *world) { w.edit("_dmarc.example.org. 300", "_dmarc.example.org.example.org. 300") }, "dns.dmarc", checks.Fail, "so enter only _dmarc"},
	{"DMARC with a policy of its own", func(w *world) { w.edit("p=none", "p=maybe") }, "dns.dmarc", checks.Fail, "p=maybe is none of"},
	{"DMARC without reports", func(w *world) { w.edit("p=none; rua=mailto:dmarc@example.org", "p=reject") }, "dns.dmarc", checks.Warn, "rua is missing"},
	{"DMARC reports to others", func(w *world) { w.edit("mailto:dmarc@example.org", "mailto:a@reports.test") }, "dns.dmarc", checks.Warn, "reports to reports.test are thrown away"},
	{"DMARC from before", func(w *world) { w.edit("p=none;", "p=none; pct=50;") }, "dns.dmarc", checks.Warn, "pct means nothing any more"},
	{"no DKIM", func(w *world) { w.edit("dkim._domainkey.example.org. 300", "other._domainkey.example.org. 300") }, "dns.dkim", checks.Fail, "dkim._domainkey.example.org: there is no key"},
	{"DKIM at a doubled name", func(w *world) {
		w.edit("dkim._domainkey.example.org. 300", "dkim._domainkey.example.org.example.org. 300")
	}, "dns.dkim", checks.Fail, "so enter only dkim._domainkey"},
	{"DKIM cut", func(w *world) { w.edit(`" "`+w.key[227:], "") }, "dns.dkim", checks.Fail, "cut"},
	{"DKIM with a blank at the join", func(w *world) { w.edit(`" "`, ` " "`) }, "dns.dkim", checks.Fail, "a blank stands in the key"},
	{"DKIM revoked", func(w *world) { w.edit(w.key[:227]+`" "`+w.key[227:], "") }, "dns.dkim", checks.Fail, "revokes it"},
	{"no TLS-RPT", func(w *world) { w.edit("_smtp._tls", "_smtp._tlz") }, "dns.reports", checks.Warn, "there is no TLS-RPT record"},
	{"no SRV", func(w *world) { w.edit("_imaps._tcp", "_imapz._tcp") }, "dns.clients", checks.Warn, "missing: _imaps._tcp.example.org"},
	{"SRV of another host", func(w *world) { w.edit("SRV 0 1 993 mail.example.org.", "SRV 0 1 993 imap.hoster.test.") }, "dns.clients", checks.Fail, "_imaps._tcp.example.org is 0 1 993 imap.hoster.test, not 0 1 993 mail.example.org"},
	{"names for settings by address", func(w *world) { w.edit("CNAME mail.example.org.", "A 203.0.113.10") }, "dns.clients", checks.OK, "all there"},
	{"one server lags", func(w *world) {
		w.publishAs(atNS2, "example.org.", 6, ns)
	}, "dns.servers", checks.Fail, "ns2.hoster.test has an older copy of example.org"},
	{"one server lags, and the record is right", func(w *world) { w.publishAs(atNS2, "example.org.", 6, ns) }, "dns.mx", checks.OK, "not by ns2.hoster.test, see dns.servers"},
	{"one server is changed alone", func(w *world) { w.publish(atNS2, "example.org.", ns) }, "dns.mx", checks.Fail, "different things under one serial number"},
	{"one server is silent", func(w *world) { w.refused[atNS2] = os.ErrDeadlineExceeded }, "dns.servers", checks.Warn, "ns2.hoster.test:"},
	{"one server is silent, and the other right", func(w *world) { w.refused[atNS2] = os.ErrDeadlineExceeded }, "dns.mx", checks.OK, "10 mail.example.org"},
	{"one server is broken", func(w *world) { w.mark(atNS2, "broken") }, "dns.servers", checks.Fail, "ns2.hoster.test: it says SERVFAIL"},
	{"a server that does not know the zone", func(w *world) {
		if err := os.Remove(w.dir + "/" + atNS2 + "/example.org."); err != nil {
			w.t.Fatal(err)
		}
	}, "dns.servers", checks.Fail, "ns2.hoster.test: it says REFUSED"},
	{"no server", func(w *world) { w.refused[atNS1], w.refused[atNS2] = os.ErrDeadlineExceeded, os.ErrDeadlineExceeded }, "dns.servers", checks.Unknown, "example.org"},
	{"not registered", func(w *world) { w.publish(atRegistrar, "org.", "other NS ns1.hoster.test.\n") }, "dns.servers", checks.Fail, "is not registered"},
	{"not registered, and nothing told", func(w *world) { w.publish(atRegistrar, "org.", "other NS ns1.hoster.test.\n") }, "dns.mx", checks.Unknown, "is not registered"},
	{"signatures broken", func(w *world) {
		inner := w.handlers[atResolver]
		w.handlers[atResolver] = wire.HandlerFunc(func(rw wire.ResponseWriter, q *wire.Msg) {
			if !q.CheckingDisabled && strings.HasSuffix(q.Question[0].Name, "example.org.") {
				m := new(wire.Msg).SetRcode(q, wire.RcodeServerFailure)
				_ = rw.WriteMsg(m)
				return
			}
			inner.ServeDNS(rw, q)
		})
	}, "dns.servers", checks.Fail, "old DS record"},
	{"no resolver", func(w *world) { w.refused[atResolver] = os.ErrDeadlineExceeded }, "dns.host", checks.Unknown, "the resolver 198.51.100.201 of the proxy"},
	{"the first resolver is silent, and the second is not", func(w *world) {
		w.env.Hosts["proxy"].Facts.Answers[resolvers] = remote.Answer{Out: "nameserver 198.51.100.250\nnameserver " + atResolver + "\n"}
		w.refused["198.51.100.250"] = os.ErrDeadlineExceeded
	}, "dns.host", checks.OK, "203.0.113.10"},
	{"a text for all names, and no key", func(w *world) {
		w.edit("dkim._domainkey.example.org. 300", "other._domainkey.example.org. 300 IN TXT \"x\"\ndkim._domainkey.example.org. 300 IN TXT \"v=spf1 -all\"\ndkim._domainkey.example.org.example.org. 300 IN TXT \"v=spf1 -all\"\nthird._domainkey.example.org. 300")
	}, "dns.dkim", checks.Fail, "it does not begin with v=DKIM1"},
	{"a resolver that hangs up", func(w *world) {
		w.handlers[atResolver] = wire.HandlerFunc(func(rw wire.ResponseWriter, _ *wire.Msg) { rw.Close() })
	}, "dns.mx", checks.Unknown, "hangs up"},
	{"a resolver that answers something else", func(w *world) {
		w.handlers[atResolver] = wire.HandlerFunc(func(rw wire.ResponseWriter, q *wire.Msg) {
			m := new(wire.Msg).SetReply(q)
			m.Question[0].Name = "other.test."
			_ = rw.WriteMsg(m)
		})
	}, "dns.mx", checks.Unknown, "something else than what was asked"},
	{"no resolv.conf", func(w *world) { w.env.Hosts["proxy"].Facts.Answers = nil }, "dns.mx", checks.Unknown, "/etc/resolv.conf could not be read"},
	{"an empty resolv.conf", func(w *world) {
		w.env.Hosts["proxy"].Facts.Answers[resolvers] = remote.Answer{Out: "search lan\n"}
	}, "dns.mx", checks.Unknown, "names no resolver"},
	{"a proxy that cannot be asked", func(w *world) { w.env.Hosts["proxy"].Dial = nil }, "dns.mx", checks.Unknown, "cannot be asked to connect"},
	{"an address nobody knows", func(w *world) { w.env.Site.Host("proxy").Public4 = netip.Addr{} }, "dns.host", checks.Unknown, "public address is not known"},
	{"no domain", func(w *world) { w.env.Site.Domain = "" }, "dns.mx", checks.Skip, "no mail domain"},
	{"a toaster", func(w *world) { w.env.Site.Layout = "toaster" }, "dns.mx", checks.OK, "mail.example.org"},
	{"control sequences", func(w *world) {
		w.edit("IN MX 10 mail.example.org.\n", "IN MX 10 mail.example.org.\n@ MX 5 \\027[31m.test.\n")
	}, "dns.mx", checks.Fail, "is not of this site"},
}

func TestStories(t *testing.T) {
	for _, c := range checks.All() {
		if !slices.ContainsFunc(slices.Concat(stories, voluntary, reputation), func(s story) bool {
			return strings.HasPrefix(s.id, c.ID) && (s.want == checks.Fail || s.want == checks.Warn)
		}) {
			t.Errorf("no story makes %s say that something is wrong", c.ID)
		}
	}
	for _, s := range slices.Concat(stories, voluntary, reputation) {
		t.Run(s.name+": "+s.id, func(t *testing.T) {
			w := newWorld(t, nil)
			s.spoil(w)
			r, asked := w.ask()[s.id]
			if !asked || r.Outcome != s.want || !strings.Contains(r.Saw.String()+"\n"+r.Likely, s.words) {
				t.Errorf("%s, want %s with %q: %s (%s)\n%s", r.Outcome, s.want, s.words, r.Saw, r.Likely, r.Evidence)
			}
			if r.Outcome != checks.OK && r.Outcome != checks.Skip && (r.Want == "" || r.Likely == "" || r.Fix == "") {
				t.Errorf("%s does not say what is wanted, likely and to be done: %+v", s.id, r)
			}
			if strings.ContainsRune(r.Saw.String()+r.Evidence.String(), 27) {
				t.Errorf("a control sequence is shown: %q", r.Saw)
			}
		})
	}
}

// One thing that is wrong is one finding: a server that lags, and what does not depend on it.
func TestOneCauseIsOneFinding(t *testing.T) {
	for name, spoil := range map[string]func(*world){
		"lags":     func(w *world) { w.publishAs(atNS2, "example.org.", 6, ns) },
		"no MX":    func(w *world) { w.edit("example.org. 300 IN MX 10 mail.example.org.\n", "") },
		"two SPFs": func(w *world) { w.edit("@ NS ns1", "@ TXT \"v=spf1 mx -all\"\n@ NS ns1") },
		"PTR":      func(w *world) { w.publish(atProvider, "in-addr.arpa.", "@ NS ns.provider.test.\n") },
	} {
		w := newWorld(t, nil)
		spoil(w)
		var wrong []string
		for id, r := range w.ask() {
			if r.Outcome != checks.OK && id != "dns.provider" {
				wrong = append(wrong, id)
			}
		}
		if len(wrong) != 1 {
			t.Errorf("%s: %v", name, wrong)
		}
	}
}

func TestKeys(t *testing.T) {
	good := usualKey()
	for _, c := range []struct{ record, wrong, odd string }{
		{"v=DKIM1; k=rsa; p=" + good, "", ""},
		{"p=" + good, "", ""},
		{"v=DKIM1; k=rsa; t=y; p=" + good, "", "only being tested"},
		{"k=rsa; p=" + shortKey(), "", "1024 bits"},
		{"v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(make([]byte, 32)), "", "publish an RSA key beside it"},
		{"v=DKIM1; k=ed25519; p=AAAA", "not 32 bytes", ""},
		{"v=DKIM2; p=" + good, "does not begin with v=DKIM1", ""},
		{"v=DKIM1; p=" + good[:300], "", ""},
		{"v=spf1 -all", "does not begin with v=DKIM1", ""},
		{"v=DKIM1; p=" + good + `"`, "quotes", ""},
	} {
		wrong, odd := judgeDKIM([]string{c.record})
		if c.record == "v=DKIM1; p="+good[:300] {
			if wrong == "" {
				t.Errorf("a key that was cut is taken")
			}
			continue
		}
		if !strings.Contains(wrong, c.wrong) || (wrong == "") != (c.wrong == "") || !strings.Contains(odd, c.odd) || (odd == "") != (c.odd == "") {
			t.Errorf("%.40s: wrong %q, odd %q; want %q and %q", c.record, wrong, odd, c.wrong, c.odd)
		}
	}
	if wrong, _ := judgeDKIM([]string{"p=" + good, "p=" + good}); !strings.Contains(wrong, "2 keys") {
		t.Errorf("two keys: %q", wrong)
	}
}

// What a server tells is somebody else's text: whatever it is, it is read without a fault and no longer than it may be.
func FuzzTold(f *testing.F) {
	for _, text := range []string{"v=DMARC1; p=none; rua=mailto:a@b", "v=DKIM1; p=AAAA", `a\"b\;c\065\`, "v=spf1 a -all", ";;=;v=DMARC1=;p", `\25`, `\256x`, usualPolicy, "128 issue ;"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		judgeDKIM([]string{text})
		judgeDMARC([]string{text})
		judgeCAA([]string{text})
		if p, err := parsePolicy(text); err == nil && (p.mode == "" || p.mode != "none" && len(p.mx) == 0) {
			t.Errorf("%q is taken for a policy: %+v", text, p)
		}
		if got := textOf(&wire.TXT{Txt: []string{text}}); len(got) > len(text) {
			t.Errorf("%q became %q", text, got)
		}
		wrong, _ := exactly("A", "203.0.113.10")([]string{text})
		if len(wrong) > 400 {
			t.Errorf("%d letters of %d", len(wrong), len(text))
		}
	})
}
