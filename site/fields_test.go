package site

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// full is a site that has every kind of Field.
func full(t testing.TB) *Site {
	t.Helper()
	s := Default()
	if err := s.AddJail("dovecot"); err != nil {
		t.Fatal(err)
	}
	return s
}

const print1 = "SHA256:uNiVztksCsDhcc0u9e8BrBlpo2mNS6wNSB0b6Yd4wTk"

// accepted is text in and text back; everything here must be kept and come back as it is said.
var accepted = []struct{ key, in, out string }{
	{"domain", " Example.ORG\t", "example.org"},
	{"domain", "", ""},
	{"domain", "xn--bcher-kva.example", "xn--bcher-kva.example"},
	{"domains", "a.example, B.example  a.example,", "a.example, b.example"},
	{"hostname", "mail.example.org", "mail.example.org"},
	{"layout", "Toaster", "toaster"},
	{"host.proxy.role", "mail", "mail"},
	{"host.proxy.ssh", "vps", "vps"},
	{"host.proxy.ssh", "root@203.0.113.7:2222", "root@203.0.113.7:2222"},
	{"host.proxy.ssh", "root@[2001:db8::7]:22", "root@[2001:db8::7]:22"},
	{"host.proxy.ssh", "[2001:db8::7]", "[2001:db8::7]"},
	{"host.proxy.ssh", "root@2001:db8::7", "root@2001:db8::7"},
	{"host.proxy.ssh", "me@[fe80::1%eth0]", "me@[fe80::1%eth0]"},
	{"host.proxy.ssh", "ssh://me@mail.example.org:2222/", "ssh://me@mail.example.org:2222/"},
	{"host.proxy.ssh", "", ""},
	{"host.mail.jump", "proxy", "proxy"},
	{"host.mail.local", "yes", "true"},
	{"host.mail.local", "", "false"},
	{"host.mail.become", "SUDO", "sudo"},
	{"host.mail.become", "", ""},
	{"host.mail.fingerprint", print1, print1},
	{"host.proxy.public4", "203.0.113.7", "203.0.113.7"},
	{"host.proxy.public6", "2001:DB8:0::7", "2001:db8::7"},
	{"host.proxy.interface", "enp3s0.100", "enp3s0.100"},
	{"host.proxy.provider", "IONOS", "ionos"},
	{"host.mail.ssh_from", "192.168.1.0/24, 192.0.2.4", "192.168.1.0/24, 192.0.2.4/32"},
	{"tunnel.network", "10.77.0.0/24", "10.77.0.0/24"},
	{"tunnel.proxy", "10.0.0.9", "10.0.0.9"},
	{"tunnel.network6", "fd00:10::/64", "fd00:10::/64"},
	{"tunnel.port", "51999", "51999"},
	{"tunnel.interface", "wg1", "wg1"},
	{"tunnel.mtu", "1380", "1380"},
	{"tunnel.mtu", "0", ""},
	{"ports.imaps", " 1993 ", "1993"},
	{"ports.smtp", "65535", "65535"},
	{"from.imaps", "0.0.0.0/0 ::/0", "0.0.0.0/0, ::/0"},
	{"from.imaps", "", ""},
	{"clients.addresses", "masquerade", "masquerade"},
	{"mail.lan", "192.168.1.0/24", "192.168.1.0/24"},
	{"guide.nat", "adopt", "adopt"},
	{"guide.nat", "", ""},
	{"jail.dovecot.address4", "172.16.15.15", "172.16.15.15"},
	{"jail.dovecot.ports", "993, 143", "993, 143"},
	{"jail.dovecot.tables", "ext_ip4 pop", "ext_ip4, pop"},
	{"jail.dovecot.insecure", "192.168.0.0/16 198.51.100.7", "192.168.0.0/16, 198.51.100.7/32"},
	{"jail.dovecot.reach", "haraka none", "haraka, none"},
}

func TestSetKeeps(t *testing.T) {
	for _, c := range accepted {
		s := full(t)
		if err := Set(s, c.key, c.in); err != nil {
			t.Errorf("Set(%s, %q): %v", c.key, c.in, err)
			continue
		}
		f, err := FieldOf(s, c.key)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Get(s); got != c.out {
			t.Errorf("Set(%s, %q) is kept as %q, want %q", c.key, c.in, got, c.out)
		}
	}
}

var long = strings.Repeat("a", 64)

