package steps

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
	"postern/steps/firewall"
)

// seenHost is a host with these addresses on its one interface, which somebody came to by SSH.
func seenHost(address4, operator string, port int, more ...string) seen.Host {
	var all []seen.Address
	for _, p := range append([]string{address4}, more...) {
		all = append(all, seen.Address{Prefix: netip.MustParsePrefix(p)})
	}
	return seen.Host{
		Network: seen.Network{Device: "eth0", Interfaces: []seen.Interface{{Name: "eth0", Addresses: all}}},
		Access:  seen.Access{Client: netip.AddrPortFrom(netip.MustParseAddr(operator), 40000), Ports: []int{port}},
	}
}

// said writes a policy down, one line for each thing it does.
func said(p firewall.Policy) []string {
	var list []string
	for _, a := range p.Allows {
		list = append(list, strings.Join(strings.Fields(fmt.Sprintf("%s %d/%s %v %s %v", a.Name, a.Port, a.Proto, a.From, a.In, a.To)), " "))
	}
	for _, f := range p.Forwards {
		list = append(list, fmt.Sprintf("%s %s %s->%s->%s %s %v", f.Name, f.Proto, f.In, f.To, f.Dest, f.Out, f.From))
	}
	return list
}

func TestPolicyFor(t *testing.T) {
	open := []string{"ssh 22/tcp [] invalid IP", "smtp 25/tcp [] invalid IP", "http 80/tcp [] invalid IP", "https 443/tcp [] invalid IP",
		"tunnel 51820/udp [] invalid IP", "relay 2526/tcp [10.0.0.2/32] wg0 10.0.0.1"}
	cases := []struct {
		name string
		set  [][2]string
		role site.Role
		seen seen.Host
		want []string
	}{
		{"proxy", nil, site.Proxy, seenHost("203.0.113.10/24", "198.51.100.20", 22), []string{
			"ssh 22/tcp [] invalid IP", "smtp 25/tcp [] invalid IP", "http 80/tcp [] invalid IP", "https 443/tcp [] invalid IP",
			"tunnel 51820/udp [] invalid IP", "relay 2526/tcp [10.0.0.2/32] wg0 10.0.0.1",
			"submissions tcp eth0->203.0.113.10:465->10.0.0.2:465 wg0 []", "submission tcp eth0->203.0.113.10:587->10.0.0.2:587 wg0 []", "imaps tcp eth0->203.0.113.10:993->10.0.0.2:993 wg0 []"}},
		{"proxy, direct, limited", [][2]string{{"mail.path", "direct"}, {"from.smtp", "198.51.100.0/24"}, {"host.proxy.ssh_from", "198.51.100.20"}}, site.Proxy,
			seenHost("203.0.113.10/24", "198.51.100.20", 2222), []string{
				"ssh 2222/tcp [198.51.100.20/32] invalid IP", "http 80/tcp [] invalid IP", "https 443/tcp [] invalid IP", "tunnel 51820/udp [] invalid IP",
				"smtp tcp eth0->203.0.113.10:25->10.0.0.2:25 wg0 [198.51.100.0/24]",
				"submissions tcp eth0->203.0.113.10:465->10.0.0.2:465 wg0 []", "submission tcp eth0->203.0.113.10:587->10.0.0.2:587 wg0 []", "imaps tcp eth0->203.0.113.10:993->10.0.0.2:993 wg0 []"}},
		{"proxy, a second address that is answered", [][2]string{{"host.proxy.public4", "203.0.113.11"}}, site.Proxy, seenHost("203.0.113.10/24", "198.51.100.20", 22, "203.0.113.11/24"), append(slices.Clone(open),
			"submissions tcp eth0->203.0.113.11:465->10.0.0.2:465 wg0 []", "submission tcp eth0->203.0.113.11:587->10.0.0.2:587 wg0 []", "imaps tcp eth0->203.0.113.11:993->10.0.0.2:993 wg0 []")},
		{"proxy, an address that only the provider has", [][2]string{{"host.proxy.public4", "203.0.113.11"}}, site.Proxy, seenHost("10.1.2.3/24", "198.51.100.20", 22), append(slices.Clone(open),
			"submissions tcp eth0->10.1.2.3:465->10.0.0.2:465 wg0 []", "submission tcp eth0->10.1.2.3:587->10.0.0.2:587 wg0 []", "imaps tcp eth0->10.1.2.3:993->10.0.0.2:993 wg0 []")},
		{"proxy, an interface that is answered", [][2]string{{"host.proxy.interface", "eth7"}}, site.Proxy, seenHost("203.0.113.10/24", "198.51.100.20", 22), append(slices.Clone(open),
			"submissions tcp eth7->203.0.113.10:465->10.0.0.2:465 wg0 []", "submission tcp eth7->203.0.113.10:587->10.0.0.2:587 wg0 []", "imaps tcp eth7->203.0.113.10:993->10.0.0.2:993 wg0 []")},
		{"mail", nil, site.Mail, seenHost("192.168.50.2/24", "192.168.50.10", 22, "2001:db8:50::2/64"), []string{
			"ssh 22/tcp [192.168.50.0/24] invalid IP", "ssh 22/tcp [10.0.0.0/24] wg0 invalid IP", "tunnel 0/ [10.0.0.1/32] wg0 invalid IP",
			"submissions 465/tcp [] wg0 10.0.0.2", "submission 587/tcp [] wg0 10.0.0.2", "imaps 993/tcp [] wg0 10.0.0.2"}},
		{"mail, operator on the home network's IPv6", nil, site.Mail, seenHost("192.168.50.2/24", "2001:db8:50::10", 22, "2001:db8:50::2/64"), []string{
			"ssh 22/tcp [192.168.50.0/24 2001:db8:50::/64] invalid IP", "ssh 22/tcp [10.0.0.0/24] wg0 invalid IP", "tunnel 0/ [10.0.0.1/32] wg0 invalid IP",
			"submissions 465/tcp [] wg0 10.0.0.2", "submission 587/tcp [] wg0 10.0.0.2", "imaps 993/tcp [] wg0 10.0.0.2"}},
		{"mail, at home in two networks", nil, site.Mail, seenHost("192.168.50.2/24", "192.168.60.10", 22, "192.168.60.2/24", "192.168.50.3/24"), []string{
			"ssh 22/tcp [192.168.50.0/24 192.168.60.0/24] invalid IP", "ssh 22/tcp [10.0.0.0/24] wg0 invalid IP", "tunnel 0/ [10.0.0.1/32] wg0 invalid IP",
			"submissions 465/tcp [] wg0 10.0.0.2", "submission 587/tcp [] wg0 10.0.0.2", "imaps 993/tcp [] wg0 10.0.0.2"}},
		{"mail, masquerade, some at home", [][2]string{{"clients.addresses", "masquerade"}, {"mail.lan", "192.168.50.0/24"}, {"host.mail.ssh_from", "192.168.50.10"}}, site.Mail,
			seenHost("192.168.50.2/24", "192.168.50.10", 22), []string{
				"ssh 22/tcp [192.168.50.10/32] invalid IP", "tunnel 0/ [10.0.0.1/32] wg0 invalid IP",
				"submissions-home 465/tcp [192.168.50.0/24] invalid IP", "submission-home 587/tcp [192.168.50.0/24] invalid IP", "imaps-home 993/tcp [192.168.50.0/24] invalid IP"}},
		{"mail, reached through the tunnel", nil, site.Mail, seenHost("192.168.50.2/24", "10.0.0.1", 22), []string{
			"ssh 22/tcp [192.168.50.0/24] invalid IP", "ssh 22/tcp [10.0.0.0/24] wg0 invalid IP", "tunnel 0/ [10.0.0.1/32] wg0 invalid IP",
			"submissions 465/tcp [] wg0 10.0.0.2", "submission 587/tcp [] wg0 10.0.0.2", "imaps 993/tcp [] wg0 10.0.0.2"}},
	}
	for _, c := range cases {
		s := site.Default()
		for _, kv := range c.set {
			set(t, s, kv[0], kv[1])
		}
		if got := said(PolicyFor(s, s.HostsOf(c.role)[0], c.seen)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

// Nothing of a host is open to the world over IPv6 on the mail host, whatever is answered.
func TestMailIsClosedOverIPv6(t *testing.T) {
	s := site.Default()
	set(t, s, "tunnel.network6", "fd00:10::/64")
	for _, a := range PolicyFor(s, s.Host("mail"), seenHost("192.168.50.2/24", "192.168.50.10", 22, "2001:db8:50::2/64")).Allows {
		if a.From == nil && a.In != s.Tunnel.Interface {
			t.Errorf("%s is open to everyone", a.Name)
		}
	}
}

func TestWaysIn(t *testing.T) {
	s := site.Default()
	count := func(host, operator string, six ...string) int {
		h, address := s.Host(host), "203.0.113.10/24"
		if host == "mail" {
			address = "192.168.50.2/24"
		}
		now := seenHost(address, operator, 22, six...)
		return len(waysIn(s, h, now, PolicyFor(s, h, now)))
	}
	if n := count("mail", "192.168.50.10"); n != 2 {
		t.Errorf("mail: %d ways, want the home network and the tunnel", n)
	}
	if n := count("proxy", "198.51.100.20", "2001:db8:113::10/64"); n != 3 {
		t.Errorf("proxy: %d ways, want IPv4, IPv6 and the tunnel", n)
	}
	set(t, s, "host.mail.ssh_from", "192.168.50.10")
	if n := count("mail", "192.168.50.10"); n != 1 {
		t.Errorf("narrowed mail: %d ways, want 1", n)
	}
}

// fakeApt runs the installing script with an apt-get of ours, and gives what it printed and what apt-get was asked.
func fakeApt(t *testing.T, apt string) (out, asked string, code int) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "apt-get"), []byte("#!/bin/sh\necho \"$DEBIAN_FRONTEND $NEEDRESTART_MODE $*\" >> "+dir+"/asked\n"+apt), 0o755); err != nil {
		t.Fatal(err)
	}
	// The locks of this machine, and who may write to it, are no business of the test.
	script := strings.ReplaceAll(does.Packages{"ufw"}.Install("proxy").Do, "/var/lib/", dir+"/")
	script = strings.Replace(script, "/etc /usr /var", dir, 1)
	cmd := exec.Command("/bin/sh", "-c", "set -e\n"+script)
	cmd.Env = []string{"PATH=" + dir + ":/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	raw, err := cmd.CombinedOutput()
	if err != nil {
		code = cmd.ProcessState.ExitCode()
	}
	log, _ := os.ReadFile(filepath.Join(dir, "asked"))
	return string(raw), string(log), code
}

func TestInstallPackages(t *testing.T) {
	out, asked, code := fakeApt(t, "exit 0\n")
	if code != 0 || !strings.Contains(out, "installed 'ufw'") && !strings.Contains(out, "installed ufw") {
		t.Errorf("exit %d: %s", code, out)
	}
	for _, want := range []string{"noninteractive l ", "--force-confold", "--no-install-recommends", "DPkg::Lock::Timeout=300", " update", " install -y"} {
		if !strings.Contains(asked, want) {
			t.Errorf("apt-get was not asked %q but\n%s", want, asked)
		}
	}
	out, _, code = fakeApt(t, "echo 'E: Failed to fetch http://mirror.example.org/x  Could not connect'\nexit 100\n")
	if code != 1 || !strings.HasSuffix(strings.TrimSpace(out), "Could not connect") || !strings.Contains(out, "cannot reach the package sources: E: Failed to fetch") {
		t.Errorf("offline: exit %d: %s", code, out)
	}
	for _, why := range []string{
		"W: GPG error: https://download.example.org/linux/debian bookworm InRelease: The following signatures couldn't be verified because the public key is not available: NO_PUBKEY 7EA0A9C3F273FCD8",
		"W: GPG error: https://cli.example.org/packages stable InRelease: The following signatures were invalid: EXPKEYSIG 23F3D4EA75716059 Example CLI <cli@example.org>",
		"Err:3 https://download.example.org/linux/debian trixie InRelease Sub-process /usr/bin/sqv returned an error code (1), error message is: Missing key 7EA0A9C3F273FCD8, which is needed to verify signature.",
		"E: Release file for http://deb.example.org/debian/dists/bookworm/InRelease is not valid yet (invalid for another 3h 12min 4s). Updates for this repository will not be applied.",
	} {
		out, _, code = fakeApt(t, "cat <<'END'\nE: The repository 'https://download.example.org/linux/debian bookworm InRelease' is not signed.\nN: Updating from such a repository can't be done securely.\n"+why+"\nEND\nexit 100\n")
		told := (&remote.ErrTest{Change: "install ufw on proxy", Out: remote.Clean(out)}).Error()
		if code != 1 || !strings.Contains(told, "apt does not trust a package source: "+why) || strings.Contains(told, "cannot reach") {
			t.Errorf("a bad signature: exit %d, told as %s", code, told)
		}
	}
	out, _, code = fakeApt(t, "case $* in *install*) echo \"E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem.\"; exit 100 ;; esac\n")
	if code != 1 || !strings.Contains(out, "run dpkg --configure -a on the host") {
		t.Errorf("interrupted dpkg: exit %d: %s", code, out)
	}
	out, _, code = fakeApt(t, "case $* in *install*) echo 'E: Unable to locate package ufw'; exit 100 ;; esac\n")
	if code != 1 || !strings.Contains(out, "apt-get install") || !strings.Contains(out, "Unable to locate package ufw") {
		t.Errorf("no such package: exit %d: %s", code, out)
	}
}
