package steps

import (
	"strings"
	"testing"

	"postern/remote"
	"postern/site"
	"postern/steps/wireguard"
)

const (
	proxyKey = "op+ckV+8ahtZ2QHTH7mWx55FQdsHqDX2LFXx4kOrxxg="
	mailKey  = "eWUsI6khqQA7oRS4eE+poMSjroPO4TQ4lJ6f31XQCzk="
)

// tunnelSite is a site whose tunnel can be planned, and the look of one that is in place.
func tunnelSite(t *testing.T, answers ...string) *site.Site {
	t.Helper()
	s := site.Default()
	answer(t, s, strings.Join(append([]string{"host.proxy.ssh = root@203.0.113.10", "host.mail.ssh = root@192.168.50.2"}, answers...), "\n"))
	found, _ := Detect(s, freshLook(t, s))
	return found
}

func tunnelPlan(t *testing.T, s *site.Site, change func(facts map[string]map[string]string), sets ...string) Plan {
	t.Helper()
	facts := map[string]map[string]string{}
	for _, set := range append([]string{"fresh"}, sets...) {
		use(t, facts, set)
	}
	if change != nil {
		change(facts)
	}
	step, _ := Find("wireguard")
	return step.Plan(s, lookAt(s, facts, step.Reads))
}

const conf = "/etc/wireguard/wg0.conf"

// inPlace puts the files there that a first plan writes.
func inPlace(t *testing.T, s *site.Site) func(map[string]map[string]string) {
	first := tunnelPlan(t, s, nil, "keyed")
	return func(facts map[string]map[string]string) {
		for _, part := range first.Parts {
			for _, c := range part.Changes {
				put(facts, part.Host+"/"+c.Path, c.New.Text)
			}
		}
	}
}

func TestTunnelInPlace(t *testing.T) {
	s := tunnelSite(t)
	if p := tunnelPlan(t, s, inPlace(t, s), "keyed", "running"); !p.Empty() {
		t.Fatal(planText(p))
	}
}

// A full tunnel of somebody else's that was started later comes before our rules: ours get a preference that wins, and it is told.
func TestAnotherVPN(t *testing.T) {
	s := tunnelSite(t)
	p := tunnelPlan(t, s, func(facts map[string]map[string]string) {
		inPlace(t, s)(facts)
		was := facts["mail"]["routing.rules4"]
		facts["mail"]["routing.rules4"] = strings.Replace(was, "20720:", "20718:	from all lookup main suppress_prefixlength 0\n20719:	not from all fwmark 0xca6c lookup 51820\n20720:", 1)
		facts["mail"]["routing.tables4"] = "default dev wg0 table 20720 scope link\ndefault dev vpn table 51820 scope link\n"
	}, "keyed", "running")
	text := planText(p)
	for _, want := range []string{"another VPN takes what this host sends from 10.0.0.2", "20719: not from all fwmark 0xca6c lookup 51820",
		"PostUp = ip -4 rule add pref 20619 from 10.0.0.2 table 20720", "rule add pref 20619 fwmark", "PostDown = while ip -4 rule delete table 20720 "} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not there:\n%s", want, text)
		}
	}
	if strings.Contains(text, "pref 0 ") {
		t.Error("the kernel's own preference is taken")
	}
}

