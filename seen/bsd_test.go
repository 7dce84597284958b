package seen

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"postern/remote"
)

// bsd are answers of a FreeBSD that booted, by fact; what that one had not was added in the form of its tools.
var bsd = map[string]string{
	"system": "== kernel\nFreeBSD\n== init\nother\n== release\nNAME=FreeBSD\nVERSION=\"15.1-RELEASE-p1\"\nVERSION_ID=\"15.1\"\nID=freebsd\n== freebsd\n15.1-RELEASE-p1\n",
	"addresses": `== ifconfig
vtnet0: flags=1008843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST,LOWER_UP> metric 0 mtu 1500
	options=880028<VLAN_MTU,JUMBO_MTU,LINKSTATE,HWSTATS>
	ether 52:54:00:12:34:56
	inet 10.0.2.15 netmask 0xffffff00 broadcast 10.0.2.255
	inet6 fe80::5054:ff:fe12:3456%vtnet0 prefixlen 64 scopeid 0x1
	inet6 2001:db8:113::10 prefixlen 64
	inet6 2001:db8:113::aa prefixlen 64 autoconf temporary
	media: Ethernet autoselect (10Gbase-T <full-duplex>)
	status: active
	nd6 options=29<PERFORMNUD,IFDISABLED,AUTO_LINKLOCAL>
lo0: flags=1008049<UP,LOOPBACK,RUNNING,MULTICAST,LOWER_UP> metric 0 mtu 16384
	options=680003<RXCSUM,TXCSUM,LINKSTATE,RXCSUM_IPV6,TXCSUM_IPV6>
	inet 127.0.0.1 netmask 0xff000000
	inet6 ::1 prefixlen 128
	inet6 fe80::1%lo0 prefixlen 64 scopeid 0x2
	groups: lo
	nd6 options=21<PERFORMNUD,AUTO_LINKLOCAL>
pflog0: flags=0 metric 0 mtu 33152
	options=0
	groups: pflog
wg0: flags=80c1<UP,RUNNING,NOARP,MULTICAST> metric 0 mtu 1420
	options=80000<LINKSTATE>
	inet 10.0.0.1 --> 10.0.0.1 netmask 0xffffff00
	groups: wg
	nd6 options=109<PERFORMNUD,IFDISABLED,NO_DAD>
== default inet
   route to: 0.0.0.0
destination: 0.0.0.0
       mask: 0.0.0.0
    gateway: 10.0.2.2
        fib: 0
  interface: vtnet0
      flags: <UP,GATEWAY,DONE,STATIC>
 recvpipe  sendpipe  ssthresh  rtt,msec    mtu        weight    expire
       0         0         0         0      1500         1         0 
== default inet6
== netstat
Routing tables

Internet:
Destination        Gateway            Flags         Netif Expire
default            10.0.2.2           UGS          vtnet0
10.0.2.0/24        link#1             U            vtnet0
10.0.2.15          link#2             UHS             lo0
127.0.0.1          link#2             UH              lo0

Internet6:
Destination                       Gateway                       Flags         Netif Expire
::1                               link#2                        UHS             lo0
fe80::%lo0/64                     link#2                        U               lo0
fe80::1%lo0                       link#2                        UHS             lo0
2001:db8:113::/64                 link#1                        U            vtnet0
== dhcp
vtnet0
`,
	"ssh": "== connection\n198.51.100.20 40001 10.0.2.15 2222\n== sshd\nport 2222\n== watch\nsshguard\n",
	"listeners": `== sockstat
USER COMMAND    PID FD PROTO LOCAL ADDRESS         FOREIGN ADDRESS      
root fagent    25  3 tcp4  *:2222                *:*                  
0    sshd      31  4 tcp6   *:22                  *:*
0    sshd      31  5 tcp46  *:24                  *:*
65   haraka in 40  7 tcp4   10.0.0.1:2526         *:*
0    ntpd      50  9 udp6   fe80::1%lo0:123       *:*
0    ntpd      50  9 udp6   ::1:123               *:*
0    ntpd      50  9 udp6   [::1]:124             *:*
?    ?          ?  ? udp4   *:51820               *:*
`,
	"size":     "== bytes\n521641984\n== swap\nDevice          1K-blocks     Used    Avail Capacity\n/dev/vtbd0p2      1048576        0  1048576     0%\n== disk\nFilesystem 1024-blocks  Used  Avail Capacity  Mounted on\n/dev/vtbd0      406703 83301 323402    20%    /\n",
	"tools":    "== tools\nwg\npf\nwireguard\nwireguard-tools\n",
	"clock":    "== now\n1795881692\n== synced\n",
	"sysctl":   "== live\nnet.inet.ip.forwarding 0\nnet.inet6.ip6.forwarding 1\n== files\n/etc/sysctl.conf:\n/etc/sysctl.conf:net.inet.ip.forwarding=0\n",
	"rcconf":   "== value\npf_enable=NO\npf_rules=/etc/pf.conf\npflog_enable=NO\npf_fallback_rules_enable=NO\ngateway_enable=YES\nipv6_gateway_enable=NO\n== set\ngateway_enable\n== tunnels\nwg0\n",
	"tunnel":   "== link\nwg0: flags=80c1<UP,RUNNING,NOARP,MULTICAST> metric 0 mtu 1400\n\tinet 10.0.0.1 --> 10.0.0.1 netmask 0xffffff00\n== now\n1795254690\n== interface\n" + aKey + " 51820\n== peers\n" + bKey + " 198.51.100.20:34095 10.0.0.2/32 1795254682 231260 231860 off none\n",
	"keys":     "== file\n" + aKey + "\n== conf\n",
	"keyfiles": "== files\n700 root:wheel Directory|/usr/local/etc/wireguard\n600 root:wheel Regular File|/usr/local/etc/wireguard/wg0.key\n== argv\n 812\n",
	"peers":    "== peers\n0 0 10.0.0.2:993 198.51.100.20:40000\n",
	"ping":     "== sizes\nreply 1420\nlimit 1400\n",
	"pfrules": `== skip
lo0
== drops
0
== main
nat on wg0 inet proto tcp from any to 10.0.0.2 port = 993 -> 10.0.0.1
rdr on vtnet0 inet proto tcp from any to (vtnet0) port = 993 -> 10.0.0.2
pass in quick on vtnet0 proto tcp from <admin> to any port = 2222 flags any no state
block drop in quick from <bruteforce> to any
block drop in log all
pass out all flags S/SA keep state
pass in on vtnet0 proto tcp from any to any port = 2222 flags S/SA keep state (source-track rule, max-src-conn 20, max-src-conn-rate 3/90, overload <bruteforce> flush)
pass in on vtnet0 inet proto tcp from any to 10.0.0.2 port = 993 flags S/SA keep state
anchor "f2b/*" all
== table admin
   198.51.100.20
== table bruteforce
== anchor f2b
== anchor f2b/sshd
block drop quick proto tcp from <bad> to any port = 2222
== table f2b/sshd/bad
   203.0.113.66
`,
	"pf": "== running\nyes\n== rules\n8\n== ours\n0\n== path\n/etc/pf.conf\n== text\n|# mine\n|\n|block in log\n|== end\n",
	"anchors": "== rules\n|rdr-anchor \"rdr/*\" all\n|  [ Evaluations: 9         Packets: 0         Bytes: 0           States: 0     ]\ntable ext_ip4 1 10.0.2.15\ntable bruteforce 2000\n" +
		"== anchor rdr\n== anchor rdr/dovecot\n|rdr inet proto tcp from any to <ext_ip4> port = 993 -> 172.16.15.15\n|  [ Evaluations: 7         Packets: 3         Bytes: 180         States: 1     ]\ntable mua 0\n",
	"toaster": "== jls\nname=dovecot ip4.addr=172.16.15.15 ip6.addr=fd7a:e5cd::f\nname=vnet1\n== conf\nfile /etc/jail.conf\nfile /etc/jail.conf.d/dovecot.conf\n|dovecot {\n|\t\tip4.addr = lo1|172.16.15.15;\n|\t\tip6.addr = lo1|fd7a:e5cd::f;\n" +
		"|\t\texec.created = \"/etc/mail-toaster/pfrule.sh load dovecot\";\n|\t\texec.poststop = \"/etc/mail-toaster/pfrule.sh unload dovecot\";\n|\t}\n== files\nfile /etc/mail-toaster/dovecot/pf.conf.d/rdr.conf\n|rdr on vtnet0\n|== end\n" +
		"== scripts\n/etc/mail-toaster/pfrule.sh runs named tables\n== feeders\nsshguard runs\nblacklistd is\nbruteforce expires\n== neighbours\n172.16.15.200 bridge0\nfe80::1%em0 em0\n" +
		"== connections\n172.16.15.9 172.16.15.15 993\nfd7a:e5cd::9 fd7a:e5cd::f 24\nsockets\nstates\n",
}

