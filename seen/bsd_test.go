package seen

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"postern/remote"
	"postern/site"
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
		"== scripts\n/etc/mail-toaster/pfrule.sh runs named tables\n== feeders\nsshguard runs\nblacklistd is\nbruteforce expires\n== neighbours\n172.16.15.200 bridge0\nfe80::1%em0 em0\n",
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

// pfctl is one that says what FreeBSD's does, as far as it is asked.
const pfctl = `case $* in
-s\ Running) echo Enabled ;;
-sn) ;;
-sr) printf 'block drop in all\npass out all flags S/SA keep state\nanchor "f2b/*" all\n' ;;
-P\ -s[nr]) pfctl "$2" ;;
-a\ postern\ -s[nr]) echo 'pfctl: DIOCGETRULES: Invalid argument' >&2 ;;
-nf\ *) echo 'pf.conf:2: syntax error' >&2; exit 1 ;;
-vsI) printf 'all\n\tCleared: x\nlo0 (skip)\nvtnet0\n' ;;
-vsA) echo 'No ALTQ support in kernel' >&2; printf '  f2b\n  f2b/sshd\n' ;;
-a\ f2b\ -P\ -s[nr] | -a\ f2b/sshd\ -P\ -sn | -sT | -a\ f2b\ -sT) ;;
-a\ f2b/sshd\ -P\ -sr) echo 'block drop quick from <bad> to any' ;;
-a\ f2b/sshd\ -sT) echo bad ;;
-a\ f2b/sshd\ -t\ bad\ -T\ show) echo '   203.0.113.66' ;;
*) exit 64 ;;
esac
`

