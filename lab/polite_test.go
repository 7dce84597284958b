//go:build linux

package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// guard is one thing by which hosts turn away who connects too often or wrongly.
type guard struct {
	name    string
	suites  []string // where it is tried alone
	prepare string   // sh on each host
}

var guards = []guard{
	{"ufw limit", []string{"bookworm"}, "apt-get -qq update && apt-get -qqy install ufw >/dev/null && ufw limit 22/tcp && ufw --force enable"},
	{"MaxStartups 2:100:2", []string{"bookworm"}, "echo 'MaxStartups 2:100:2' >/etc/ssh/sshd_config.d/guard.conf && systemctl reload ssh"},
	{"PerSourcePenalties", []string{"trixie"}, "echo 'PerSourcePenalties crash:60s authfail:60s noauth:60s grace-exceeded:60s min:1s' >/etc/ssh/sshd_config.d/guard2.conf && systemctl reload ssh"},
}

// fail2ban is the real one, as its package comes, with what the careful set. It is large, and only make torture has the time.
// The lab's own knock, when the host booted, is taken out of the journal that it reads.
var fail2ban = guard{"fail2ban, aggressive", []string{"bookworm", "trixie"}, `journalctl -q --rotate --vacuum-size=1
apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qqy install fail2ban python3-systemd iptables nftables >/dev/null
printf '[sshd]\nenabled = true\nmode = aggressive\nbackend = systemd\nmaxretry = 5\nfindtime = 10m\nbantime = 1h\n' >/etc/fail2ban/jail.d/guard.local
systemctl restart fail2ban
for i in $(seq 600); do fail2ban-client status sshd >/dev/null 2>&1 && exit 0; sleep 0.1; done
journalctl -u fail2ban; exit 1`}

// attack is what fail2ban's filter for sshd counts in its mode "aggressive" (its filter.d/sshd.conf, cmnfailre, mdre-ddos,
// mdre-extra and mdre-ddos-other), and what sshd says of those it turns away.
var attack = regexp.MustCompile(`(?i)\[preauth\]|kex_exchange_identification|banner exchange|Did not receive identification|Bad protocol version|` +
	`^(error: |fatal: )?(Failed |Invalid user|authentication fail|maximum authentication|Unable to negotiate|Timeout before|Disconnecting)|` +
	`MaxStartups|penalt|drop connection`)

// TestHostsThatTurnAwayAttackers: checks, a change and an undo on hosts that ban, limit and punish. Nobody is turned away, sshd
// logs nothing that counts as an attack, and no check is wrong. In the usual run all guards but fail2ban stand together, for a few
// rounds; in make torture fail2ban stands with them, and each stands alone.
func TestHostsThatTurnAwayAttackers(t *testing.T) {
	t.Parallel()
	torture, rounds := torture(), 3
	all := guard{name: "all at once"}
	for _, g := range guards {
		all.prepare += g.prepare + "\n"
	}
	if torture {
		rounds = 20
		all.prepare += fail2ban.prepare
	}
	t.Run(all.name, func(t *testing.T) { t.Parallel(); all.prove(t, "trixie", rounds, torture) })
	for _, g := range append(guards, fail2ban) {
		for _, suite := range g.suites {
			t.Run(g.name+" on "+suite, func(t *testing.T) {
				needTorture(t)
				t.Parallel()
				g.prove(t, suite, rounds, g.name == fail2ban.name)
			})
		}
	}
}