// Every drift of what runs from what the file wants is found and mended.
func TestTunnelDrift(t *testing.T) {
	s := tunnelSite(t)
	for name, c := range map[string]struct {
		fact, old, new, want string
	}{
		"peer gone":          {"proxy/tunnel.peers", mailKey + " (none) 10.0.0.2/32 0 0 0 25 none\n", "", "tell the running tunnel its peers"},
		"peer allowed less":  {"mail/tunnel.peers", "0.0.0.0/0", "10.0.0.1/32", "tell the running tunnel its peers"},
		"another key runs":   {"mail/tunnel.interface", mailKey, proxyKey, "start the tunnel wg0 anew"},
		"no key runs":        {"mail/tunnel.interface", mailKey, "(none)", "start the tunnel wg0 anew"},
		"another port":       {"proxy/tunnel.interface", "51820", "51821", "start the tunnel wg0 anew"},
		"no interface":       {"mail/tunnel.link", "3: wg0: <POINTOPOINT,NOARP,UP,LOWER_UP> mtu 1420 qdisc noqueue state UNKNOWN\n", "", "start the tunnel wg0"},
		"no address":         {"mail/addresses.addresses", "10.0.0.2/24", "10.0.0.3/24", "start the tunnel wg0 anew"},
		"a rule gone":        {"mail/routing.rules4", "20720:	from 10.0.0.2 lookup 20720\n", "", "start the tunnel wg0 anew"},
		"a rule too many":    {"mail/routing.rules4", "20720:	from 10.0.0.2", "20720:	from 10.0.0.9 lookup 20720\n20720:	from 10.0.0.2", "start the tunnel wg0 anew"},
		"the chain unhooked": {"mail/rules.v4", "-A PREROUTING -j postern-wg\n", "", "start the tunnel wg0 anew"},
		"not at boot":        {"mail/units.units", "UnitFileState=enabled", "UnitFileState=disabled", "bring the tunnel wg0 up at boot"},
		"unit not active":    {"mail/units.units", "ActiveState=active", "ActiveState=failed", "start the tunnel wg0 anew"},
	} {
		t.Run(name, func(t *testing.T) {
			p := tunnelPlan(t, s, func(facts map[string]map[string]string) {
				inPlace(t, s)(facts)
				host, id, _ := strings.Cut(c.fact, "/")
				was := facts[host][id]
				if facts[host][id] = strings.Replace(was, c.old, c.new, 1); facts[host][id] == was {
					t.Fatalf("%q is not in %q", c.old, was)
				}
			}, "keyed", "running")
			host, _, _ := strings.Cut(c.fact, "/")
			if len(p.Parts) != 1 || p.Parts[0].Host != host || len(p.Parts[0].Changes) != 1 {
				t.Fatalf("want one change on %s\n%s", host, planText(p))
			}
			got := p.Parts[0].Changes[0]
			if got.Title != c.want || !got.Forget || got.Path != "" {
				t.Errorf("%+v", got)
			}
			if name == "not at boot" && (got.Do != "" || got.Keep == "") {
				t.Errorf("a tunnel that runs is touched: do %q, keep %q", got.Do, got.Keep)
			}
		})
	}
}

// A change of only the peers goes into the running tunnel; its key is put in front through a pipe, never as an argument.
func TestSyncKeepsTheKey(t *testing.T) {
	s := tunnelSite(t)
	p := tunnelPlan(t, s, func(facts map[string]map[string]string) {
		inPlace(t, s)(facts)
		other := strings.Replace(mailKey, "e", "f", 1)
		facts["proxy"][conf] = strings.Replace(facts["proxy"][conf], mailKey, other, 1)
	}, "keyed", "running")
	c := p.Parts[0].Changes[0]
	if c.ID != "wireguard.conf" || !strings.Contains(c.Do, "| wg syncconf 'wg0' /dev/stdin") || strings.Contains(c.Do, "systemctl") {
		t.Fatalf("%+v", c)
	}
	if !strings.Contains(c.Do, "PrivateKey = '; cat '/etc/wireguard/wg0.key'") {
		t.Errorf("the running key would be lost: %s", c.Do)
	}
	if c.Risk != remote.NoRisk {
		t.Errorf("risk %q", c.Risk)
	}
}

