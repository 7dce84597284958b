package steps

import (
	"slices"
	"strings"
	"testing"

	"postern/site"
)

// What the host passes on for others is named before it stops, with what keeps it; what a program accepts in chains of its own,
// as Docker does, goes on and is not.
func TestForwardsThatStopAreNamed(t *testing.T) {
	const filter = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n"
	for name, c := range map[string]struct {
		more map[string]string
		want []string
	}{
		"a port sent on to a machine behind": {map[string]string{
			"addresses.addresses": "2: eth0 inet 203.0.113.10/24 scope global eth0\n4: virbr0 inet 192.168.122.1/24 scope global virbr0\n",
			"rules.v4":            "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -i eth0 -p tcp -m tcp --dport 8081 -j DNAT --to-destination 192.168.122.9:80\nCOMMIT\n" + filter + "COMMIT\n",
		}, []string{"192.168.122.0/24 reaches the world through this host (virbr0) today, and will not be passed on any more; to keep it, on the host: ufw route allow in on virbr0 out on eth0",
			"8081/tcp is sent on to 192.168.122.9:80 today, and will not be passed on any more; to keep it, on the host: ufw route allow proto tcp to 192.168.122.9 port 80"}},
		"the clients of another VPN": {map[string]string{
			"addresses.addresses": "2: eth0 inet 203.0.113.10/24 scope global eth0\n4: wg9 inet 10.6.0.1/24 scope global wg9\n",
			"rules.v4":            "*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -s 10.6.0.0/24 -o eth0 -j MASQUERADE\nCOMMIT\n" + filter + "COMMIT\n",
		}, []string{"10.6.0.0/24 reaches the world through this host (wg9) today, and will not be passed on any more; to keep it, on the host: ufw route allow in on wg9 out on eth0"}},
		"what Docker publishes": {map[string]string{
			"addresses.addresses": "2: eth0 inet 203.0.113.10/24 scope global eth0\n4: docker0 inet 172.17.0.1/16 scope global docker0\n",
			"rules.v4": "*nat\n:PREROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8081 -j DNAT --to-destination 172.17.0.2:80\nCOMMIT\n" +
				"*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:DOCKER - [0:0]\n-A FORWARD -o docker0 -j DOCKER\n-A FORWARD -i docker0 ! -o docker0 -j ACCEPT\n-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT\nCOMMIT\n",
		}, nil},
		"told to ufw by hand": {map[string]string{
			"addresses.addresses": "2: eth0 inet 203.0.113.10/24 scope global eth0\n4: wg9 inet 10.6.0.1/24 scope global wg9\n",
			"rules.v4":            filter + "COMMIT\n",
			"/etc/ufw/user.rules": "*filter\n:ufw-user-input - [0:0]\n### RULES ###\n\n### tuple ### route:allow any any 0.0.0.0/0 any 0.0.0.0/0 in_wg9!out_eth0\n-A ufw-user-forward -i wg9 -o eth0 -j ACCEPT\n\n### END RULES ###\nCOMMIT\n",
		}, nil},
	} {
		s := story{site: site.Default(), host: "proxy", found: usual("proxy")}
		s.found["sysctl.live"] = "net/ipv4/ip_forward 1\n"
		for section, text := range c.more {
			s.found[section] = text
		}
		var got []string
		for _, n := range s.plan().Notes {
			if strings.Contains(n.Text, "will not be passed on") {
				got = append(got, n.Text)
			}
		}
		if slices.Sort(got); !slices.Equal(got, c.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}
