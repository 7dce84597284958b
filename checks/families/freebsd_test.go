package families

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"postern/checks"
	"postern/remote"
	"postern/site"
)

// newBSDWorld is a healthy world whose proxy runs FreeBSD: what it prints is in the form of its tools.
func newBSDWorld(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	raw, err := os.ReadFile("testdata/freebsd.json")
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]remote.Answer{}
	if err := json.Unmarshal(raw, &answers); err != nil {
		t.Fatal(err)
	}
	w.env.Site.Host("proxy").System = site.FreeBSD
	w.env.Hosts["proxy"].Facts.Answers = answers
	return w
}

// concerning are the results of the families that are asked of a FreeBSD host.
func concerning(w *world) []checks.Result {
	list := slices.DeleteFunc(checks.All(), func(c checks.Check) bool {
		family, _, _ := strings.Cut(c.ID, ".")
		return family != "host" && family != "firewall" && family != "tunnel"
	})
	return checks.Run(w.t.Context(), list, w.env, nil)
}

func TestHealthyFreeBSDIsOK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ok := 0
		for _, r := range concerning(newBSDWorld(t)) {
			if r.Outcome == checks.OK && r.From == "proxy" {
				ok++
			}
			if r.Outcome != checks.OK && r.Outcome != checks.Skip {
				t.Errorf("%s from %s: %s: %s (%s)", r.ID, r.From, r.Outcome, r.Saw, r.Likely)
			}
		}
		if ok < 14 {
			t.Errorf("only %d are ok of the proxy", ok)
		}
	})
}

const anyTCP = " flags S/SA keep state\n"

