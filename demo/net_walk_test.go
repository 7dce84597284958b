package demo

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// joined is a world with a tunnel between both hosts and a firewall on each, made by hand.
func joined(t *testing.T, o Options) *World {
	t.Helper()
	o.Speed = 100
	w, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	public := map[*Host]string{}
	for _, h := range w.hosts() {
		for _, name := range []string{"iptables", "ufw", "wireguard-tools"} {
			h.unpack(packages[name])
		}
		public[h] = strings.TrimSpace(do(t, h, "umask 077; wg genkey > /etc/wireguard/wg0.key; wg pubkey < /etc/wireguard/wg0.key"))
	}
	conf := func(h *Host, head, peer string) {
		do(t, h, "cat > /etc/wireguard/wg0.conf <<END\n[Interface]\nPrivateKey = $(cat /etc/wireguard/wg0.key)\n"+head+"\n[Peer]\n"+peer+"\nEND\nsystemctl enable --now wg-quick@wg0 2>/dev/null")
	}
	conf(w.Proxy, "Address = 10.0.0.1/24\nListenPort = 51820", "PublicKey = "+public[w.Mail]+"\nAllowedIPs = 10.0.0.2/32")
	conf(w.Mail, "Address = 10.0.0.2/24\nTable = off\nPostUp = ip rule add pref 7 from 10.0.0.2 table 77; ip route replace default dev %i table 77",
		"PublicKey = "+public[w.Proxy]+"\nEndpoint = 203.0.113.10:51820\nAllowedIPs = 0.0.0.0/0\nPersistentKeepalive = 25")
	do(t, w.Proxy, `sysctl -qw net.ipv4.ip_forward=1
iptables -P INPUT DROP; iptables -P FORWARD DROP
iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT; iptables -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
iptables -A INPUT -p udp --dport 51820 -j ACCEPT; iptables -A INPUT -p tcp -m multiport --dports 22,25 -j ACCEPT
iptables -A FORWARD -i eth0 -o wg0 -d 10.0.0.2 -p tcp --dport 993 -j ACCEPT
iptables -t nat -A PREROUTING -i eth0 -d 203.0.113.10 -p tcp --dport 993 -j DNAT --to-destination 10.0.0.2:993`)
	do(t, w.Mail, `iptables -P INPUT DROP; iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT; iptables -A INPUT -s 192.168.50.0/24 -p tcp --dport 22 -j ACCEPT
iptables -A INPUT -i wg0 -d 10.0.0.2 -p tcp --dport 993 -j ACCEPT; iptables -A INPUT -i wg0 -s 10.0.0.1 -j ACCEPT`)
	return w
}

func do(t *testing.T, h *Host, script string) string {
	t.Helper()
	out, code := shOut(h, script)
	if code != 0 {
		t.Fatalf("%s: %s: %d %s", h.Name, script, code, out)
	}
	return out
}

