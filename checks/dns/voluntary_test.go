package dns

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	wire "github.com/miekg/dns"

	"postern/checks"
	"postern/remote"
	"postern/site"
	"postern/zone"
)

// shown is a certificate for the names of the world, and the authority behind it, made once.
var shown = sync.OnceValue(func() tls.Certificate {
	now := time.Unix(1795254690, 0)
	make := func(of *x509.Certificate, by *x509.Certificate, with *ecdsa.PrivateKey) ([]byte, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		if of.NotBefore, of.NotAfter = now.Add(-time.Hour), now.Add(time.Hour); with == nil {
			with = key
		}
		der, err := x509.CreateCertificate(rand.Reader, of, by, &key.PublicKey, with)
		if err != nil {
			panic(err)
		}
		return der, key
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	rootDER, rootKey := make(root, root, nil)
	leafDER, leafKey := make(&x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{"mail.example.org", "mta-sts.example.org"}}, root, rootKey)
	is, err := x509.ParseCertificate(rootDER)
	if err != nil {
		panic(err)
	}
	trusted = x509.NewCertPool()
	trusted.AddCert(is)
	return tls.Certificate{Certificate: [][]byte{leafDER, rootDER}, PrivateKey: leafKey}
})

// selfSigned is one for the mail host that nobody vouches for.
func selfSigned() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(3), DNSNames: []string{"mail.example.org"}, NotAfter: time.Unix(1795254690, 0).Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// pin is what a TLSA record says of one certificate of the chain: its key, or all of it.
func pin(usage, selector, at int) string {
	c, err := x509.ParseCertificate(shown().Certificate[at])
	if err != nil {
		panic(err)
	}
	of := c.Raw
	if selector == 1 {
		of = c.RawSubjectPublicKeyInfo
	}
	sum := sha256.Sum256(of)
	return fmt.Sprintf("%d %d 1 %s", usage, selector, hex.EncodeToString(sum[:]))
}

// greets has a mail server answer at port 25 that speaks TLS, with a certificate.
func (w *world) greets(with tls.Certificate) {
	w.talks["203.0.113.10:25"] = func(c net.Conn) {
		defer c.Close()
		line := make([]byte, 100)
		for _, say := range []string{"220 mail.example.org ESMTP\r\n", "250-mail.example.org\r\n250 STARTTLS\r\n", "220 go on\r\n"} {
			if _, err := c.Write([]byte(say)); err != nil {
				return
			}
			if !strings.HasPrefix(say, "220 go") {
				_, _ = c.Read(line)
			}
		}
		inside := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{with}}) //nolint:gosec // a server of this test
		for {
			if _, err := inside.Read(line); err != nil {
				return
			}
			_, _ = inside.Write([]byte("250 mail.example.org\r\n"))
		}
	}
}

// pinned has a TLSA record published, in a zone that is signed, and a mail server behind it.
func pinned(record string) func(*world) {
	return func(w *world) {
		w.edit("@ NS ns1", "_25._tcp.mail TLSA "+record+"\n@ NS ns1")
		w.publish(atRegistrar, "org.", "@ NS ns.registrar.test.\nexample.org. NS ns1.hoster.test.\nexample.org. NS ns2.hoster.test.\nexample.org. DS 7 13 2 00ff\n")
		w.greets(shown())
	}
}

// announced has a policy published, and a web server that answers with it.
func announced(answer http.HandlerFunc) func(*world) {
	return func(w *world) {
		w.greets(shown())
		w.edit("@ NS ns1", "_mta-sts TXT \"v=STSv1; id=20261121;\"\nmta-sts A 203.0.113.10\n@ NS ns1")
		w.talks["203.0.113.10:443"] = func(c net.Conn) {
			l := &once{conn: tls.Server(c, &tls.Config{Certificates: []tls.Certificate{shown()}}), ended: make(chan struct{})} //nolint:gosec // a server of this test
			w.t.Cleanup(func() { l.Close() })
			_ = (&http.Server{Handler: answer, ReadHeaderTimeout: time.Minute}).Serve(l)
		}
	}
}

// wantsPolicy has the site want one, and the DNS say in place of the record that announces it something else; where it is served.
func wantsPolicy(record string, isServed bool) func(*world) {
	return func(w *world) {
		w.env.Site.Web.MTASTS = "enforce"
		if announced(served(zone.Policy(w.env.Site)))(w); !isServed {
			delete(w.talks, "203.0.113.10:443")
		}
		w.edit(zone.Announced(w.env.Site, "example.org").Line()+"\n", record)
	}
}

