package steps

import (
	"strings"
	"testing"

	"postern/site"
)

// On the image of a provider that has its own rules, it is told before ufw is installed what comes of the two.
func TestRulesOfTheImageAreToldFirst(t *testing.T) {
	s, facts := site.Default(), map[string]map[string]string{}
	use(t, facts, "fresh")
	put(facts, "proxy/rules.v4", "*filter\n:INPUT ACCEPT [0:0]\n:IMAGE - [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\n-A INPUT -j IMAGE\n-A IMAGE -j REJECT --reject-with icmp-host-prohibited\nCOMMIT\n")
	put(facts, "proxy/units.units", "Id=netfilter-persistent.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n")
	put(facts, "proxy/rules.nft", "table inet mine {\n\tchain in {\n\t\ttype filter hook input priority filter; policy drop;\n\t\ttcp dport { 22, 443 } accept\n\t\tudp dport 51820 accept\n\t}\n}\n")
	put(facts, "proxy//etc/nftables.conf", "flush ruleset\ntable inet mine {\n}\n")
	look := lookAt(s, facts, firewallReads)
	found, _ := Detect(s, look)
	told := ""
	plan := planFirewall(found, look)
	for _, n := range plan.Notes {
		told += n.Host + ": " + n.Text + "\n"
	}
	for _, want := range []string{
		`proxy: the rule "-A INPUT -j IMAGE" is asked before ufw's rules and refuses http, https, relay, smtp, tunnel, which ours would admit; take it away with: iptables -D INPUT 2`,
		`proxy: the table inet mine of nft is asked beside ufw's rules and refuses http, relay, smtp ("policy of in"), which ours would admit; it stands in /etc/nftables.conf; admit them there too, or take it away with: nft delete table inet mine`,
	} {
		if !strings.Contains(told, want) {
			t.Errorf("not told %q in\n%s", want, told)
		}
	}
	const barred = "firewall: proxy: the packages ufw and netfilter-persistent exclude each other"
	if refused := strings.Join(plan.Refused, "\n"); !strings.HasPrefix(refused, barred) || !strings.HasSuffix(refused, "and now: apt-get remove netfilter-persistent") {
		t.Errorf("refused: %s", refused)
	}
	if strings.Contains(told, "mail: the") {
		t.Errorf("told of a host that has nothing of the kind:\n%s", told)
	}
}
