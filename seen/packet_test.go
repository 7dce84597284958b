package seen

import (
	"net/netip"
	"strings"
	"testing"
)

const small = `*filter
:INPUT DROP [0:0]
:own - [0:0]
:tail - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m recent --update --seconds 30 --hitcount 6 --name DEFAULT --mask 255.255.255.255 --rsource -j DROP
-A INPUT -j own
-A INPUT -p tcp -m tcp --dport 7 -m set --match-set x src -j DROP
-A INPUT -p tcp -m multiport --dports 7,8000:8010 -j ACCEPT
-A INPUT ! -s 10.0.0.0/8 -p tcp -m tcp --dport 9 -j ACCEPT
-A INPUT -p tcp -g tail
-A INPUT -j ACCEPT
-A own -s 192.0.2.66/32 -j RETURN
-A own -d 10.0.0.1/32 -i wg+ -p tcp -m tcp --dport 2526 -m comment --comment "a \"b\" -j DROP" -j ACCEPT
-A tail -p tcp -m tcp --dport 99 -j REJECT --reject-with icmp-port-unreachable
COMMIT
`

func TestPackets(t *testing.T) {
	tables, err := ParseTables(strings.Split(strings.TrimSpace(small), "\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, src, dst, in string
		port               int
		want               string
		unsure             bool
	}{
		{"policy", "192.0.2.1", "10.0.0.1", "eth0", 1, "DROP", false},
		{"loopback", "127.0.0.1", "127.0.0.1", "lo", 1, "ACCEPT", false},
		{"own chain", "10.0.0.2", "10.0.0.1", "wg0", 2526, "ACCEPT", false},
		{"own chain, other interface", "10.0.0.2", "10.0.0.1", "eth0", 2526, "DROP", false},
		{"returned", "192.0.2.66", "10.0.0.1", "wg0", 2526, "DROP", false},
		{"several ports", "192.0.2.1", "10.0.0.1", "eth0", 8005, "ACCEPT", false},
		{"a match that is not understood", "192.0.2.1", "10.0.0.1", "eth0", 7, "ACCEPT", true},
		{"not from there", "10.9.9.9", "10.0.0.1", "eth0", 9, "DROP", false},
		{"from elsewhere", "192.0.2.1", "10.0.0.1", "eth0", 9, "ACCEPT", false},
		{"gone to another chain", "192.0.2.1", "10.0.0.1", "eth0", 99, "REJECT", false},
	} {
		p := Packet{Proto: "tcp", Src: netip.MustParseAddr(c.src), Dst: netip.MustParseAddr(c.dst), In: c.in, Port: c.port}
		if f := tables["filter"].Lets("INPUT", p); f.Verdict != c.want || f.Unsure != c.unsure {
			t.Errorf("%s: %s (unsure %t) by %q, want %s (unsure %t)", c.name, f.Verdict, f.Unsure, f.Rule, c.want, c.unsure)
		}
	}
	loop, _ := ParseTables(strings.Split("*filter\n:INPUT DROP [0:0]\n:a - [0:0]\n-A INPUT -j a\n-A a -j a\n-A a -j a\nCOMMIT", "\n"))
	if f := loop["filter"].Lets("INPUT", Packet{Proto: "tcp"}); !f.Unsure {
		t.Error("a chain that calls itself was told for sure")
	}
}
