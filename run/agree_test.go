package run

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/site"
	"postern/steps"
)

// twoHosts answers what is asked of two bare hosts with ufw, by host and query; the mail host is at home in two networks.
func twoHosts() map[string]map[string]string {
	hosts := map[string]map[string]string{}
	for name, at := range map[string][3]string{
		"proxy": {"2: eth0 inet 203.0.113.10/24 scope global eth0", "198.51.100.20 40000 203.0.113.10 22", "203.0.113.1"},
		"mail": {"2: eth0 inet 192.168.50.2/24 scope global eth0\n2: eth0 inet 192.168.60.2/24 scope global secondary eth0\n2: eth0 inet6 2001:db8:50::2/64 scope global",
			"192.168.60.10 40000 192.168.60.2 22", "192.168.50.1"},
	} {
		hosts[name] = map[string]string{
			"system": "== kernel\nLinux\n== init\nsystemd\n== release\nID=debian\nVERSION_ID=12\n", "clock": "== now\n1\n", "size": "== memory\n",
			"addresses": "== addresses\n" + at[0] + "\n== routes4\ndefault via " + at[2] + " dev eth0\n== routes6\ndefault via fe80::1 dev eth0\n",
			"ssh":       "== connection\n" + at[1] + "\n== sshd\nport 22\n", "tools": "== tools\nufw\niptables\nwireguard\n",
			"listeners": "== sockets\ntcp LISTEN 0 9 0.0.0.0:22 0.0.0.0:* users:((\"sshd\",pid=1,fd=3))\n",
			"units":     "== units\nId=ufw.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n",
			"rules":     "== v4\n== v6\n", "sysctl": "== live\nnet/ipv4/ip_forward 0\n", "docker": "== absent\n", "ufw": "== status\nStatus: active\nDefault: deny (incoming), allow (outgoing), deny (routed)\n",
			"/etc/ufw/user.rules":   "*filter\n:ufw-user-input - [0:0]\n### RULES ###\n### END RULES ###\nCOMMIT\n",
			"/etc/ufw/user6.rules":  "*filter\n:ufw6-user-input - [0:0]\n### RULES ###\n### END RULES ###\nCOMMIT\n",
			"/etc/ufw/before.rules": "*filter\nCOMMIT\n", "/etc/ufw/before6.rules": "*filter\nCOMMIT\n",
			"/etc/ufw/before.init": "#!/bin/sh\nset -e\ncase \"$1\" in\nstart)\n;;\nstop)\n;;\nstatus)\n;;\nflush-all)\n;;\n*)\necho no\n;;\nesac\n",
			"/etc/default/ufw":     "IPV6=yes\nDEFAULT_INPUT_POLICY=\"DROP\"\nDEFAULT_OUTPUT_POLICY=\"ACCEPT\"\nDEFAULT_FORWARD_POLICY=\"DROP\"\n",
			"/etc/ufw/ufw.conf":    "ENABLED=no\n",
		}
	}
	return hosts
}

// looked are the facts of a host of twoHosts.
func looked(answers map[string]string, queries []remote.Query) remote.Facts {
	f := remote.Facts{At: time.Unix(1, 0), Answers: map[string]remote.Answer{}}
	for _, q := range queries {
		fact, _, _ := strings.Cut(q.ID, " ")
		text, there := answers[fact]
		switch {
		case q.File == "":
			f.Answers[q.ID] = remote.Answer{Out: text + "== end\n"}
		case there:
			f.Answers[q.ID] = remote.Answer{Out: text, Mode: 0o640, Owner: "root:root"}
		default:
			f.Answers[q.ID] = remote.Answer{Code: 1}
		}
	}
	return f
}

var heredoc = regexp.MustCompile(`(?s)load_(ip6?)tables\(\) \{\n.*?<<'RULES'\n(.*?)RULES\n`)

