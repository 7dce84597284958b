package firewall

import (
	"strings"
	"testing"

	"postern/seen"
)

func TestForwardsAtBoot(t *testing.T) {
	line := func(file, name, value string) seen.Setting { return seen.Setting{File: file, Name: name, Value: value} }
	on := line("/etc/sysctl.d/60-a.conf", "net.ipv4.ip_forward", "1")
	for name, c := range map[string]struct {
		files   []seen.Setting
		link    string
		appears int
		want    string
	}{
		"nothing is said":                      {nil, "eth0", 0, "0"},
		"all":                                  {[]seen.Setting{on}, "eth0", 0, "1"},
		"all, before it is there":              {[]seen.Setting{on}, "wg0", 2, "1"},
		"a later file sets all":                {[]seen.Setting{on, line("/etc/sysctl.d/70-c.conf", "net.ipv4.conf.all.forwarding", "0")}, "eth0", 0, "0"},
		"the administrator's file hides one":   {[]seen.Setting{on, line("/usr/lib/sysctl.d/60-a.conf", "net.ipv4.ip_forward", "0")}, "eth0", 0, "1"},
		"an empty file hides one":              {[]seen.Setting{line("/etc/sysctl.d/60-a.conf", "", ""), line("/usr/lib/sysctl.d/60-a.conf", "net.ipv4.ip_forward", "1")}, "eth0", 0, "0"},
		"ufw sets it last":                     {[]seen.Setting{line("/etc/sysctl.d/99-z.conf", "net.ipv4.ip_forward", "0"), line(seen.UfwSysctl, "net/ipv4/ip_forward", "1")}, "eth0", 0, "1"},
		"a file that nothing links to":         {[]seen.Setting{line(seen.SysctlConf, "net.ipv4.ip_forward", "1")}, "eth0", 0, "0"},
		"its own line":                         {[]seen.Setting{on, line("/etc/sysctl.d/99-z.conf", "net.ipv4.conf.eth0.forwarding", "0")}, "eth0", 0, "0"},
		"its own line, over which all comes":   {[]seen.Setting{on, line("/etc/sysctl.d/10-z.conf", "net.ipv4.conf.eth0.forwarding", "0")}, "eth0", 0, "1"},
		"its own line, by udev":                {[]seen.Setting{on, line("/etc/sysctl.d/10-z.conf", "net.ipv4.conf.eth0.forwarding", "0")}, "eth0", 1, "0"},
		"its own line, with a slash":           {[]seen.Setting{on, line("/etc/sysctl.d/99-z.conf", "net/ipv4/conf/eth0.7/forwarding", "0")}, "eth0.7", 0, "0"},
		"the default":                          {[]seen.Setting{on, line("/etc/sysctl.d/99-z.conf", "net.ipv4.conf.default.forwarding", "0")}, "wg0", 2, "0"},
		"the default, when it is there":        {[]seen.Setting{on, line("/etc/sysctl.d/99-z.conf", "net.ipv4.conf.default.forwarding", "0")}, "eth0", 0, "1"},
		"every one":                            {[]seen.Setting{on, line("/etc/sysctl.d/99-z.conf", "net.ipv4.conf.*.forwarding", "0")}, "eth0", 0, "0"},
		"said twice, the first place counts":   {[]seen.Setting{on, line("/etc/sysctl.d/70-z.conf", "net.ipv4.conf.eth0.forwarding", "0"), line("/etc/sysctl.d/99-z.conf", "net.ipv4.ip_forward", "1")}, "eth0", 0, "0"},
		"ufw's own line of the tunnel is none": {[]seen.Setting{on, line(seen.UfwSysctl, "net/ipv4/conf/wg0/forwarding", "0")}, "wg0", 2, "1"},
	} {
		dropIns, ufw := inOrder(c.files)
		if got := forwardsAtBoot([][]seen.Setting{dropIns, ufw}, "ipv4", c.link, c.appears); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func FuzzForwardsAtBoot(f *testing.F) {
	f.Add("/etc/sysctl.d/1.conf", "net.ipv4.ip_forward", "1", 2)
	f.Fuzz(func(t *testing.T, file, name, value string, appears int) {
		dropIns, ufw := inOrder([]seen.Setting{{File: file, Name: name, Value: value}, {File: seen.UfwSysctl, Name: name, Value: value}})
		forwardsAtBoot([][]seen.Setting{dropIns, ufw}, "ipv4", "eth0", appears)
	})
}

// What iptables-save prints of a line is the same as the line.
func TestSense(t *testing.T) {
	for file, saved := range map[string]string{
		"-A c -p icmp --icmp-type echo-request -j ACCEPT":                          "-A c -p icmp -m icmp --icmp-type 8 -j ACCEPT",
		"-A c -p icmpv6 -s fe80::/10 --icmpv6-type 130 -j ACCEPT":                  "-A c -s fe80::/10 -p ipv6-icmp -m icmp6 --icmpv6-type 130 -j ACCEPT",
		"-A c -p udp -d 224.0.0.251 --dport 5353 -j ACCEPT":                        "-A c -d 224.0.0.251/32 -p udp -m udp --dport 5353 -j ACCEPT",
		"-A c -j LOG --log-prefix \"[UFW BLOCK] \" -m limit --limit 3/minute":      "-A c -m limit --limit 3/min -j LOG --log-prefix \"[UFW BLOCK] \"",
		"-A c -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT":                "-A c -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
		"-I c --protocol tcp --syn ! --source 10.0.0.0/8 -j REJECT":                "-A c ! -s 10.0.0.0/8 -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j REJECT --reject-with icmp-port-unreachable",
		"-A c -o wg0 -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu": "-A c -o wg0 -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu",
	} {
		one, known := sense(file)
		other, _ := sense(saved)
		if one != other || !known {
			t.Errorf("%q is %q (%t), and iptables-save's %q", file, one, known, other)
		}
	}
	for _, line := range []string{"-A c -p tcp --dport ssh -j ACCEPT", "-A c -m time --timestart 8:00 -j DROP", "-A c -s home.example -j ACCEPT"} {
		if _, known := sense(line); known {
			t.Errorf("%q is taken for a line that can be compared", line)
		}
	}
}

func FuzzSense(f *testing.F) {
	f.Add("*filter\n:c - [0:0]\n-I c ! -p tcp --dport 1 -j")
	f.Fuzz(func(t *testing.T, text string) {
		loads{"/etc/ufw/before.rules", seen.Tables{}}.differ(text)
	})
}

func FuzzTuple(f *testing.F) {
	f.Add("route:allow tcp 993 10.0.0.2 any 0.0.0.0/0 in_eth0!out_wg0 comment=61")
	f.Add("\x1b 0 1 0.0.0.0 0 0.0.0.0")
	f.Fuzz(func(t *testing.T, text string) {
		if r, ok := seen.ParseUfwRule(seen.UfwTuple + text); ok && strings.ContainsAny(tupleOf(r).String(), "\x1b\n\r\x07") {
			t.Fatalf("a control character comes through: %q", tupleOf(r).String())
		}
	})
}
