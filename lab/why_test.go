//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cut is one thing that keeps a port's packets back, and what must be said of it.
type cut struct {
	name  string
	port  string
	on    string         // the node it is made on
	make  string         // POSIX sh
	undo  string         // where what is to be done cannot be done by typing it
	words *regexp.Regexp // the one line
	do    *regexp.Regexp // the one thing to do
	six   bool           // over IPv6 alone
}

// cuts are made one by one, each mended by what is said, and asked again.
var cuts = []cut{
	{"provider drops it", "25", "inet", "@4 -I FORWARD -o proxy -p tcp --dport 25 -j DROP", "", is(`the provider drops port 25/tcp over IPv4`), is(`open incoming port 25/tcp .* provider's firewall`), false},
	{"provider drops it over IPv6", "25", "inet", "@6 -I FORWARD -o proxy -p tcp --dport 25 -j DROP", "", is(`the provider drops port 25/tcp over IPv6`), is(`open incoming port 25/tcp`), true},
	{"provider resets it", "993", "inet", "@4 -I FORWARD -o proxy -p tcp --dport 993 -j REJECT --reject-with tcp-reset", "", is(`the provider refuses port 993/tcp`), is(`provider's firewall`), false},
	{"provider prohibits it", "993", "inet", "@4 -I FORWARD -o proxy -p tcp --dport 993 -j REJECT --reject-with icmp-admin-prohibited", "", is(`the provider refuses port 993/tcp`), is(`provider's firewall`), false},
	{"provider drops answers", "25", "inet", "@4 -I FORWARD -i proxy -p tcp --sport 25 --tcp-flags SYN,ACK SYN,ACK -j DROP", "", is(`answers of proxy are dropped behind it`), is(`open connections`), false},
	{"provider drops answers of the mail host", "993", "inet", "@4 -I FORWARD -i proxy -p tcp --sport 993 -j DROP", "", is(`answers of proxy are dropped behind it`), is(`open connections`), false},
	{"the line at home keeps 25 back", "25", "gw", "@4 -I FORWARD -i lan -p tcp --dport 25 -j DROP; @6 -I FORWARD -i lan -p tcp --dport 25 -j DROP", "", is(`the network of here itself keeps port 25 back.*proxy cannot be told`), is(`another network`), false},
	{"the line at home answers itself", "25", "gw", "@4 -t nat -I PREROUTING -i lan -p tcp --dport 25 -j DNAT --to 198.51.100.77", "", is(`somebody between here and proxy answers for it on port 25`), is(`another network`), false},

	{"ufw deny above ours", "25", "proxy", "ufw insert 1 deny 24:25/tcp", "", is(`your own ufw rule \(deny 24:25/tcp\) keeps it back on proxy`), is(`^ufw delete deny 24:25/tcp$`), false},
	{"ufw deny typed over ours", "25", "proxy", "ufw deny 25/tcp", "", is(`your own ufw rule \(deny 25/tcp\) keeps it back on proxy`), is(`^ufw allow 25/tcp$`), false},
	{"a table of nft's with a policy", "993", "proxy", `printf 'table inet mine {\n chain in {\n  type filter hook prerouting priority -50; policy drop;\n  tcp dport 22 accept\n  iifname "wg0" accept\n  udp dport 51820 accept\n ct state established accept\n }\n}\n' >/etc/nftables.d.conf; nft -f /etc/nftables.d.conf`, "", is(`another program's nftables table inet mine keeps it back on proxy`), is(`^nft delete table inet mine$`), false},
	{"a table of nft's from its file", "25", "proxy", `printf 'table inet his {\n chain in {\n  type filter hook input priority 10; policy accept;\n  tcp dport 25 drop\n }\n}\n' >/etc/nftables.conf; nft -f /etc/nftables.conf`, "", is(`another program's nftables table inet his keeps it back on proxy.*/etc/nftables.conf brings it back`), is(`^nft delete table inet his$`), false},
	{"a ban", "25", "proxy", "iptables -N f2b-postfix; iptables -A f2b-postfix -s 198.51.100.20 -j REJECT --reject-with icmp-port-unreachable; iptables -A f2b-postfix -j RETURN; iptables -I INPUT -p tcp -m multiport --dports 25,465 -j f2b-postfix", "iptables -F f2b-postfix; iptables -D INPUT -p tcp -m multiport --dports 25,465 -j f2b-postfix; iptables -X f2b-postfix", is(`fail2ban on proxy has banned 198.51.100.20`), is(`^fail2ban-client unban 198.51.100.20$`), false},
	{"a rule of iptables-persistent", "25", "proxy", "iptables -I INPUT -p tcp -m tcp --dport 25 -j DROP; mkdir -p /etc/iptables; iptables-save >/etc/iptables/rules.v4", "", is(`neither ufw's nor ours keeps it back on proxy.*/etc/iptables/rules.v4 brings it back`), is(`^iptables -D INPUT -p tcp -m tcp --dport 25 -j DROP$`), false},
	{"a rule of the legacy backend", "25", "proxy", "iptables-legacy -I INPUT -p tcp -m tcp --dport 25 -j DROP", "", is(`keeps it back on proxy.*--dport 25`), is(`^iptables-legacy -D INPUT -p tcp -m tcp --dport 25 -j DROP$`), false},
	{"answers dropped on the proxy", "25", "proxy", "iptables -I OUTPUT -p tcp -m tcp --sport 25 -j DROP", "", is(`keeps it back on proxy.*--sport 25`), is(`^iptables -D OUTPUT `), false},
	{"dropped before anything", "993", "proxy", "iptables -t raw -I PREROUTING -p tcp -m tcp --dport 993 -j DROP", "", is(`keeps it back on proxy.*--dport 993`), is(`^iptables -t raw -D PREROUTING `), false},

	{"sent to a wrong target", "993", "proxy", "iptables -t nat -I PREROUTING -i eth0 -p tcp -m tcp --dport 993 -j DNAT --to-destination 10.0.0.99:993", "", is(`proxy sends port 993 to 10.0.0.99:993.*, not to 10.0.0.2:993`), is(`^iptables -t nat -D PREROUTING `), false},
	{"not sent on", "993", "proxy", "iptables -t nat -F postern-pre", "", is(`proxy does not send port 993 on to 10.0.0.2:993`), is(`^postern apply firewall$`), false},
	{"forwarding dropped", "993", "proxy", "iptables -I FORWARD -p tcp -m tcp --dport 993 -j DROP", "", is(`keeps it back on proxy.*--dport 993`), is(`^iptables -D FORWARD `), false},
	{"answers dropped in forwarding", "993", "proxy", "iptables -I FORWARD -i wg0 -p tcp -m tcp --sport 993 -j DROP", "", is(`keeps it back on proxy.*--sport 993`), is(`^iptables -D FORWARD `), false},
	{"forwarding off", "993", "proxy", "sysctl -qw net.ipv4.ip_forward=0", "", is(`proxy forwards nothing: net.ipv4.ip_forward is 0`), is(`^sysctl -w net.ipv4.ip_forward=1$`), false},

	{"unit stopped on mail", "993", "mail", "systemctl stop wg-quick@wg0", "", is(`the tunnel is stopped on mail: wg-quick@wg0 is stopped`), is(`^systemctl start wg-quick@wg0$`), false},
	{"unit stopped on the proxy", "tunnel", "proxy", "systemctl stop wg-quick@wg0", "", is(`the tunnel is stopped on proxy`), is(`^systemctl start wg-quick@wg0$`), false},
	{"wrong key on mail", "993", "mail", wrongKey, "", is(`mail has a wrong key for proxy`), is(`^postern apply wireguard$`), false},
	{"wrong key on the proxy", "tunnel", "proxy", wrongKey, "", is(`wrong key|knows no peer`), is(`^postern apply wireguard$`), false},
	// the port changes with it, or what the proxy sends sets the endpoint right again
	{"wrong endpoint", "tunnel", "mail", "wg set wg0 listen-port 47000 peer $(wg show wg0 peers) endpoint 203.0.113.99:51820", "", is(`the tunnel of mail dials a wrong endpoint: 203.0.113.99:51820.*, as its file says`), is(`^systemctl restart wg-quick@wg0$`), false},
	{"udp dropped to the proxy", "tunnel", "inet", "@4 -I FORWARD -o proxy -p udp -j DROP", "", is(`udp port 51820 is dropped on its way from mail to proxy`), is(`open incoming port 51820/udp`), false},
	{"udp dropped from the proxy", "tunnel", "inet", "@4 -I FORWARD -i proxy -p udp -j DROP", "", is(`udp from port 51820 of proxy is dropped on its way back to mail`), is(`51820/udp out`), false},
	{"udp dropped, asked of a port", "993", "inet", "@4 -I FORWARD -o proxy -p udp -j DROP", "", is(`udp port 51820 is dropped on its way from mail to proxy`), is(`open incoming port 51820/udp`), false},
	{"ufw on mail drops the tunnel", "993", "mail", "ufw insert 1 deny in on wg0", "", is(`your own ufw rule \(deny in on wg0.*\) keeps it back on mail`), is(`^ufw delete deny in on wg0`), false},
	{"a rule on mail drops the tunnel", "993", "mail", "iptables -I INPUT -i wg0 -p tcp -m tcp --dport 993 -j DROP", "", is(`keeps it back on mail.*--dport 993`), is(`^iptables -D INPUT `), false},
	{"another VPN's policy rules", "993", "mail", "ip route add default via 192.168.50.1 table 999; ip rule add pref 100 from 10.0.0.2 lookup 999", "", is(`answers of mail leave by another way than they came: .* 100: from 10.0.0.2 lookup 999`), is(`^ip -4 rule delete pref 100 `), false},
	{"no listener", "993", "mail", "systemctl stop peer-993", "", is(`on mail nothing listens at port 993`), is(`^start the service`), false},
	{"a listener at the loopback", "465", "mail", "systemctl stop peer-465; systemd-run --quiet --collect --unit=peer-aside perl /run/peer.pl 127.0.0.1 465", "", is(`on mail nothing listens at 10.0.0.2:465: only perl at 127.0.0.1`), is(`^have it listen at 10.0.0.2`), false},
	{"a narrow line", "993", "inet", "@4 -I FORWARD -p udp -m length --length 1401: -j DROP", "", is(`large packets do not fit through the tunnel`), is(`^postern --set tunnel.mtu=[0-9]+ --save apply wireguard$`), false},
	{"no listener on the proxy", "443", "proxy", ":", ":", is(`on proxy nothing listens at port 443`), is(`^start the service`), false},

	{"a policy of nft's for what leaves the proxy", "25", "proxy", strict("oifname wg0 accept\nudp sport 51820 accept\nmeta l4proto ipv6-icmp accept"), "", is(`another program's nftables table inet strict keeps it back on proxy`), is(`^nft delete table inet strict$`), false},
	{"a policy of nft's for what leaves mail", "993", "mail", strict(""), "", is(`another program's nftables table inet strict keeps it back on mail`), is(`^nft delete table inet strict$`), false},
	{"a policy of nft's for the answers of mail", "993", "mail", strict("udp dport 51820 accept"), "", is(`another program's nftables table inet strict keeps it back on mail`), is(`^nft delete table inet strict$`), false},
	{"the clock of mail set back by an hour", "993", "mail", clockOff(-3600), clockRight, is(`the clock of mail was set back: proxy takes no handshake that is older`), is(`^timedatectl set-ntp true$`), false},
	{"the clock of mail ahead by an hour, and set right", "tunnel", "mail", clockOff(3600) + "until wg show wg0 latest-handshakes | grep -q '[1-9][0-9]*$'; do sleep 1; done\n" + clockRight, "",
		is(`proxy takes no handshake of mail: the clock of mail was ahead`), is(`^systemctl restart wg-quick@wg0$`), false},
}