// What FreeBSD tells is whole or an error, like anything else.
func TestOnlyWholeAnswersOfFreeBSDCount(t *testing.T) {
	for _, e := range All() {
		text, kept := bsd[e.ID]
		if !kept {
			continue
		}
		if err := e.Tell(facts(map[string]string{e.ID: text})); err != nil {
			t.Errorf("%s: %v", e.ID, err)
		}
		whole := text + "== end\n"
		for n := range len(whole) - 1 {
			if err := e.Tell(remote.Facts{Answers: map[string]remote.Answer{e.ID: {Out: whole[:n]}}}); err == nil {
				t.Fatalf("%s: an answer that broke off is taken for a fact: %q", e.ID, whole[:n])
			}
		}
	}
}

func TestFreeBSDHost(t *testing.T) {
	h := Look(facts(bsd))
	if want := (System{"freebsd", "other", "freebsd", "15.1-RELEASE-p1"}); h.System != want {
		t.Errorf("system %+v", h.System)
	}
	if h.Device != "vtnet0" || h.Device6 != "" || h.Address4().String() != "10.0.2.15/24" || !h.Address4().Dynamic {
		t.Errorf("%s %s %+v", h.Device, h.Device6, h.Address4())
	}
	if got := fmt.Sprint(h.Address6()); got != "[2001:db8:113::10/64]" {
		t.Errorf("IPv6 %s", got)
	}
	if wg := h.On("wg0"); len(wg) != 1 || wg[0].String() != "10.0.0.1/24" || wg[0].Dynamic {
		t.Errorf("wg0 %+v", wg)
	}
	if doors := h.Doors("wg0"); len(doors) != 1 || doors[0].Name != "vtnet0" {
		t.Errorf("doors %+v", doors)
	}
	var routes []string
	for _, r := range h.Routes {
		routes = append(routes, r.To.String()+" "+r.Device)
	}
	if got, want := strings.Join(routes, ", "), "0.0.0.0/0 vtnet0, 10.0.2.0/24 vtnet0, 10.0.2.15/32 lo0, 127.0.0.1/32 lo0, ::1/128 lo0, fe80::/64 lo0, fe80::1/128 lo0, 2001:db8:113::/64 vtnet0"; got != want {
		t.Errorf("routes %s", got)
	}
	if h.Server.String() != "10.0.2.15:2222" || fmt.Sprint(h.Ports) != "[2222 22 24]" || fmt.Sprint(h.Watch) != "[sshguard]" {
		t.Errorf("%+v", h.Access)
	}
	any4, any6 := netip.IPv4Unspecified(), netip.IPv6Unspecified()
	want := []Listener{{"tcp", any6, 22, "sshd"}, {"tcp", netip.Addr{}, 24, "sshd"}, {"udp", netip.MustParseAddr("::1"), 123, "ntpd"},
		{"udp", netip.MustParseAddr("fe80::1"), 123, "ntpd"}, {"udp", netip.MustParseAddr("::1"), 124, "ntpd"}, {"tcp", any4, 2222, "fagent"},
		{"tcp", netip.MustParseAddr("10.0.0.1"), 2526, ""}, {"udp", any4, 51820, ""}}
	if !reflect.DeepEqual(h.Listeners, want) {
		t.Errorf("listeners %+v", h.Listeners)
	}
	if h.Size != (Size{521641984, 1 << 30, 406703 << 10, 323402 << 10}) {
		t.Errorf("%+v", h.Size)
	}
	if !h.Tools["pf"] || !h.Tools["wireguard"] || h.Tools["ufw"] {
		t.Errorf("%v", h.Tools)
	}
	settings := of(t, Sysctl, bsd["sysctl"])
	if settings.Live["net.inet.ip.forwarding"] != "0" || settings.Live["net.inet6.ip6.forwarding"] != "1" || len(settings.Files) != 2 || settings.Files[1].Key() != "net.inet.ip.forwarding" {
		t.Errorf("%+v", settings)
	}
	if rc := of(t, RCConf, bsd["rcconf"]); rc.Yes("pf_enable") || !rc.Yes("gateway_enable") || !rc.Set["gateway_enable"] || rc.Set["pf_enable"] || rc.Value["pf_rules"] != "/etc/pf.conf" || fmt.Sprint(rc.Tunnels) != "[wg0]" {
		t.Errorf("%+v", rc)
	}
	wg := of(t, Tunnels, bsd["tunnel"])
	if _, peer := wg.To(netip.MustParseAddr("10.0.0.2")); !wg.Runs() || wg.MTU != 1400 || wg.Port != 51820 || peer == nil || peer.Rx != 231260 {
		t.Errorf("%+v", wg)
	}
	if files := of(t, KeyFiles, bsd["keyfiles"]); len(files.Files) != 2 || !files.Files[0].Folder || files.Files[1].Folder || files.Files[1].Mode != 0o600 || len(files.Processes) != 1 || files.Processes[0].String() != " 812" {
		t.Errorf("%+v", files)
	}
	// A line of the file is never taken for the end of the answer.
	if pf := of(t, PF, bsd["pf"]); !pf.There || !pf.Running || pf.Rules != 8 || pf.Path != "/etc/pf.conf" || pf.Text != "# mine\n\nblock in log\n== end\n" {
		t.Errorf("%+v", pf)
	}
	if pf := of(t, PF, told["pf"]); pf.There {
		t.Errorf("Linux has pf: %+v", pf)
	}
}

