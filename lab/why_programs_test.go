//go:build linux

package main

import (
	"fmt"
	"testing"
)

// programCuts are of programs that people have beside a mail system, as their packages bring them: real bans by either of fail2ban's
// actions, and containers on the proxy.
var programCuts = []cut{
	{"a ban of fail2ban's by nft", "25", "proxy", bans("mail-nft"), "", is(`fail2ban on proxy has banned 198.51.100.20`), is(`^fail2ban-client unban 198.51.100.20$`), false},
	{"a ban of fail2ban's by iptables", "25", "proxy", bans("mail-ipt"), "", is(`fail2ban on proxy has banned 198.51.100.20`), is(`^fail2ban-client unban 198.51.100.20$`), false},
	{"a ban of fail2ban's on mail by nft", "993", "mail", bans("mail-nft"), "", is(`fail2ban on mail has banned 198.51.100.20`), is(`^fail2ban-client unban 198.51.100.20$`), false},
	{"a ban of fail2ban's on mail by iptables", "993", "mail", bans("mail-ipt"), "", is(`fail2ban on mail has banned 198.51.100.20`), is(`^fail2ban-client unban 198.51.100.20$`), false},
	{"Docker on the proxy takes the port", "993", "proxy", publishes("993"), "", is(`Docker on proxy takes port 993 for its container web993, and it is for 10.0.0.2:993`), is(`^docker stop web993$`), false},
	{"a container on the proxy is silent", "80", "proxy", `docker run -d --name web80 -p 80:80 own perl -e 'exec qw(perl /peer.pl 0.0.0.0 80) if -e "/x"; open F, ">/x"; sleep 99999'`, "", is(`the container web80 on proxy gets it and does not answer`), is(`^docker restart web80$`), false},
}

// bans is a ban by a jail of fail2ban, once it stands.
func bans(jail string) string {
	return fmt.Sprintf("fail2ban-client set %s banip 198.51.100.20; until { nft list ruleset; iptables-save; } | grep -q '198\\.51\\.100\\.20'; do sleep 1; done", jail)
}

// publishes is a container on the proxy that answers at a port.
func publishes(port string) string {
	return fmt.Sprintf("docker run -d --name web%[1]s -p %[1]s:80 own perl /peer.pl 0.0.0.0 80", port)
}

// withFail2ban installs the real one, with a jail for each of its two actions.
const withFail2ban = `apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get -qqy install fail2ban python3-systemd iptables nftables >/dev/null
: >/var/log/own.log; jail='enabled = true\nfilter = postfix\nport = 25,993\nbackend = polling\nlogpath = /var/log/own.log\n'
printf "[sshd]\nenabled = false\n[mail-nft]\n${jail}banaction = nftables-multiport\n[mail-ipt]\n${jail}banaction = iptables-multiport\n" >/etc/fail2ban/jail.d/own.local
systemctl restart fail2ban; for i in $(seq 600); do fail2ban-client status mail-ipt >/dev/null 2>&1 && exit 0; sleep 0.1; done; journalctl -u fail2ban; exit 1`

// TestWhyPrograms is TestWhy on hosts with such programs; they are there before the site is.
func TestWhyPrograms(t *testing.T) {
	t.Parallel()
	needTorture(t)
	onSuites(t, func(t *testing.T, suite string) {
		l := newLab(t, Options{Suite: suite})
		onBoth(t, func(host string) error {
			_, err := l.Exec(t.Context(), host, "sh", "-ec", withFail2ban)
			return err
		})
		if err := ownDocker(t, l, "proxy"); err != nil {
			t.Fatal(err)
		}
		o := whySite(t, l)
		for _, c := range programCuts {
			t.Run(c.name, func(t *testing.T) { c.prove(t, l, o) })
		}
	})
}