// strict is a table of nft's that lets out SSH and what is given, and nothing else.
func strict(more string) string {
	return "nft -f - <<'E'\ntable inet strict {\nchain out {\ntype filter hook output priority 0; policy drop;\noifname lo accept\ntcp sport 22 accept\n" + more + "\n}\n}\nE\n"
}

// clockOff has the tunnel of a host, and what tells its time, go by another clock, in seconds: the kernel's is that of all hosts here. Of
// WireGuard it is the number that its timestamps begin at (TAI64N).
func clockOff(by int) string {
	return fmt.Sprintf(`cd /usr/bin; cp -p date date.kept; cp -p wireguard-go wireguard-go.kept
printf '#!/bin/sh\nexec date.kept -d "@$(($(date.kept +%%%%s)+(%[1]d)))" "$@"\n' >date.new
perl -0777 -pe '$is = pack "Q<", 0x400000000000000a; $new = pack "Q<", 0x400000000000000a + (%[1]d); s/\Q$is\E/$new/g' wireguard-go >wireguard-go.new
chmod 755 date.new wireguard-go.new; mv date.new date; mv wireguard-go.new wireguard-go; systemctl restart wg-quick@wg0
`, by)
}

const clockRight = "cd /usr/bin; mv date.kept date; mv wireguard-go.kept wireguard-go; systemctl restart wg-quick@wg0"

