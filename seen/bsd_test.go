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
	"size":   "== bytes\n521641984\n== swap\nDevice          1K-blocks     Used    Avail Capacity\n/dev/vtbd0p2      1048576        0  1048576     0%\n== disk\nFilesystem 1024-blocks  Used  Avail Capacity  Mounted on\n/dev/vtbd0      406703 83301 323402    20%    /\n",
	"tools":  "== tools\nwg\npf\nwireguard\nwireguard-tools\n",
	"clock":  "== now\n1795881692\n== synced\n",
	"sysctl": "== live\nnet.inet.ip.forwarding 0\nnet.inet6.ip6.forwarding 1\n== files\n/etc/sysctl.conf:\n/etc/sysctl.conf:net.inet.ip.forwarding=0\n",
	"rcconf": "== value\npf_enable=NO\npf_rules=/etc/pf.conf\npflog_enable=NO\npf_fallback_rules_enable=NO\ngateway_enable=YES\nipv6_gateway_enable=NO\n== set\ngateway_enable\n== tunnels\nwg0\n",
	"pf":     "== running\nyes\n== rules\n8\n== ours\n0\n== path\n/etc/pf.conf\n== text\n|# mine\n|\n|block in log\n|== end\n",
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

// What a hostile or broken host says is refused, never guessed at.
func TestFreeBSDRefuses(t *testing.T) {
	for id, texts := range map[string][]string{
		"rcconf":    {"== value\n", "== value\npf_enable=NO\npf_rules=/etc/$(reboot)\n", "== value\npf_enable=NO\nroot_password=x\n", "== value\npf_enable=NO\n== set\nx\n"},
		"pf":        {"== running\nyes\n== path\n\n", "== running\nmaybe\n== path\n/etc/pf.conf\n", "== running\nno\n== path\n/etc/pf.conf;reboot\n", "== running\nno\n== path\npf.conf\n"},
		"addresses": {"== ifconfig\n\tinet 10.0.0.1 netmask 0xff000000\n", "== ifconfig\na b: flags=0\n\tinet 10.0.0.1 netmask 0xff000000\n", "== ifconfig\n"},
		"tools":     {"== tools\nufw; reboot\n"},
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
		tool(fact, "case $* in -l) echo vtnet0 lo0 ;; -a | -rn) cat <<'E'\n"+text+"E\n;; *) exit 64 ;; esac\n")
	}
	tool("uname", "case $* in -s) echo FreeBSD ;; *) exit 64 ;; esac\n")
	tool("route", "case $* in '-n get -inet default') echo '  interface: vtnet0' ;; *) exit 1 ;; esac\n")
	tool("sockstat", "case $* in -46ln) printf 'USER COMMAND PID FD PROTO LOCAL FOREIGN\\n0 sshd 1 3 tcp4 *:2222 *:*\\n' ;; *) exit 64 ;; esac\n")
	tool("sysctl", "case $* in '-n hw.physmem') echo 521641984 ;; 'net.inet.ip.forwarding net.inet6.ip6.forwarding') printf 'net.inet.ip.forwarding: 0\\nnet.inet6.ip6.forwarding: 0\\n' ;; *) exit 64 ;; esac\n")
	tool("sysrc", "[ $# = 2 ] && [ $1 = -n ] || exit 64\ncase $2 in pf_rules) echo "+dir+"/pf.conf ;; ifconfig_vtnet0) echo SYNCDHCP ;; wireguard_* | ifconfig_*) echo \"sysrc: unknown variable '$2'\" >&2; exit 1 ;; *) echo NO ;; esac\n")
	tool("pfctl", "echo 'No ALTQ support in kernel' >&2\ncase $* in '-s Running') echo Disabled; exit 1 ;; -sn | -sr) printf 'pass all\\npass in\\n' ;; '-a postern -s'?) echo 'pfctl: DIOCGETRULES: Invalid argument' >&2 ;; *) exit 64 ;; esac\n")
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
		Tools.Query(s, s.Hosts[0]), Sysctl.Query(s, s.Hosts[0]), RCConf.Query(s, s.Hosts[0]), PF.Query(s, s.Hosts[0])} {
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
	if rc, err := RCConf.Of(f); err != nil || rc.Value["pf_rules"] != dir+"/pf.conf" || len(rc.Value) != 6 {
		t.Errorf("%+v, %v", rc, err)
	}
	if pf, err := PF.Of(f); err != nil || pf.Running || pf.Rules != 4 || pf.Ours != 0 || pf.Text != "# mine\npass\n" {
		t.Errorf("%+v, %v", pf, err)
	}
	if settings, err := Sysctl.Of(f); err != nil || settings.Live["net.inet.ip.forwarding"] != "0" {
		t.Errorf("%+v, %v", settings, err)
	}
}
