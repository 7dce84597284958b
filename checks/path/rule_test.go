package path

import (
	"net/netip"
	"testing"

	"postern/seen"
)

// What a shell would make something else of is nobody told to type.
func TestRuleIsNoCommand(t *testing.T) {
	p := seen.Packet{Proto: "tcp", Src: netip.MustParseAddr("198.51.100.20"), Dst: netip.MustParseAddr("203.0.113.10"), Port: 25}
	for _, comment := range []string{"$(reboot)", "`reboot`", "x; reboot", "a|b"} {
		r := walk{}.rule(seen.Fate{Verdict: "DROP", Rule: `-A INPUT -m comment --comment "` + comment + `" -j DROP`}, p)
		s := Signals{}
		if f := s.blocked("proxy", r, ""); r.Undo != "" || f.action == "" || r.Whose == "" {
			t.Errorf("%s: %q, %q", comment, r.Undo, f.action)
		}
	}
}

// Whose a rule is, and what takes it away, by its own words; nobody is told to take away what is ufw's default, or ours.
func TestOwner(t *testing.T) {
	tuple := func(text string) seen.UfwRule {
		r, ok := seen.ParseUfwRule(seen.UfwTuple + text)
		if !ok {
			t.Fatal(text)
		}
		return r
	}
	deny, allow := tuple("deny tcp 24:25 0.0.0.0/0 any 0.0.0.0/0 in"), tuple("allow tcp 25 0.0.0.0/0 any 0.0.0.0/0 in comment=706f737465726e")
	over := tuple("deny tcp 25 0.0.0.0/0 any 0.0.0.0/0 in")
	for _, c := range []struct {
		rule, table string
		ufw         []seen.UfwRule
		six         bool
		whose, undo string
	}{
		{"-A ufw-user-input -p tcp -m multiport --dports 24:25 -j DROP", "filter", []seen.UfwRule{deny, allow}, false, "your own ufw rule (deny 24:25/tcp)", "ufw delete deny 24:25/tcp"},
		{"-A ufw-user-input -p tcp -m tcp --dport 25 -j DROP", "filter", []seen.UfwRule{over}, false, "your own ufw rule (deny 25/tcp)", "ufw allow 25/tcp"},
		{"-A ufw-user-input -p tcp -m tcp --dport 25 -j DROP", "filter", nil, false, "", ""},
		{"policy of INPUT", "", nil, false, "", ""},
		{"-A ufw-skip-to-policy-input -j DROP", "filter", nil, false, "", ""},
		{"-A postern-pre -j DNAT", "nat", nil, false, "", ""},
		{"-A DOCKER -j DNAT", "nat", nil, false, "", ""},
		{"-A DOCKER-USER -p tcp -j DROP", "filter", nil, false, "a rule that is neither ufw's nor ours", "iptables -D DOCKER-USER -p tcp -j DROP"},
		{"-A INPUT -p tcp -j DROP", "filter", nil, true, "a rule that is neither ufw's nor ours", "ip6tables -D INPUT -p tcp -j DROP"},
		{"-A PREROUTING -p tcp -j DROP", "raw", nil, false, "a rule that is neither ufw's nor ours", "iptables -t raw -D PREROUTING -p tcp -j DROP"},
		{"iptables-legacy: -A INPUT -j DROP", "filter", nil, false, "a rule that is neither ufw's nor ours", "iptables-legacy -D INPUT -j DROP"},
		{"iptables-legacy: -A INPUT -j DROP", "filter", nil, true, "a rule that is neither ufw's nor ours", "ip6tables-legacy -D INPUT -j DROP"},
		{"iptables-legacy: policy of INPUT", "", nil, false, "the rules that iptables-legacy shows", "iptables-legacy -P INPUT ACCEPT"},
		{"table inet mine: policy of in", "", nil, false, "another program's nftables table inet mine", "nft delete table inet mine"},
		{"table inet f2b-table: tcp dport 25 ip saddr @addr-set-postfix reject", "", nil, false, "fail2ban", "fail2ban-client unban 198.51.100.20"},
		{"-A f2b-sshd -s 198.51.100.20/32 -j REJECT", "filter", nil, false, "fail2ban", "fail2ban-client unban 198.51.100.20"},
		{"-A INPUT -m set --match-set f2b-sshd src -j DROP", "filter", nil, false, "fail2ban", "fail2ban-client unban 198.51.100.20"},
		{"-A INPUT -m comment --comment \"\x1b[2J\" -j DROP", "filter", nil, false, "a rule that is neither ufw's nor ours", ""},
	} {
		p := seen.Packet{Proto: "tcp", Src: netip.MustParseAddr("198.51.100.20"), Dst: netip.MustParseAddr("203.0.113.10"), Port: 25, In: "eth0"}
		if c.six {
			p.Src, p.Dst = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
		}
		if whose, undo := owner(c.rule, c.table, p, c.ufw); whose != c.whose || undo != c.undo {
			t.Errorf("%s: %q, %q; want %q, %q", c.rule, whose, undo, c.whose, c.undo)
		}
	}
}
