package seen

import "testing"

// What is ufw's, ours or Docker's nobody is told to take away; nor is anybody told to type what a shell would make something else of.
func TestRemoval(t *testing.T) {
	for _, c := range []struct {
		rule, table string
		six         bool
		command     string
		foreign     bool
	}{
		{"-A INPUT -p tcp -j DROP", "filter", false, "iptables -D INPUT -p tcp -j DROP", true},
		{"-A INPUT -p tcp -j DROP", "", true, "ip6tables -D INPUT -p tcp -j DROP", true},
		{"-A PREROUTING -p tcp -j DROP", "raw", false, "iptables -t raw -D PREROUTING -p tcp -j DROP", true},
		{"iptables-legacy: -A INPUT -j DROP", "filter", true, "ip6tables-legacy -D INPUT -j DROP", true},
		{"-A DOCKER-USER -j DROP", "filter", false, "iptables -D DOCKER-USER -j DROP", true},
		{`-A INPUT -m comment --comment "two words" -j DROP`, "filter", false, `iptables -D INPUT -m comment --comment "two words" -j DROP`, true},
		{`-A INPUT -m comment --comment "$(reboot)" -j DROP`, "filter", false, "", true},
		{`-A INPUT -m comment --comment "\"; reboot" -j DROP`, "filter", false, "", true},
		{"-A INPUT -m comment --comment \"\x1b[2J\" -j DROP", "filter", false, "", true},
		{"-A INPUT\nreboot -j DROP", "filter", false, "", true},
		{"-A ufw-user-input -j DROP", "filter", false, "", false},
		{"-A postern-nat -j DNAT", "nat", false, "", false},
		{"-A DOCKER -j DROP", "filter", false, "", false},
		{"policy of INPUT", "", false, "", false},
		{"table inet mine: tcp dport 25 drop", "", false, "", false},
	} {
		if command, foreign := Removal(c.rule, c.table, c.six); command != c.command || foreign != c.foreign {
			t.Errorf("%s: %q, %v; want %q, %v", c.rule, command, foreign, c.command, c.foreign)
		}
	}
}