// refused lists what Set must not take, with the one line it says.
var refused = []struct{ key, in, want string }{
	{"ports.imaps", "70000", `ports.imaps: "70000" is not a port (1 to 65535)`},
	{"ports.imaps", "", `ports.imaps: "" is not a port (1 to 65535)`},
	{"ports.imaps", "0", `ports.imaps: "0" is not a port (1 to 65535)`},
	{"ports.imaps", "+25", `ports.imaps: "+25" is not a port (1 to 65535)`},
	{"ports.imaps", "imaps", `ports.imaps: "imaps" is not a port (1 to 65535)`},
	{"ports.imaps", "9\x1b[2J93", `ports.imaps: "9\x1b[2J93" has a control character in it`},
	{"ports.imaps", "9\u202e93", `ports.imaps: "9\u202e93" has a control character in it`},
	{"ports.imaps", "\xff", `ports.imaps: "\xff" is not UTF-8 text`},
	{"ports.imaps", strings.Repeat("9", 5000), `ports.imaps: "` + strings.Repeat("9", 60) + `"… is too long (5000 bytes; at most 4096)`},
	{"domain", "example.org\nb", `domain: "example.org\nb" has a control character in it`},
	{"domain", "example.org.", `domain: "example.org." ends with a dot; write example.org`},
	{"domain", "203.0.113.7", `domain: "203.0.113.7" is an address; a name such as mail.example.org is wanted`},
	{"domain", "bücher.example", `domain: "bücher.example" is not a host name; write it in its xn-- form`},
	{"domain", "localhost", `domain: "localhost" is not a host name (letters, digits and hyphens between dots, such as mail.example.org)`},
	{"domain", "-a.example", `domain: "-a.example" is not a host name (letters, digits and hyphens between dots, such as mail.example.org)`},
	{"domain", "a_b.example", `domain: "a_b.example" is not a host name (letters, digits and hyphens between dots, such as mail.example.org)`},
	{"domain", "a..example", `domain: "a..example" is not a host name (letters, digits and hyphens between dots, such as mail.example.org)`},
	{"domain", long + ".example", `domain: "` + long[:60] + `"… is not a host name (letters, digits and hyphens between dots, such as mail.example.org)`},
	{"domains", "a.example, $(id)", `domains: "$(id)" is not a host name (letters, digits and hyphens between dots, such as mail.example.org)`},
	{"layout", "", `layout: "" is not one of proxy, toaster`},
	{"host.proxy.role", "relay", `host.proxy.role: "relay" is not one of proxy, mail`},
	{"host.proxy.ssh", "-oProxyCommand=id", `host.proxy.ssh: "-oProxyCommand=id" begins with a hyphen; a host or an alias of your ssh_config is wanted`},
	{"host.proxy.ssh", "me@-oProxyCommand=id", `host.proxy.ssh: "me@-oProxyCommand=id" is not an SSH destination (user@host:port, or an alias of your ssh_config)`},
	{"host.proxy.ssh", "ssh://-oProxyCommand=id", `host.proxy.ssh: "ssh://-oProxyCommand=id" is not an SSH destination (user@host:port, or an alias of your ssh_config)`},
	{"host.proxy.ssh", "me@vps;id", `host.proxy.ssh: "me@vps;id" is not an SSH destination (user@host:port, or an alias of your ssh_config)`},
	{"host.proxy.ssh", "me you@vps", `host.proxy.ssh: "me you@vps" has no valid user name before the @ (letters, digits, and . _ - +)`},
	{"host.proxy.ssh", "@vps", `host.proxy.ssh: "@vps" has no valid user name before the @ (letters, digits, and . _ - +)`},
	{"host.proxy.ssh", "me:hunter2@vps", `host.proxy.ssh: has a password in it; secrets are never stored here, it will be asked for when it is needed`},
	{"host.proxy.ssh", "ssh://me:hunter2@vps", `host.proxy.ssh: has a password in it; secrets are never stored here, it will be asked for when it is needed`},
	{"host.proxy.ssh", "vps:ssh", `host.proxy.ssh: "vps:ssh" is not an SSH destination: "ssh" is not a port (1 to 65535)`},
	{"host.proxy.ssh", "[vps]:22", `host.proxy.ssh: "[vps]:22" is not an SSH destination: an IPv6 address with a port is written [2001:db8::7]:2222`},
	{"host.proxy.ssh", "[2001:db8::7]22", `host.proxy.ssh: "[2001:db8::7]22" is not an SSH destination: an IPv6 address with a port is written [2001:db8::7]:2222`},
	{"host.proxy.ssh", "a:b:c", `host.proxy.ssh: "a:b:c" is not an SSH destination: an IPv6 address with a port is written [2001:db8::7]:2222`},
	{"host.proxy.ssh", "[fe80::1%;id]", `host.proxy.ssh: "[fe80::1%;id]" is not an SSH destination: an IPv6 address with a port is written [2001:db8::7]:2222`},
	{"host.mail.jump", "a b", `host.mail.jump: "a b" is not an SSH destination (user@host:port, or an alias of your ssh_config)`},
	{"host.mail.local", "maybe", `host.mail.local: "maybe" is not one of true, false`},
	{"host.mail.become", "doas", `host.mail.become: "doas" is not one of sudo, su`},
	{"host.mail.fingerprint", "MD5:aa:bb", `host.mail.fingerprint: "MD5:aa:bb" is not a fingerprint (SHA256: and 43 characters, as ssh-keygen -lf FILE prints it)`},
	{"host.mail.fingerprint", print1[:len(print1)-1], `host.mail.fingerprint: "` + print1[:len(print1)-1] + `" is not a fingerprint (SHA256: and 43 characters, as ssh-keygen -lf FILE prints it)`},
	{"host.proxy.public4", "2001:db8::7", `host.proxy.public4: "2001:db8::7" is not an IPv4 address (such as 203.0.113.7)`},
	{"host.proxy.public4", "203.0.113.256", `host.proxy.public4: "203.0.113.256" is not an IPv4 address (such as 203.0.113.7)`},
	{"host.proxy.public4", "127.0.0.1", `host.proxy.public4: "127.0.0.1" is a loopback address; an address of one host is wanted`},
	{"host.proxy.public4", "0.0.0.0", `host.proxy.public4: "0.0.0.0" is the unspecified address; an address of one host is wanted`},
	{"host.proxy.public4", "224.0.0.1", `host.proxy.public4: "224.0.0.1" is a multicast address; an address of one host is wanted`},
	{"host.proxy.public6", "::ffff:203.0.113.7", `host.proxy.public6: "::ffff:203.0.113.7" is not an IPv6 address (such as 2001:db8::7)`},
	{"host.proxy.public6", "fe80::1", `host.proxy.public6: "fe80::1" is a link-local address; an address of one host is wanted`},
	{"host.proxy.interface", "a/b", `host.proxy.interface: "a/b" is not an interface name (1 to 15 letters, digits, and _ = + . -)`},
	{"host.proxy.interface", "eth%d", `host.proxy.interface: "eth%d" is not an interface name (1 to 15 letters, digits, and _ = + . -)`},
	{"host.proxy.interface", "sixteen-bytes-00", `host.proxy.interface: "sixteen-bytes-00" is not an interface name (1 to 15 letters, digits, and _ = + . -)`},
	{"tunnel.interface", "lo", `tunnel.interface: "lo" is a name the system keeps for itself; write that of a real interface, such as eth0`},
	{"host.proxy.provider", "a b", `host.proxy.provider: "a b" is not a provider's ID (letters, digits and hyphens, such as ionos)`},
	{"host.mail.ssh_from", "192.0.2.5/24", `host.mail.ssh_from: "192.0.2.5/24" has host bits set; write 192.0.2.0/24, or 192.0.2.5 for that one address`},
	{"tunnel.network", "10.0.0.1/24", `tunnel.network: "10.0.0.1/24" has host bits set; write 10.0.0.0/24`},
	{"tunnel.network", "10.0.0.0", `tunnel.network: "10.0.0.0" is not an IPv4 network (such as 10.0.0.0/24)`},
	{"tunnel.network", "fd00::/64", `tunnel.network: "fd00::/64" is not an IPv4 network (such as 10.0.0.0/24)`},
	{"tunnel.network", "10.0.0.0/31", `tunnel.network: "10.0.0.0/31" has the wrong size for a tunnel (/8 to /30)`},
	{"tunnel.network", "0.0.0.0/0", `tunnel.network: "0.0.0.0/0" has the wrong size for a tunnel (/8 to /30)`},
	{"tunnel.network", "127.0.0.0/8", `tunnel.network: "127.0.0.0/8" cannot be used between hosts (such as 10.0.0.0/24)`},
	{"tunnel.network6", "fe80::/64", `tunnel.network6: "fe80::/64" cannot be used between hosts (such as fd00:10::/64)`},
	{"tunnel.proxy", "10.1.0.1", `tunnel.proxy: "10.1.0.1" is not in the tunnel's network 10.0.0.0/24`},
	{"tunnel.proxy", "10.0.0.0", `tunnel.proxy: "10.0.0.0" is the network's own address; write one after it, such as 10.0.0.1`},
	{"tunnel.mail", "10.0.0.255", `tunnel.mail: "10.0.0.255" is the network's broadcast address; write one before it`},
	{"tunnel.mtu", "900", `tunnel.mtu: "900" is not an MTU in bytes (1280 to 9000)`},
	{"from.imaps", "home", `from.imaps: "home" is not an address or a network (such as 192.0.2.0/24 or 2001:db8::/32)`},
	{"clients.addresses", "hide", `clients.addresses: "hide" is not one of preserve, masquerade`},
	{"guide.nat", "delete", `guide.nat: "delete" is not one of adopt, replace, keep`},
	{"jail.dovecot.ports", "993, x", `jail.dovecot.ports: "x" is not a port (1 to 65535)`},
	{"jail.dovecot.tables", "<a>", `jail.dovecot.tables: "<a>" is not the name of a pf table (1 to 31 letters, digits, and _ . -)`},
	{"ports.imap", "1", `"ports.imap" is not a key (did you mean ports.imaps)`},
	{"imaps", "1", `"imaps" is not a key (did you mean ports.imaps or from.imaps)`},
	{"colour", "1", `"colour" is not a key (postern fields lists them)`},
	{"revision", "1", `revision: is counted by postern and not set by hand`},
	{"host.vps.ssh", "a", `host.vps.ssh: there is no host "vps", only proxy and mail; add it to the answers file as [host.NAME] with its role`},
}

