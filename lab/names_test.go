//go:build linux

package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"postern/site"
	"postern/zone"
)

// TestDNS: chapter 5 with real hosts and real name servers. Nothing is there, then all of it, as the program writes it out; then one
// thing after the other goes wrong, and is named, once.
func TestDNS(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	o := newOperator(t, l, nil)
	o.flags = []string{"--set", "domain=example.org", "--set", "hostname=mail.example.org", "--set", "dns.ask=zen.spamhaus.org"}
	if said := o.run(1, "check", "dns"); !strings.Contains(said, "there is no A 203.0.113.10") || !strings.Contains(said, "postern plan dns") {
		t.Errorf("nothing is published, and this is said:\n%s", said)
	}
	plan := o.run(0, "plan", "dns")
	for _, words := range []string{"publish the address of mail.example.org", "203.0.113.10  ->  mail.example.org", "MX     10 mail.example.org", "done when the check dns.mx says ok"} {
		if !strings.Contains(plan, words) {
			t.Errorf("the plan does not say %q:\n%s", words, plan)
		}
	}

	all := o.output("export", "zone") + dkim(t, 2048)
	if err := l.PublishLines(all); err != nil {
		t.Fatal(err)
	}
	o.run(0, "check", "dns")
	if said := o.run(0, "apply", "--yes", "dns"); !strings.Contains(said, "was proven") {
		t.Errorf("all is there, and this is said:\n%s", said)
	}
	o.slips(all)
}

// slips has one thing after the other go wrong with what is published, and wants it named, once, and all well again afterwards.
func (o *operator) slips(all string) {
	t := o.t
	t.Helper()
	publish := func(old, new string, servers ...string) {
		t.Helper()
		if !strings.Contains(all, old) {
			t.Fatalf("no %q in\n%s", old, all)
		}
		if err := o.l.PublishLines(strings.ReplaceAll(all, old, new), servers...); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range slips {
		publish("", "") // under a new serial number, at all
		publish(c.old, c.new, c.servers...)
		var amiss []string
		for _, r := range o.checks("dns") {
			if r.Result == "ok" || r.Result == "skip" {
				continue
			}
			amiss = append(amiss, fmt.Sprintf("%s is %s: %s", r.ID, r.Result, r.Saw))
			if r.ID == c.id && (r.Result != c.result || !strings.Contains(r.Saw, c.says)) {
				t.Errorf("%s: want %s with %q: %s", c.name, c.result, c.says, amiss[len(amiss)-1])
			}
			if r.Fix == "" || r.Want == "" || r.Likely == "" {
				t.Errorf("%s: it does not say what was wanted, what is likely and what mends it: %+v", c.name, r)
			}
		}
		if len(amiss) != 1 || !strings.HasPrefix(amiss[0], c.id+" ") {
			t.Errorf("%s: want one finding of %s: %s", c.name, c.id, strings.Join(amiss, "\n"))
		}
	}
	publish("", "")
	if got := o.checks("dns"); slices.ContainsFunc(got, func(r result) bool { return r.Result != "ok" && r.Result != "skip" }) {
		t.Errorf("all is mended: %+v", got)
	}
}

// slip is one thing that goes wrong with what is published, on some servers or on all, and the result of a check that names it.
type slip struct {
	name, old, new string
	servers        []string
	id, result     string
	says           string
}

const mxLine, spfLine = "example.org. 300 IN MX 10 mail.example.org.\n", "example.org. 300 IN TXT \"v=spf1 ip4:203.0.113.10 ~all\"\n"

var slips = []slip{
	{name: "no MX", old: mxLine, id: "dns.mx", result: "fail", says: "there is no MX mail.example.org"},
	{name: "the registrar's MX", old: mxLine, new: mxLine + "example.org. 300 IN MX 10 mx00.hoster.test.\n", id: "dns.mx", result: "fail", says: "MX 10 mx00.hoster.test is not of this site"},
	{name: "MX to an alias", old: mxLine, new: "example.org. 300 IN MX 10 mx.example.org.\nmx.example.org. 300 IN CNAME mail.example.org.\n", id: "dns.mx", result: "fail", says: "is an alias of mail.example.org"},
	{name: "SPF doubled", old: spfLine, new: spfLine + "example.org. 300 IN TXT \"v=spf1 mx -all\"\n", id: "dns.spf", result: "fail", says: "there are 2 SPF records"},
	{name: "SPF of home", old: "ip4:203.0.113.10", new: "ip4:198.51.100.20", id: "dns.spf", result: "fail", says: "mail from 203.0.113.10 is softfail"},
	{name: "PTR wrong", old: "IN PTR mail.example.org.", new: "IN PTR vps10.provider.test.", id: "dns.reverse", result: "fail", says: "PTR vps10.provider.test is not of this site"},
	{name: "AAAA without IPv6", old: "mail.example.org. 300 IN A 203.0.113.10\n", new: "mail.example.org. 300 IN A 203.0.113.10\nmail.example.org. 300 IN AAAA 2001:db8:113::10\n",
		id: "dns.host.v6", result: "fail", says: "not every port answers over IPv6"},
	{name: "DKIM gone", old: "dkim._domainkey", new: "other._domainkey", id: "dns.dkim", result: "fail", says: "there is no key"},
	{name: "DKIM at a doubled name", old: "dkim._domainkey.example.org.", new: "dkim._domainkey.example.org.example.org.", id: "dns.dkim", result: "fail", says: "enter only dkim._domainkey"},
	{name: "one server lags", old: "~all", new: "-all", servers: []string{"ns1"}, id: "dns.servers", result: "fail", says: "ns2.hoster.test has an older copy"},
}

// output is what the program prints to standard output.
func (o *operator) output(args ...string) string {
	o.t.Helper()
	var said bytes.Buffer
	cmd := o.command(o.t.Context(), args...)
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		o.t.Fatalf("postern %s: %v\n%s", strings.Join(args, " "), err, &said)
	}
	return string(out)
}

// published has the lab's DNS tell all that the usual site wants, and gives the lines.
func published(t *testing.T, l *Lab) (lines []string) {
	t.Helper()
	s := site.Default()
	s.Domain, s.Hostname = "example.org", "mail.example.org"
	proxy := s.Host("proxy")
	proxy.Public4 = netip.MustParseAddr("203.0.113.10")
	for _, r := range slices.Concat(zone.Host(s, proxy), zone.Mail(s, proxy, s.Domain), zone.Back(s, proxy)) {
		lines = append(lines, r.Line())
	}
	if err := l.PublishLines(strings.Join(lines, "\n") + "\n" + dkim(t, 2048)); err != nil {
		t.Fatal(err)
	}
	return lines
}

// dkim is the line of a key of so many bits.
func dkim(t *testing.T, bits int) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	text := "v=DKIM1;k=rsa;t=s;s=email;p=" + base64.StdEncoding.EncodeToString(der)
	return fmt.Sprintf("dkim._domainkey.example.org. 300 IN TXT \"%s\" \"%s\"\n", text[:200], text[200:])
}