// Each breaks one thing of the FreeBSD proxy, or keeps it from being told: the check about it says so, and never ok.
var abroad = []story{
	{"pf is off", "firewall.active", "firewall.active@proxy", func(w *world) { w.say("proxy", "pfrules", "== off\n== end\n") }, checks.Fail, "pf is off"},
	{"pf is off, by its rules", "firewall.rules", "firewall.rules@proxy", func(w *world) { w.say("proxy", "pfrules", "== off\n== end\n") }, checks.Fail, "pf is off"},
	{"no rule at all", "firewall.active", "firewall.active@proxy", func(w *world) { w.say("proxy", "pfrules", "== skip\n== main\n\n== end\n") }, checks.Fail, "without any rule"},
	{"no default policy", "firewall.active", "firewall.active@proxy", edit("proxy", "pfrules", "block drop in log all\n", ""), checks.Fail, "no default policy"},
	{"a line that is not understood", "firewall.active", "firewall.active@proxy", edit("proxy", "pfrules", "block drop in log all\n", "block drop in log all\nfrobnicate all\n"), checks.Unknown, "could not be told"},
	{"pfctl is broken", "firewall.active", "firewall.active@proxy", func(w *world) { w.say("proxy", "pfrules", "there is no pfctl command\n") }, checks.Unknown, "broke off"},
	{"a port is missing", "firewall.rules", "firewall.rules@proxy", edit("proxy", "pfrules", "pass in inet proto tcp from any to (vtnet0) port = 25"+anyTCP, ""), checks.Fail, "missing: smtp 25/tcp"},
	{"its IPv6 is missing", "firewall.rules", "firewall.rules@proxy", edit("proxy", "pfrules", "pass in inet6 proto tcp from any to (vtnet0) port = 443"+anyTCP, ""), checks.Fail, "missing: https 443/tcp"},
	{"a redirection is missing", "firewall.rules", "firewall.rules@proxy", edit("proxy", "pfrules", "rdr on vtnet0 inet proto tcp from any to (vtnet0:0) port = 993 -> 10.0.0.2\n", ""), checks.Fail, "imaps 993"},
	{"a redirection to somebody else", "firewall.rules", "firewall.rules@proxy", edit("proxy", "pfrules", "port = 993 -> 10.0.0.2\n", "port = 993 -> 10.0.0.3\n"), checks.Fail, "imaps 993/tcp"},
	{"redirected and not let through", "firewall.rules", "firewall.rules@proxy", edit("proxy", "pfrules", "pass in on vtnet0 inet proto tcp from any to 10.0.0.2 port = 587"+anyTCP, ""), checks.Fail, "missing: submission 587/tcp"},
	{"clients are masked", "firewall.rules", "firewall.rules@proxy", edit("proxy", "pfrules", "== main\n", "== main\nnat on wg0 inet proto tcp from any to 10.0.0.2 -> 10.0.0.1\n"), checks.Fail, "no client's own address"},
	{"a port too many", "firewall.rules", "firewall.rules@proxy", edit("proxy", "pfrules", "block drop in log all\n", "block drop in log all\npass in inet proto tcp from any to any port = 3306"+anyTCP), checks.Fail, "open: 3306/tcp"},
	{"a port too many, for one source", "firewall.rules", "firewall.rules@proxy", edit("proxy", "pfrules", "block drop in log all\n", "block drop in log all\npass in inet proto tcp from 233.252.0.9 to any port = 3306"+anyTCP), checks.Fail, "open: 3306/tcp"},
	{"the relay is open to the world", "firewall.rules", "firewall.rules@proxy", edit("proxy", "pfrules", "pass in on wg0 inet proto tcp from 10.0.0.2 to 10.0.0.1 port = 2526", "pass in inet proto tcp from any to any port = 2526"), checks.Fail, "wider than wanted: relay 2526/tcp"},
	{"theirs is theirs", "firewall.rules", "firewall.rules@proxy", also(edit("proxy", "pf", "|# Made by postern", "|# Mine"), edit("proxy", "pfrules", "block drop in log all\n", "block drop in log all\npass in inet proto tcp from any to any port = 3306"+anyTCP)), checks.Warn, "open beyond what is wanted: 3306/tcp"},
	{"a table is not there", "firewall.rules", "firewall.rules@proxy", edit("proxy", "pfrules", "== table bruteforce\n", ""), checks.Fail, "table <bruteforce>, which is not there"},
	{"our anchor is empty", "firewall.rules", "firewall.rules@proxy", edit("proxy", "pfrules", "== table admin\n", "anchor \"postern\" all\n== anchor postern\n== table admin\n"), checks.Fail, "holds no rule"},
	{"an anchor lets in more", "firewall.rules", "firewall.rules@proxy", edit("proxy", "pfrules", "== table admin\n", "anchor \"more/*\" all\n== anchor more\n== anchor more/x\npass in quick proto tcp from any to any port = 3306"+anyTCP+"== table admin\n"), checks.Fail, "3306/tcp"},
	{"what leaves keeps no state", "firewall.rules", "firewall.rules@proxy", edit("proxy", "pfrules", "pass out all"+anyTCP, ""), checks.Fail, "kept back: answers to outgoing"},
	{"the world sends mail by it", "firewall.rules", "firewall.rules@proxy", edit("proxy", "pfrules", "== table admin\n", "pass in on wg0 inet proto tcp from 10.0.0.2 to any port = 25"+anyTCP+"== table admin\n"), checks.Fail, "too wide: mail of 10.0.0.2"},
	{"a long list of bans", "firewall.rules", "firewall.rules@proxy", edit("proxy", "pfrules", "== table bruteforce\n", "== table bruteforce\n"+strings.Repeat("   233.252.0.1\n", 1000)), checks.Warn, "too long to be told"},
	{"pf does not start at boot", "firewall.boot", "firewall.boot@proxy", edit("proxy", "rcconf", "pf_enable=YES", "pf_enable=NO"), checks.Fail, "starts at boot: false"},
	{"pfctl refuses the file", "firewall.boot", "firewall.boot@proxy", edit("proxy", "rcconf", "== refused\n", "== refused\n/etc/pf.conf:7: syntax error\n"), checks.Fail, "pfctl refuses /etc/pf.conf: /etc/pf.conf:7"},
	{"the file lacks what runs", "firewall.boot", "firewall.boot@proxy", edit("proxy", "pf", "port { 25 80 443 }", "port { 80 443 }"), checks.Fail, "25/tcp"},
	{"the file has another redirection", "firewall.boot", "firewall.boot@proxy", edit("proxy", "pf", "{ 465 587 993 } -> 10.0.0.2", "{ 465 587 993 } -> 10.0.0.7"), checks.Fail, "after a reboot"},
	{"the file is gone", "firewall.boot", "firewall.boot@proxy", func(w *world) {
		w.say("proxy", "pf", "== running\nyes\n== rules\n36\n== ours\n0\n== path\n/etc/pf.conf\n== text\n== end\n")
	}, checks.Fail, "is not there or empty"},
	{"a line of the file is strange", "firewall.boot", "firewall.boot@proxy", edit("proxy", "pf", "|set skip on lo0", "|set frobnicate on lo0"), checks.Unknown, "/etc/pf.conf, line 13"},
	{"forwarding does not come back", "firewall.boot", "firewall.boot@proxy", edit("proxy", "rcconf", "\ngateway_enable=YES", "\ngateway_enable=NO"), checks.Fail, "will be 0 after a reboot"},
	{"sysctl.conf takes forwarding back", "firewall.boot", "firewall.boot@proxy", edit("proxy", "sysctl", "== files\n", "== files\n/etc/sysctl.conf:\n/etc/sysctl.conf:net.inet.ip.forwarding=0\n"), checks.Fail, "will be 0 after a reboot"},
	{"a change is open", "firewall.boot", "firewall.boot@proxy", edit("proxy", "rcconf", "== armed\n", "== armed\nyes\n"), checks.Skip, "waits for its confirmation"},
	{"no forwarding", "firewall.forwarding", "firewall.forwarding@proxy", edit("proxy", "sysctl", "net.inet.ip.forwarding 1", "net.inet.ip.forwarding 0"), checks.Fail, "net.inet.ip.forwarding = 0"},
	{"a ban rule is told", "host.ssh", "host.ssh@proxy", func(*world) {}, checks.OK, "a rule of pf"},
	{"sshd is not of the boot", "host.boot", "host.boot@proxy", edit("proxy", "rcconf", "sshd_enable=YES", "sshd_enable=NO"), checks.Fail, "sshd_enable is not YES"},
	{"who lets in is not known", "host.boot", "host.boot@proxy", also(edit("proxy", "rcconf", "sshd_enable=YES", "sshd_enable=NO"), edit("proxy", "listeners", " sshd ", " dropbear ")), checks.Unknown, "no sshd is known"},
	{"no dpkg", "host.packages", "host.packages@proxy", func(*world) {}, checks.Skip, "no dpkg"},
	{"the tunnel is down", "tunnel.unit", "tunnel.unit@proxy", func(w *world) { w.say("proxy", readTunnel, "== down\n== end\n") }, checks.Fail, "there is no interface wg0"},
	{"the tunnel is not of the boot", "tunnel.boot", "tunnel.boot@proxy", edit("proxy", "rcconf", "wireguard_interfaces=wg0", "wireguard_interfaces=wg1"), checks.Fail, "off for wg0"},
	{"rc starts no tunnel", "tunnel.boot", "tunnel.boot@proxy", edit("proxy", "rcconf", "wireguard_enable=YES", "wireguard_enable=NO"), checks.Fail, "off for wg0"},
	{"another address in its file", "tunnel.boot", "tunnel.boot@proxy", edit("proxy", "/usr/local/etc/wireguard/wg0.conf", "10.0.0.1/24", "10.0.0.9/24"), checks.Fail, "10.0.0.9/24"},
	{"a key that others read", "tunnel.keys", "tunnel.keys@proxy", edit("proxy", readKeys, "600 root:wheel Regular File|/usr/local/etc/wireguard/wg0.key", "644 root:wheel Regular File|/usr/local/etc/wireguard/wg0.key"), checks.Fail, "mode 0644"},
	{"a key on a command line", "tunnel.keys", "tunnel.keys@proxy", edit("proxy", readKeys, "== argv\n", "== argv\n812\n"), checks.Fail, "812"},
	{"rules are read twice", "firewall.doubled", "firewall.doubled@proxy", func(*world) {}, checks.Skip, "pf"},
}