func served(text string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if r.Host != "mta-sts.example.org" || r.URL.Path != "/.well-known/mta-sts.txt" {
			rw.WriteHeader(http.StatusNotFound)
			return
		}
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = rw.Write([]byte(text))
	}
}

const usualPolicy = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.org\r\nmax_age: 604800\r\n"

// signs has the mail host tell what it signs with.
func signs(lines ...string) func(*world) {
	return func(w *world) {
		answer := remote.Answer{Out: "== keys\n" + strings.Join(lines, "\n") + "\n== end\n"}
		w.env.Hosts["mail"] = &checks.Vantage{Name: "mail", Run: func(_ context.Context, q remote.Query) (remote.Answer, error) {
			if q.ID != "dkim example.org" {
				return remote.Answer{}, fmt.Errorf("asked for %s", q.ID)
			}
			return answer, nil
		}}
	}
}

// voluntary are stories of what no site needs, and of what others tell.
var voluntary = []story{
	{"the server's key", func(w *world) { signs("example.org dkim " + w.key)(w) }, "dns.dkim", checks.OK, "mail is signed with it: v=DKIM1"},
	{"another key than the server's", signs("example.org dkim " + shortKey()), "dns.dkim", checks.Fail, "another key than the one that mail is signed with"},
	{"one of two keys of the server", func(w *world) { signs("example.org dkim "+shortKey(), "example.org dkim "+w.key)(w) }, "dns.dkim", checks.OK, "mail is signed with it"},
	{"a selector of another name", func(w *world) { signs("example.org s2026 " + w.key)(w) }, "dns.dkim", checks.Warn, "signed with the selector s2026, not dkim"},
	{"a selector of another name, and no record", func(w *world) {
		signs("example.org s2026 " + w.key)(w)
		w.edit("dkim._domainkey.example.org. 300", "other._domainkey.example.org. 300")
	}, "dns.dkim", checks.Fail, "signed with the selector s2026"},
	{"a key that could not be read", signs("example.org dkim"), "dns.dkim", checks.OK, "whether mail is signed with it was not seen"},
	{"keys of other domains", signs("example.net dkim " + shortKey()), "dns.dkim", checks.OK, "was not seen"},
	{"a mail host that cannot be looked at", nothing, "dns.dkim", checks.OK, "was not seen"},

	{"CAA of another", func(w *world) { w.edit("@ NS ns1", "@ CAA 0 issue \"digicert.com\"\n@ NS ns1") }, "dns.caa", checks.Warn, "mail.example.org: CAA of example.org lets neither"},
	{"CAA of ours beside another", func(w *world) {
		w.edit("@ NS ns1", "@ CAA 0 issue \"digicert.com\"\n@ CAA 0 issue \"LetsEncrypt.org; validationmethods=http-01\"\n@ NS ns1")
	}, "dns.caa", checks.OK, "example.org CAA 0 issue"},
	{"CAA of the name itself counts first", func(w *world) {
		w.edit("@ NS ns1", "@ CAA 0 issue \"letsencrypt.org\"\nmail CAA 0 issue \";\"\n@ NS ns1")
	}, "dns.caa", checks.Warn, "CAA of mail.example.org lets neither"},
	{"CAA above the zone", func(w *world) {
		w.publish(atRegistrar, "org.", "@ NS ns.registrar.test.\n@ CAA 0 issue \"none.test\"\nexample.org. NS ns1.hoster.test.\nexample.org. NS ns2.hoster.test.\n")
	}, "dns.caa", checks.Warn, "CAA of org lets neither"},
	{"CAA that says nothing of issuing", func(w *world) { w.edit("@ NS ns1", "@ CAA 0 iodef \"mailto:a@example.org\"\n@ NS ns1") }, "dns.caa", checks.OK, "iodef"},
	{"CAA that nobody knows", func(w *world) { w.edit("@ NS ns1", "@ CAA 128 future \"x\"\n@ NS ns1") }, "dns.caa", checks.Warn, "critical future"},
	{"CAA of a name for settings", func(w *world) {
		w.edit("autoconfig.example.org. 300 IN CNAME mail.example.org.", "autoconfig A 203.0.113.10\n@ CAA 0 issue \"digicert.com\"\nmail CAA 0 issue \"letsencrypt.org\"")
	}, "dns.caa", checks.Warn, "autoconfig.example.org: CAA of example.org lets neither"},
	{"CAA, and certificates of others", func(w *world) {
		w.env.Site.Web.Kind = "existing"
		w.edit("@ NS ns1", "@ CAA 0 issue \"digicert.com\"\n@ NS ns1")
	}, "dns.caa", checks.OK, "who issues here is not known"},

	{"a policy of ours", wantsPolicy("_mta-sts TXT \"v=STSv1; id=f19954f43fd4704f\"\n", true), "dns.mtasts", checks.OK, "v=STSv1; id=f199"},
	{"a policy of ours that no record announces", wantsPolicy("", true), "dns.mtasts", checks.Warn, "no record announces it yet: publish _mta-sts.example.org TXT v=STSv1; id="},
	{"a policy of ours that is not there yet", wantsPolicy("", false), "dns.mtasts", checks.OK, "none, as it should be"},
	{"a policy of ours under an old id", wantsPolicy("_mta-sts TXT \"v=STSv1; id=1\"\n", true), "dns.mtasts", checks.Warn, "the id of another policy"},
	{"a policy that fits", announced(served(usualPolicy)), "dns.mtasts", checks.OK, "v=STSv1"},
	{"a policy by a pattern", announced(served(strings.ReplaceAll(usualPolicy, "mx: mail", "mx: *"))), "dns.mtasts", checks.OK, "v=STSv1"},
	{"a policy for another host", announced(served(strings.ReplaceAll(usualPolicy, "mx: mail", "mx: old"))), "dns.mtasts", checks.Fail, "names old.example.org, not mail.example.org"},
	{"a pattern takes one label", announced(served(strings.ReplaceAll(usualPolicy, "mx: mail.example", "mx: *"))), "dns.mtasts", checks.Fail, "names *.org"},
	{"a policy being tested", announced(served(strings.NewReplacer("mx: mail", "mx: old", "enforce", "testing").Replace(usualPolicy))), "dns.mtasts", checks.Warn, "only being tested"},
	{"a policy given up", announced(served("version: STSv1\nmode: none\nmax_age: 86400\n")), "dns.mtasts", checks.OK, "v=STSv1"},
	{"a policy nobody can read", announced(served("mode: enforce\n")), "dns.mtasts", checks.Warn, "does not say version: STSv1"},
	{"no policy where it is announced", func(w *world) { announced(nil)(w); delete(w.talks, "203.0.113.10:443") }, "dns.mtasts", checks.Warn, "cannot be fetched"},
	{"a policy elsewhere", announced(http.RedirectHandler("https://other.test/", http.StatusMovedPermanently).ServeHTTP), "dns.mtasts", checks.Warn, "the web server says 301"},
	{"a policy as a web page", announced(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		_, _ = rw.Write([]byte(usualPolicy))
	}), "dns.mtasts", checks.Warn, "not text/plain"},
	{"a policy without end", announced(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/plain")
		_, _ = rw.Write([]byte(usualPolicy + strings.Repeat("mx: a\n", 20000)))
	}), "dns.mtasts", checks.Warn, "longer than 64 kilobytes"},
	{"a policy behind a certificate of nobody", func(w *world) {
		announced(served(usualPolicy))(w)
		w.env.Now = w.env.Now.Add(24 * time.Hour)
	}, "dns.mtasts", checks.Warn, "certificate has expired"},
	{"a policy, and nobody at port 25", func(w *world) {
		announced(served(usualPolicy))(w)
		delete(w.talks, "203.0.113.10:25")
	}, "dns.mtasts", checks.Unknown, "what port 25 shows"},
	{"a policy, and a certificate of nobody at port 25", func(w *world) {
		announced(served(usualPolicy))(w)
		w.greets(selfSigned())
	}, "dns.mtasts", checks.Fail, "does not take: x509: certificate signed by unknown authority"},
	{"a policy being tested, and a certificate of nobody at port 25", func(w *world) {
		announced(served(strings.ReplaceAll(usualPolicy, "enforce", "testing")))(w)
		w.greets(selfSigned())
	}, "dns.mtasts", checks.Warn, "being tested, and port 25"},
	{"two records of a policy", func(w *world) {
		w.edit("@ NS ns1", "_mta-sts TXT \"v=STSv1; id=1\"\n_mta-sts TXT \"v=STSv1; id=2\"\n@ NS ns1")
	}, "dns.mtasts", checks.Warn, "2 MTA-STS records"},
	{"a policy's record without id", func(w *world) { w.edit("@ NS ns1", "_mta-sts TXT \"v=STSv1\"\n@ NS ns1") }, "dns.mtasts", checks.Warn, "malformed"},

	{"a pin that fits", pinned(pin(3, 1, 0)), "dns.tlsa", checks.OK, "3 1 1"},
	{"a pin of who signed", pinned(pin(2, 1, 1)), "dns.tlsa", checks.OK, "2 1 1"},
	{"one pin of two", pinned(pin(3, 1, 1) + "\n_25._tcp.mail TLSA " + pin(3, 0, 0)), "dns.tlsa", checks.OK, "3 0 1"},
	{"a pin of who signed, as of the server", pinned(pin(3, 1, 1)), "dns.tlsa", checks.Fail, "none of the TLSA records names"},
	{"a pin for web servers", pinned(pin(1, 1, 0)), "dns.tlsa", checks.Warn, "none that mail servers look at"},
	{"a pin in a zone without signatures", func(w *world) { w.edit("@ NS ns1", "_25._tcp.mail TLSA "+pin(3, 1, 0)+"\n@ NS ns1") }, "dns.tlsa", checks.Warn, "not signed"},
	{"a pin, and nobody at port 25", func(w *world) { pinned(pin(3, 1, 0))(w); delete(w.talks, "203.0.113.10:25") }, "dns.tlsa", checks.Unknown, "what port 25 shows"},

	{"a registrar that names another server", func(w *world) {
		w.publish(atRegistrar, "org.", "@ NS ns.registrar.test.\nexample.org. NS ns1.hoster.test.\nexample.org. NS ns.provider.test.\n")
	}, "dns.servers", checks.Fail, "ns.provider.test: it says REFUSED"},
	{"a registrar that names fewer servers", func(w *world) {
		w.publish(atRegistrar, "org.", "@ NS ns.registrar.test.\nexample.org. NS ns1.hoster.test.\n")
	}, "dns.servers", checks.Warn, "example.org names ns2.hoster.test, and org does not"},
	{"a zone that names fewer servers", func(w *world) { w.edit("@ NS ns2.hoster.test.\n", "") }, "dns.servers", checks.Warn, "org names ns2.hoster.test for it, and example.org itself does not"},
	{"a registrar that tells nothing", func(w *world) {
		w.publish(atRegistrar, "org.", "example.org. NS ns1.hoster.test.\n")
	}, "dns.servers", checks.OK, "ns1.hoster.test, ns2.hoster.test"},

	{"a resolver that remembers", func(w *world) {
		w.ask()
		w.env.Now = w.env.Now.Add(100 * time.Second)
		w.edit("MX 10 mail", "MX 20 mail")
	}, "dns.resolvers", checks.OK, "remembers something older of example.org MX, for 200 s at most"},
	{"a resolver that refuses", func(w *world) {
		w.handlers["9.9.9.9"] = wire.HandlerFunc(func(rw wire.ResponseWriter, q *wire.Msg) {
			_ = rw.WriteMsg(new(wire.Msg).SetRcode(q, wire.RcodeServerFailure))
		})
	}, "dns.resolvers", checks.Warn, "9.9.9.9 says SERVFAIL"},
	{"one large resolver is silent", func(w *world) { delete(w.handlers, "1.1.1.1") }, "dns.resolvers", checks.OK, "9.9.9.9: the same"},
	{"no large resolver", func(w *world) { delete(w.handlers, "1.1.1.1"); delete(w.handlers, "9.9.9.9") }, "dns.resolvers", checks.Skip, "neither 1.1.1.1 nor 9.9.9.9"},

	{"DMARC that is only tested", func(w *world) { w.edit("p=none;", "p=reject; t=y;") }, "dns.dmarc", checks.Warn, "t=y"},
	{"DMARC of a registry", func(w *world) { w.edit("p=none;", "p=none; psd=y;") }, "dns.dmarc", checks.Warn, "psd=y"},
	{"DMARC for names that are none", func(w *world) { w.edit("p=none;", "p=none; np=reject; sp=none;") }, "dns.dmarc", checks.OK, "np=reject"},
}