const wrongKey = "a=$(wg show wg0 allowed-ips | cut -f 2); e=$(wg show wg0 endpoints | cut -f 2); wg set wg0 peer $(wg show wg0 peers) remove; wg set wg0 peer $(wg genkey | wg pubkey) allowed-ips $a endpoint $e persistent-keepalive 25"

func is(text string) *regexp.Regexp { return regexp.MustCompile(text) }

// why is what why --json says of one family.
type why struct {
	Name, Words, Action, On, Confidence string
	Broken                              int
	Signals                             map[string]any
}

func (o *operator) why(port string) (all []why, raw string) {
	o.t.Helper()
	out, _ := o.command(o.t.Context(), "--json", "why", port).Output()
	var doc struct{ Diagnoses []why }
	if err := json.Unmarshal(out, &doc); err != nil || len(doc.Diagnoses) == 0 {
		o.t.Fatalf("why %s --json: %v\n%s", port, err, out)
	}
	return doc.Diagnoses, string(out)
}

// TestWhy breaks the way of a port in every manner there is: each is named in one line with the one thing to do, which mends it.
func TestWhy(t *testing.T) {
	t.Parallel()
	onSuites(t, func(t *testing.T, suite string) {
		l := newLab(t, Options{Suite: suite})
		o := whySite(t, l)
		healthy := printsOf(t, l)
		for _, port := range []string{"25", "993", "465", "tunnel", "ssh"} {
			if all, _ := o.why(port); slices.ContainsFunc(all, func(d why) bool { return d.Broken >= 0 || d.Confidence != "certain" }) {
				t.Errorf("nothing is wrong with port %s, and\n%s", port, summary(all))
			}
		}
		unchanged(t, l, healthy)
		t.Run("killed", func(t *testing.T) { killedAsking(t, l, o, healthy) })
		t.Run("a deny below ours", func(t *testing.T) {
			want(t, l, "proxy", "ufw", "deny", "24:26/tcp")
			if all, _ := o.why("25"); slices.ContainsFunc(all, func(d why) bool { return d.Broken >= 0 }) {
				t.Errorf("it stops nothing, and\n%s", summary(all))
			}
			want(t, l, "proxy", "ufw", "--force", "delete", "deny", "24:26/tcp")
		})
		for i, c := range cuts {
			t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
				if i%4 != 0 || strings.HasPrefix(c.name, "the clock") { // on a busy machine no handshake may begin while packets are looked at
					needTorture(t)
				}
				c.prove(t, l, o)
			})
		}
		for i, p := range pairs {
			t.Run(strings.ReplaceAll(p[0]+" and "+p[1], " ", "-"), func(t *testing.T) {
				if i%8 != 0 {
					needTorture(t)
				}
				first, second := cutNamed(t, p[0]), cutNamed(t, p[1])
				second.breaks(t, l)
				first.prove2(t, l, o, &second)
			})
		}
	})
}