func TestFreeBSDStories(t *testing.T) {
	for _, s := range abroad {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newBSDWorld(t)
				s.spoil(w)
				c, _ := checks.Find(s.check)
				for _, r := range checks.Run(t.Context(), []checks.Check{c}, w.env, nil) {
					text := r.Saw.String() + "\n" + r.Likely + "\n" + r.Evidence.String()
					if r.Key() == s.key && (r.Outcome != s.want || !strings.Contains(text, s.words)) {
						t.Errorf("%s is %s: %s; wanted %s with %q", s.key, r.Outcome, text, s.want, s.words)
					} else if r.Key() == s.key {
						return
					}
				}
				if !t.Failed() {
					t.Errorf("nobody answered %s", s.key)
				}
			})
		})
	}
}

// A fact that a FreeBSD host does not tell, or not whole, never makes a check ok.
func TestFreeBSDNeverOKWithoutItsFacts(t *testing.T) {
	needs := map[string][]string{
		"firewall.active": {"pf", "pfrules", "addresses"}, "firewall.rules": {"pf", "pfrules", "addresses", "ssh"}, "firewall.boot": {"pf", "pfrules", "rcconf", "sysctl", "addresses", "system"},
		"firewall.forwarding": {"sysctl"}, "host.boot": {"rcconf", "listeners"}, "tunnel.unit": {readTunnel}, "tunnel.boot": {readTunnel, "rcconf", readPublic, "addresses", "/usr/local/etc/wireguard/wg0.conf"},
		"tunnel.keys": {readKeys}, "host.clock": {"clock"}, "tunnel.handshake": {readTunnel},
	}
	for id, facts := range needs {
		for _, fact := range facts {
			synctest.Test(t, func(t *testing.T) {
				w := newBSDWorld(t)
				if strings.HasPrefix(fact, "/") {
					delete(w.env.Hosts["proxy"].Facts.Answers, fact)
				} else {
					w.say("proxy", fact, "== broken\n")
				}
				c, _ := checks.Find(id)
				for _, r := range checks.Run(t.Context(), []checks.Check{c}, w.env, nil) {
					if r.From == "proxy" && r.Outcome != checks.Unknown {
						t.Errorf("%s without %s is %s: %s", id, fact, r.Outcome, r.Saw)
					}
				}
			})
		}
	}
}