func nothing(*world) {}

// A domain below another has that one's DMARC record where it has none of its own.
func TestInheritedDMARC(t *testing.T) {
	w := newWorld(t, belowOnly)
	w.edit("_dmarc.lists.example.org. 300", "_dmarc.example.org. 300")
	if r := w.ask()["dns.dmarc"]; r.Outcome != checks.Warn || !strings.Contains(r.Saw.String(), "receivers take that of example.org") {
		t.Errorf("%s: %s", r.Outcome, r.Saw)
	}
}

// Each record that is wanted is told with what is there now: ok, missing, or what stands in its place.
func TestWhatIsThereNow(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*world)
		id    string
		want  []string // of the records: type and state
	}{
		{"all there", nothing, "dns.mx", []string{"MX ok"}},
		{"none", func(w *world) { w.edit("example.org. 300 IN MX 10 mail.example.org.\n", "") }, "dns.mx", []string{"MX missing"}},
		{"another", func(w *world) { w.edit("MX 10 mail", "MX 10 old") }, "dns.mx", []string{"MX other: 10 old.example.org"}},
		{"one more", func(w *world) { w.edit("IN MX 10 mail.example.org.\n", "IN MX 10 mail.example.org.\n@ MX 5 old\n") }, "dns.mx", []string{"MX also: 5 old.example.org"}},
		{"another that does", func(w *world) { w.edit("v=spf1 ip4:203.0.113.10 ~all", "v=spf1 mx -all") }, "dns.spf", []string{"TXT ok: v=spf1 mx -all"}},
		{"texts of others are not ours", func(w *world) { w.edit("@ NS ns1", "@ TXT \"site-verification=x\"\n@ NS ns1") }, "dns.spf", []string{"TXT ok"}},
		{"an alias", func(w *world) {
			w.edit("mail.example.org. 300 IN A 203.0.113.10\nmail.example.org. 300 IN TXT \"v=spf1 a -all\"\n", "mail CNAME host\nhost A 203.0.113.10\n")
		}, "dns.host", []string{"A other: an alias of host.example.org"}},
		{"settings", func(w *world) {
			w.edit("_imaps._tcp.example.org. 300 IN SRV 0 1 993 mail.example.org.\n", "")
			w.edit("CNAME mail.example.org.", "A 203.0.113.10")
		}, "dns.clients", []string{"CNAME ok: A 203.0.113.10", "CNAME ok: A 203.0.113.10", "SRV ok", "SRV ok", "SRV ok", "SRV ok", "SRV ok", "SRV ok", "SRV ok"}},
		{"our own key, as we write it", func(w *world) {
			signs("example.org dkim " + w.key)(w)
			w.edit("v=DKIM1;k=rsa;t=s;s=email;p=", "v=DKIM1; k=rsa; p=")
		}, "dns.dkim", []string{"TXT ok"}},
		{"the key of before", func(w *world) {
			signs("example.org dkim " + shortKey())(w)
		}, "dns.dkim", []string{"TXT other: v=DKIM1;k=rsa;t=s;s=email;p="}},
	} {
		w := newWorld(t, nil)
		c.spoil(w)
		r := w.ask()[c.id]
		var got []string
		for _, one := range r.Records {
			got = append(got, one.Type+" "+one.Now.Line(60))
		}
		same := len(got) == len(c.want)
		for i := range min(len(got), len(c.want)) {
			same = same && strings.HasPrefix(got[i], c.want[i])
		}
		if !same {
			t.Errorf("%s: %q, want %q (%s: %s)", c.name, got, c.want, r.Outcome, r.Saw)
		}
	}
}

// However many names there are, each server is asked all of it over one connection.
func TestOneRoundOfQuestions(t *testing.T) {
	w := newWorld(t, func(s *site.Site) {
		for i := range 5 {
			s.Domains = append(s.Domains, fmt.Sprintf("d%d.example.net", i))
		}
	})
	var mu sync.Mutex
	dialled := map[string]int{}
	w.env.Hosts["proxy"].Dial = dialer(func(ctx context.Context, network, address string) (net.Conn, error) {
		mu.Lock()
		dialled[address]++
		mu.Unlock()
		return w.DialContext(ctx, network, address)
	})
	for id, r := range w.ask() {
		if r.Outcome != checks.OK && id != "dns.provider" {
			t.Errorf("%s: %s: %s", id, r.Outcome, r.Saw)
		}
	}
	for _, at := range []string{atNS1, atNS2} { // one for each of the two zones that it tells
		if n := dialled[at+":53"]; n != 2 {
			t.Errorf("%s was dialled %d times", at, n)
		}
	}
	if n := dialled[atResolver+":53"]; n > 10 {
		t.Errorf("the resolver was dialled %d times", n)
	}
}

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d(ctx, network, address)
}