// pairs are two at once: the first on the way is told, and when that is mended the second.
var pairs = [][2]string{
	{"the line at home keeps 25 back", "ufw deny above ours"}, {"the line at home keeps 25 back", "provider drops answers"}, {"provider drops it", "ufw deny above ours"},
	{"provider drops it", "a ban"}, {"provider drops it", "a rule of iptables-persistent"}, {"ufw deny above ours", "answers dropped on the proxy"},
	{"a ban", "provider drops answers"}, {"a rule of the legacy backend", "answers dropped on the proxy"}, {"a table of nft's from its file", "provider drops answers"},
	{"provider resets it", "forwarding dropped"}, {"provider prohibits it", "unit stopped on mail"}, {"dropped before anything", "sent to a wrong target"},
	{"sent to a wrong target", "unit stopped on mail"}, {"not sent on", "no listener"}, {"forwarding dropped", "a rule on mail drops the tunnel"}, {"forwarding off", "no listener"},
	{"unit stopped on mail", "no listener"}, {"wrong key on mail", "ufw on mail drops the tunnel"}, {"a rule on mail drops the tunnel", "udp dropped, asked of a port"},
	{"a rule on mail drops the tunnel", "answers dropped in forwarding"}, {"ufw on mail drops the tunnel", "another VPN's policy rules"},
	{"no listener", "provider drops answers of the mail host"}, {"another VPN's policy rules", "answers dropped in forwarding"},
}