// running is what iptables-save prints once ufw has loaded the files.
func running(files map[string]string) string {
	own := map[string]string{}
	for _, m := range heredoc.FindAllStringSubmatch(files["/etc/ufw/postern.init"], -1) {
		own[m[1]] = strings.Replace(m[2], "*nat\n", "*nat\n:PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n-A PREROUTING -j postern-pre\n-A POSTROUTING -j postern-post\n", 1)
	}
	text, policy := "", "ACCEPT"
	if strings.Contains(files["/etc/default/ufw"], `DEFAULT_OUTPUT_POLICY="DROP"`) {
		policy = "DROP"
	}
	for _, family := range []struct{ section, program, prefix, file string }{{"v4", "ip", "ufw", "user"}, {"v6", "ip6", "ufw6", "user6"}} {
		text += fmt.Sprintf("== %s\n*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT %[5]s [0:0]\n:%[2]s-user-forward - [0:0]\n:%[2]s-user-output - [0:0]\n"+
			"-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"+
			"-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -j %[2]s-user-input\n-A FORWARD -j %[2]s-user-forward\n-A OUTPUT -j %[2]s-user-output\n%[3]s%[4]s", family.section, family.prefix, strings.TrimPrefix(files["/etc/ufw/"+family.file+".rules"], "*filter\n"), own[family.program], policy)
	}
	return text
}

// secondAddress gives the proxy one more address on its interface.
func secondAddress(hosts map[string]map[string]string) {
	hosts["proxy"]["addresses"] = strings.Replace(hosts["proxy"]["addresses"], "== routes4", "2: eth0 inet 203.0.113.11/24 scope global secondary eth0\n== routes4", 1)
}

// A plan of the firewall satisfies the check of the rules, which works out by itself what is wanted: or the check would
// fail for ever, and the plan that mends it be empty.
func TestFirewallPlanSatisfiesItsCheck(t *testing.T) {
	step, _ := steps.Find("firewall")
	check, _ := checks.Find("firewall.rules")
	for name, c := range map[string]struct {
		answers [][2]string
		change  func(map[string]map[string]string)
	}{
		"at home in two networks":  {},
		"masquerade, some at home": {answers: [][2]string{{"clients.addresses", "masquerade"}, {"mail.lan", "192.168.50.0/24"}}},
		"directly, limited":        {answers: [][2]string{{"mail.path", "direct"}, {"from.smtp", "198.51.100.0/24"}, {"from.http", "198.51.100.0/24"}}},
		"IPv6 in the tunnel":       {answers: [][2]string{{"tunnel.network6", "fd77::/64"}}},
		"a smart host":             {answers: [][2]string{{"smarthost.host", "relay.example.net"}, {"smarthost.user", "ann"}, {"smarthost.port", "2587"}}},
		"narrowed":                 {answers: [][2]string{{"host.mail.ssh_from", "192.168.60.10"}, {"host.proxy.ssh_from", "198.51.100.0/24"}}},
		"other ports":              {answers: [][2]string{{"ports.imaps", "1993"}, {"ports.relay", "2527"}, {"tunnel.port", "51999"}}},
		"sshd listens elsewhere than its file says": {change: func(hosts map[string]map[string]string) {
			hosts["mail"]["listeners"] += "tcp LISTEN 0 9 0.0.0.0:2200 0.0.0.0:* users:((\"sshd\",pid=2,fd=3))\n"
		}},
		"a second address, logged in to": {answers: [][2]string{{"host.proxy.ssh", "root@203.0.113.11"}}, change: secondAddress},
		"a second address, answered":     {answers: [][2]string{{"host.proxy.public4", "203.0.113.11"}}, change: secondAddress},
		"an address of the provider's":   {answers: [][2]string{{"host.proxy.public4", "203.0.113.99"}}, change: secondAddress},
		"another interface, answered":    {answers: [][2]string{{"host.proxy.interface", "ens9"}}},
		"what goes out is denied": {change: func(hosts map[string]map[string]string) {
			for _, h := range hosts {
				h["/etc/default/ufw"] = strings.Replace(h["/etc/default/ufw"], `OUTPUT_POLICY="ACCEPT"`, `OUTPUT_POLICY="DROP"`, 1)
				h["ufw"] = strings.Replace(h["ufw"], "allow (outgoing)", "deny (outgoing)", 1)
			}
		}},
		"the operator comes from elsewhere": {change: func(hosts map[string]map[string]string) {
			hosts["mail"]["ssh"] = "== connection\n198.51.100.77 4000 192.168.50.2 22\n== sshd\nport 22\n"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s, hosts := site.Default(), twoHosts()
			for _, kv := range c.answers {
				if err := site.Set(s, kv[0], kv[1]); err != nil {
					t.Fatal(err)
				}
			}
			if c.change != nil {
				c.change(hosts)
			}
			look := steps.Look{}
			for _, h := range s.Hosts {
				look[h.Name] = looked(hosts[h.Name], step.Reads(s, h))
			}
			s, _ = steps.Detect(s, look)
			plan := step.Plan(s, look)
			if len(plan.Refused)+len(plan.LockOut) > 0 || len(plan.Parts) != 2 {
				t.Fatalf("refused %q, lock-out %q, %d parts", plan.Refused, plan.LockOut, len(plan.Parts))
			}
			env := &checks.Env{Site: s, Here: &checks.Vantage{Name: checks.Here}, Hosts: map[string]*checks.Vantage{}}
			for _, part := range plan.Parts {
				for _, change := range part.Changes {
					if change.New != nil {
						hosts[part.Host][change.Path] = change.New.Text
					}
				}
				hosts[part.Host]["rules"] = running(hosts[part.Host])
				env.Hosts[part.Host] = &checks.Vantage{Name: part.Host, Facts: looked(hosts[part.Host], check.Reads(s, s.Host(part.Host))),
					Run: func(_ context.Context, q remote.Query) (remote.Answer, error) {
						return looked(hosts[part.Host], []remote.Query{q}).Answers[q.ID], nil
					}}
			}
			for _, r := range checks.Run(context.Background(), []checks.Check{check}, env, nil) {
				if r.Outcome != checks.OK && r.Outcome != checks.Warn {
					t.Errorf("%s from %s is %s: %s\n%s", r.ID, r.From, r.Outcome, r.Saw, r.Evidence)
				}
			}
			if !strings.Contains(hosts["mail"]["/etc/ufw/user.rules"], "192.168.60.") {
				t.Error("nobody of the second home network is admitted: this test proves nothing")
			}
		})
	}
}

