//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// healthy is a site as somebody may well have it, on hosts with things of their owner's own: nothing is wrong with it.
type healthy struct {
	seed    uint64
	answers map[string]string
	seat    string // direct; jump: to mail through the proxy and the tunnel; local: on mail
	own     []own
}

// own is what the owner of a host has on it, which does no harm.
type own struct{ name, host, make, undo string }

// drawnAnswers are the answers that differ, each with the values that it may have, the usual one first.
var drawnAnswers = [][]string{
	{"tunnel.network", "10.0.0.0/24", "10.77.0.0/24", "172.29.5.0/28"}, {"tunnel.network6", "", "fd77:1::/64"}, {"tunnel.port", "51820", "51999"}, {"tunnel.mtu", "", "1380"},
	{"ports.imaps", "993", "1993"}, {"ports.submissions", "465", "1465"}, {"ports.submission", "587", "1587"}, {"ports.relay", "2526", "2627"}, {"ports.web", "8443", "9443"},
	{"ports.http", "80", "8080"}, {"ports.https", "443", "4443"}, {"clients.addresses", "preserve", "masquerade"}, {"mail.path", "haraka", "direct"}, {"mail.lan", "", "192.168.50.0/24"},
	{"from.imaps", "", "198.51.100.0/24, 2001:db8:50::/48"}, {"from.submission", "", "198.51.100.0/24, 2001:db8:50::/48, 203.0.113.128/25"}, {"from.smtp", "", "198.51.100.0/24, 2001:db8:50::/48, 2001:db8:77::/64"},
	{"from.https", "", "198.51.100.0/24, 2001:db8:50::/48"}, {"host.proxy.ssh_from", "", "198.51.100.0/24, 203.0.113.128/25"},
}

// owns are made before the site is, and taken away after it.
var owns = []own{
	{"rules of ufw's", "proxy", "ufw deny 3306/tcp; ufw deny from 192.0.2.0/24; ufw deny out 6667/tcp; ufw reject from 192.0.2.77 to any port 25 proto tcp",
		"ufw --force delete deny 3306/tcp; ufw --force delete deny from 192.0.2.0/24; ufw --force delete deny out 6667/tcp; ufw --force delete reject from 192.0.2.77 to any port 25 proto tcp"},
	{"rules of ufw's", "mail", "ufw deny 23/tcp; ufw reject from 192.0.2.0/24; ufw limit in on eth0 to any port 2222 proto tcp", "ufw --force delete deny 23/tcp; ufw --force delete reject from 192.0.2.0/24; ufw --force delete limit in on eth0 to any port 2222 proto tcp"},
	{"a table that counts", "proxy", "nft add table inet counts; nft add chain inet counts in '{ type filter hook prerouting priority -310; policy accept; }'; nft add rule inet counts in tcp dport '{ 25, 993 }' counter", "nft delete table inet counts"},
	{"a blocklist of nft's", "proxy", blocklist, "nft delete table inet blocks"},
	{"a blocklist of nft's", "mail", blocklist, "nft delete table inet blocks"},
	{"bans of others", "proxy", "iptables -N f2b-postfix; iptables -A f2b-postfix -s 192.0.2.66 -j REJECT; iptables -A f2b-postfix -j RETURN; iptables -I INPUT -p tcp -m multiport --dports 25,465 -j f2b-postfix",
		"iptables -D INPUT -p tcp -m multiport --dports 25,465 -j f2b-postfix; iptables -F f2b-postfix; iptables -X f2b-postfix"},
	{"rules of iptables", "mail", "iptables -I INPUT -s 192.0.2.99 -j DROP; iptables -I OUTPUT -d 192.0.2.0/24 -j REJECT", "iptables -D INPUT -s 192.0.2.99 -j DROP; iptables -D OUTPUT -d 192.0.2.0/24 -j REJECT"},
	{"smaller segments", "proxy", "iptables -t mangle -I FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu", "iptables -t mangle -D FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu"},
	{"another VPN", "mail", otherVPN, "systemctl disable -q --now wg-quick@vpn; rm /etc/wireguard/vpn.conf; ip rule del pref 5270; ip route flush table 52"},
	{"another VPN", "proxy", otherVPN, "systemctl disable -q --now wg-quick@vpn; rm /etc/wireguard/vpn.conf; ip rule del pref 5270; ip route flush table 52"},
	{"a container", "mail", ownContainer, "docker rm -f own"},
	{"a container", "proxy", ownContainer, "docker rm -f own"},
}

