//go:build linux

package main

import (
	"os"
	"strings"
	"testing"
)

// TestOwnRules: hosts on which somebody has a firewall of their own already, and a proxy that is reached at its second address and has no
// IPv6, are set up and proven; what stands in the way is named with the line that takes it away, and never overridden.
func TestOwnRules(t *testing.T) {
	needTorture(t)
	t.Parallel()
	l := newLab(t, Options{})
	const second = "203.0.113.11"
	o := newOperator(t, l, func(text string) string { return strings.Replace(text, "root@203.0.113.10", "root@"+second, 1) })
	known := l.dir("laptop", "home", ".ssh", "known_hosts")
	keys, err := os.ReadFile(known)
	if err == nil {
		err = os.WriteFile(known, append(keys, strings.ReplaceAll(string(keys), "203.0.113.10", second)...), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	onBoth(t, func(host string) error {
		_, err := l.Exec(t.Context(), host, "sh", "-ec", `apt-get -q update; DEBIAN_FRONTEND=noninteractive apt-get -q -y install ufw
			ufw allow 22; ufw allow 443`)
		return err
	})
	typing := func(lines string) { t.Helper(); want(t, l, "proxy", "sh", "-ec", lines) }
	typing(`ip addr add ` + second + `/24 dev eth0; sysctl -qw net.ipv6.conf.all.disable_ipv6=1
		ufw default deny outgoing; ufw allow out 53; ufw allow out 80/tcp; ufw limit 80/tcp; ufw --force enable`)

	o.run(0, "apply", "--yes")
	status := want(t, l, "proxy", "ufw", "status", "verbose")
	for line, times := range map[string]int{"\n22 ": 2, "\n22/tcp ": 0, "\n443/tcp                    ALLOW IN": 0, "deny (outgoing)": 1, "\n123/udp ": 2, "ALLOW OUT   Anywhere on wg0": 1} {
		if n := strings.Count(status, line); n != times {
			t.Errorf("%q stands %d times, want %d, in\n%s", line, n, times, status)
		}
	}
	if nat := rules(t, l, "proxy"); strings.Count(nat, "-d "+second+"/32 ") != 3 || strings.Contains(nat, "-d 203.0.113.10/32 ") {
		t.Errorf("not what arrives for %s is sent on:\n%s", second, nat)
	}
	o.proven("firewall.rules") // SSH of the mail host is open to more than the home
	for _, r := range o.checks("firewall.closed") {
		if r.ID == "firewall.closed.mail.v6" && (r.Result != "skip" || !strings.Contains(r.Saw, "own rules drop")) {
			t.Errorf("the proxy without IPv6: %s: %s", r.Result, r.Saw)
		}
	}

	typing("ufw insert 1 deny 24:25/tcp")
	for _, verb := range []string{"apply", "check"} {
		out := o.run(1, verb, "firewall", "--yes")
		if !strings.Contains(out, "ufw delete deny 24:25/tcp") || strings.Contains(out, "postern apply firewall") {
			t.Errorf("%s: the rule that stands in the way is not named, or a fix offered that changes nothing:\n%s", verb, out)
		}
	}
	typing("ufw delete deny 24:25/tcp")
	if out := o.run(0, "apply", "--yes"); !strings.Contains(out, "Nothing to change") || !strings.Contains(out, "was proven") {
		t.Errorf("nothing to change, and this is said:\n%s", out)
	}
	o.run(0, "undo", "--all", "--yes")
	if after := want(t, l, "proxy", "ufw", "status", "verbose"); strings.Contains(after, "postern") || !strings.Contains(after, "deny (outgoing)") || !strings.Contains(after, "22 ") {
		t.Errorf("after the undo:\n%s", after)
	}
}

// TestRulesOfTheImage: a proxy whose image refuses by rules of its own, asked before ufw's and loaded by netfilter-persistent, and a
// mail host with nftables.service and services of its owner's. Each is named before anything is changed, with its way out or the
// answer that keeps it; with that done the site is set up and proven, what was kept answers as before, and all is so after a boot.
func TestRulesOfTheImage(t *testing.T) {
	needTorture(t)
	t.Parallel()
	l := newLab(t, Options{})
	o := newOperator(t, l, nil)
	const install = "apt-get -qq update; export DEBIAN_FRONTEND=noninteractive; apt-get -qqy install "
	want(t, l, "proxy", "sh", "-ec", install+`iptables-persistent >/dev/null
		iptables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT; iptables -A INPUT -p icmp -j ACCEPT; iptables -A INPUT -i lo -j ACCEPT
		iptables -A INPUT -p tcp -m conntrack --ctstate NEW -m tcp --dport 22 -j ACCEPT
		iptables -A INPUT -j REJECT --reject-with icmp-host-prohibited; iptables -A FORWARD -j REJECT --reject-with icmp-host-prohibited
		netfilter-persistent save`)
	want(t, l, "mail", "sh", "-ec", install+`nftables wireguard-tools wireguard-go >/dev/null
		systemctl enable --now nftables; umask 77
		printf '[Interface]\nPrivateKey = %s\nListenPort = 51821\nAddress = 10.6.0.1/24\n' "$(wg genkey)" >/etc/wireguard/pivpn.conf
		systemctl enable --now wg-quick@pivpn`)
	for _, port := range []string{"445", "8123"} {
		serveOwn(t, l, "mail", port)
	}
	named := func(said string, all ...string) {
		t.Helper()
		said = strings.Join(strings.Fields(said), " ")
		for _, one := range all {
			if !strings.Contains(said, one) {
				t.Errorf("not named: %s in\n%s", one, said)
			}
		}
	}
	said, code := o.try("plan")
	if code == 0 {
		t.Error("it is not refused")
	}
	named(said,
		`proxy: the rule "-A INPUT -j REJECT --reject-with icmp-host-prohibited" is asked before ufw's rules and refuses`,
		"it stands in /etc/iptables/rules.v4, which the package netfilter-persistent loads at boot; take it out there, and away with: iptables -D INPUT 5",
		"take it out there, and away with: iptables -D FORWARD 1",
		"proxy: the packages ufw and netfilter-persistent exclude each other",
		"mail: nftables.service (package nftables) loads /etc/nftables.conf, which begins by emptying all rules")
	want(t, l, "proxy", "sh", "-ec", "iptables -D FORWARD 1; iptables -D INPUT 5; sed -i /REJECT/d /etc/iptables/rules.v4; apt-get -qqy remove netfilter-persistent")
	want(t, l, "mail", "systemctl", "disable", "nftables")
	o.flags = append(o.flags, "--set", "host.mail.keep=445/tcp@192.168.50.0/24, 51821/udp")
	said = o.run(0, "apply", "--yes")
	named(said, "answers on 8123/tcp today and will be closed")
	if strings.Count(said, "will be closed") != 1 {
		t.Errorf("something else is named too:\n%s", said)
	}
	o.proven()
	for port, open := range map[string]bool{"445": true, "8123": false} {
		if err := reaches(t.Context(), l, "laptop", "192.168.50.2:"+port); (err == nil) != open {
			t.Errorf("%s: %v, want it open: %v", port, err, open)
		}
	}
	onBoth(t, func(host string) error { return l.Reboot(t.Context(), host) })
	o.proven()
}
