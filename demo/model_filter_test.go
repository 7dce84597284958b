package demo

import (
	"net/netip"
	"strings"
	"testing"
)

// TestFilterSpelling pairs rules as people and ufw write them with what iptables-save of a real host (Debian 13, iptables
// 1.8.11) shows of them.
func TestFilterSpelling(t *testing.T) {
	for _, c := range []struct {
		six         bool
		wrote, save string
	}{
		{false, `-p tcp --dport 22 -s 192.168.50.0/24 -j ACCEPT`, `-s 192.168.50.0/24 -p tcp -m tcp --dport 22 -j ACCEPT`},
		{false, `-i wg0 -s 10.0.0.1 -j ACCEPT`, `-s 10.0.0.1/32 -i wg0 -j ACCEPT`},
		{false, `-i eth0 -d 203.0.113.10 -p tcp --dport 587 -j DNAT --to-destination 10.0.0.2:587`,
			`-d 203.0.113.10/32 -i eth0 -p tcp -m tcp --dport 587 -j DNAT --to-destination 10.0.0.2:587`},
		{false, `-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`, `-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`},
		{false, `-p icmp --icmp-type echo-request -j ACCEPT`, `-p icmp -m icmp --icmp-type 8 -j ACCEPT`},
		{true, `-p icmpv6 --icmpv6-type router-solicitation -m hl --hl-eq 255 -j ACCEPT`, `-p ipv6-icmp -m icmp6 --icmpv6-type 133 -m hl --hl-eq 255 -j ACCEPT`},
		{true, `-p icmpv6 --icmpv6-type 130 -s fe80::/10 -j ACCEPT`, `-s fe80::/10 -p ipv6-icmp -m icmp6 --icmpv6-type 130 -j ACCEPT`},
		{false, `-j LOG --log-prefix "[UFW BLOCK] " -m limit --limit 3/min --limit-burst 10`, `-m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] "`},
		{false, `-m limit --limit 3/minute -j LOG --log-prefix "[UFW LIMIT BLOCK] "`, `-m limit --limit 3/min -j LOG --log-prefix "[UFW LIMIT BLOCK] "`},
		{false, `-j REJECT`, `-j REJECT --reject-with icmp-port-unreachable`},
		{true, `-j REJECT`, `-j REJECT --reject-with icmp6-port-unreachable`},
		{false, `-o wg0 -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu`, `-o wg0 -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu`},
		{false, `! -i wg0 -m connmark --mark 0x1000000/0x1000000 -j CONNMARK --restore-mark --nfmask 0x1000000 --ctmask 0x1000000`,
			`! -i wg0 -m connmark --mark 0x1000000/0x1000000 -j CONNMARK --restore-mark --nfmask 0x1000000 --ctmask 0x1000000`},
		{false, `-p udp --sport 67 --dport 68 -j ACCEPT`, `-p udp -m udp --sport 67 --dport 68 -j ACCEPT`},
		{false, `-s 0.0.0.0/0 -j ufw-user-input`, `-j ufw-user-input`},
	} {
		words, err := filterWords(c.wrote)
		if err != nil {
			t.Fatal(err)
		}
		r, err := parseFilterRule(words, c.six)
		if err != nil {
			t.Errorf("%s: %v", c.wrote, err)
			continue
		}
		if got := strings.TrimPrefix(r.text, " "); got != c.save {
			t.Errorf("%s\n got %s\nwant %s", c.wrote, got, c.save)
		}
		again, _ := filterWords(r.text)
		if twice, err := parseFilterRule(again, c.six); err != nil || twice.text != r.text {
			t.Errorf("%s is not read as it is shown: %v", r.text, err)
		}
	}
}

