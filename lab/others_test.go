//go:build linux

package main

import (
	"strings"
	"testing"
)

// TestDNSOfOthers: what no site needs is judged where it is there, and what others tell of the site is asked: the registrar, and large
// resolvers.
func TestDNSOfOthers(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	o := newOperator(t, l, nil)
	o.flags = []string{"--set", "domain=example.org", "--set", "hostname=mail.example.org", "--set", "mail.kind=plain"}
	all := strings.Join(published(t, l), "\n") + "\n" + dkim(t, 2048)
	says := func(name, id, result, saw string) {
		t.Helper()
		found := false
		for _, r := range o.checks("dns") {
			if r.ID != id && r.Result != "ok" && r.Result != "skip" {
				t.Errorf("%s: %s is %s: %s", name, r.ID, r.Result, r.Saw)
			}
			if r.ID == id {
				found = true
				if r.Result != result || !strings.Contains(r.Saw, saw) {
					t.Errorf("%s: %s is %s, want %s with %q: %s", name, id, r.Result, result, saw, r.Saw)
				}
			}
		}
		if !found {
			t.Errorf("%s: nothing is said by %s", name, id)
		}
	}
	says("all there", "dns.resolvers", "ok", "1.1.1.1, 9.9.9.9: the same")
	for _, c := range []struct{ name, line, id, saw string }{
		{"CAA of another", `example.org. 300 IN CAA 0 issue "digicert.com"`, "dns.caa", "CAA of example.org lets neither"},
		{"a policy that is not served", `_mta-sts.example.org. 300 IN TXT "v=STSv1; id=1"`, "dns.mtasts", "cannot be fetched"},
		{"a pin in a zone without signatures", "_25._tcp.mail.example.org. 300 IN TLSA 3 1 1 " + strings.Repeat("00", 32), "dns.tlsa", "not signed"},
	} {
		if err := l.PublishLines(all + c.line + "\n"); err != nil {
			t.Fatal(err)
		}
		says(c.name, c.id, "warn", c.saw)
	}
	if err := l.PublishLines(strings.ReplaceAll(all, "p=none", "p=quarantine")); err != nil {
		t.Fatal(err)
	}
	says("resolvers remember", "dns.resolvers", "ok", "remembers something older of _dmarc.example.org TXT, for ")

	t.Run("listed", func(t *testing.T) { o.listed(all) })

	registrar := nameservers["registrar"].zones["org."]
	if err := l.Publish("org.", registrar+"example.org. NS ns.provider.test.\n", "registrar"); err != nil {
		t.Fatal(err)
	}
	says("the registrar names one more", "dns.servers", "fail", "ns.provider.test: it says REFUSED")
	if err := l.Publish("org.", delegated("example.org.", "ns1.hoster.test."), "registrar"); err != nil {
		t.Fatal(err)
	}
	says("the registrar names one less", "dns.servers", "warn", "example.org names ns2.hoster.test, and org does not")
}