const (
	blocklist = `nft add table inet blocks; nft add set inet blocks bad '{ type ipv4_addr; flags interval; elements = { 192.0.2.0/26 }; }'
nft add chain inet blocks in '{ type filter hook prerouting priority -150; policy accept; }'; nft add rule inet blocks in ip saddr @bad counter drop`
	// Its rule of routing is as Tailscale has it: after all others, and it knows a few addresses only.
	otherVPN = `umask 77; mkdir -p /etc/wireguard; printf '[Interface]\nPrivateKey = %s\nListenPort = 51821\nAddress = 10.99.0.1/24\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.99.0.0/24\n' "$(wg genkey)" "$(wg genkey | wg pubkey)" >/etc/wireguard/vpn.conf
systemctl enable -q --now wg-quick@vpn; ip route add 100.64.0.0/10 dev vpn table 52; ip rule add pref 5270 lookup 52`
	ownContainer = `docker run -d --name own -p 127.0.0.1:8888:80 -p 127.0.0.1:25025:25 own perl /peer.pl 0.0.0.0 80`
)

// batchOf is which of the labs a site is for: of the interface's name and of Docker there is one kind a lab, because a change of them is dear.
func batchOf(seed uint64) int { return int(seed % 4) }

// drawHealthy makes a site of a seed, and always the same.
func drawHealthy(seed uint64) healthy {
	g := rand.New(rand.NewPCG(seed, 11))
	h := healthy{seed: seed, answers: map[string]string{"tunnel.interface": []string{"wg0", "home7"}[batchOf(seed)%2], "host.mail.keep": "", "host.proxy.keep": ""}}
	for _, a := range drawnAnswers {
		if h.answers[a[0]] = a[1]; g.IntN(5) < 2 {
			h.answers[a[0]] = a[2+g.IntN(len(a)-2)]
		}
	}
	if h.answers["mail.path"] == "direct" {
		h.answers["clients.addresses"] = "preserve"
	}
	h.seat = []string{"direct", "direct", "jump", "local"}[g.IntN(4)]
	for _, o := range owns {
		if needsDocker := strings.Contains(o.make, "docker"); g.IntN(4) == 0 && (!needsDocker || batchOf(seed) > 1) {
			h.own = append(h.own, o)
			if strings.Contains(o.make, "ListenPort") {
				h.answers["host."+o.host+".keep"] = "51821/udp"
			}
		}
	}
	return h
}

// String tells what differs from the usual.
func (h healthy) String() string {
	said := []string{fmt.Sprintf("seed %d, %s", h.seed, h.seat)}
	for _, a := range drawnAnswers {
		if h.answers[a[0]] != a[1] {
			said = append(said, a[0]+"="+h.answers[a[0]])
		}
	}
	for _, o := range h.own {
		said = append(said, o.name+" on "+o.host)
	}
	return strings.Join(said, ", ")
}

// mailAddress is the mail host's in the tunnel.
func (h healthy) mailAddress() string {
	network, _, _ := strings.Cut(h.answers["tunnel.network"], "/")
	return strings.TrimSuffix(network, ".0") + ".2"
}

// healthyChapters are those that need no mail server, and no names that are published.
var healthyChapters = []string{"network", "firewall", "wireguard", "haraka"}