func TestSetRefuses(t *testing.T) {
	for _, c := range refused {
		s := full(t)
		before := fieldList(s) + render(t, s)
		err := Set(s, c.key, c.in)
		if err == nil || err.Error() != c.want {
			t.Errorf("Set(%s, %q):\n got %v\nwant %s", c.key, c.in, err, c.want)
		}
		if fieldList(s)+render(t, s) != before {
			t.Errorf("Set(%s, %q) was refused but changed the site", c.key, c.in)
		}
	}
}

func render(t testing.TB, s *Site) string {
	t.Helper()
	text, err := Render(s)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Setting what is there already changes nothing: the wizard and line mode do it at every Enter.
func TestSetOfGetIsStable(t *testing.T) {
	for _, c := range accepted {
		s := full(t)
		if err := Set(s, c.key, c.in); err != nil {
			t.Fatal(err)
		}
		for _, f := range Fields(s) {
			before := f.Get(s)
			if before == "" && !f.Optional {
				t.Errorf("%s is empty and not optional", f.Key)
			}
			if err := f.Set(s, before); err != nil {
				t.Errorf("%s: its own value %q: %v", f.Key, before, err)
			}
			if after := f.Get(s); after != before {
				t.Errorf("%s: %q became %q", f.Key, before, after)
			}
		}
	}
}

func TestEveryFieldHasWords(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Fields(full(t)) {
		if f.Title == "" || f.Help == "" || f.Help[len(f.Help)-1] != '.' || seen[f.Key] {
			t.Errorf("%s: title %q, help %q, twice %v", f.Key, f.Title, f.Help, seen[f.Key])
		}
		seen[f.Key] = true
		for _, bad := range []string{"\x00", "a\x7fb", "a\nb", "`id`", "$(id)", "a;b", "a|b", "a&b", "a>b", `a"b`, "a'b", `a\b`} {
			if err := f.Set(full(t), bad); err == nil {
				t.Errorf("%s accepts %q", f.Key, bad)
			} else if !strings.HasPrefix(err.Error(), f.Key+": ") {
				t.Errorf("%s: error %q does not begin with the key", f.Key, err)
			}
		}
	}
}

func TestNetworkMovesTheAddresses(t *testing.T) {
	s := Default()
	set(t, s, "tunnel.network", "10.77.0.0/24")
	if p, m := s.Tunnel.Proxy.String(), s.Tunnel.Mail.String(); p != "10.77.0.1" || m != "10.77.0.2" {
		t.Errorf("proxy %s, mail %s", p, m)
	}
	set(t, s, "tunnel.mail", "10.77.0.50")
	set(t, s, "tunnel.network", "10.78.0.0/16")
	if p, m := s.Tunnel.Proxy.String(), s.Tunnel.Mail.String(); p != "10.78.0.1" || m != "10.77.0.50" {
		t.Errorf("proxy %s, mail %s: what was chosen must stay", p, m)
	}
	if len(Problems(s)) == 0 {
		t.Error("an address outside the network is no problem")
	}
	set(t, s, "tunnel.network6", "fd00:10::/64")
	if a := s.TunnelAddress6(s.Host("mail")); a.String() != "fd00:10::2" {
		t.Errorf("mail's IPv6 address is %s", a)
	}
}

func set(t testing.TB, s *Site, key, text string) {
	t.Helper()
	if err := Set(s, key, text); err != nil {
		t.Fatal(err)
	}
}

func TestFieldsGolden(t *testing.T) {
	got := fieldList(full(t))
	if *update {
		if err := os.WriteFile("testdata/fields.golden", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/fields.golden")
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the answers changed; look at them and run go test ./site -update:\n%s", got)
	}
}

// fieldList is every answer with its default and its help.
func fieldList(s *Site) string {
	var b strings.Builder
	for _, f := range Fields(s) {
		fmt.Fprintf(&b, "%s = %s\n    %s: %s\n", f.Key, cmp.Or(f.Default(), "(empty)"), f.Title, f.Help)
		if f.Choices != nil {
			fmt.Fprintf(&b, "    one of %s\n", strings.Join(f.Choices, ", "))
		}
	}
	return b.String()
}
