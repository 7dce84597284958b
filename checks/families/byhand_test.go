package families

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"postern/checks"
)

// byHand is a rule that somebody put in, as iptables-save prints it, and what firewall.rules must make of it: never ok.
type byHand struct {
	host, family, table, rule string
	want                      checks.Outcome
	words                     string
}

var byHands = []byHand{
	{"proxy", "v4", "filter", "-A INPUT -s 128.0.0.0/2 -p tcp -m tcp --dport 2526 -j ACCEPT", checks.Fail, "wider than wanted: relay"},
	{"proxy", "v6", "filter", "-A INPUT -s 2a00::/12 -p tcp -m tcp --dport 2526 -j ACCEPT", checks.Fail, "wider than wanted: relay"},
	{"proxy", "v4", "filter", "-A INPUT -s 45.10.0.0/16 -p tcp -m tcp --dport 2526 -j ACCEPT", checks.Warn, "2526/tcp from 45.10.0.3"},
	{"proxy", "v4", "filter", "-A INPUT -p tcp -m iprange --src-range 128.0.0.1-191.255.255.254 -m tcp --dport 2526 -j ACCEPT", checks.Unknown, "iprange"},
	{"proxy", "v6", "filter", "-A INPUT -p tcp -m iprange --src-range 2a00::1-2a00::ffff -m tcp --dport 2526 -j ACCEPT", checks.Unknown, "iprange"},
	{"proxy", "v4", "filter", "-A INPUT -p tcp -m tcp --dport 5432 -j ACCEPT", checks.Warn, "5432/tcp"},
	{"proxy", "v6", "filter", "-A INPUT -p tcp -m tcp --dport 5432 -j ACCEPT", checks.Warn, "5432/tcp"},
	{"mail", "v4", "filter", "-A INPUT -p tcp -m tcp --dport 5432 -j ACCEPT", checks.Warn, "5432/tcp"},
	{"mail", "v6", "filter", "-A INPUT -p tcp -m tcp --dport 5432 -j ACCEPT", checks.Warn, "5432/tcp"},
	{"proxy", "v4", "filter", "-A INPUT -p udp -j ACCEPT", checks.Warn, "/udp from"},
	{"proxy", "v6", "filter", "-A INPUT -p udp -j ACCEPT", checks.Warn, "/udp from"},
	{"proxy", "v4", "filter", "-A INPUT -p udp -m udp --sport 53 -j ACCEPT", checks.Warn, "/udp from"},
	{"mail", "v4", "filter", "-A INPUT -p tcp -m tcp --dport 1024:65535 -j ACCEPT", checks.Fail, "wider than wanted: web"},
	{"proxy", "v4", "filter", "-A INPUT -p tcp -m tcp --dport 1024:65535 -j ACCEPT", checks.Fail, "wider than wanted: relay"},
	{"proxy", "v6", "filter", "-A INPUT -p tcp -m tcp --dport 1024:65535 -j ACCEPT", checks.Fail, "wider than wanted: relay"},
	{"proxy", "v4", "filter", "-A FORWARD -p tcp -m iprange --src-range 128.0.0.1-191.255.255.254 -m tcp --dport 993 -j ACCEPT", checks.Unknown, "iprange"},
	{"proxy", "v4", "filter", "-A FORWARD -p tcp -m iprange --src-range 128.0.0.1-191.255.255.254 -m tcp --dport 993 -j DROP", checks.Unknown, "iprange"},
	{"proxy", "v4", "nat", "-A PREROUTING -p tcp -m tcp --dport 993 -m statistic --mode random --probability 0.30000000000 -j DNAT --to-destination 10.0.0.9:993", checks.Unknown, "statistic"},
	{"proxy", "v4", "raw", "-A PREROUTING ! -s 198.51.100.0/24 -p tcp -m tcp --dport 25 -j DROP", checks.Fail, "missing: smtp 25/tcp"},
	{"proxy", "v6", "raw", "-A PREROUTING ! -s 2001:db8:50::/64 -p tcp -m tcp --dport 25 -j DROP", checks.Fail, "missing: smtp 25/tcp"},
	{"proxy", "v4", "raw", "-A PREROUTING -p tcp -m tcp --dport 993 -j DROP", checks.Fail, "missing: imaps 993/tcp"},
	{"proxy", "v4", "raw", "-A PREROUTING -p tcp -m tcp --dport 993 -j CT --notrack", checks.Fail, "NOTRACK"},
	{"proxy", "v4", "mangle", "-A FORWARD -p tcp -m tcp --dport 993 -j DROP", checks.Fail, "then ends in DROP"},
	{"proxy", "v4", "filter", "-A INPUT -p tcp -m tcp --dport 25 -m hashlimit --hashlimit-above 5/min --hashlimit-burst 5 --hashlimit-mode srcip --hashlimit-name smtp -j DROP", checks.Unknown, "hashlimit"},
	{"proxy", "v6", "filter", "-A INPUT -p tcp -m tcp --dport 25 -m hashlimit --hashlimit-above 5/min --hashlimit-burst 5 --hashlimit-mode srcip --hashlimit-name smtp -j DROP", checks.Unknown, "hashlimit"},
	{"proxy", "v4", "filter", "-A INPUT -p tcp -m tcp --dport 25 -m set --match-set banned src -j DROP", checks.Warn, "a list of addresses"},
	{"proxy", "v4", "filter", "-A INPUT -p tcp -m tcp --dport 25 -m recent --rcheck --seconds 60 --name KNOCK --mask 255.255.255.255 --rsource -j DROP", checks.Unknown, "KNOCK"},
	{"proxy", "v4", "filter", "-A OUTPUT -p tcp -m tcp --dport 25 -j DROP", checks.Fail, "outgoing smtp 25/tcp"},
	{"proxy", "v6", "filter", "-A OUTPUT -p tcp -m tcp --dport 25 -j DROP", checks.Warn, "outgoing smtp 25/tcp to 2001:"},
	{"mail", "v4", "filter", "-A OUTPUT -p udp -m udp --dport 53 -j DROP", checks.Warn, "outgoing dns"},
	{"mail", "v4", "filter", "-A OUTPUT -p udp -m udp --dport 51820 -j DROP", checks.Fail, "the tunnel"},
	{"proxy", "v4", "nat", "-A POSTROUTING -j MASQUERADE", checks.Fail, "no client's own address"},
	{"proxy", "v4", "nat", "-A POSTROUTING -o wg0 -j SNAT --to-source 10.0.0.1", checks.Fail, "no client's own address"},
	{"mail", "v4", "filter", "-A FORWARD -i wg0 -o eth0 -j ACCEPT", checks.Warn, "through to 192.168.50."},
	{"mail", "v6", "filter", "-A FORWARD -i wg0 -o eth0 -j ACCEPT", checks.Warn, "through to 2001:db8:50:"},
	{"proxy", "v4", "filter", "-A FORWARD -i eth0 -o eth0 -j ACCEPT", checks.Warn, "through to"},
	{"proxy", "v4", "filter", "-A FORWARD -s 45.10.0.0/16 -i eth0 -o wg0 -p tcp -m tcp --dport 22 -j ACCEPT", checks.Warn, "22/tcp from 45.10.0.3"},
	{"proxy", "v4", "filter", "-A INPUT -s 128.0.0.0/1 -j DROP", checks.Warn, "a large part of the world"},
	{"proxy", "v4", "filter", "-A INPUT -p tcp -m tcp --dport 25 -j NFQUEUE --queue-num 0", checks.Fail, "NFQUEUE"},
}