func TestInet(t *testing.T) {
	for line, want := range map[string]string{
		"inet 10.0.2.15 netmask 0xffffff00 broadcast 10.0.2.255": "10.0.2.15/24", "inet 10.0.2.15/24 broadcast 10.0.2.255": "10.0.2.15/24",
		"inet 10.0.2.15 netmask 255.255.255.0": "10.0.2.15/24", "inet 10.0.0.1 --> 10.0.0.2 netmask 0xffffffff": "10.0.0.1/32",
		"inet6 fe80::1%lo0 prefixlen 64 scopeid 0x2": "fe80::1/64", "inet6 2001:db8::1/64": "2001:db8::1/64", "inet 203.0.113.7 netmask 0x0": "203.0.113.7/0",
		"inet 10.0.2.15": "", "inet 10.0.2.15 netmask": "", "inet 10.0.2.15 netmask 0xff00ff00": "", "inet 10.0.2.15 netmask 0x1ffffffff": "", "inet6 10.0.2.15 prefixlen 8": "",
		"inet6 2001:db8::1 prefixlen 129": "", "inet x": "", "ether 52:54:00:12:34:56": "", "": "",
	} {
		a, ok := parseInet(strings.Fields(line))
		if got := a.String(); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %s, %v", line, got, ok)
		}
	}
}

