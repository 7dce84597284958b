package firewall

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"postern/remote"
)

// stage is a private copy of ufw's files, changed by ufw's own program with no effect on this machine.
type stage struct {
	t   *testing.T
	dir string
}

// realUfw unpacks ufw's package, which a host of ours would install, or skips the test with the reason.
func realUfw(t *testing.T) stage {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("ufw wants to be run by root")
	}
	for _, tool := range []string{"python3", "iptables", "dpkg-deb", "apt-get"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is missing, so ufw cannot be run here", tool)
		}
	}
	base, err := os.UserCacheDir()
	if err != nil {
		t.Skip(err)
	}
	pool := filepath.Join(base, "postern", "ufw-package")
	if err := os.MkdirAll(pool, 0o755); err != nil {
		t.Skip(err)
	}
	debs, _ := filepath.Glob(filepath.Join(pool, "ufw_*.deb"))
	if len(debs) == 0 {
		get := exec.Command("apt-get", "download", "ufw")
		get.Dir = pool
		if out, err := get.CombinedOutput(); err != nil {
			t.Skipf("the package ufw cannot be had here: %v: %s", err, out)
		}
		debs, _ = filepath.Glob(filepath.Join(pool, "ufw_*.deb"))
	}
	if len(debs) == 0 {
		t.Skip("the package ufw cannot be had here")
	}
	s := stage{t, t.TempDir()}
	if out, err := exec.Command("dpkg-deb", "-x", debs[0], s.dir).CombinedOutput(); err != nil {
		t.Skipf("the package ufw cannot be unpacked: %v: %s", err, out)
	}
	for _, f := range []string{"iptables/user.rules", "iptables/user6.rules", "iptables/before.rules", "iptables/before6.rules",
		"iptables/after.rules", "iptables/after6.rules", "before.init", "after.init", "ufw.conf"} {
		data, err := os.ReadFile(filepath.Join(s.dir, "usr/share/ufw", f))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.dir, "etc/ufw", filepath.Base(f)), data, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// run types one ufw command.
func (s stage) run(line string) {
	s.t.Helper()
	var args []string
	for i, part := range strings.Split(line, "'") { // quotes hold comments and profile names
		if i%2 == 1 {
			args = append(args, part)
		} else {
			args = append(args, strings.Fields(part)...)
		}
	}
	cmd := exec.Command("python3", append([]string{"-W", "ignore", filepath.Join(s.dir, "usr/sbin/ufw"), "--rootdir=" + s.dir, "--datadir=" + s.dir}, args...)...)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+filepath.Join(s.dir, "usr/lib/python3/dist-packages"), "LC_ALL=C")
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("ufw %s: %v: %s", line, err, out)
	}
}

func (s stage) read(path string) string {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, path))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(data)
}

// facts are what a look at the stage would bring, with nothing running.
func (s stage) facts() remote.Facts {
	files := map[string]string{}
	for _, path := range []string{rules4Path, rules6Path, before4Path, before6Path, hookPath, defaultsPath, confPath} {
		files[path] = s.read(path)
	}
	return factsOf(files)
}

// factsOf are the facts of a host with these files and answers, and no rule running.
func factsOf(files map[string]string) remote.Facts {
	f := remote.Facts{Host: "test", Answers: map[string]remote.Answer{}}
	for _, path := range []string{scriptPath, ufwSysctl} {
		f.Answers[path] = remote.Answer{Code: 1}
	}
	f.Answers["rules"] = remote.Answer{Out: "== v4\n== v6\n== end\n"}
	for path, text := range files {
		a := remote.Answer{Out: text, Mode: 0o640, Owner: "root:root"}
		if !strings.HasPrefix(path, "/") {
			a = remote.Answer{Out: text + "== end\n"}
		} else if path == scriptPath {
			a.Mode = 0o750
		} else if strings.HasSuffix(path, ".conf") || path == defaultsPath {
			a.Mode = 0o644
		}
		f.Answers[path] = a
	}
	return f
}

func prefixes(list ...string) []netip.Prefix {
	var p []netip.Prefix
	for _, s := range list {
		p = append(p, netip.MustParsePrefix(s))
	}
	return p
}

