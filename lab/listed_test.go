//go:build linux

package main

import "strings"

// listed has a blocklist say one thing after the other of the proxy's address, beside all that is published; then the network that it is in
// is told, and its provider answered.
func (o *operator) listed(all string) {
	t := o.t
	t.Helper()
	const list, testEntry, address, networks = "zen.spamhaus.org", "2.0.0.127.zen.spamhaus.org. 0 IN A 127.0.0.2\n", "10.113.0.203.zen.spamhaus.org. 0 IN ", "origin.asn.cymru.com"
	says := func(name, records, check, id, result, saw string, flags ...string) {
		t.Helper()
		if err := o.l.PublishLines(all + records); err != nil {
			t.Fatal(err)
		}
		for _, r := range o.checks(append(flags, check)...) {
			switch {
			case r.ID != id:
				t.Errorf("%s: there is also %s: %s", name, r.ID, r.Saw)
			case r.Result != result || !strings.Contains(r.Saw, saw):
				t.Errorf("%s: %s is %s, want %s with %q: %s", name, id, r.Result, result, saw, r.Saw)
			}
		}
	}
	ask := []string{"--set", "dns.ask=" + list}
	says("nobody agreed", testEntry, "dns.listed", "dns.listed", "skip", "none was asked")
	says("listed", testEntry+address+"A 127.0.0.4\n"+address+"TXT \"https://check.spamhaus.org/query/ip/203.0.113.10\"\n", "dns.listed", "dns.listed."+list, "fail", "203.0.113.10 is in zen.spamhaus.org: 127.0.0.4 (XBL", ask...)
	says("listed by rule", testEntry+address+"A 127.0.0.11\n", "dns.listed", "dns.listed."+list, "fail", "PBL", ask...)
	says("an error", testEntry+address+"A 127.255.255.254\n", "dns.listed", "dns.listed."+list, "unknown", "does not answer large resolvers", ask...)
	says("clean", testEntry, "dns.listed", "dns.listed."+list, "ok", "is not in zen.spamhaus.org", ask...)
	says("dead", "1.0.0.0.zen.spamhaus.org. 0 IN A 127.0.0.2\n", "dns.listed", "dns.listed."+list, "unknown", "does not know its own test entry", ask...)

	says("whose network it is", "10.113.0.203.origin.asn.cymru.com. 0 IN TXT \"8560 | 203.0.113.0/24 | DE | ripencc | 2001-02-03\"\n", "dns.provider", "dns.provider", "warn", "203.0.113.10 belongs to AS8560: that is IONOS", "--set", "dns.ask="+networks)
	if plan := o.run(0, "--set", "host.proxy.provider=ionos", "plan", "network"); !strings.Contains(plan, "In the panel of IONOS") || !strings.Contains(plan, "What to tell IONOS customer service") {
		t.Errorf("chapter 1 does not tell what IONOS wants:\n%s", plan)
	}
	if plan := o.run(0, "--set", "host.proxy.provider=hetzer", "plan", "network"); !strings.Contains(plan, "did you mean hetzner?") {
		t.Errorf("a provider with a slip:\n%s", plan)
	}
}