// Steps and checks ask a host in the same words: whatever both want to know is asked once in a look.
func TestStepsAndChecksAskTheSame(t *testing.T) {
	s := site.Default()
	s.Host("proxy").Public4 = netip.MustParseAddr("203.0.113.10")
	tool := regexp.MustCompile(`(?m)\b(ip -o addr|ip -o -[46] route|ip -[46] rule|ss -H\w+|iptables-save|ip6tables-save|sshd -T|wg show \S+ \S+|wg pubkey|systemctl [a-z]+( -p \w+)+|ufw status|docker ps --|df -Pk|id -u)`)
	for _, h := range s.Hosts {
		known, asked := map[string]remote.Query{}, map[string]string{}
		for _, q := range append(stepReads(s, h, steps.All()), checks.Reads(checks.All(), s, h)...) {
			if other, had := known[q.ID]; had && other != q {
				t.Errorf("%s: two queries are called %q", h.Name, q.ID)
			} else if had {
				continue
			}
			known[q.ID] = q
			if strings.HasPrefix(q.ID, "unit ") {
				continue // of one unit each
			}
			for _, found := range tool.FindAllString(q.Run, -1) {
				if other := asked[found]; other != "" && other != q.ID {
					t.Errorf("%s: %q and %q both ask %q", h.Name, other, q.ID, found)
				}
				asked[found] = q.ID
			}
		}
		if len(asked) < 10 {
			t.Errorf("%s: only %d tools were found: this test looks for the wrong words", h.Name, len(asked))
		}
	}
}