// put puts a rule first into its chain, as if by iptables -I.
func (w *world) put(r byHand) {
	a := w.env.Hosts[r.host].Facts.Answers[readRules]
	begin := strings.Index(a.Out, "== "+r.family+"\n")
	head, text := a.Out[:begin], a.Out[begin:]
	end := strings.Index(text[3:], "\n== ") + 4
	text, tail := text[:end], text[end:]
	if !strings.Contains(text, "*"+r.table+"\n") {
		text += "*" + r.table + "\n:PREROUTING ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n"
	}
	text = strings.Replace(text, "*"+r.table+"\n", "*"+r.table+"\n"+r.rule+"\n", 1)
	a.Out = head + text + tail
	w.env.Hosts[r.host].Facts.Answers[readRules] = a
}

func TestRulesByHandAreNotOK(t *testing.T) {
	for _, r := range byHands {
		t.Run(r.host+" "+r.family+" "+r.table+" "+r.rule, func(t *testing.T) {
			w := newWorld(t)
			w.put(r)
			got := w.ask("firewall.rules")["firewall.rules@"+r.host]
			if got.Outcome != r.want || !strings.Contains(got.Saw.String()+got.Evidence.String(), r.words) {
				t.Errorf("%s, want %s with %q: %s\n%s", got.Outcome, r.want, r.words, got.Saw, got.Evidence)
			}
		})
	}
}

