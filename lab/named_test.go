//go:build linux

package main

import (
	"slices"
	"strings"
	"testing"
)

// named are the faults that must be named, each in one line with what mends it, and the cases that make them; `go test ./lab -run
// TestNamed -v` says which test runs each.
var named = []struct {
	fault string
	cases []string
}{
	{"the provider drops what comes in, over IPv4", []string{"provider drops it"}},
	{"the provider drops what comes in, over IPv6", []string{"provider drops it over IPv6"}},
	{"the provider drops what goes out, over IPv4", []string{"dropped over IPv4"}},
	{"the provider drops what goes out, over IPv6", []string{"dropped over IPv6"}},
	{"it drops the SYN-ACK alone", []string{"provider drops answers", "answers dropped over IPv4", "answers dropped over IPv6"}},
	{"rejected by RST", []string{"provider resets it", "reset over IPv4", "reset over IPv6"}},
	{"rejected by port-unreachable", []string{"a port unreachable over IPv4", "a port unreachable over IPv6"}},
	{"rejected by admin-prohibited", []string{"provider prohibits it", "prohibited over IPv4", "prohibited over IPv6"}},
	{"rejected by host-prohibited", []string{"a host prohibited over IPv4"}},
	{"OUTPUT of the host drops", []string{"dropped by the host over IPv4", "dropped by the host over IPv6", "answers dropped on the proxy"}},
	{"OUTPUT of the host rejects", []string{"rejected by the host over IPv4", "rejected by the host over IPv6"}},
	{"ufw deny of the operator's own, above our rule", []string{"ufw deny above ours", "ufw denies it"}},
	{"ufw deny of the operator's own, in the place of ours or below it", []string{"ufw deny typed over ours"}},
	{"an nftables table of another program with policy drop", []string{"a table of nft's with a policy", "a policy of nft's for what leaves the proxy", "a policy of nft's for what leaves mail"}},
	{"a ban by fail2ban of the place we ask from, by either of its actions", []string{"a ban of fail2ban's by nft", "a ban of fail2ban's by iptables", "a ban of fail2ban's on mail by nft", "a ban of fail2ban's on mail by iptables", "a ban"}},
	{"a rule of iptables-persistent", []string{"a rule of iptables-persistent"}},
	{"a rule of the legacy backend", []string{"a rule of the legacy backend"}},
	{"a wrong DNAT target", []string{"sent to a wrong target"}},
	{"DNAT missing", []string{"not sent on"}},
	{"forwarding dropped", []string{"forwarding dropped", "answers dropped in forwarding"}},
	{"forwarding off", []string{"forwarding off"}},
	{"no listener", []string{"no listener", "no listener on the proxy"}},
	{"a listener at the wrong address", []string{"a listener at the loopback"}},
	{"the unit is stopped", []string{"unit stopped on mail", "unit stopped on the proxy"}},
	{"a wrong key", []string{"wrong key on mail", "wrong key on the proxy"}},
	{"a wrong endpoint", []string{"wrong endpoint"}},
	{"a clock that is off by an hour", []string{"the clock of mail set back by an hour", "the clock of mail ahead by an hour, and set right"}},
	{"UDP blocked one way", []string{"udp dropped to the proxy", "udp dropped from the proxy"}},
	{"an MTU black hole", []string{"a narrow line"}},
	{"Docker around the firewall", []string{"Docker around the firewall"}},
	{"Docker takes the port", []string{"Docker on the proxy takes the port", "a container on the proxy is silent"}},
	{"Docker bound before wg0", []string{"a container from before the tunnel"}},
	{"the mail host's firewall drops the tunnel", []string{"ufw on mail drops the tunnel", "a rule on mail drops the tunnel"}},
	{"a transparent SMTP proxy", []string{"a proxy in between over IPv4", "the line at home answers itself"}},
	{"the home's line blocks the operator's own 25", []string{"the line at home keeps 25 back"}},
	{"the resolver is dead", []string{"no resolver"}},
	{"the far side refuses", []string{"one that refuses over IPv4"}},
	{"the provider's firewall has no memory", []string{"provider drops answers of the mail host"}},
	{"another VPN's policy rules before ours", []string{"another VPN's policy rules"}},
}

// TestNamed: every fault that must be named is made by a case of a table, and every pair is of two that are.
func TestNamed(t *testing.T) {
	where := map[string]string{dockerAround: "TestWhyDocker"}
	for test, list := range map[string][]cut{"TestWhy": cuts, "TestWhyDocker": dockerCuts, "TestWhyPrograms": programCuts} {
		for _, c := range list {
			where[c.name] = test
		}
	}
	for _, f := range outwardFaults() {
		where[f.name] = "TestPort25"
	}
	for _, f := range named {
		var at []string
		for _, name := range f.cases {
			if where[name] == "" {
				t.Errorf("%s: %q is made by no test", f.fault, name)
			}
			at = append(at, where[name]+": "+name)
		}
		t.Logf("%-66s %s", f.fault, strings.Join(at, "; "))
	}
	if len(named) < 34 || len(pairs) < 20 {
		t.Errorf("%d faults and %d pairs; 34 and 20 are wanted", len(named), len(pairs))
	}
	for i, p := range pairs {
		if where[p[0]] == "" || where[p[1]] == "" || slices.Index(pairs, p) != i {
			t.Errorf("of the pair %v not both are made, or it is there twice", p)
		}
	}
}