func TestRulesFileEqualsUfw(t *testing.T) {
	pristine := realUfw(t)
	cases := []struct {
		name   string
		before []string // typed by a person
		after  []string // what one would type for the policy
		want   Policy
	}{
		{"a port for all", nil, []string{"allow 25/tcp comment 'postern smtp'"}, Policy{Allows: []Allow{{Name: "smtp", Proto: "tcp", Port: 25}}}},
		{"a port for both protocols", nil, []string{"allow 53 comment 'postern dns'"}, Policy{Allows: []Allow{{Name: "dns", Port: 53}}}},
		{"udp", nil, []string{"allow 51820/udp comment 'postern tunnel'"}, Policy{Allows: []Allow{{Name: "tunnel", Proto: "udp", Port: 51820}}}},
		{"sources of both families", nil, []string{
			"allow proto tcp from 192.168.50.0/24 to any port 2222 comment 'postern ssh'",
			"allow proto tcp from 203.0.113.9 to any port 2222 comment 'postern ssh'",
			"allow proto tcp from 2001:db8:50::/64 to any port 2222 comment 'postern ssh'",
			"allow proto tcp from 2001:db8::7 to any port 2222 comment 'postern ssh'"},
			Policy{Allows: []Allow{{Name: "ssh", Proto: "tcp", Port: 2222, From: prefixes("192.168.50.1/24", "203.0.113.9/32", "2001:db8:50::1/64", "2001:db8::7/128")}}}},
		{"interface, source and destination", nil, []string{"allow in on wg0 from 10.0.0.2 to 10.0.0.1 port 2526 proto tcp comment 'postern relay'"},
			Policy{Allows: []Allow{{Name: "relay", Proto: "tcp", Port: 2526, From: prefixes("10.0.0.2/32"), In: "wg0", To: netip.MustParseAddr("10.0.0.1")}}}},
		{"all from a source on an interface", nil, []string{"allow in on wg0 from 10.0.0.1 comment 'postern tunnel'"},
			Policy{Allows: []Allow{{Name: "tunnel", From: prefixes("10.0.0.1/32"), In: "wg0"}}}},
		{"forwards", nil, []string{
			"route allow in on eth0 out on wg0 to 10.0.0.2 port 993 proto tcp comment 'postern imaps'",
			"route allow in on eth0 out on wg0 from 198.51.100.0/24 to 10.0.0.2 port 587 proto tcp comment 'postern submission'"},
			Policy{Forwards: []Forward{
				{Name: "imaps", Proto: "tcp", In: "eth0", Out: "wg0", To: netip.MustParseAddrPort("203.0.113.10:993"), Dest: netip.MustParseAddrPort("10.0.0.2:993")},
				{Name: "submission", Proto: "tcp", In: "eth0", Out: "wg0", To: netip.MustParseAddrPort("203.0.113.10:587"), Dest: netip.MustParseAddrPort("10.0.0.2:587"), From: prefixes("198.51.100.0/24")}}}},
		{"forward over IPv6", nil, []string{"route allow in on eth0 out on wg0 to fd00::2 port 993 proto tcp comment 'postern imaps'"},
			Policy{Forwards: []Forward{{Name: "imaps", Proto: "tcp", In: "eth0", Out: "wg0", To: netip.MustParseAddrPort("[2001:db8:113::10]:993"), Dest: netip.MustParseAddrPort("[fd00::2]:993")}}}},
		{"behind rules of others", []string{
			"limit 22/tcp", "deny from 192.0.2.66", "reject out 25/tcp", "allow log to any port 8080 proto tcp comment 'of others; $(id)'", "allow 'WWW Full'",
			"allow in on eth1 to 10.1.1.1 port 1000:2000,3000 proto udp", "route deny in on eth0 out on eth1", "deny log-all proto tcp from any to any port 111"},
			[]string{"allow 53/tcp comment 'postern dns'"}, Policy{Allows: []Allow{{Name: "dns", Proto: "tcp", Port: 53}}}},
		{"what rules of others admit already", []string{"allow 22", "allow 'WWW Full'", "limit 25/tcp", "allow 990:995/tcp", "allow proto udp from 192.0.2.0/24 to any port 51820"},
			[]string{"allow 51820/udp comment 'postern tunnel'"}, Policy{Allows: []Allow{{Name: "ssh", Proto: "tcp", Port: 22}, {Name: "https", Proto: "tcp", Port: 443},
				{Name: "smtp", Proto: "tcp", Port: 25}, {Name: "imaps", Proto: "tcp", Port: 993}, {Name: "tunnel", Proto: "udp", Port: 51820}}}},
		{"logging medium", []string{"logging medium", "allow 22/tcp"}, []string{"allow 443/tcp comment 'postern https'"},
			Policy{Allows: []Allow{{Name: "https", Proto: "tcp", Port: 443}}}},
		{"logging high", []string{"logging high"}, []string{"allow 443/tcp comment 'postern https'"}, Policy{Allows: []Allow{{Name: "https", Proto: "tcp", Port: 443}}}},
		{"logging full", []string{"logging full"}, []string{"allow 443/tcp comment 'postern https'"}, Policy{Allows: []Allow{{Name: "https", Proto: "tcp", Port: 443}}}},
		{"logging off", []string{"logging off"}, []string{"allow 443/tcp comment 'postern https'"}, Policy{Allows: []Allow{{Name: "https", Proto: "tcp", Port: 443}}}},
		{"policies of the guide", []string{"default allow routed", "default deny outgoing", "allow 22/tcp"},
			[]string{"default deny routed", "allow 443/tcp comment 'postern https'", "allow out 53/udp comment 'postern dns'", "allow out on wg0 comment 'postern tunnel'"},
			Policy{Enable: true, Allows: []Allow{{Name: "https", Proto: "tcp", Port: 443}}, Outs: []Out{{Name: "dns", Proto: "udp", Port: 53}, {Name: "tunnel", On: "wg0"}}}},
		{"policies with much logging", []string{"logging high", "default allow routed", "allow 22/tcp"},
			[]string{"default deny routed", "logging high", "allow 443/tcp comment 'postern https'"},
			Policy{Enable: true, Allows: []Allow{{Name: "https", Proto: "tcp", Port: 443}}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := stage{t, t.TempDir()}
			if out, err := exec.Command("cp", "-a", pristine.dir+"/.", s.dir).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for _, line := range c.before {
				s.run(line)
			}
			found := s.facts()
			for _, line := range c.after {
				s.run(line)
			}
			c.want.Host = "test"
			r, err := render(c.want, found)
			if err != nil {
				t.Fatal(err)
			}
			changed := found.After(r.Changes)
			for _, path := range []string{rules4Path, rules6Path, defaultsPath} {
				got, want := changed.Answers[path].Out, s.read(path)
				if path == rules6Path && !strings.Contains(want, "### tuple ###") && !strings.Contains(got, "### tuple ###") {
					continue // ufw writes out its own template on occasions that do not matter
				}
				if got != want {
					t.Errorf("%s: got\n%s\nufw wrote\n%s", path, got, want)
				}
			}
		})
	}
}
