package seen

import (
	"net/netip"
	"strings"
	"testing"
)

const listing = `table ip filter {
	chain INPUT {
		type filter hook input priority filter; policy drop;
	}
}
table inet mine {
	set bad {
		type ipv4_addr
		elements = { 192.0.2.1, 192.0.2.2,
			     192.0.2.3 }
	}

	chain in {
		type filter hook input priority filter; policy drop;
		ct state vmap { established : accept, related : accept, invalid : drop }
		iif "lo" accept
		ip protocol icmp accept
		icmpv6 type { echo-request, nd-neighbor-solicit } accept
		ip saddr 10.0.0.0/8 tcp dport { 22, 8000-8010 } counter packets 5 bytes 300 accept
		tcp dport 25 limit rate 10/second accept
		udp dport != 53 log prefix "drop it" drop
		ip6 saddr 2001:db8::/32 jump below
		meta l4proto tcp tcp dport 443 accept comment "tcp dport 1 drop"
	}

	chain below {
		tcp dport vmap { 7 : accept, 9 : drop }
		tcp dport 993 accept
	}
}
table ip nat2 {
	chain pre {
		type nat hook prerouting priority dstnat; policy accept;
		iifname "eth*" tcp dport 993 dnat to 10.0.0.9:993
	}
}
table arp x {
	chain in {
		type filter hook input priority 0; policy drop;
	}
}
`

func TestNftTables(t *testing.T) {
	sets, err := parseNft(strings.Split(listing, "\n"))
	if err != nil || len(sets) != 2 {
		t.Fatalf("%v: %+v", err, sets)
	}
	r := Ruleset{Beside: sets}
	for _, c := range []struct {
		proto, src string
		port       int
		answer     bool
		want       string
		doubt      string
	}{
		{"tcp", "10.1.2.3", 22, false, "ACCEPT", ""},
		{"tcp", "10.1.2.3", 8005, false, "ACCEPT", ""},
		{"tcp", "192.0.2.77", 22, false, "DROP", ""},
		{"tcp", "192.0.2.77", 5000, true, "ACCEPT", ""},
		{"tcp", "192.0.2.77", 25, false, "DROP", "limit rate"},
		{"tcp", "192.0.2.77", 443, false, "ACCEPT", ""},
		{"tcp", "2001:db8::1", 993, false, "ACCEPT", "vmap"},
		{"tcp", "2001:db9::1", 993, false, "DROP", ""},
		{"udp", "192.0.2.77", 53, false, "DROP", ""},
	} {
		p := Packet{Proto: c.proto, Src: netip.MustParseAddr(c.src), Port: c.port, In: "eth0", Answer: c.answer}
		f := r.meets(p, "PREROUTING", "INPUT")
		if f.Verdict != c.want || f.Unsure != (c.doubt != "") || !strings.Contains(f.Doubt.Rule, c.doubt) {
			t.Errorf("%s %s from %s: %+v, want %s", c.proto, netip.AddrPortFrom(p.Src, uint16(c.port)), c.src, f, c.want)
		}
	}
	sent := r.Translates(Packet{Proto: "tcp", Src: netip.MustParseAddr("192.0.2.7"), Port: 993, In: "eth0"}, "PREROUTING")
	if sent.Verdict != "DNAT" || sent.To != "10.0.0.9:993" || sent.Unsure {
		t.Errorf("%+v", sent)
	}
	for n := range listing[:len(listing)-3] {
		text := listing[:n]
		sets, err := parseNft(strings.Split(text, "\n"))
		if err != nil || strings.Count(text, "{") == strings.Count(text, "}") {
			continue
		}
		header := strings.Fields(text[strings.LastIndex("\n"+text, "\ntable "):])
		if header[2] == "filter" || header[1] == "arp" {
			continue
		}
		last := sets[len(sets)-1]
		if f := last.Four[last.Name].Lets("INPUT", Packet{Proto: "tcp", Port: 25}); last.Name != "table "+header[1]+" "+header[2] || !f.Unsure {
			t.Fatalf("a listing that broke off is taken for whole: %q: %+v", text, f)
		}
	}
}

func FuzzNft(f *testing.F) {
	f.Add(listing)
	f.Fuzz(func(t *testing.T, text string) {
		sets, err := parseNft(strings.Split(text, "\n"))
		if err == nil {
			Ruleset{Beside: sets}.Enters(Packet{Proto: "tcp", Src: netip.MustParseAddr("192.0.2.1"), Port: 25, In: "eth0"})
		}
	})
}

func FuzzRule(f *testing.F) {
	for _, line := range strings.Split(small, "\n") {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if r := ParseRule(line); len(r.Spelling()) > 800 {
			t.Fatalf("a rule grew to %d bytes", len(r.Spelling()))
		}
	})
}