func TestTunnelRefused(t *testing.T) {
	fact := func(name, text string) func(map[string]map[string]string) {
		return func(facts map[string]map[string]string) { put(facts, name, text) }
	}
	for name, c := range map[string]struct {
		change func(map[string]map[string]string)
		want   string
	}{
		"no WireGuard at all": {func(facts map[string]map[string]string) {
			put(facts, "mail/tools.tools", "")
		}, "mail: the kernel has neither WireGuard nor /dev/net/tun, so no tunnel can be made: ask the provider for one of them"},
		"port taken":           {fact("proxy/listeners.sockets", "udp UNCONN 0 0 0.0.0.0:51820 0.0.0.0:*\n"), "proxy: UDP port 51820 is in use by something else: set tunnel.port to another"},
		"interface not a file": {fact("mail/tunnel.link", "3: wg0: <BROADCAST> mtu 1500\n"), "mail: an interface wg0 exists that is not ours: set tunnel.interface to another name, such as wg1"},
		"operator inside": {fact("mail/ssh.connection", "10.0.0.7 4000 192.168.50.2 22\n"),
			"mail: you come from 10.0.0.7, which lies in the tunnel's network 10.0.0.0/24 and would become unreachable: choose another tunnel.network"},
		"a route overlaps": {fact("proxy/addresses.routes4", "default via 203.0.113.1 dev eth0\n10.0.0.0/16 dev docker0 proto kernel\n"),
			"proxy: 10.0.0.0/24 is in use on docker0 (10.0.0.0/16): choose another tunnel.network, such as 10.77.0.0/24"},
		"not looked at": {func(facts map[string]map[string]string) { delete(facts, "mail") },
			"mail was not looked at, so nothing can be planned: reach it first (host.mail.ssh)"},
	} {
		t.Run(name, func(t *testing.T) {
			p := tunnelPlan(t, tunnelSite(t), c.change)
			if len(p.Refused) != 1 || p.Refused[0] != c.want || len(p.Parts) != 0 {
				t.Errorf("refused %q", p.Refused)
			}
		})
	}
	s := tunnelSite(t)
	s.Host("proxy").SSH, s.Host("proxy").Public4, s.Host("proxy").Public6 = "vps", s.Host("mail").Public4, s.Host("mail").Public4
	if p := tunnelPlan(t, s, nil); len(p.Refused) != 1 || !strings.Contains(p.Refused[0], "set host.proxy.public4") {
		t.Errorf("no endpoint: %q", p.Refused)
	}
}

// Who came through the tunnel loses the connection when it is restarted, and is told.
func TestTunnelRisk(t *testing.T) {
	s := tunnelSite(t, "tunnel.mtu = 1300")
	for from, want := range map[string]remote.Risk{"10.0.0.1": remote.LoseSSH, "192.168.50.10": remote.LoseMail} {
		p := tunnelPlan(t, s, func(facts map[string]map[string]string) {
			inPlace(t, tunnelSite(t))(facts)
			put(facts, "mail/ssh.connection", from+" 4000 10.0.0.2 22\n")
		}, "keyed", "running")
		if len(p.Parts) != 2 || p.Parts[1].Changes[0].Risk != want || p.Parts[0].Changes[0].Risk != remote.LoseMail {
			t.Errorf("from %s:\n%s", from, planText(p))
		}
	}
}

func TestStripTunnel(t *testing.T) {
	s := tunnelSite(t)
	facts := map[string]map[string]string{}
	for _, set := range []string{"fresh", "keyed", "running"} {
		use(t, facts, set)
	}
	inPlace(t, s)(facts)
	const docker = "/etc/systemd/system/docker.service.d/60-postern.conf"
	theirs := "\n[Peer]\n# phone\nPublicKey = " + mailKey + "\n"
	facts["proxy"][conf] += theirs
	facts["mail"][docker] = "# postern: containers publish on the tunnel's address, so Docker waits for it.\n[Unit]\nWants=wg-quick@wg0.service\nAfter=wg-quick@wg0.service\n[Service]\nRestart=always\n"
	look := lookAt(s, facts, wireguard.Reads)
	p := stripWireguard(s, look, map[string]bool{conf: true, docker: true})
	if len(p.Parts) != 2 {
		t.Fatal(planText(p))
	}
	if got := p.Parts[0].Changes[0]; got.New == nil || got.New.Text != theirs {
		t.Errorf("proxy: %+v", got.New)
	}
	mail := p.Parts[1].Changes
	if mail[0].New != nil {
		t.Errorf("mail: a file of ours alone is left: %q", mail[0].New.Text)
	}
	if mail[1].New == nil || mail[1].New.Text != "[Unit]\n[Service]\nRestart=always\n" {
		t.Errorf("docker: %+v", mail[1].New)
	}
	if p := stripWireguard(s, look, nil); len(p.Parts) != 0 {
		t.Errorf("nothing was named, and %s", planText(p))
	}
}

func TestFields(t *testing.T) {
	s := site.Default()
	for _, step := range All() {
		for _, key := range step.Fields(s) {
			if _, err := site.FieldOf(s, key); err != nil {
				t.Errorf("%s asks %q: %v", step.ID, key, err)
			}
		}
	}
}

func TestWayBack(t *testing.T) {
	s := site.Default()
	for _, h := range s.Hosts {
		text := WayBack(s, h)
		for _, want := range []string{h.Name, "agent boot", "ufw disable", "systemctl stop wg-quick@wg0.service"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: lacks %q", h.Name, want)
			}
		}
	}
}