// What pf runs is followed as a packet meets it, and what it counts is known.
func TestGateOfFreeBSD(t *testing.T) {
	f := facts(map[string]string{"pfrules": bsd["pfrules"], "addresses": bsd["addresses"], "rules": "== absent\n"})
	gate, err := GateOf(f)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(from, to string, port int, on string) Fate {
		return gate(Packet{Proto: "tcp", Src: netip.MustParseAddr(from), Dst: netip.MustParseAddr(to), Port: port, In: on})
	}
	for _, one := range []struct {
		from, to string
		port     int
		on, want string
	}{
		{"233.252.0.77", "10.0.2.15", 2222, "vtnet0", "ACCEPT"}, {"203.0.113.66", "10.0.2.15", 2222, "vtnet0", "DROP"}, {"233.252.0.77", "10.0.2.15", 22, "vtnet0", "DROP"},
		{"233.252.0.77", "10.0.2.15", 993, "vtnet0", "DNAT"}, {"127.0.0.1", "127.0.0.1", 22, "lo0", "ACCEPT"}, {"2001:db8:dead::7", "2001:db8:113::10", 2222, "vtnet0", "ACCEPT"},
	} {
		if got := ask(one.from, one.to, one.port, one.on); got.Verdict != one.want || got.Unsure || got.Rule == "" {
			t.Errorf("%+v: %+v", one, got)
		}
	}
	if limit, limits, err := LimitsOf(f, []int{2222}); err != nil || !limits || limit != (Limit{3, 90}) {
		t.Errorf("%+v %v %v", limit, limits, err)
	}
	if _, limits, err := LimitsOf(f, []int{22}); err != nil || limits {
		t.Errorf("limits at another port: %v %v", limits, err)
	}
	if gate, err = GateOf(facts(map[string]string{"pfrules": "== off\n", "addresses": bsd["addresses"]})); err != nil || ask("233.252.0.77", "10.0.2.15", 22, "vtnet0").Verdict != "ACCEPT" {
		t.Errorf("pf is off: %v", err)
	}
	for _, rules := range []string{"", "== absent\n", told["rules"]} {
		_, err := GateOf(facts(map[string]string{"rules": rules, "addresses": bsd["addresses"]}))
		if (err == nil) != (rules == told["rules"]) {
			t.Errorf("%q: %v", rules, err)
		}
	}
}