// TestHealthy: of sites that work, whatever their ports, networks, families, ways in and neighbours, nothing is told to be wrong. With
// POSTERN_TORTURE there are 100, on four labs side by side; POSTERN_SEED=N takes one alone, N,M one after the other.
func TestHealthy(t *testing.T) {
	t.Parallel()
	batches := make([][]healthy, 4)
	for seed := range uint64(100) {
		if batch := batchOf(seed); torture() || batch == 0 && len(batches[0]) < 4 {
			batches[batch] = append(batches[batch], drawHealthy(seed))
		}
	}
	if only := os.Getenv("POSTERN_SEED"); only != "" {
		batches = make([][]healthy, 4)
		for text := range strings.SplitSeq(only, ",") {
			seed, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			batches[batchOf(seed)] = append(batches[batchOf(seed)], drawHealthy(seed))
		}
	}
	for i, batch := range batches {
		if len(batch) == 0 {
			continue
		}
		slices.SortStableFunc(batch, func(a, b healthy) int { return strings.Compare(b.answers["mail.path"], a.answers["mail.path"]) }) // from one path to the other takes its time
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			suite := []string{"trixie", "bookworm", "trixie", "bookworm"}[i]
			m := healthyLab(t, suite, i > 1)
			for _, h := range batch {
				began := time.Now()
				if !t.Run(fmt.Sprint(h.seed), func(t *testing.T) { h.prove(t, m) }) && t.Context().Err() != nil {
					return
				}
				t.Logf("%s: %s", time.Since(began).Round(time.Second), h)
			}
		})
	}
}

// healthyLab has a mail server that listens at every port that is drawn, and others of the owner's programs.
func healthyLab(t *testing.T, suite string, docker bool) mailed {
	m := newMailed(t, "haraka", Options{Suite: suite, Mail: "plain"})
	onBoth(t, func(host string) error {
		_, err := m.l.Exec(t.Context(), host, "sh", "-ec", "apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get -qqy --no-install-recommends install ufw nftables wireguard-tools wireguard-go iptables >/dev/null")
		return err
	})
	want(t, m.l, "mail", "sh", "-ec", `cd /etc/postfix; { sed -n '/^smtps/,/syslog_name/p' master.cf | sed s/^smtps/1465/; sed -n '/^submission/,/syslog_name/p' master.cf | sed s/^submission/1587/; } >more; cat more >>master.cf; rm more
printf 'service imap-login {\n  inet_listener imaps-also {\n    port = 1993\n    ssl = yes\n  }\n}\n' >>/etc/dovecot/dovecot.conf; systemctl restart postfix dovecot`)
	for _, port := range []string{"80", "8080", "443", "4443"} { // chapter 7 is by hand
		serve(t, m.l, "proxy", ":"+port)
	}
	if docker {
		onBoth(t, func(host string) error { return ownDocker(t, m.l, host) })
	}
	return m
}

// ownDocker has Docker of the distribution's on a host, its layers in memory, and an image of a listener.
func ownDocker(t testing.TB, l *Lab, host string) error {
	cmd, err := l.Command(t.Context(), host, "sh", "-ec", dockerGroups+`cat >/peer.pl; mkdir -p /var/lib/docker; mountpoint -q /var/lib/docker || mount -t tmpfs docker /var/lib/docker
apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get -qqy --no-install-recommends install $0 >/dev/null
tar -chf - /peer.pl /usr/bin/perl /usr/lib/*-linux-gnu/perl-base $(ldd /usr/bin/perl | grep -o '/[^ ]*') 2>/dev/null | docker import - own`, strings.ReplaceAll(dockerPackages(l.Suite), ",", " "))
	if err != nil {
		return err
	}
	cmd.Stdin = thePeer(t)
	_, err = runCmd(cmd)
	return err
}

