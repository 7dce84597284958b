package dns

import (
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"postern/checks"
	"postern/remote"
)

const (
	proxy4 = "10.113.0.203 "
	proxy6 = "0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.3.1.1.0.8.b.d.0.1.0.0.2 "
)

// sixth has mail leave over IPv6, too.
func sixth(w *world) { w.env.Site.Tunnel.Network6 = netip.MustParsePrefix("fd00:50::/64") }

// reputation are stories of what others say of the proxy's addresses, and of whose they are.
var reputation = []story{
	{"listed for spam", func(w *world) {
		w.list(proxy4 + "A 127.0.0.2\n" + proxy4 + "A 127.0.0.4\n" + proxy4 + "TXT \"https://check.spamhaus.org/sbl/query/SBL1\"\n")
	},
		"dns.listed.zen.spamhaus.org", checks.Fail, "127.0.0.2 (SBL: spam came from it); 127.0.0.4 (XBL"},
	{"listed by rule", func(w *world) { w.list(proxy4 + "A 127.0.0.11\n") }, "dns.listed.zen.spamhaus.org", checks.Fail, "nobody complained"},
	{"by rule and for spam", func(w *world) { w.list(proxy4 + "A 127.0.0.10\n" + proxy4 + "A 127.0.0.3\n") }, "dns.listed.zen.spamhaus.org", checks.Fail, "spam left from it"},
	{"a code that nobody knows", func(w *world) { w.list(proxy4 + "A 127.0.0.77\n") }, "dns.listed.zen.spamhaus.org", checks.Fail, "zen.spamhaus.org: 127.0.0.77"},
	{"not listed", func(w *world) { w.list("") }, "dns.listed.zen.spamhaus.org", checks.OK, "203.0.113.10 is not in zen.spamhaus.org"},
	{"a list that does not answer this resolver", func(w *world) {
		w.publish(atProvider, spamhaus+".", "@ NS ns.provider.test.\n2.0.0.127 A 127.255.255.254\n1.0.0.127 A 127.255.255.254\n"+proxy4+"A 127.255.255.254\n")
	}, "dns.listed.zen.spamhaus.org", checks.Unknown, "it answers 127.255.255.254, an error: it does not answer large resolvers"},
	{"an error for this address alone", func(w *world) { w.list(proxy4 + "A 127.255.255.255\n") }, "dns.listed.zen.spamhaus.org", checks.Unknown, "too much was asked"},
	{"an error that nobody knows", func(w *world) { w.list(proxy4 + "A 127.255.255.7\n") }, "dns.listed.zen.spamhaus.org", checks.Unknown, "unknown here"},
	{"a list of names", func(w *world) { w.list(proxy4 + "A 127.0.1.255\n") }, "dns.listed.zen.spamhaus.org", checks.Unknown, "it lists names, not addresses"},
	{"a list that tells nothing", func(w *world) { w.publish(atProvider, spamhaus+".", "@ NS ns.provider.test.\n") }, "dns.listed.zen.spamhaus.org", checks.Unknown, "does not know its own test entry"},
	{"a dead list that has the address", func(w *world) { w.publish(atProvider, spamhaus+".", "@ NS ns.provider.test.\n"+proxy4+"A 127.0.0.2\n") }, "dns.listed.zen.spamhaus.org", checks.Unknown, "does not know its own test entry"},
	{"a list that names everybody", func(w *world) { w.list("1.0.0.127 A 127.0.0.2\n" + proxy4 + "A 127.0.0.2\n") }, "dns.listed.zen.spamhaus.org", checks.Unknown, "names everybody"},
	{"a name that was sold", func(w *world) { w.list(proxy4 + "A 203.0.113.99\n") }, "dns.listed.zen.spamhaus.org", checks.Unknown, "somebody answers in its place"},
	{"a list without servers", func(w *world) {
		w.publish(atProvider, spamhaus+".", "no zone")
	}, "dns.listed.zen.spamhaus.org", checks.Unknown, "the resolver says SERVFAIL"},
	{"a resolver of others", func(w *world) {
		w.list(proxy4 + "A 127.0.0.2\n")
		w.env.Hosts["proxy"].Facts.Answers[resolvers] = remote.Answer{Out: "nameserver 1.1.1.1\n"}
	}, "dns.listed", checks.Unknown, "proxy asks 1.1.1.1"},
	{"a smaller list", func(w *world) {
		w.env.Site.DNS.Ask = []string{"list.org"}
		w.publish(atProvider, "list.org.", "2.0.0.127 A 127.0.0.2\n"+proxy4+"A 127.0.0.2\n"+proxy4+"TXT \"\\027[31mred\"\n")
	}, "dns.listed.list.org", checks.Warn, "203.0.113.10 is in list.org: 127.0.0.2"},
	{"no list", func(w *world) { w.env.Site.DNS.Ask = []string{networks} }, "dns.listed", checks.Skip, "none was asked"},
	{"a smart host", func(w *world) { w.smarthost(); w.list(proxy4 + "A 127.0.0.2\n") }, "dns.listed", checks.Skip, "relay.example.net"},
	{"listed over IPv6", func(w *world) { sixth(w); w.list(proxy6 + "A 127.0.0.3\n") }, "dns.listed.zen.spamhaus.org.v6", checks.Fail, "2001:db8:113::10 is in zen.spamhaus.org: 127.0.0.3"},
	{"not listed over IPv6", func(w *world) { sixth(w); w.list(proxy4 + "A 127.0.0.3\n") }, "dns.listed.zen.spamhaus.org.v6", checks.OK, "2001:db8:113::10 is not in"},
	{"a list of IPv4 alone", func(w *world) {
		sixth(w)
		w.publish(atProvider, spamhaus+".", "@ NS ns.provider.test.\n2.0.0.127 A 127.0.0.2\n")
	}, "dns.listed.zen.spamhaus.org.v6", checks.Skip, "no test entry for IPv6"},

	{"a provider by its names", func(w *world) { w.reverse("static.10.113.0.203.clients.your-server.de.") }, "dns.provider", checks.Warn, "203.0.113.10 is called static.10.113.0.203.clients.your-server.de: that is Hetzner"},
	{"a provider by its network", func(w *world) {
		w.env.Site.DNS.Ask = []string{networks}
		w.publish(atProvider, networks+".", "@ NS ns.provider.test.\n"+proxy4+"TXT \"64500 8560 | 203.0.113.0/24 | DE | ripencc | 2001-02-03\"\n")
	}, "dns.provider", checks.Warn, "203.0.113.10 belongs to AS8560: that is IONOS"},
	{"a network that nobody knows", func(w *world) {
		w.env.Site.DNS.Ask = []string{networks}
		w.publish(atProvider, networks+".", "@ NS ns.provider.test.\n"+proxy4+"TXT \"64500 | 203.0.113.0/24\"\n")
	}, "dns.provider", checks.Skip, "belongs to AS64500"},
	{"a network that was not to be asked", func(w *world) {
		w.publish(atProvider, networks+".", "@ NS ns.provider.test.\n"+proxy4+"TXT \"8560 | 203.0.113.0/24\"\n")
	}, "dns.provider", checks.Skip, "dns.ask does not name origin.asn.cymru.com"},
	{"a provider that is answered", func(w *world) {
		w.reverse("static.10.113.0.203.clients.your-server.de.")
		w.env.Site.Host("proxy").Provider = "other"
	}, "dns.provider", checks.Skip, "answered: other"},
	{"a silent resolver", func(w *world) { w.refused[atResolver] = os.ErrDeadlineExceeded }, "dns.provider", checks.Unknown, "the resolver of proxy"},
}