// The questions run in a shell whose uname says FreeBSD, over tools that say what FreeBSD's do.
func TestQuestionsOfFreeBSD(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell here")
	}
	dir := t.TempDir()
	tool := func(name, script string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!"+sh+"\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, fact := range []string{"ifconfig", "netstat"} {
		_, text, _ := strings.Cut(bsd["addresses"], "== "+fact+"\n")
		text, _, _ = strings.Cut(text, "== ")
		tool(fact, "case $* in -l) echo vtnet0 lo0 ;; wg0) echo 'wg0: flags=80c1<UP> metric 0 mtu 1400' ;; -a | -rn) cat <<'E'\n"+text+"E\n;; *) exit 64 ;; esac\n")
	}
	tool("pfctl", pfctl)
	tool("wg", "case $* in 'show wg0 dump') printf 'secret\\t"+aKey+"\\t51820\\toff\\n"+bKey+"\\tshared\\t198.51.100.20:34095\\t10.0.0.2/32\\t0\\t1\\t2\\toff\\n' ;; 'show wg0 private-key') echo "+aKey+" ;; pubkey) cat >/dev/null; echo "+bKey+" ;; *) exit 64 ;; esac\n")
	tool("sha256", "[ \"$*\" = -q ] || exit 64\ncat >/dev/null; echo c4354ff09a8d8a06cde4c6f51d75b80b06cdb19013a8f11b78491864f19f2b02\n")
	tool("stat", "exit 1\n")
	tool("ps", "case $* in '-axww -o pid= -o command=') printf '  77 wg set wg0 private-key "+aKey+"\\n  78 sh\\n' ;; *) exit 64 ;; esac\n")
	tool("ping", "case $* in *'-D -s 1372 10.0.0.2') ;; *'-D -s '*) echo '36 bytes from 10.0.0.9: frag needed and DF set (MTU 1400)'; exit 2 ;; *) exit 64 ;; esac\n")
	tool("uname", "case $* in -s) echo FreeBSD ;; *) exit 64 ;; esac\n")
	tool("route", "case $* in '-n get -inet default') echo '  interface: vtnet0' ;; *) exit 1 ;; esac\n")
	tool("sockstat", "case $* in '-46cn -P tcp -p 993') printf 'USER COMMAND PID FD PROTO LOCAL FOREIGN\\n0 dovecot 1 3 tcp4 10.0.2.15:993 198.51.100.20:40000\\n0 dovecot 1 3 tcp6 2001:db8::1:993 2001:db8::2:40001\\n0 perl 1 3 tcp4 10.0.2.15:22 198.51.100.20:993\\n' ;; -46ln) printf 'USER COMMAND PID FD PROTO LOCAL FOREIGN\\n0 sshd 1 3 tcp4 *:2222 *:*\\n' ;; *) exit 64 ;; esac\n")
	tool("sysctl", "case $* in '-n hw.physmem') echo 521641984 ;; '-n net.pf.default_to_drop') echo 0 ;; 'net.inet.ip.forwarding net.inet6.ip6.forwarding') printf 'net.inet.ip.forwarding: 0\\nnet.inet6.ip6.forwarding: 0\\n' ;; *) exit 64 ;; esac\n")
	tool("sysrc", "[ $# = 2 ] && [ $1 = -n ] || exit 64\ncase $2 in pf_rules) echo "+dir+"/pf.conf ;; ifconfig_vtnet0) echo SYNCDHCP ;; wireguard_* | ifconfig_*) echo \"sysrc: unknown variable '$2'\" >&2; exit 1 ;; *) echo NO ;; esac\n")
	tool("sshd", "echo port 2222\n")
	tool("kldstat", "exit 0\n")
	tool("swapinfo", "echo Device\n")
	tool("service", "[ $1 = sshguard ]\n")
	tool("freebsd-version", "echo 14.3-RELEASE\n")
	if err := os.WriteFile(filepath.Join(dir, "pf.conf"), []byte("# mine\npass\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := site.Default()
	f := remote.Facts{Answers: map[string]remote.Answer{}}
	for _, fact := range []remote.Query{Addresses.Query(s, s.Hosts[0]), SSH.Query(s, s.Hosts[0]), Listeners.Query(s, s.Hosts[0]), Sizes.Query(s, s.Hosts[0]),
		PFRules.Query(s, s.Hosts[0]), Tunnels.Query(s, s.Hosts[0]), KeyFiles.Query(s, s.Hosts[0]), Peers(993).Query(s, s.Hosts[0]),
		Through(netip.MustParseAddr("10.0.0.2"), []int{1420, 1400}).Query(s, s.Hosts[0]), Tools.Query(s, s.Hosts[0]), Sysctl.Query(s, s.Hosts[0]), RCConf.Query(s, s.Hosts[0]), PF.Query(s, s.Hosts[0])} {
		cmd := exec.Command(sh, "-c", fact.Run)
		cmd.Env = []string{"PATH=" + dir + ":/usr/bin:/bin", "SSH_CONNECTION=198.51.100.20 40000 10.0.2.15 2222"}
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("%s: %v: %s", fact.ID, err, out)
		}
		f.Answers[fact.ID] = remote.Answer{Out: string(out)}
	}
	h := Look(f)
	if h.Device != "vtnet0" || !h.Address4().Dynamic || len(h.Listeners) != 1 || h.Memory != 521641984 || !h.Tools["pf"] || fmt.Sprint(h.Watch) != "[sshguard]" || fmt.Sprint(h.Ports) != "[2222]" {
		t.Errorf("%+v", h)
	}
	if rc, err := RCConf.Of(f); err != nil || rc.Value["pf_rules"] != dir+"/pf.conf" || len(rc.Value) != 8 || rc.Refused != "pf.conf:2: syntax error" {
		t.Errorf("%+v, %v", rc, err)
	}
	if pf, err := PF.Of(f); err != nil || !pf.Running || pf.Rules != 3 || pf.Ours != 0 || pf.Text != "# mine\npass\n" {
		t.Errorf("%+v, %v", pf, err)
	}
	if runs, err := PFRules.Of(f); err != nil || fmt.Sprint(runs.Skip) != "[lo0]" || !strings.Contains(runs.Main, "block drop in all") || len(runs.Tables["f2b/sshd/bad"]) != 1 || len(runs.Anchors) != 2 {
		t.Errorf("%+v, %v", runs, err)
	}
	if wg, err := Tunnels.Of(f); err != nil || !wg.Unset || !wg.Runs() || wg.MTU != 1400 || wg.Peers[bKey].Shared != Redacted+"c4354ff09a8d8a06" || strings.Contains(f.Answers["tunnel wg0"].Out, "secret") {
		t.Errorf("%+v, %v", wg, err)
	}
	if keys, err := KeyFiles.Of(f); err != nil || fmt.Sprint(keys.Processes) != "[77]" || strings.Contains(f.Answers["keyfiles wg0"].Out, aKey) {
		t.Errorf("%+v, %v", keys, err)
	}
	if peers, err := Peers(993).Of(f); err != nil || len(peers) != 2 || !peers[netip.MustParseAddrPort("[2001:db8::2]:40001")] {
		t.Errorf("%+v, %v", peers, err)
	}
	if through, err := Through(netip.MustParseAddr("10.0.0.2"), []int{1420, 1400}).Of(f); err != nil || through.Reply != 1400 || through.Limit != 1400 {
		t.Errorf("%+v, %v", through, err)
	}
	if settings, err := Sysctl.Of(f); err != nil || settings.Live["net.inet.ip.forwarding"] != "0" {
		t.Errorf("%+v, %v", settings, err)
	}
}