// prove brings the site about, and wants nothing to be told of it.
func (h healthy) prove(t *testing.T, m mailed) {
	t.Log(h)
	m = mailed{&operator{t: t, l: m.l, node: m.node, site: m.site}, m.l}
	for _, o := range h.own {
		want(t, m.l, o.host, "sh", "-ec", o.make)
	}
	defer func() {
		for _, o := range h.own {
			want(t, m.l, o.host, "sh", "-c", o.undo)
		}
	}()
	key, err := m.l.Fingerprint(t.Context(), "mail")
	if err != nil {
		t.Fatal(err)
	}
	sets := []string{"--save", "--set", "host.mail.fingerprint=" + key}
	for key, value := range h.answers {
		sets = append(sets, "--set", key+"="+value)
	}
	m.applied(sets...)
	m.publish(m.l.dkimLine(t))
	switch h.seat {
	case "jump":
		m.flags = []string{"--set", "host.mail.ssh=root@" + h.mailAddress(), "--set", "host.mail.jump=proxy"}
		m.applied()
	case "local":
		if _, err := m.l.Exec(t.Context(), "mail", "test", "-e", "/root/.ssh/id_ed25519"); err == nil {
			want(t, m.l, "mail", "rm", "/root/.ssh/id_ed25519")
		}
		m.moveTo("mail")
		m.flags = []string{"--set", "host.mail.ssh=", "--set", "host.mail.local=true"}
	}
	h.wantNothing(t, m)
}

// applied applies the chapters that are not by hand; what is found then is asked again, and told.
func (m mailed) applied(flags ...string) {
	m.t.Helper()
	out, code := m.try(slices.Concat(flags, []string{"apply", "--yes"}, healthyChapters)...)
	if code > 2 || !strings.Contains(out, "Done: confirmed") && !strings.Contains(out, "Nothing to change") {
		m.t.Fatalf("apply: exit %d\n%s", code, tail(out, 6000))
	}
}

// mayWarn are the checks that warn of such a site, and why they should.
var mayWarn = map[string]func(healthy) bool{
	// a list of addresses may hold whoever it likes, and what it holds is not read
	"firewall.rules": func(h healthy) bool {
		return slices.ContainsFunc(h.own, func(o own) bool { return o.make == blocklist })
	},
	// through the proxy and the tunnel there is one way to mail; and what ssh_from leaves out of the proxy's ways is closed
	"host.ways": func(h healthy) bool { return h.seat == "jump" || h.answers["host.proxy.ssh_from"] != "" },
}

// wantNothing asks everything there is to ask, and wants nothing to be wrong.
func (h healthy) wantNothing(t *testing.T, m mailed) {
	var checked struct {
		Results []result
		Causes  []cause
	}
	asked := func(doc any, args ...string) {
		t.Helper()
		out, _ := m.command(t.Context(), append([]string{"--json"}, args...)...).Output()
		if err := json.Unmarshal(out, doc); err != nil {
			t.Fatalf("%s: %v\n%s", args, err, out)
		}
	}
	asked(&checked, append([]string{"check", "dns"}, healthyChapters...)...)
	if len(checked.Results) < 30 {
		t.Errorf("only %d results", len(checked.Results))
	}
	for _, r := range checked.Results {
		if warns := mayWarn[r.ID]; r.Result != "ok" && r.Result != "skip" && !(r.Result == "warn" && warns != nil && warns(h)) {
			t.Errorf("%s from %s: %s: saw %q, want %q, likely %q, fix %q\n%s", r.ID, r.From, r.Result, r.Saw, r.Want, r.Likely, r.Fix, r.Evidence)
		}
	}
	for _, c := range checked.Causes {
		if warns := mayWarn[strings.Split(c.Result, "@")[0]]; warns == nil || !warns(h) {
			t.Errorf("told as a cause: %s", c.Result)
		}
	}
	for _, port := range []string{"smtp", "http", "https", "submissions", "submission", "imaps", "tunnel", "ssh"} {
		for _, d := range first(m.why(port)) {
			blind := h.seat == "local" && strings.Contains(d.Words, "was not asked: it would be asked from mail itself")
			if d.Broken >= 0 || d.Confidence != "certain" && !blind {
				t.Errorf("why %s: %s: %s; %s", port, d.Name, d.Words, d.Action)
			}
		}
	}
	var outward struct {
		Open    bool
		State   string
		Results []result
	}
	if asked(&outward, "port25"); !outward.Open {
		t.Errorf("port25: %s", outward.State)
	}
	for _, r := range outward.Results {
		if r.Result != "ok" && r.Result != "skip" {
			t.Errorf("port25: %s: %s: %s", r.ID, r.Result, r.Saw)
		}
	}
}

func first[A, B any](a A, _ B) A { return a }