// reverse gives the proxy's address another name.
func (w *world) reverse(name string) {
	w.t.Helper()
	w.publish(atProvider, "in-addr.arpa.", "@ NS ns.provider.test.\n"+proxy4+"PTR "+name+"\n")
	w.publish(atProvider, "203.in-addr.arpa.", "@ NS ns.provider.test.\n10.113.0 PTR "+name+"\n")
}

// knows is who the site's own knowledge would say it is.
func knows(network uint32, reverse string) (id, name string) {
	switch {
	case network == 8560:
		return "ionos", "IONOS"
	case strings.HasSuffix(reverse, ".your-server.de"):
		return "hetzner", "Hetzner"
	}
	return "", ""
}

func TestProviderIsOnlySuggested(t *testing.T) {
	w := newWorld(t, nil)
	w.reverse("static.10.113.0.203.clients.your-server.de.")
	if r := w.ask()["dns.provider"]; r.Answer != "host.proxy.provider=hetzner" || r.Fix != "network" || w.env.Site.Host("proxy").Provider != "" {
		t.Errorf("%+v; the answer is %q", r, w.env.Site.Host("proxy").Provider)
	}
}

func FuzzOrigins(f *testing.F) {
	f.Add("23028 3356 | 216.90.108.0/24 | US | arin | 1998-09-25")
	f.Add("|")
	f.Add("99999999999 0 -1 | x")
	f.Fuzz(func(t *testing.T, text string) {
		list := origins(text)
		if len(list) > 8 || slices.Contains(list, 0) || !strings.Contains(text, "|") && len(list) > 0 {
			t.Errorf("%q: %v", text, list)
		}
	})
}