// What bans addresses that nobody asks about, or only counts, changes nothing; nor does what programs put in that many hosts have.
func TestCommonRulesStayOK(t *testing.T) {
	for name, rules := range map[string][]byHand{
		"a list of bogons": {{rule: "-A INPUT -s 192.0.2.0/24 -j DROP"}, {rule: "-A INPUT -s 10.128.0.0/9 -i eth0 -j DROP"}, {rule: "-A INPUT -s 224.0.0.0/3 -j DROP"}, {rule: "-A INPUT -s 198.18.0.0/15 -j DROP"}},
		"fail2ban":         {{rule: "-A f2b-sshd -j RETURN"}, {rule: "-A f2b-sshd -s 45.10.0.9/32 -j REJECT --reject-with icmp-port-unreachable"}, {rule: "-A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd"}, {rule: ":f2b-sshd - [0:0]"}},
		"logging":          {{rule: "-A INPUT -p tcp -m limit --limit 3/min -j LOG --log-prefix \"x \""}},
		"ufw limit":        {{rule: "-A ufw-user-input -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m recent --set --name DEFAULT --mask 255.255.255.255 --rsource"}, {rule: "-A ufw-user-input -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m recent --update --seconds 30 --hitcount 6 --name DEFAULT --mask 255.255.255.255 --rsource -j ufw-user-limit"}},
		"portscans":        {{rule: "-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate NEW -j DROP"}},
		"Docker": {{table: "nat", rule: "-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER"}, {table: "nat", rule: "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 443 -j DNAT --to-destination 172.17.0.2:443"},
			{table: "nat", rule: "-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE"}, {table: "nat", rule: ":DOCKER - [0:0]"}, {rule: "-A FORWARD -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 443 -j ACCEPT"},
			{rule: "-A FORWARD -i docker0 ! -o docker0 -j ACCEPT"}, {rule: "-A FORWARD -m set --match-set docker-ext-bridges-v4 dst -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for _, r := range rules {
				if r.host, r.family = "proxy", "v4"; r.table == "" {
					r.table = "filter"
				}
				w.put(r)
			}
			if got := w.ask("firewall.rules")["firewall.rules@proxy"]; got.Outcome != checks.OK {
				t.Errorf("%s: %s\n%s", got.Outcome, got.Saw, got.Evidence)
			}
		})
	}
}