// greeter listens on a host and greets each with the address it is seen under.
func greeter(t *testing.T, h *Host, at string) {
	t.Helper()
	_, stop, err := h.listen(netip.MustParseAddrPort(at), func(c net.Conn) {
		io.WriteString(c, c.RemoteAddr().(*net.TCPAddr).IP.String()+"\n")
		c.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
}

// meets is what a dial comes to: an error's name, silent, or open and as whom the other end saw it.
func meets(w *World, from *Host, to string) string {
	x := w.send(from, packet{proto: "tcp", dst: netip.MustParseAddrPort(to), state: "NEW", size: 60})
	if x.fate == lost {
		return "silent"
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := w.dialFrom(ctx, from, "tcp", to)
	for errno, word := range map[syscall.Errno]string{syscall.ECONNREFUSED: "refused", syscall.EHOSTUNREACH: "unreachable", syscall.ENETUNREACH: "no route"} {
		if errors.Is(err, errno) {
			return word
		}
	}
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	text, _ := io.ReadAll(c)
	return "open to " + strings.TrimSpace(string(text))
}

// TestWays dials from every place to where it matters, with one thing different each time.
func TestWays(t *testing.T) {
	const client = "open to 198.51.100.7"
	for _, c := range []struct {
		what        string
		proxy, mail string // scripts that change something first
		from        string // here, proxy or mail
		to, want    string
		faults      []string
	}{
		{what: "a forwarded port, with the client's own address", to: "203.0.113.10:993", want: client},
		{what: "without forwarding", proxy: "sysctl -qw net.ipv4.ip_forward=0", to: "203.0.113.10:993", want: "silent"},
		{what: "without the rule that forwards", proxy: "iptables -F FORWARD", to: "203.0.113.10:993", want: "silent"},
		{what: "without DNAT", proxy: "iptables -t nat -F", to: "203.0.113.10:993", want: "silent"},
		{what: "masqueraded", proxy: "iptables -t nat -A POSTROUTING -o wg0 -j MASQUERADE", to: "203.0.113.10:993", want: "open to 10.0.0.1"},
		{what: "answers that leave by the host's own way", mail: "ip rule del pref 7", to: "203.0.113.10:993", want: "silent"},
		{what: "a strict reverse-path filter, which knows no way back", mail: "ip rule del pref 7; sysctl -qw net.ipv4.conf.all.rp_filter=1", to: "203.0.113.10:993", want: "silent"},
		{what: "the loose one", mail: "sysctl -qw net.ipv4.conf.wg0.rp_filter=2", to: "203.0.113.10:993", want: client},
		{what: "the mail host's filter", mail: "iptables -D INPUT -i wg0 -d 10.0.0.2 -p tcp --dport 993 -j ACCEPT", to: "203.0.113.10:993", want: "silent"},
		{what: "a peer that takes only the proxy's address", mail: "wg set wg0 peer $(wg show wg0 peers) allowed-ips 10.0.0.1/32", to: "203.0.113.10:993", want: "silent"},
		{what: "the tunnel is down on the mail host", mail: "wg-quick down wg0 2>/dev/null", to: "203.0.113.10:993", want: "silent"},
		{what: "another key", mail: "wg genkey > /tmp/k; wg set wg0 private-key /tmp/k", to: "203.0.113.10:993", want: "silent"},
		{what: "the tunnel's port closed before they met", proxy: "iptables -D INPUT -p udp --dport 51820 -j ACCEPT; systemctl restart wg-quick@wg0 2>/dev/null", to: "203.0.113.10:993", want: "silent"},
		{what: "the wrong endpoint", mail: "sed -i s/51820/51821/ /etc/wireguard/wg0.conf; systemctl restart wg-quick@wg0 2>/dev/null",
			proxy: "iptables -I INPUT -p udp -j ACCEPT", to: "203.0.113.10:993", want: "silent"},
		{what: "a secret that only one of them has", mail: "wg genpsk > /tmp/k; wg set wg0 peer $(wg show wg0 peers) preshared-key /tmp/k", to: "203.0.113.10:993", want: "silent"},
		{what: "a closed port", to: "203.0.113.10:80", want: "silent"},
		{what: "an open port at which nobody listens", to: "203.0.113.10:25", want: "refused"},
		{what: "rejected", proxy: "iptables -I INPUT -p tcp --dport 25 -j REJECT", to: "203.0.113.10:25", want: "refused"},
		{what: "prohibited", proxy: "iptables -I INPUT -p tcp --dport 25 -j REJECT --reject-with icmp-admin-prohibited", to: "203.0.113.10:25", want: "unreachable"},
		{what: "the provider", to: "203.0.113.10:25", want: "silent", faults: []string{"port25"}},
		{what: "answers that the host itself drops", proxy: "iptables -P OUTPUT DROP", to: "203.0.113.10:25", want: "silent"},
		{what: "through the tunnel", from: "proxy", to: "10.0.0.2:993", want: "open to 10.0.0.1"},
		{what: "an address of the tunnel that nobody has", from: "proxy", to: "10.0.0.9:993", want: "unreachable"},
		{what: "from the mail host back", from: "mail", proxy: "iptables -A INPUT -i wg0 -s 10.0.0.2 -j ACCEPT; ip route", mail: "ip route replace 10.0.0.0/24 dev wg0", to: "10.0.0.1:2526", want: "refused"},
		{what: "the home network from outside", from: "proxy", to: "198.51.100.7:22", want: "silent"},
		{what: "the home network over IPv6", from: "proxy", to: "[2001:db8:50::2]:22", want: "silent"},
		{what: "a neighbour that is not there", from: "mail", to: "192.168.50.77:22", want: "unreachable"},
		{what: "itself", from: "mail", mail: "iptables -A INPUT -i lo -j ACCEPT", to: "127.0.0.1:993", want: "refused"},
		{what: "no route", from: "mail", mail: "ip route del default", to: "203.0.113.10:25", want: "no route"},
		{what: "IPv6, which no rule filters yet", to: "[2001:db8:113::10]:80", want: "refused"},
	} {
		t.Run(c.what, func(t *testing.T) {
			w := joined(t, Options{Faults: c.faults})
			greeter(t, w.Mail, "10.0.0.2:993")
			for _, one := range []struct {
				h      *Host
				script string
			}{{w.Proxy, c.proxy}, {w.Mail, c.mail}} {
				if one.script != "" {
					do(t, one.h, one.script)
				}
			}
			from := map[string]*Host{"proxy": w.Proxy, "mail": w.Mail}[c.from]
			if got := meets(w, from, c.to); got != c.want {
				t.Errorf("%s is %s, want %s", c.to, got, c.want)
			}
		})
	}
}

// TestTunnel looks at what wg shows of a tunnel that works, and of one that cannot.
func TestTunnel(t *testing.T) {
	w := joined(t, Options{})
	do(t, w.Mail, "ip route replace 10.0.0.0/24 dev wg0; ping -c 1 -W 1 10.0.0.1 || :")
	peer := strings.Fields(do(t, w.Mail, "wg show wg0 dump | tail -n 1"))
	if len(peer) != 8 || peer[4] == "0" || peer[5] == "0" || peer[7] != "25" {
		t.Errorf("the mail host shows %q", peer)
	}
	back := strings.Fields(do(t, w.Proxy, "wg show wg0 dump | tail -n 1"))
	if len(back) != 8 || !strings.HasPrefix(back[2], "198.51.100.7:") || back[5] != peer[6] || back[6] != peer[5] {
		t.Errorf("the proxy shows %q, the mail host %q", back, peer)
	}
	greeter(t, w.Mail, "10.0.0.2:993")
	if got := meets(w, nil, "203.0.113.10:993"); got != "open to 198.51.100.7" {
		t.Error(got)
	}
	if grown := strings.Fields(do(t, w.Proxy, "wg show wg0 dump | tail -n 1")); len(grown) != 8 || len(grown[5]) < len(back[5]) || grown[5] == back[5] {
		t.Errorf("nothing was counted: %q, then %q", back, grown)
	}
	big := "ping -c 1 -W 0 -M do -s 1392 10.0.0.2 >/dev/null; echo $?; ping -c 1 -W 0 -M do -s 1393 10.0.0.2 2>&1 | grep -c 'too long'"
	if out := do(t, w.Proxy, big); out != "0\n1\n" {
		t.Errorf("the tunnel's size: %q", out)
	}
	small := joined(t, Options{Faults: []string{"mtu"}})
	if out := do(t, small.Proxy, big+"; ping -c 1 -W 0 -M do -s 1312 10.0.0.2 >/dev/null; echo $?"); out != "1\n1\n0\n" {
		t.Errorf("with a path that is too small: %q", out)
	}
	apart, _ := New(Options{})
	defer apart.Close()
	apart.Mail.unpack(packages["wireguard-tools"])
	if out := do(t, apart.Mail, "ip link show dev wg0 2>/dev/null; wg show"); out != "" {
		t.Errorf("a host without a tunnel shows %q", out)
	}
}

// TestRebootForgets wants of a host that was switched off and on only what is on its disk.
func TestRebootForgets(t *testing.T) {
	w := joined(t, Options{})
	do(t, w.Proxy, "mkdir -p /etc/sysctl.d; echo net.ipv4.conf.all.log_martians = 1 > /etc/sysctl.d/60-x.conf; ip route add 192.0.2.0/24 dev eth0")
	w.Proxy.reboot()
	out := do(t, w.Proxy, "iptables-save; sysctl -n net.ipv4.ip_forward net.ipv4.conf.all.log_martians; ip route | grep 192.0.2 || :; wg show interfaces; ls /sys/class/net; ls /proc/sys/net/ipv4/conf")
	if want := "0\n1\nwg0\neth0\nlo\nwg0\nall\ndefault\neth0\nlo\nwg0\n"; out != want {
		t.Errorf("after a reboot: %q, want %q", out, want)
	}
}

// TestConnectionsEnd wants that a connection ends with the host it is to, and is shown by ss for as long as it stands.
func TestConnectionsEnd(t *testing.T) {
	w := joined(t, Options{})
	held := make(chan net.Conn, 1)
	if _, _, err := w.Mail.listen(netip.MustParseAddrPort("10.0.0.2:993"), func(c net.Conn) { held <- c }); err != nil {
		t.Fatal(err)
	}
	c, err := w.dialFrom(context.Background(), nil, "tcp", "203.0.113.10:993")
	if err != nil {
		t.Fatal(err)
	}
	defer (<-held).Close()
	const see = "ss -Htn state established '( sport = :993 )' | awk '{ print $3, $4 }'"
	if out := do(t, w.Mail, see); !strings.HasPrefix(out, "10.0.0.2:993 198.51.100.7:") {
		t.Errorf("ss shows %q", out)
	}
	w.Mail.reboot()
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the connection goes on: %d %v", n, err)
	}
	if out := do(t, w.Mail, see); out != "" {
		t.Errorf("after the reboot ss shows %q", out)
	}
	c.Close()
}

// TestTunnelKeepsItselfAlive moves the clock, and wants the mail host's packets that keep the tunnel open, and new handshakes.
func TestTunnelKeepsItselfAlive(t *testing.T) {
	var passed atomic.Int64
	w := joined(t, Options{Now: func() time.Time {
		return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC).Add(time.Duration(passed.Load()))
	}})
	show := func(h *Host) (shaken, rx, tx string) {
		f := strings.Fields(do(t, h, "wg show wg0 dump | tail -n 1"))
		return f[4], f[5], f[6]
	}
	first, _, _ := show(w.Mail)
	_, before, _ := show(w.Proxy)
	passed.Add(int64(time.Minute))
	again, _, _ := show(w.Mail)
	if _, after, _ := show(w.Proxy); after == before || again != first {
		t.Errorf("after a minute the proxy has received %s, before %s; handshakes at %s and %s", after, before, first, again)
	}
	passed.Add(int64(70 * time.Second))
	if third, _, _ := show(w.Mail); third == first {
		t.Error("no new handshake after two minutes")
	}
	do(t, w.Proxy, "wg-quick down wg0 2>/dev/null")
	passed.Add(int64(10 * time.Minute))
	stale, _, _ := show(w.Mail)
	if was, _, _ := show(w.Mail); was != stale {
		t.Error("a tunnel without another end shakes hands")
	}
}
