package seen

import (
	"net/netip"
	"strings"
	"testing"
)

// Who is at home in a network of the host's meets its address there; all others the one that it speaks from; nobody a container's bridge.
func TestMeeting(t *testing.T) {
	n := of(t, Addresses, "== addresses\n1: lo    inet 127.0.0.1/8 scope host lo\\ x\n2: eth0    inet 192.168.50.2/24 scope global dynamic eth0\\ x\n3: eth1    inet 192.168.60.2/24 scope global eth1\\ x\n"+
		"4: wg0    inet 10.0.0.2/24 scope global wg0\\ x\n5: br-mailcow    inet 172.22.1.1/24 scope global br-mailcow\\ x\n6: docker0    inet 172.17.0.1/16 scope global docker0\\ x\n"+
		"== routes4\ndefault via 192.168.50.1 dev eth0\n== routes6\n")
	for them, want := range map[string]string{
		"": "", "192.168.50.0/24": "192.168.50.2", "192.168.50.10/32": "192.168.50.2", "192.168.60.7/32": "192.168.60.2",
		"192.168.50.0/24 192.168.60.0/24": "192.168.50.2 192.168.60.2", "192.168.0.0/16": "192.168.50.2", "172.16.0.0/12": "192.168.50.2",
		"10.9.0.0/16": "192.168.50.2", "10.0.0.0/24": "192.168.50.2", "fd00::/64": "", "192.168.50.0/25 192.168.50.128/25": "192.168.50.2",
	} {
		var list []netip.Prefix
		for _, one := range strings.Fields(them) {
			list = append(list, netip.MustParsePrefix(one))
		}
		var got []string
		for _, a := range n.Meeting(list, "wg0") {
			got = append(got, a.Addr().String())
			if a.Dynamic != (a.Addr().String() == "192.168.50.2") {
				t.Errorf("%s is dynamic: %v", a, a.Dynamic)
			}
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s meet %q, want %q", them, text, want)
		}
	}
	if none := (Network{}).Meeting([]netip.Prefix{netip.MustParsePrefix("192.168.50.0/24")}, "wg0"); none != nil {
		t.Errorf("a host without an address is met at %v", none)
	}
}

// A rule may ask where a connection was sent before it was translated: where that is not told, it is not known whether it fits.
func TestWhereItWasSent(t *testing.T) {
	tables, err := ParseTables(strings.Split("*filter\n:FORWARD DROP [0:0]\n:mine - [0:0]\n-A FORWARD -j mine\n"+
		"-A mine -s 192.168.50.0/24 -p tcp -m conntrack --ctorigdst 192.168.50.2 --ctorigdstport 993 -j ACCEPT\nCOMMIT", "\n"))
	if err != nil {
		t.Fatal(err)
	}
	p := Packet{Proto: "tcp", Src: netip.MustParseAddr("192.168.50.10"), Dst: netip.MustParseAddr("172.22.1.250"), Port: 993, Beyond: true}
	for was, want := range map[string]string{"192.168.50.2:993": "ACCEPT", "192.168.50.2:25": "DROP", "10.0.0.2:993": "DROP", "172.22.1.250:993": "DROP"} {
		p.Was = netip.MustParseAddrPort(was)
		if f := tables["filter"].Lets("FORWARD", p); f.Verdict != want || f.Unsure {
			t.Errorf("sent to %s: %+v, want %s", was, f, want)
		}
	}
	p.Was = netip.AddrPort{}
	if f := tables["filter"].Lets("FORWARD", p); !f.Unsure || f.Doubt.Verdict != "ACCEPT" {
		t.Errorf("where it was sent is not told: %+v", f)
	}
	p.Src = netip.MustParseAddr("192.168.60.10")
	if f := tables["filter"].Lets("FORWARD", p); f.Unsure || f.Verdict != "DROP" {
		t.Errorf("from elsewhere: %+v", f)
	}
}