func cutNamed(t *testing.T, name string) cut {
	i := slices.IndexFunc(cuts, func(c cut) bool { return c.name == name })
	if i < 0 {
		t.Fatalf("%q is no cut", name)
	}
	return cuts[i]
}

// unchanged wants nothing to be left on the hosts.
func unchanged(t *testing.T, l *Lab, was map[string]string) {
	t.Helper()
	for host, before := range was {
		const left = `grep -h postern- /proc/net/unix; tail -n +2 /proc/net/packet; ps -A -o args | grep '[p]ostern-capture'; :`
		out := ""
		if err := poll(t.Context(), time.Minute, func() bool { out = want(t, l, host, "sh", "-c", left); return out == "" }); err != nil {
			t.Errorf("left on %s:\n%s", host, out)
		}
		if diff := apart(printOf(t, l, host), before); diff != "" {
			t.Errorf("changed on %s:\n%s", host, diff)
		}
	}
}

// killedAsking kills the program, and what it runs on the hosts, in the middle.
func killedAsking(t *testing.T, l *Lab, o *operator, healthy map[string]string) {
	begun := func(host string) bool {
		return want(t, l, host, "sh", "-c", "grep -c postern- /proc/net/unix || :") != "0"
	}
	for _, kill := range []string{"program", "proxy", "mail"} {
		cmd := o.command(t.Context(), "why", "tunnel", "--yes")
		ownGroup(cmd, syscall.SIGKILL)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if err := poll(t.Context(), time.Minute, func() bool { return begun("proxy") && begun("mail") }); err != nil {
			t.Fatal("it does not begin")
		}
		if kill == "program" {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		} else {
			want(t, l, kill, "sh", "-c", "pkill -KILL -f '[p]ostern-capture'")
		}
		_ = cmd.Wait()
		unchanged(t, l, healthy)
	}
}

// whySite is a site that works, with services, and others in the world that answer at its ports.
func whySite(t *testing.T, l *Lab) *operator {
	t.Helper()
	o := newOperator(t, l, nil)
	onBoth(t, func(host string) error {
		_, err := l.Exec(t.Context(), host, "sh", "-ec", "apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get -qqy install nftables >/dev/null")
		return err
	})
	o.run(0, "apply", "network", "firewall", "wireguard", "--yes")
	for _, port := range []string{"993", "465"} {
		listen(t, l, "10.0.0.2", port)
	}
	serve(t, l, "proxy", ":25")
	for _, addr := range []string{worldAddress, "2001:db8:77::77"} {
		for _, port := range []string{"25", "465", "993"} {
			if at := net.JoinHostPort(addr, port); reaches(t.Context(), l, "world", at) != nil {
				serve(t, l, "world", at)
			}
		}
	}
	names := ""
	for _, name := range []string{"gmail-smtp-in.l.google", "smtp.gmail", "imap.gmail", "www.google"} {
		names += name + " A " + worldAddress + "\n" + name + " AAAA 2001:db8:77::77\n"
	}
	if err := l.Publish("com.", names, "registrar"); err != nil {
		t.Fatal(err)
	}
	return o
}

