package steps

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"postern/remote"
	"postern/site"
	"postern/steps/firewall"
)

func freshLook(t testing.TB, s *site.Site, sets ...string) Look {
	t.Helper()
	facts := map[string]map[string]string{}
	for _, set := range append([]string{"fresh"}, sets...) {
		use(t, facts, set)
	}
	return lookAt(s, facts)
}

func TestSeeFresh(t *testing.T) {
	got := See(freshLook(t, site.Default())["mail"])
	got.Interfaces, got.Routes = nil, nil
	want := Seen{
		System: "linux", Distro: "debian", Release: "12", Init: "systemd", Interface: "eth0",
		Address4: netip.MustParsePrefix("192.168.50.2/24"), Address6: []netip.Prefix{netip.MustParsePrefix("2001:db8:50::2/64")},
		Ways: []firewall.Way{{Source: netip.MustParseAddr("192.168.50.10"), Port: 22}, {Port: 22}},
		Listeners: []Listening{
			{"tcp", netip.MustParseAddrPort("0.0.0.0:22"), "sshd"}, {"tcp", netip.MustParseAddrPort("[::]:22"), "sshd"},
		},
		Memory: 8065740 << 10, DiskSize: 41152812 << 10, Disk: 40152812 << 10, Module: true, Tun: true,
		Clock: time.Unix(1795253356, 0).UTC(),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestSeeNothing(t *testing.T) {
	if got := See(remote.Facts{}); !reflect.DeepEqual(got, Seen{}) {
		t.Errorf("nothing seen gives %+v", got)
	}
}

func TestParseAddresses(t *testing.T) {
	got := parseAddresses(`2: eth0    inet 192.0.2.5/24 brd 192.0.2.255 scope global dynamic eth0\       valid_lft 86355sec
2: eth0    inet6 2001:db8::5:1/64 scope global temporary dynamic \ valid_lft 1sec
2: eth0    inet6 2001:db8::5/64 scope global dynamic mngtmpaddr \ valid_lft 1sec
3: veth1@if4    inet 172.17.0.1/16 scope link veth1\ valid_lft forever
4: tun0    inet 10.8.0.6 peer 10.8.0.5/24 scope global tun0\ valid_lft forever
5: e$(id)    inet 10.8.0.6/24 scope global x
6: bad    inet 10.8.0.666/24 scope global x
`)
	p := netip.MustParsePrefix
	want := []address{
		{"eth0", p("192.0.2.5/24"), true, true, false}, {"eth0", p("2001:db8::5:1/64"), true, true, true},
		{"eth0", p("2001:db8::5/64"), true, true, false}, {"veth1", p("172.17.0.1/16"), false, false, false},
		{"tun0", p("10.8.0.6/24"), true, false, false},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestDefaultInterface(t *testing.T) {
	for text, want := range map[string]string{
		"default via 192.0.2.1 dev wlan0 proto dhcp metric 600\ndefault via 192.0.2.1 dev eth0 proto dhcp metric 100": "eth0",
		"default dev ppp0 scope link": "ppp0",
		"default via fe80::1 dev eth6 metric 1024 pref medium\ndefault via 192.0.2.1 dev eth4 metric 2000":                        "eth4",
		"default via fe80::1 dev eth6 proto ra metric 1024 pref medium":                                                           "eth6",
		`default proto static metric 1024 \	nexthop via 192.0.2.1 dev eth1 weight 1 \	nexthop via 198.51.100.1 dev eth2 weight 1`: "eth1",
		"default via inet6 fe80::1 dev eth0":  "eth0",
		"blackhole default\n10.0.0.0/8 dev x": "",
	} {
		if got := defaultInterface(parseRoutes(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestParseListeners(t *testing.T) {
	got := parseListeners(`udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=1,fd=3))
tcp LISTEN 0 128 *:80 *:* users:(("apache2",pid=1,fd=3),("apache2",pid=2,fd=3))
tcp LISTEN 0 128 [fe80::1]%eth0:546 [::]:*
tcp LISTEN 0 128 nonsense 0.0.0.0:*
tcp LISTEN 0 128 0.0.0.0:99999 0.0.0.0:*
tcp LISTEN 0 128 0.0.0.0:81 0.0.0.0:* users:(("ev` + "\x1b" + `il",pid=1,fd=3))
`)
	want := []Listening{
		{"udp", netip.MustParseAddrPort("127.0.0.53:53"), "systemd-resolve"}, {"tcp", netip.MustParseAddrPort("[::]:80"), "apache2"},
		{"tcp", netip.MustParseAddrPort("[fe80::1]:546"), ""}, {"tcp", netip.MustParseAddrPort("0.0.0.0:81"), ""},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestWays(t *testing.T) {
	got := ways("connection 2001:db8::7%eth0 4000 2001:db8::1 2222\nport 2222\nPort 22\nport 0\n", []Listening{
		{"tcp", netip.MustParseAddrPort("0.0.0.0:2200"), "sshd"}, {"tcp", netip.MustParseAddrPort("127.0.0.1:6010"), "sshd"},
	})
	want := []firewall.Way{{Source: netip.MustParseAddr("2001:db8::7"), Port: 2222}, {Port: 2222}, {Port: 22}, {Port: 2200}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := ways("connection \n", nil); got != nil {
		t.Errorf("no connection gives %+v", got)
	}
}

// Whatever a host says, parsing it ends, and no name that is taken from it can do harm where it is shown or run.
func FuzzSee(f *testing.F) {
	look := freshLook(f, site.Default(), "keyed", "running")
	for _, facts := range look {
		for _, a := range facts.Answers {
			f.Add(a.Out)
		}
	}
	f.Add("default via inet6")
	f.Add("[Interface]\nAddress=10.0.0.1/24\n" + beginMark + "\n" + endMark)
	s := site.Default()
	f.Fuzz(func(t *testing.T, text string) {
		facts := remote.Facts{Answers: map[string]remote.Answer{}}
		for _, h := range s.Hosts {
			for _, q := range append(SeenReads(), tunnelReads(s, h)...) {
				facts.Answers[q.ID] = remote.Answer{Out: text, Mode: 0o600, Owner: "root:root"}
			}
		}
		facts.Answers["wireguard.path"] = remote.Answer{Out: text}
		seen := See(facts)
		for _, name := range append([]string{seen.Interface, seen.Distro, seen.Release, seen.System, seen.Init}, names(seen)...) {
			if name != "" && !word(name) {
				t.Fatalf("%q is taken for a name", name)
			}
		}
		tun := seeTunnel(s, facts)
		for key := range tun.Peers {
			if !validKey(key) {
				t.Fatalf("%q is taken for a key", key)
			}
		}
		for _, p := range []Plan{planWireguard(s, Look{"proxy": facts, "mail": facts}), planNetwork(s, Look{"proxy": facts, "mail": facts})} {
			for _, n := range p.Notes {
				if strings.ContainsAny(n.Text, "\x1b\x07\r") {
					t.Fatalf("control characters in a note: %q", n.Text)
				}
			}
		}
		block, rest, found := cutConf(text)
		if found && (len(block)+len(rest) != len(text) || !strings.HasPrefix(block, beginMark)) || !found && rest != text {
			t.Fatalf("cutting %q loses something: %q and %q", text, block, rest)
		}
	})
}

func names(s Seen) []string {
	var all []string
	for _, i := range s.Interfaces {
		all = append(all, i.Name)
	}
	for _, r := range s.Routes {
		all = append(all, r.Dev)
	}
	for _, l := range s.Listeners {
		all = append(all, l.Process)
	}
	return all
}