// A list of bans that is too long to be told lets in whom it does not name; one that admits is not guessed at.
func TestLargeTables(t *testing.T) {
	var long strings.Builder
	for i := range maxTold {
		fmt.Fprintf(&long, "   10.9.%d.%d\n", i/250, i%250)
	}
	gate := func(rule string) Fate {
		f := facts(map[string]string{"pfrules": "== main\n" + rule + "\n== table bad\n" + long.String(), "addresses": bsd["addresses"]})
		if runs, err := PFRules.Of(f); err != nil || fmt.Sprint(runs.Large) != "[bad]" {
			t.Fatalf("%+v %v", runs.Large, err)
		}
		g, err := GateOf(f)
		if err != nil {
			t.Fatal(err)
		}
		return g(Packet{Proto: "tcp", Src: netip.MustParseAddr("233.252.0.77"), Dst: netip.MustParseAddr("10.0.2.15"), Port: 25, In: "vtnet0"})
	}
	if f := gate("block drop in quick from <bad> to any"); f.Verdict != "ACCEPT" || f.Unsure {
		t.Errorf("%+v", f)
	}
	if f := gate("block drop in all\npass in from <bad> to any flags S/SA keep state"); !f.Unsure {
		t.Errorf("%+v", f)
	}
}

// What a hostile or broken host says is refused, never guessed at.
func TestFreeBSDRefuses(t *testing.T) {
	for id, texts := range map[string][]string{
		"rcconf":    {"== value\n", "== value\npf_enable=NO\npf_rules=/etc/$(reboot)\n", "== value\npf_enable=NO\nroot_password=x\n", "== value\npf_enable=NO\n== set\nx\n"},
		"pf":        {"== running\nyes\n== path\n\n", "== running\nmaybe\n== path\n/etc/pf.conf\n", "== running\nno\n== path\n/etc/pf.conf;reboot\n", "== running\nno\n== path\npf.conf\n"},
		"addresses": {"== ifconfig\n\tinet 10.0.0.1 netmask 0xff000000\n", "== ifconfig\na b: flags=0\n\tinet 10.0.0.1 netmask 0xff000000\n", "== ifconfig\n"},
		"tools":     {"== tools\nufw; reboot\n"},
		"pfrules":   {"== skip\n", "== main\n== anchor x;reboot\n", "== main\n== table bad\npass all\n"},
	} {
		for _, text := range texts {
			for _, e := range All() {
				if e.ID == id && e.Tell(facts(map[string]string{id: text})) == nil {
					t.Errorf("%s: %q is taken for a fact", id, text)
				}
			}
		}
	}
}
