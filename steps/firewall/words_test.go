package firewall

import (
	"net/netip"
	"testing"
)

func TestWordsOfAPolicy(t *testing.T) {
	one := func(text ...string) (list []netip.Prefix) {
		for _, p := range text {
			list = append(list, netip.MustParsePrefix(p))
		}
		return list
	}
	proxy := Policy{Host: "proxy", Allows: []Allow{
		{Name: "ssh", Proto: "tcp", Port: 22}, {Name: "smtp", Proto: "tcp", Port: 25}, {Name: "https", Proto: "tcp", Port: 443}, {Name: "http", Proto: "tcp", Port: 80},
		{Name: "tunnel", Proto: "udp", Port: 51820}, {Name: "relay", Proto: "tcp", Port: 2526, From: one("10.0.0.2/32"), In: "wg0"},
	}, Forwards: []Forward{
		{Name: "imaps", Proto: "tcp", To: netip.MustParseAddrPort("203.0.113.10:993"), Dest: netip.MustParseAddrPort("10.0.0.2:993")},
		{Name: "imaps", Proto: "tcp", To: netip.MustParseAddrPort("[2001:db8::1]:993"), Dest: netip.MustParseAddrPort("[fd00::2]:993")},
		{Name: "submission", Proto: "tcp", From: one("198.51.100.0/24"), To: netip.MustParseAddrPort("203.0.113.10:587"), Dest: netip.MustParseAddrPort("10.0.0.2:587")},
	}}
	mail := Policy{Host: "mail", Allows: []Allow{
		{Name: "ssh", Proto: "tcp", Port: 22, From: one("192.168.50.0/24", "198.51.100.7/32")}, {Name: "ssh", Proto: "tcp", Port: 22, From: one("10.0.0.0/24"), In: "wg0"},
		{Name: "tunnel", From: one("10.0.0.1/32"), In: "wg0"}, {Name: "imaps", Proto: "tcp", Port: 993, In: "wg0"},
	}}
	for got, want := range map[string]string{
		proxy.Words(): "proxy: the world reaches 25, 80, 443/tcp and 51820/udp; 10.0.0.2 through wg0 reaches 2526/tcp; 993/tcp from the world go on to 10.0.0.2; " +
			"587/tcp from 198.51.100.0/24 go on to 10.0.0.2; SSH stays open on 22 from anywhere; what else comes in is denied, unless a rule of yours admits it",
		mail.Words(): "mail: 10.0.0.1 through wg0 reaches everything; the world through wg0 reaches 993/tcp; " +
			"SSH stays open on 22 from 192.168.50.0/24, 198.51.100.7 and from 10.0.0.0/24 through wg0; what else comes in is denied, unless a rule of yours admits it",
	} {
		if got != want {
			t.Errorf("said %q\nwant %q", got, want)
		}
	}
}