func TestFilterRefusesNonsense(t *testing.T) {
	for _, wrote := range []string{`-p tcp --dport x -j ACCEPT`, `--nosuch`, `-s 10.0.0.300 -j ACCEPT`, `-s fe80::1 -j ACCEPT`, `-m nosuch -j ACCEPT`, `-m conntrack --ctstate OLD -j ACCEPT`,
		`-p tcp --dport 70000 -j ACCEPT`} {
		words, _ := filterWords(wrote)
		if r, err := parseFilterRule(words, false); err == nil {
			t.Errorf("%s is taken for %s", wrote, r.text)
		}
	}
}

// loaded is a rule set with what a text for iptables-restore says.
func loaded(t *testing.T, text string) *ruleset {
	t.Helper()
	s := newRuleset(false)
	r := restore{set: s, keep: true}
	for _, line := range lines(text) {
		if status, why := r.line(line); status != 0 {
			t.Fatalf("%s: %s", line, why)
		}
	}
	return s
}

func TestFilterRun(t *testing.T) {
	s := loaded(t, `*filter
:INPUT DROP [0:0]
:user - [0:0]
:quiet - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp --dport 113 -j REJECT
-A INPUT -g quiet -p udp
-A INPUT -p udp --dport 80 -j ACCEPT
-A INPUT -j user
-A INPUT -m addrtype --dst-type LOCAL -p tcp -m multiport --dports 80,8000:8010 -j ACCEPT
-A quiet -p udp --dport 53 -j ACCEPT
-A user -s 10.0.0.0/24 ! -i eth0 -p tcp --dport 22 -j ACCEPT
-A user -p tcp --dport 8005 -j RETURN
-A user -p tcp --dport 8006 -j DROP
COMMIT`)
	own := netip.MustParseAddr("203.0.113.10")
	local := func(a netip.Addr) bool { return a == own }
	for _, c := range []struct {
		what, proto, from, in, state string
		port                         uint16
		want                         string
	}{
		{"over loopback", "tcp", "127.0.0.1", "lo", "NEW", 9, "ACCEPT"},
		{"an answer", "tcp", "198.51.100.1", "eth0", "ESTABLISHED", 40000, "ACCEPT"},
		{"by nothing but the policy", "tcp", "198.51.100.1", "eth0", "NEW", 9, "DROP"},
		{"rejected", "tcp", "198.51.100.1", "eth0", "NEW", 113, "REJECT"},
		{"by source and interface", "tcp", "10.0.0.7", "wg0", "NEW", 22, "ACCEPT"},
		{"the right source over the wrong interface", "tcp", "10.0.0.7", "eth0", "NEW", 22, "DROP"},
		{"another source", "tcp", "10.0.1.7", "wg0", "NEW", 22, "DROP"},
		{"by a list", "tcp", "198.51.100.1", "eth0", "NEW", 80, "ACCEPT"},
		{"by a range, after a return", "tcp", "198.51.100.1", "eth0", "NEW", 8005, "ACCEPT"},
		{"dropped before the range", "tcp", "198.51.100.1", "eth0", "NEW", 8006, "DROP"},
		{"by a chain gone to", "udp", "198.51.100.1", "eth0", "NEW", 53, "ACCEPT"},
		{"a chain gone to that says nothing comes back to the policy", "udp", "198.51.100.1", "eth0", "NEW", 80, "DROP"},
	} {
		p := packet{proto: c.proto, src: netip.AddrPortFrom(netip.MustParseAddr(c.from), 40000), dst: netip.AddrPortFrom(own, c.port), in: c.in, state: c.state}
		if got := s.run("filter", "INPUT", &p, local).is; got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
	if got := s.run("nat", "PREROUTING", &packet{}, local).is; got != "ACCEPT" {
		t.Errorf("a table that nobody used: %s", got)
	}
}

// TestFilterMarks follows a connection's mark through the chain that policy routing for containers needs.
func TestFilterMarks(t *testing.T) {
	s := loaded(t, `*mangle
:m - [0:0]
-A PREROUTING -j m
-A m -i wg0 -m conntrack --ctstate NEW -j CONNMARK --set-xmark 0x1000000/0x1000000
-A m ! -i wg0 -m connmark --mark 0x1000000/0x1000000 -j CONNMARK --restore-mark --nfmask 0x1000000 --ctmask 0x1000000
COMMIT`)
	none := func(netip.Addr) bool { return false }
	first := packet{in: "wg0", state: "NEW"}
	s.run("mangle", "PREROUTING", &first, none)
	if first.ctmark != 1<<24 || first.mark != 0 {
		t.Errorf("the first packet has mark %#x, its connection %#x", first.mark, first.ctmark)
	}
	answer := packet{in: "docker0", state: "ESTABLISHED", ctmark: first.ctmark}
	s.run("mangle", "PREROUTING", &answer, none)
	if answer.mark != 1<<24 {
		t.Errorf("the answer has mark %#x", answer.mark)
	}
	other := packet{in: "docker0", state: "NEW"}
	s.run("mangle", "PREROUTING", &other, none)
	if other.mark != 0 {
		t.Errorf("another connection has mark %#x", other.mark)
	}
}

// TestFilterCommands runs the commands themselves: what they change, what they say and how they end.
func TestFilterCommands(t *testing.T) {
	w, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	h := w.Proxy
	if out, code := shOut(h, "iptables -L"); code != 127 {
		t.Errorf("there is an iptables without its package: %d %s", code, out)
	}
	h.unpack(packages["iptables"])
	for _, c := range []struct {
		script string
		code   int
		want   string // is part of what it prints
	}{
		{"iptables-save", 0, ""},
		{"iptables -t nat -D PREROUTING -j x 2>/dev/null; iptables-save", 0, ""}, // taking something out makes no table
		{"iptables -N x && iptables -A x -p tcp --dport 25 -j ACCEPT && iptables -A INPUT -j x && iptables-save", 0, "-A x -p tcp -m tcp --dport 25 -j ACCEPT\n"},
		{"iptables -N x", 1, "iptables: Chain already exists.\n"},
		{"iptables -X x", 4, "Device or resource busy"},
		{"iptables -C INPUT -j x && iptables -C x -p tcp --dport 25 -j ACCEPT", 0, ""},
		{"iptables -C INPUT -j ACCEPT", 1, "Bad rule"},
		{"iptables -I x -s 10.0.0.1 -j DROP && iptables -S x", 0, "-N x\n-A x -s 10.0.0.1/32 -j DROP\n-A x -p tcp"},
		{"iptables -D x 1 && iptables -S x", 0, "-N x\n-A x -p tcp"},
		{"iptables -A INPUT -j nosuch", 2, "Chain 'nosuch' does not exist"},
		{"iptables -P INPUT REJECT", 2, "Bad policy name"},
		{"printf '*filter\\n-F x\\n-A x -j ACCEPT\\n-A x --bad\\nCOMMIT\\n' | iptables-restore -n", 2, "Error occurred at line: 4"},
		{"iptables -S x", 0, "-A x -p tcp"}, // nothing of the load that failed
		{"printf '*filter\\n:x - [0:0]\\nCOMMIT\\n' | iptables-restore -n --test && iptables -S x", 0, "-A x -p tcp"},
		{"printf '*filter\\n:x - [0:0]\\nCOMMIT\\n' | iptables-restore -n && iptables -S x", 0, "-N x\n"},
		{"printf '*filter\\n:INPUT DROP [0:0]\\n-A INPUT -i lo -j ACCEPT\\nCOMMIT\\n' | iptables-restore && iptables -S", 0, "-P INPUT DROP\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n-A INPUT -i lo -j ACCEPT\n"},
		{"printf '*filter\\n' | iptables-restore", 1, "COMMIT expected"},
		{"ip6tables-save", 0, ""},
	} {
		out, code := shOut(h, "{ "+c.script+"\n} 2>&1")
		if code != c.code || !strings.Contains(out, c.want) || c.want == "" && out != "" {
			t.Errorf("%s: %d, %q; want %d, %q", c.script, code, out, c.code, c.want)
		}
	}
}