// Answers that are let in no more, the other rule set of iptables, and tables of nft's own.
func TestRulesElsewhereAreNotOK(t *testing.T) {
	const established = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
	own := func(host, text string) func(*world) {
		return func(w *world) {
			w.say(host, readRules, strings.Replace(w.env.Hosts[host].Facts.Answers[readRules].Out, "== end", text+"== end", 1))
		}
	}
	for _, s := range []story{
		{name: "no answers come in", key: "proxy", spoil: edit("proxy", readRules, "-A ufw-before-input "+established, ""), want: checks.Fail, words: "answers (tcp) to what this host begins"},
		{name: "no answers come in over IPv6", key: "mail", spoil: edit("mail", readRules, "-A ufw6-before-input "+established, ""), want: checks.Fail, words: "answers (tcp)"},
		{name: "no answers come through", key: "proxy", spoil: edit("proxy", readRules, "-A ufw-before-forward "+established, ""), want: checks.Fail, words: "answers of imaps"},
		{name: "no answers come through over IPv6", key: "proxy", spoil: also(func(w *world) { w.env.Site.Tunnel.Network6 = netip.MustParsePrefix("fd00:50::/64") },
			edit("proxy", readRules, "-A ufw6-before-forward "+established, "")), want: checks.Fail, words: "answers of imaps over IPv6"},
		{name: "the tunnel lets nothing in over IPv6", key: "mail", spoil: also(func(w *world) { w.env.Site.Tunnel.Network6 = netip.MustParsePrefix("fd00:50::/64") },
			func(w *world) {
				w.put(byHand{host: "mail", family: "v6", table: "filter", rule: "-A INPUT -i wg0 -p tcp -m tcp --dport 993 -j DROP"})
			}), want: checks.Fail, words: "missing: imaps 993/tcp on wg0: from 2001:db8:ffff::77 it ends in DROP by \"-A INPUT -i wg0"},
		{name: "no answers leave through the tunnel", key: "mail", spoil: func(w *world) {
			w.put(byHand{host: "mail", family: "v4", table: "filter", rule: "-A OUTPUT -o wg0 -p tcp -m tcp --sport 993 -j DROP"})
		}, want: checks.Fail, words: "kept back: answers of imaps: ends in DROP"},
		{name: "legacy drops", key: "proxy", spoil: own("proxy", "== legacy ip\n*filter\n:INPUT DROP [0:0]\nCOMMIT\n"), want: checks.Fail, words: "iptables-legacy: policy of INPUT"},
		{name: "legacy is there too", key: "proxy", spoil: own("proxy", "== legacy ip6\n*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 25 -j ACCEPT\nCOMMIT\n"), want: checks.Warn, words: "other rule set too, iptables-legacy"},
		{name: "nft's table is hidden from iptables", key: "proxy", spoil: edit("proxy", readRules, "== v6\n", "# Table `filter' is incompatible, use 'nft' tool.\n== v6\n"), want: checks.Unknown, words: "incompatible"},
		{name: "an own table drops all", key: "mail", spoil: own("mail", "== nft\ntable inet mine {\n\tchain in {\n\t\ttype filter hook input priority 10; policy drop;\n\t}\n}\n"), want: checks.Fail, words: "table inet mine: policy of in"},
		{name: "an own table limits", key: "proxy", spoil: own("proxy", "== nft\ntable inet mine {\n\tchain in {\n\t\ttype filter hook input priority 10; policy accept;\n\t\ttcp dport 25 ct count over 3 drop\n\t}\n}\n"), want: checks.Unknown, words: "ct count over 3"},
		{name: "an own table bans", key: "proxy", spoil: own("proxy", "== nft\ntable ip crowdsec {\n\tset bad {\n\t\ttype ipv4_addr\n\t}\n\tchain in {\n\t\ttype filter hook input priority -10; policy accept;\n\t\tip saddr @bad counter packets 1 bytes 2 drop\n\t}\n}\n"), want: checks.Warn, words: "a list of addresses"},
		{name: "an own table only counts", key: "proxy", spoil: own("proxy", "== nft\ntable inet mine {\n\tchain in {\n\t\ttype filter hook input priority 10; policy accept;\n\t\ttcp dport 25 counter packets 0 bytes 0\n\t}\n}\n"), want: checks.OK, words: ""},
		{name: "a table of very many rules, and one that drops all", key: "proxy", spoil: own("proxy", "== nft\ntable inet many {\n\tchain in {\n\t\ttype filter hook input priority 10; policy accept;\n\t\tip saddr 192.0.2.9 drop\ntable inet mine {\n\tchain in {\n\t\ttype filter hook input priority 10; policy drop;\n\t}\n}\n"), want: checks.Fail, words: "table inet mine: policy of in"},
		{name: "a listing that broke off", key: "proxy", spoil: own("proxy", "== nft\ntable inet mine {\n\tchain in {\n"), want: checks.Unknown, words: "broke off"},
	} {
		t.Run(s.name, func(t *testing.T) {
			w := newWorld(t)
			s.spoil(w)
			if got := w.ask("firewall.rules")["firewall.rules@"+s.key]; got.Outcome != s.want || !strings.Contains(got.Saw.String()+got.Evidence.String(), s.words) {
				t.Errorf("%s, want %s with %q: %s\n%s", got.Outcome, s.want, s.words, got.Saw, got.Evidence)
			}
		})
	}
}

// Thousands of banned addresses are judged all the same: they are not too many to follow.
func TestManyBansAreJudged(t *testing.T) {
	w := newWorld(t)
	var bans strings.Builder
	for i := range 15_000 {
		bans.WriteString("-A INPUT -s " + fmt.Sprintf("45.%d.%d.9", i/250, i%250) + "/32 -j DROP\n")
	}
	w.put(byHand{host: "proxy", family: "v4", table: "filter", rule: strings.TrimSpace(bans.String())})
	if got := w.ask("firewall.rules")["firewall.rules@proxy"]; got.Outcome != checks.OK {
		t.Errorf("%s: %s", got.Outcome, got.Saw)
	}
}