func printsOf(t *testing.T, l *Lab) map[string]string {
	t.Helper()
	return map[string]string{"proxy": printOf(t, l, "proxy"), "mail": printOf(t, l, "mail")}
}

// breaks makes the fault.
func (c cut) breaks(t *testing.T, l *Lab) {
	want(t, l, c.on, "sh", "-c", strings.NewReplacer("@4", "iptables -w", "@6", "ip6tables -w").Replace(c.make))
}

// prove breaks it, wants it named, mends it as was said, and wants it to work, or another fault to be told.
func (c cut) prove(t *testing.T, l *Lab, o *operator) { c.prove2(t, l, o, nil) }

func (c cut) prove2(t *testing.T, l *Lab, o *operator, then *cut) {
	o = &operator{t: t, l: l, node: o.node, site: o.site, flags: o.flags}
	c.breaks(t, l)
	all, at := c.told(t, o)
	c.mend(t, l, o, all, at)
	if then != nil {
		all, at := then.told(t, o)
		then.mend(t, l, o, all, at)
	}
	if c.undo == ":" {
		return
	}
	if all, raw := o.why(c.port); slices.ContainsFunc(all, func(d why) bool { return d.Broken >= 0 || d.Confidence == "open" }) {
		t.Errorf("mended, and still\n%s\n%s", summary(all), raw)
	}
}

// told wants the fault to be told, in one line, with what mends it.
func (c cut) told(t *testing.T, o *operator) (all []why, at int) {
	t.Helper()
	all, raw := o.why(c.port)
	at = slices.IndexFunc(all, func(d why) bool { return d.Broken >= 0 })
	if at < 0 || !c.words.MatchString(all[at].Words) || !c.do.MatchString(all[at].Action) || strings.Contains(all[at].Words, "\n") {
		t.Errorf("want %s, and %s, in\n%s\n%s", c.words, c.do, summary(all), raw)
	} else if over6 := strings.HasSuffix(all[at].Name, "IPv6"); over6 != c.six {
		t.Errorf("the family is wrong:\n%s", summary(all))
	}
	for _, d := range all {
		if d.Signals["public"] == nil || d.Signals["proxy"] == nil {
			t.Errorf("no raw signals of %s", d.Name)
		}
	}
	return all, at
}

// mend does what was said, or takes the fault away where no command does.
func (c cut) mend(t *testing.T, l *Lab, o *operator, all []why, at int) {
	undone := strings.NewReplacer(" -I ", " -D ", "@4", "iptables -w", "@6", "ip6tables -w").Replace(c.make)
	action, on := "", ""
	if at >= 0 {
		action, on = all[at].Action, all[at].On
	}
	command, ours := strings.CutPrefix(action, "postern ")
	switch {
	case ours && strings.Contains(command, "apply"):
		out, code := o.try(append(strings.Fields(command), "--yes")...)
		if code != 0 {
			t.Logf("postern %s: exit %d\n%s", command, code, out)
		}
	case on != "" && is(`^(ufw|nft|ip|iptables|iptables-legacy|systemctl|sysctl|docker)\b`).MatchString(action), c.undo == "" && strings.HasPrefix(action, "fail2ban-client "):
		want(t, l, on, "sh", "-c", strings.NewReplacer("ufw delete", "ufw --force delete").Replace(action))
	case c.undo != "":
		want(t, l, c.on, "sh", "-c", c.undo)
	case strings.Contains(c.make, "systemctl stop peer-"):
		port := strings.Fields(strings.SplitN(c.make, "peer-", 2)[1])[0][:3]
		want(t, l, c.on, "sh", "-c", "systemctl stop peer-aside 2>/dev/null || :")
		listen(t, l, "10.0.0.2", port)
	default:
		want(t, l, c.on, "sh", "-c", undone)
	}
}

func summary(all []why) string {
	var b strings.Builder
	for _, d := range all {
		fmt.Fprintf(&b, "%s: %d %s\n  do %s: %s\n", d.Name, d.Broken, d.Words, d.On, d.Action)
	}
	return b.String()
}