func (g guard) prove(t *testing.T, suite string, rounds int, bans bool) {
	l := newLab(t, Options{Suite: suite})
	o := newOperator(t, l, nil)
	since := map[string]string{}
	onBoth(t, func(host string) error {
		out, err := l.Exec(t.Context(), host, "sh", "-ec", g.prepare)
		if err != nil {
			t.Log(out)
		}
		return err
	})
	for _, host := range []string{"proxy", "mail"} {
		since[host] = want(t, l, host, "sh", "-c", "sleep 1; date +%s")
	}
	said := o.run(0, "apply", "--yes")
	for range rounds {
		for _, r := range o.checks() {
			wide := r.ID == "firewall.rules" && r.From == "mail" && r.Result == "warn" // the owner's limit lets everyone knock at mail: true
			if r.Result != "ok" && r.Result != "skip" && !wide {
				t.Errorf("%s from %s: %s: saw %q, likely %q", r.ID, r.From, r.Result, r.Saw, r.Likely)
			}
		}
	}
	said += o.run(0, "undo", "--all", "--yes")
	if strings.Contains(said, "takes no connection") || strings.Contains(said, "does not work yet") {
		t.Errorf("somebody was turned away:\n%s", said)
	}
	for _, host := range []string{"proxy", "mail"} {
		log := want(t, l, host, "sh", "-c", fmt.Sprintf("journalctl -q -o cat --since=@%s -t sshd -t sshd-session -t sshd-auth", since[host]))
		logins := strings.Count(log, "Accepted publickey")
		for _, line := range strings.Split(log, "\n") {
			if attack.MatchString(line) {
				t.Errorf("%s: sshd logged what counts as an attack: %s", host, line)
			}
		}
		if logins < rounds {
			t.Errorf("%s: %d logins in %d rounds: this test looks at the wrong log\n%s", host, logins, rounds, log)
		}
		t.Logf("%s: %d logins", host, logins)
	}
	if bans {
		nobodyBanned(t, l)
	}
}

// nobodyBanned wants fail2ban to have counted nothing and banned nobody, and shows that it counts who is not let in.
func nobodyBanned(t *testing.T, l *Lab) {
	t.Helper()
	status := func(host string) string { return want(t, l, host, "fail2ban-client", "status", "sshd") }
	for _, host := range []string{"proxy", "mail"} {
		for _, none := range []string{`Total failed:\s+0\n`, `Total banned:\s+0\n`} {
			if now := status(host); !regexp.MustCompile(none).MatchString(now) {
				t.Errorf("%s: fail2ban counted us, want %s:\n%s", host, none, now)
			}
		}
	}
	_, _ = l.Exec(t.Context(), "world", "ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "nosuch@203.0.113.10", "true")
	if err := poll(t.Context(), time.Minute, func() bool { return regexp.MustCompile(`Total failed:\s+[1-9]`).MatchString(status("proxy")) }); err != nil {
		t.Errorf("a login of nobody is not counted: this test proves nothing\n%s", status("proxy"))
	}
}

// serveOwn keeps a service of the owner's own on a host.
func serveOwn(t testing.TB, l *Lab, host, port string) {
	t.Helper()
	cmd, err := l.Command(t.Context(), host, "sh", "-ec", "cat >/run/own.pl; systemd-run --quiet --collect --unit=own-"+port+
		" perl /run/own.pl 0.0.0.0 "+port+"; for i in $(seq 100); do ss -ltnH | grep -q ':"+port+" ' && exit 0; sleep 0.1; done; exit 1")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = thePeer(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("serving %s on %s: %v\n%s", port, host, err, out)
	}
}

// withServices is the usual site on hosts that serve something of their owner's own: what is not kept by an answer is named, with
// the answer that would keep it, before it is closed.
func withServices(t *testing.T, l *Lab) *operator {
	o := newOperator(t, l, nil)
	serveOwn(t, l, "proxy", "3000")
	serveOwn(t, l, "proxy", "3001")
	serveOwn(t, l, "mail", "8123")
	o.flags = append(o.flags, "--set", "host.proxy.keep=3000/tcp", "--set", "host.mail.keep=8123/tcp@192.168.50.0/24")
	said := strings.Join(strings.Fields(o.run(0, "apply", "--yes")), " ")
	named := "proxy: perl answers on 3001/tcp today and will be closed to everyone; to keep it: host.proxy.keep = 3000/tcp, 3001/tcp"
	if !strings.Contains(said, named) || strings.Count(said, "will be closed") != 1 {
		t.Errorf("want it to say %q and name nothing else:\n%s", named, said)
	}
	return o
}

// servesStill wants what was kept to answer as before, and what was not to be closed.
func servesStill(o *operator) {
	o.t.Helper()
	for _, c := range []struct {
		from, to string
		open     bool
	}{{"world", "203.0.113.10:3000", true}, {"world", "203.0.113.10:3001", false}, {"laptop", "192.168.50.2:8123", true}, {"proxy", "[2001:db8:50::2]:8123", false}} {
		if err := reaches(o.t.Context(), o.l, c.from, c.to); (err == nil) != c.open {
			o.t.Errorf("%s from %s: %v, want open: %v", c.to, c.from, err, c.open)
		}
	}
}
