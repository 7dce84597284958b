package seen

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"postern/remote"
)

// of is a fact of one answer, which must be there.
func of[T any](t *testing.T, f Fact[T], answer string) T {
	t.Helper()
	v, err := f.Of(facts(map[string]string{f.ID: answer}))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func prefixes(list ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, s := range list {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}

func TestLook(t *testing.T) {
	got := Look(facts(told))
	if fmt.Sprint(got.System) != "{linux systemd debian 12}" || got.Device != "eth0" || got.Address4().String() != "192.168.50.2/24" ||
		fmt.Sprint(got.Client, got.Server, got.Ports) != "192.168.50.10:40001 192.168.50.2:22 [22]" || got.Size != (Size{983040 << 10, 1048572 << 10, 100 << 10, 50 << 10}) ||
		len(got.Listeners) != 1 || !got.Tools["wireguard"] || got.Tools["docker"] || !got.Clock.Equal(time.Unix(1795254690, 0)) {
		t.Errorf("%+v", got)
	}
	if got := Look(remote.Facts{}); !reflect.DeepEqual(got, Host{}) {
		t.Errorf("nothing seen gives %+v", got)
	}
}

func TestAddresses(t *testing.T) {
	n := of(t, Addresses, `== addresses
1: lo    inet 127.0.0.1/8 scope host lo
2: eth0    inet6 2001:db8::5:1/64 scope global temporary dynamic \ valid_lft 1sec
2: eth0    inet 192.0.2.5/24 brd 192.0.2.255 scope global dynamic eth0\       valid_lft 86355sec
2: eth0    inet6 2001:db8::5/64 scope global dynamic mngtmpaddr \ valid_lft 1sec
2: eth0    inet 192.0.2.6/24 scope global secondary eth0
2: eth0    inet 198.51.100.6/25 scope global eth0
2: eth0    inet6 fe80::1/64 scope link
3: veth1@if4    inet 172.17.0.1/16 scope link veth1\ valid_lft forever
4: tun0    inet 10.8.0.6 peer 10.8.0.5/24 scope global tun0\ valid_lft forever
5: e$(id)    inet 10.8.0.6/24 scope global x
6: bad    inet 10.8.0.666/24 scope global x
== routes4
default via 192.0.2.1 dev eth0
10.8.0.0/24 dev tun0
blackhole 10.9.0.0/16
== routes6
default via fe80::1 dev eth6 metric 1024 pref medium
`)
	if got := n.Home(); !reflect.DeepEqual(got, prefixes("192.0.2.0/24", "198.51.100.0/25")) {
		t.Errorf("at home in %v", got)
	}
	if a := n.Address4(); a.String() != "192.0.2.5/24" || !a.Dynamic {
		t.Errorf("%+v", a)
	}
	if got := n.Address6(); !reflect.DeepEqual(got, prefixes("2001:db8::5/64")) {
		t.Errorf("%v", got)
	}
	if n.Device6 != "eth6" || n.Holder(netip.MustParseAddr("10.8.0.6")) != "tun0" || n.Holder(netip.MustParseAddr("10.8.0.7")) != "" ||
		n.Within(prefixes("172.17.0.0/16")[0]) != "veth1" || len(n.Interfaces) != 4 {
		t.Errorf("%+v", n)
	}
	if r, found := n.Overlaps(prefixes("10.9.1.0/24")[0], nil); !found || r.Device != "" {
		t.Errorf("%+v, %t", r, found)
	}
	if _, found := n.Overlaps(prefixes("10.8.0.0/16")[0], map[string]bool{"tun0": true}); found {
		t.Error("a route of an interface that is left out overlaps")
	}
}

// Of several addresses the default route's own source counts; what is sent to a public address arrives under that address
// where the host has it, and under its own where a provider's NAT translates.
func TestWhereThePublicAddressArrives(t *testing.T) {
	const two = "2: eth0 inet 203.0.113.10/24 scope global eth0\n2: eth0 inet 203.0.113.11/24 scope global secondary eth0\n"
	for _, c := range []struct{ addresses, routes, public, source, arrives, in string }{
		{two, "default via 203.0.113.1 dev eth0", "203.0.113.11", "203.0.113.10", "203.0.113.11", "eth0"},
		{two, "default via 203.0.113.1 dev eth0 src 203.0.113.11", "", "203.0.113.11", "203.0.113.11", "eth0"},
		{two, "default via 203.0.113.1 dev eth0 src 192.0.2.1", "", "203.0.113.10", "203.0.113.10", "eth0"},
		{"2: eth0 inet 203.0.113.10/32 scope global eth0\n", "default via 172.31.1.1 dev eth0 onlink\n172.31.1.1 dev eth0 scope link", "203.0.113.10", "203.0.113.10", "203.0.113.10", "eth0"},
		{"2: eth0 inet 10.1.2.3/24 scope global eth0\n2: eth0 inet 10.1.2.9/24 scope global secondary eth0\n", "default via 10.1.2.1 dev eth0 src 10.1.2.9", "203.0.113.10", "10.1.2.9", "10.1.2.9", "eth0"},
		{"1: lo inet 203.0.113.11/32 scope global lo\n2: eth0 inet 203.0.113.10/24 scope global eth0\n", "default via 203.0.113.1 dev eth0", "203.0.113.11", "203.0.113.10", "203.0.113.11", "eth0"},
		{two + "3: eth1 inet 198.51.100.7/24 scope global eth1\n", "default via 203.0.113.1 dev eth0", "198.51.100.7", "203.0.113.10", "198.51.100.7", "eth1"},
	} {
		n := of(t, Addresses, "== addresses\n"+c.addresses+"== routes4\n"+c.routes+"\n== routes6\n")
		public, _ := netip.ParseAddr(c.public)
		if a := n.Address4().Addr().String(); a != c.source {
			t.Errorf("%s: the source is %s, want %s", c.addresses, a, c.source)
		}
		if a, in := n.Arrives(public); a.String() != c.arrives || in != c.in {
			t.Errorf("%s: %s arrives as %s on %s, want %s on %s", c.addresses, c.public, a, in, c.arrives, c.in)
		}
	}
}

func TestDefaultRoute(t *testing.T) {
	for _, c := range []struct{ four, six, want string }{
		{"default via 192.0.2.1 dev wlan0 proto dhcp metric 600\ndefault via 192.0.2.1 dev eth0 proto dhcp metric 100", "", "eth0"},
		{"default dev ppp0 scope link", "", "ppp0"},
		{"default via 192.0.2.1 dev eth4 metric 2000", "default via fe80::1 dev eth6 metric 1024 pref medium", "eth4"},
		{"", "default via fe80::1 dev eth6 proto ra metric 1024 pref medium", "eth6"},
		{"default proto static metric 1024 \\\tnexthop via 192.0.2.1 dev eth1 weight 1 \\\tnexthop via 198.51.100.1 dev eth2 weight 1", "", "eth1"},
		{"default via inet6 fe80::1 dev eth0", "", "eth0"},
		{"blackhole default\n10.0.0.0/8 dev x", "", ""},
	} {
		n := of(t, Addresses, "== addresses\n1: lo inet 127.0.0.1/8 scope host lo\n== routes4\n"+c.four+"\n== routes6\n"+c.six+"\n")
		if n.Device != c.want {
			t.Errorf("%q, %q: %q, want %q", c.four, c.six, n.Device, c.want)
		}
	}
}

func TestListeners(t *testing.T) {
	got := of(t, Listeners, `== sockets
udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=1,fd=3))
tcp LISTEN 0 128 *:80 *:* users:(("apache2",pid=1,fd=3),("apache2",pid=2,fd=3))
tcp LISTEN 0 128 [fe80::1]%eth0:546 [::]:*
tcp LISTEN 0 128 nonsense 0.0.0.0:*
tcp LISTEN 0 128 0.0.0.0:99999 0.0.0.0:*
tcp LISTEN 0 128 0.0.0.0:81 0.0.0.0:* users:(("ev`+"\x1b"+`il",pid=1,fd=3))
`)
	want := "[{udp 127.0.0.53 53 systemd-resolve} {tcp invalid IP 80 apache2} {tcp 0.0.0.0 81 } {tcp fe80::1 546 }]"
	if fmt.Sprint(got) != want || !got[1].Everywhere() || got[0].Everywhere() || !got[2].Everywhere() {
		t.Errorf("got\n%v\nwant\n%s", got, want)
	}
}

// sshd is found by the connection, its settings and its sockets; its loopback sockets are X11's.
func TestAccess(t *testing.T) {
	access := func(ssh string) Access {
		a, err := SSH.Of(facts(map[string]string{"ssh": ssh, "listeners": "== sockets\n" +
			"tcp LISTEN 0 1 0.0.0.0:2200 0.0.0.0:* users:((\"sshd\",pid=1))\ntcp LISTEN 0 1 127.0.0.1:6010 0.0.0.0:* users:((\"sshd\",pid=1))\n"}))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := access("== connection\n2001:db8::7%eth0 4000 2001:db8::1 2222\n== sshd\nport 2222\nPort 22\nport 0\n")
	if a.Client.String() != "[2001:db8::7]:4000" || !slices.Equal(a.Ports, []int{2222, 22, 2200}) {
		t.Errorf("%+v", a)
	}
	if a := access("== connection\n\n== sshd\n"); a.Client.IsValid() || !slices.Equal(a.Ports, []int{2200}) {
		t.Errorf("no connection gives %+v", a)
	}
	if _, err := SSH.Of(facts(map[string]string{"ssh": told["ssh"]})); err == nil {
		t.Error("without the listeners it is not known where sshd listens")
	}
}

func TestOthers(t *testing.T) {
	if s := of(t, Sysctl, told["sysctl"]); s.Live["net.ipv4.ip_forward"] != "1" || len(s.Ufw) != 1 || len(s.Files) != 1 || s.Files[0].Key() != "net.ipv4.ip_forward" || s.Files[0].Value != "1" {
		t.Errorf("%+v", s)
	}
	u := of(t, UnitsOf, told["units"])
	if !u.By["ufw.service"].Enabled() || !u.By["ufw.service"].Active || u.By["docker.service"].Loaded || u.Armed || !slices.Equal(u.Ours, []string{"wg0"}) ||
		!slices.Equal(u.By["ufw.service"].After, []string{"a.target", "b.target"}) || len(u.By["ufw.service"].Altered) != 1 || len(u.Scripts) != 1 {
		t.Errorf("%+v", u)
	}
	if u := of(t, UnitsOf, told["units"]+"== init\nenabled\n"); !u.By[GuideUnits[1]].Enabled() {
		t.Errorf("an init script is not told of: %+v", u.By)
	}
	w := of(t, Tunnels, told["tunnel"])
	if key, p := w.To(netip.MustParseAddr("fd00::2")); key != bKey || p.Endpoint.String() != "198.51.100.20:34095" || !w.Runs() || w.Port != 51820 {
		t.Errorf("%+v", w)
	}
	if w := of(t, Tunnels, "== unset\n== link\n6: wg0: <UP> mtu 1500\n== now\n1\n== peers\n"); w.Runs() || !w.Link || !w.Unset {
		t.Errorf("an interface that is none of WireGuard's runs: %+v", w)
	}
	d := of(t, Docker, told["docker"]).Published
	if fmt.Sprint(d) != "[{postfix tcp 0.0.0.0 25 25} {postfix tcp :: 25 25} {postfix tcp 10.0.0.2 8000 8002}]" {
		t.Errorf("%v", d)
	}
	if b := of(t, Forwarding, told["boot"]); len(b) != 1 || !b[0].Runs || b[0].Rule.To != "10.0.0.2:993" {
		t.Errorf("%+v", b)
	}
	if b := of(t, Forwarding, strings.Replace(told["boot"], "/etc/ufw/postern.init start", "", 1)); b[0].Runs {
		t.Errorf("what ufw's hook does not call runs: %+v", b)
	}
	if p := of(t, PathTo(netip.MustParseAddr("203.0.113.10")), told["path"]); p.Reply != 1472 || p.Limit != 1492 {
		t.Errorf("%+v", p)
	}
	if k := of(t, Keys, "== file\n"+aKey+"\n== conf\nredacted:0123\n"); k.File != aKey || k.Conf != "" {
		t.Errorf("%+v", k)
	}
}

// Which rule decides where the answers of the tunnel's address go.
func TestDecides(t *testing.T) {
	const ours, last = "20720:\tfrom 10.0.0.2 lookup 20720\n", "32766:\tfrom all lookup main\n32767:\tfrom all lookup default\n"
	for name, c := range map[string]struct{ before, want string }{
		"ours":                    {"", "20720"},
		"a full tunnel":           {"20718:\tfrom all lookup main suppress_prefixlength 0\n20719:\tnot from all fwmark 0xca6c lookup 51820\n", "20719"},
		"another's marks":         {"100:\tfrom all fwmark 0x80000/0xff0000 lookup 51820\n", "20720"},
		"a table that leads away": {"100:\tfrom all lookup 51820\n", "100"},
		"a table without default": {"100:\tfrom all lookup 52\n", "20720"},
		"another source":          {"100:\tfrom 10.9.0.0/16 lookup 51820\n", "20720"},
		"a source that holds it":  {"100:\tfrom 10.0.0.0/8 lookup 51820\n", "100"},
		"what comes in elsewhere": {"100:\tfrom all iif eth0 lookup 51820\n", "20720"},
		"an end":                  {"100:\tfrom all unreachable\n", "100"},
		"one user's":              {"100:\tfrom all uidrange 7-7 lookup 51820\n", "20720 after 1"},
		"some port":               {"100:\tfrom all ipproto tcp dport 25 lookup 51820\n", "20720 after 1"},
		"what goes near":          {"100:\tfrom all to 192.168.0.0/16 lookup 51820\n", "20720"},
		"what goes somewhere":     {"100:\tfrom all to 192.0.2.0/24 lookup 51820\n", "20720 after 1"},
		"not one user's":          {"100:\tnot from all uidrange 7-7 lookup 51820\n", "20720 after 1"},
		"not another source's":    {"100:\tnot from 10.9.0.0/16 uidrange 7-7 lookup 51820\n", "100"},
		"not any":                 {"100:\tnot from all lookup 51820\n", "20720"},
	} {
		p := of(t, Routing, "== rules4\n0:\tfrom all lookup local\n"+c.before+ours+last+"== rules6\n== tables4\ndefault dev wg0 table 20720\ndefault dev vpn table 51820\n== tables6\n")
		r, unsure := p.Decides(Packet{Src: netip.MustParseAddr("10.0.0.2")})
		got := r.Preference
		if len(unsure) > 0 {
			got += fmt.Sprint(" after ", len(unsure))
		}
		if got != c.want {
			t.Errorf("%s: %s decides, want %s", name, got, c.want)
		}
	}
}

// A rule may ask for the protocol and the port of what a host sends; these are told of mail.
func TestDecidesByPort(t *testing.T) {
	for rule, decides := range map[string]bool{
		"from all ipproto tcp dport 25 prohibit": true, "from all dport 20-30 unreachable": true, "from all ipproto tcp blackhole": true, "from all lookup 9": true,
		"from all ipproto udp dport 25 prohibit": false, "from all ipproto tcp dport 26-30 prohibit": false, "from 10.0.0.2 prohibit": false, "from all lookup 8": false,
		"from all dport x prohibit": false,
	} {
		p := Policies{Rules: []PolicyRule{{Preference: "1", Text: rule}, {Preference: "2", Text: "from all lookup main"}}, Routes: []PolicyRoute{{Table: "9", Device: "eth0"}, {Table: "8", Device: "wg0"}}}.Without("wg0")
		if r, _ := p.Decides(Packet{Src: netip.IPv4Unspecified(), Proto: "tcp", Port: 25}); (r.Preference == "1") != decides {
			t.Errorf("%s: %q decides", rule, r.Text)
		}
	}
}

// A unit of Haraka tells its version, and how long it has been at it.
func TestHarakaUnit(t *testing.T) {
	u := of(t, UnitsOf, told["units"])
	if i := u.By[HarakaIn]; i.Haraka() != "3.3.4" || i.Restarts != 2 || i.Up != time.Minute+310*time.Millisecond || i.State != "running" || !i.Enabled() {
		t.Errorf("%+v", i)
	}
	for _, other := range []string{"", "{ argv[]=/usr/bin/node /usr/lib/node_modules/Haraka/bin/haraka -c /opt/haraka-in ; }", " /opt/postern/haraka/3.x/"} {
		if v := (Unit{Starts: other}).Haraka(); v != "" {
			t.Errorf("%q is version %q", other, v)
		}
	}
}

func TestIsKey(t *testing.T) {
	for key, want := range map[string]bool{
		aKey: true, "": false, "(none)": false, aKey[:43]: false, aKey + "=": false, "redacted:0123456789abcdef": false,
		strings.Replace(aKey, "0w=", "0x=", 1): false,
	} {
		if IsKey(key) != want {
			t.Errorf("%q: %v", key, !want)
		}
	}
}

// Whatever a host says, parsing it ends, and no name that is taken from it can do harm where it is shown or run.
func FuzzFacts(f *testing.F) {
	list := every()
	for _, text := range told {
		f.Add(text)
	}
	for _, text := range bsd {
		f.Add(text)
	}
	f.Add("== routes4\ndefault via inet6\n== v4\n*filter\n:INPUT DROP\n-A INPUT -p tcp -g INPUT ! -s 1.2.3.4 --comment \"a\\\"\nCOMMIT\n== ps\nweb|[::]:1-65535->1-65535/tcp, :::25->25/tcp")
	f.Fuzz(func(t *testing.T, text string) {
		answers := map[string]string{}
		for _, e := range list {
			answers[e.ID] = text
		}
		all := facts(answers)
		for _, e := range list {
			_ = e.Tell(all)
		}
		h := Look(all)
		names := []string{h.Device, h.Device6, h.Distro, h.Release, h.Kernel, h.Init}
		for _, i := range h.Interfaces {
			names = append(names, i.Name)
		}
		for _, l := range h.Listeners {
			names = append(names, l.Process)
		}
		for _, name := range names {
			if name != "" && !Name(name) {
				t.Fatalf("%q is taken for a name", name)
			}
		}
		pf, _ := PF.Of(all)
		rc, _ := RCConf.Of(all)
		for _, value := range append([]string{pf.Path}, slices.Collect(maps.Values(rc.Value))...) {
			if strings.ContainsAny(value, "\n;$`'\"\\\x00\x1b") {
				t.Fatalf("%q is taken for a setting", value)
			}
		}
		w, _ := Tunnels.Of(all)
		for key := range w.Peers {
			if !IsKey(key) {
				t.Fatalf("%q is taken for a key", key)
			}
		}
		routing, _ := Routing.Of(all)
		routing.Decides(Packet{Src: netip.MustParseAddr("10.0.0.2")})
		r, _ := Rules.Of(all)
		for _, family := range r.Families() {
			for _, table := range family.Tables {
				table.Lets("INPUT", Packet{Proto: "tcp", Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("192.0.2.2"), Port: 25, In: "eth0"})
			}
		}
	})
}

// Our own listeners are known by the name that their process gives itself.
func TestOurListenersAreNotTheHosts(t *testing.T) {
	script, err := os.ReadFile("../remote/listen.pl")
	if err != nil || !strings.Contains(string(script), `$0 = "`+throwAway+`"`) {
		t.Fatalf("the process of listeners calls itself something else than %q (%v)", throwAway, err)
	}
	all, err := Listeners.Of(remote.Facts{Answers: map[string]remote.Answer{"listeners": {Out: "== sockets\n" +
		"tcp LISTEN 0 9 0.0.0.0:80 0.0.0.0:* users:((\"" + throwAway + "\",pid=7,fd=4))\ntcp LISTEN 0 9 0.0.0.0:81 0.0.0.0:* users:((\"perl\",pid=8,fd=4))\n== end\n"}}})
	if err != nil || len(all) != 1 || all[0].Port != 81 {
		t.Errorf("%v, %v", all, err)
	}
}

// A Postfix in a container runs, and is known by its container's name.
func TestPostfixInAContainer(t *testing.T) {
	const settings = "== settings\nmyhostname = mail.example.org\nmynetworks = 127.0.0.0/8 172.22.1.0/24\nrelayhost =\n"
	m := of(t, Postfix, "== container\npostfix-mailcow-1\n"+settings)
	if !m.Active || m.Container != "postfix-mailcow-1" || len(m.Words("mynetworks")) != 2 {
		t.Errorf("%+v", m)
	}
	if m := of(t, Postfix, "== active\nfailed\n"+settings); m.Active || m.Container != "" {
		t.Errorf("%+v", m)
	}
	for _, name := range []string{"", "a b", "-x", "x;reboot"} {
		f := facts(map[string]string{"postfix": "== container\n" + name + "\n" + settings + "== end\n"})
		if m, err := Postfix.Of(f); err == nil {
			t.Errorf("%q: %+v", name, m)
		}
	}
}
