package run

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps"
)

// generated is a host's owner who typed things before us, and an operator with answers of their own.
type generated struct {
	*rand.Rand
	said []string // what was made up, to be told when it goes wrong
}

func (g *generated) one(of ...string) string { return of[g.IntN(len(of))] }

func (g *generated) say(format string, args ...any) {
	g.said = append(g.said, fmt.Sprintf(format, args...))
}

// rule is one rule of somebody's in ufw's file of one family.
func (g *generated) rule(six bool) string {
	any, prefix := "0.0.0.0/0", "ufw"
	src := g.one(any, any, any, "192.168.0.0/16", "192.168.50.0/24", "198.51.100.0/24", "10.0.0.2", "10.0.0.0/24", "1.1.1.0/24")
	if six {
		any, prefix = "::/0", "ufw6"
		src = g.one(any, any, "2001:db8:50::/64")
	}
	action, proto, chain, dir := g.one("allow", "allow", "allow", "limit", "deny", "reject"), g.one("tcp", "tcp", "udp", "any"), "-user-input", "in"
	port := g.one("22", "25", "80", "443", "587", "993", "2526", "51820", "8080", "53", "20:30", "80,443", "1:65535", "3306", "any")
	if strings.ContainsAny(port, ":,") && proto == "any" {
		proto = "tcp"
	}
	word, in := "in", g.one("", "", "", "eth0", "wg0")
	switch g.IntN(10) {
	case 0:
		dir, word, chain = "out", "out", "-user-output"
		in = ""
	case 1:
		action, chain, in, word = "route:allow", "-user-forward", "eth0", "in_eth0!out_"+g.one("wg0", "eth1")
	default:
		if in != "" {
			word += "_" + in
		}
	}
	g.say("%s %s %s from %s %s", action, proto, port, src, word)
	text := fmt.Sprintf("\n%s%s %s %s %s any %s %s\n", seen.UfwTuple, action, proto, port, any, src, word)
	protos := []string{proto}
	if proto == "any" && port != "any" {
		protos = []string{"tcp", "udp"}
	}
	for _, one := range protos {
		line := "-A " + prefix + chain
		if in != "" && dir == "in" {
			line += " -i " + in
		}
		if _, out, ok := strings.Cut(word, "!out_"); ok {
			line += " -o " + out
		}
		if one != "any" {
			line += " -p " + one
		}
		if strings.ContainsAny(port, ":,") {
			line += " -m multiport --dports " + port
		} else if port != "any" {
			line += " --dport " + port
		}
		if src != any {
			line += " -s " + src
		}
		target := map[string]string{"allow": "ACCEPT", "route:allow": "ACCEPT", "deny": "DROP", "reject": "REJECT", "limit": prefix + "-user-limit-accept"}[action]
		text += line + " -j " + target + "\n"
	}
	return text
}

// host gives a host of twoHosts rules, addresses and defaults that somebody chose.
func (g *generated) host(name string, told map[string]string) {
	for i, prefix := range []string{"ufw", "ufw6"} {
		rules := ""
		for range g.IntN(5) {
			rules += g.rule(i == 1)
		}
		told["/etc/ufw/"+[]string{"user", "user6"}[i]+".rules"] = strings.ReplaceAll("*filter\n:@-user-input - [0:0]\n:@-user-output - [0:0]\n:@-user-forward - [0:0]\n:@-user-limit - [0:0]\n:@-user-limit-accept - [0:0]\n### RULES ###\n"+
			rules+"\n### END RULES ###\n-A @-user-limit -j REJECT\n-A @-user-limit-accept -j ACCEPT\nCOMMIT\n", "@", prefix)
	}
	outgoing, routed := g.one("ACCEPT", "ACCEPT", "DROP", "REJECT"), g.one("DROP", "ACCEPT")
	told["/etc/default/ufw"] = fmt.Sprintf("IPV6=%s\nDEFAULT_INPUT_POLICY=%q\nDEFAULT_OUTPUT_POLICY=%q\nDEFAULT_FORWARD_POLICY=%q\n", g.one("yes", "no"), g.one("DROP", "ACCEPT", "REJECT"), outgoing, routed)
	told["/etc/ufw/ufw.conf"] = "ENABLED=" + g.one("yes", "no") + "\n"
	if name == "proxy" {
		switch addresses := g.IntN(5); addresses {
		case 0:
			secondAddress(map[string]map[string]string{"proxy": told})
		case 1:
			told["addresses"] = strings.ReplaceAll(told["addresses"], "203.0.113.10/24", "10.1.2.3/24")
		case 2:
			told["addresses"] = strings.Replace(strings.ReplaceAll(told["addresses"], "203.0.113.10/24", "203.0.113.10/32"), "via 203.0.113.1 dev eth0", "via 172.31.1.1 dev eth0 onlink", 1)
		case 3:
			told["addresses"] = strings.Replace(told["addresses"], "== routes4", "2: eth0 inet6 2001:db8:113::10/64 scope global\n== routes4", 1)
		}
	}
	g.say("%s: %s %s %s", name, told["/etc/default/ufw"], told["/etc/ufw/ufw.conf"], told["addresses"])
}

// answers gives a site answers that somebody chose.
func (g *generated) answers(s *site.Site) error {
	for _, kv := range [][]string{
		{"host.proxy.ssh", "root@203.0.113.10", "root@203.0.113.11", "root@vps.example.org"}, {"host.proxy.public4", "203.0.113.10", "203.0.113.11", "203.0.113.99"},
		{"clients.addresses", "masquerade", "preserve"}, {"mail.path", "direct", "haraka"}, {"mail.lan", "192.168.50.0/24"}, {"from.smtp", "198.51.100.0/24", "2001:db8:50::/48"},
		{"from.imaps", "198.51.100.0/24", "198.51.100.0/24, 2001:db8:50::/48", "2001:db8:50::/48"}, {"tunnel.network6", "fd77::/64"}, {"ports.imaps", "1993"}, {"ports.relay", "2527"}, {"tunnel.port", "51999"},
		{"host.mail.ssh_from", "192.168.60.0/24"}, {"host.proxy.ssh_from", "198.51.100.0/24"}, {"guide.rules", "keep", "replace", "adopt"}, {"guide.forward", "keep", "replace"},
	} {
		if g.IntN(4) > 0 {
			continue
		}
		value := g.one(kv[1:]...)
		g.say("%s = %s", kv[0], value)
		if err := site.Set(s, kv[0], value); err != nil {
			return fmt.Errorf("%s = %s: %w", kv[0], value, err)
		}
	}
	return nil
}

// settle has a host do what a plan says, and run what its files say then.
func settle(told map[string]string, part steps.Part) {
	for _, c := range part.Changes {
		switch {
		case c.New != nil:
			told[c.Path] = c.New.Text
		case c.Path != "":
			delete(told, c.Path)
		}
		if c.ID == "firewall.forwarding" {
			told["sysctl"] = "== live\nnet/ipv4/ip_forward 1\nnet/ipv6/conf/all/forwarding 1\n"
		}
	}
	word := func(key string) string {
		_, value, _ := strings.Cut(told["/etc/default/ufw"], key+`="`)
		value, _, _ = strings.Cut(value, `"`)
		return map[string]string{"ACCEPT": "allow", "DROP": "deny", "REJECT": "reject"}[value]
	}
	told["ufw"] = fmt.Sprintf("== status\nStatus: active\nDefault: %s (incoming), %s (outgoing), %s (routed)\n",
		word("DEFAULT_INPUT_POLICY"), word("DEFAULT_OUTPUT_POLICY"), word("DEFAULT_FORWARD_POLICY"))
	told["rules"] = running(told)
}

// planned plans the firewall of hosts and carries it out. The commands are those that its notes tell the operator to type.
func planned(s *site.Site, hosts map[string]map[string]string) (filled *site.Site, commands map[string]string, refused string) {
	step, _ := steps.Find("firewall")
	look := steps.Look{}
	for _, h := range s.Hosts {
		look[h.Name] = looked(hosts[h.Name], step.Reads(s, h))
	}
	filled, _ = steps.Detect(s, look)
	plan := step.Plan(filled, look)
	if why := append(plan.Refused, plan.LockOut...); len(why) > 0 {
		return filled, nil, strings.Join(why, "; ")
	}
	for _, part := range plan.Parts {
		settle(hosts[part.Host], part)
	}
	commands = map[string]string{}
	for _, n := range plan.Notes {
		if _, command, ok := strings.Cut(n.Text, ": ufw delete "); ok && n.Warn {
			commands[n.Host] += "ufw delete " + command + "\n"
		}
	}
	return filled, commands, ""
}

// wrong is what checks say of hosts that a plan was carried out on, by host.
func wrong(s *site.Site, hosts map[string]map[string]string) map[string]string {
	env, list := &checks.Env{Site: s, Here: &checks.Vantage{Name: checks.Here}, Hosts: map[string]*checks.Vantage{}}, []checks.Check(nil)
	for _, id := range []string{"firewall.rules", "firewall.doubled", "firewall.active", "firewall.forwarding"} {
		c, _ := checks.Find(id)
		list = append(list, c)
	}
	for _, h := range s.Hosts {
		told := hosts[h.Name]
		env.Hosts[h.Name] = &checks.Vantage{Name: h.Name, Facts: looked(told, checks.Reads(list, s, h)), Run: func(_ context.Context, q remote.Query) (remote.Answer, error) {
			return looked(told, []remote.Query{q}).Answers[q.ID], nil
		}}
	}
	bad := map[string]string{}
	for _, r := range checks.Run(context.Background(), list, env, nil) {
		if r.Outcome == checks.Fail || r.Outcome == checks.Unknown {
			bad[r.From] += fmt.Sprintf("%s is %s: %s\n%s\n", r.ID, r.Outcome, r.Saw, r.Evidence)
		}
	}
	return bad
}

// typed has the owner of a host type commands that take rules away.
func typed(told map[string]string, commands string) {
	for _, path := range []string{"/etc/ufw/user.rules", "/etc/ufw/user6.rules"} {
		head, body, _ := strings.Cut(told[path], "### RULES ###\n")
		body, tail, _ := strings.Cut(body, "\n### END RULES ###")
		kept := ""
		for _, block := range strings.SplitAfter(body, "\n\n") {
			line, _, _ := strings.Cut(strings.TrimLeft(block, "\n"), "\n")
			if r, ok := seen.ParseUfwRule(line); !ok || !strings.Contains("\n"+commands, "\n"+r.Delete()+"\n") {
				kept += block
			}
		}
		told[path] = head + "### RULES ###\n" + kept + "\n### END RULES ###" + tail
	}
	told["rules"] = running(told)
}

// TestPlansAndChecksAgree: whatever rules, defaults and addresses hosts have, and whatever is answered, no check calls wrong what a plan
// makes of them, but for what rules of the owner's refuse or open: these the plan names, and once they are taken away as it says, and it is
// planned again, nothing is wrong. POSTERN_GENERATED raises the number, POSTERN_SEED repeats one; with -short there are fewer.
func TestPlansAndChecksAgree(t *testing.T) {
	usual := "1000"
	if testing.Short() {
		usual = "400"
	}
	number, _ := strconv.Atoi(cmp.Or(os.Getenv("POSTERN_GENERATED"), usual))
	first, _ := strconv.ParseUint(os.Getenv("POSTERN_SEED"), 10, 64)
	const parts = 4
	for part := range uint64(parts) {
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			refusals, mended, each := 0, 0, max(1, number/parts)
			for n := range uint64(each) {
				refused, named := agree(t, first+part*uint64(each)+n)
				mended += named
				if refused {
					refusals++
				}
			}
			if number >= 1000 && (refusals > each/2 || mended < each/20) {
				t.Errorf("of %d, %d were refused and %d needed a word: this test proves little", each, refusals, mended)
			}
		})
	}
}

// draw makes up answers and two hosts, always the same of a seed of one kind.
func draw(t *testing.T, seed, kind uint64) (*generated, *site.Site, map[string]map[string]string) {
	t.Helper()
	g := &generated{Rand: rand.New(rand.NewPCG(seed, kind))}
	s, hosts := site.Default(), twoHosts()
	if err := g.answers(s); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"proxy", "mail"} {
		g.host(name, hosts[name])
	}
	return g, s, hosts
}

// agree makes up hosts and answers, plans, carries it out, and does what the plan says until no check finds anything wrong. It says
// whether a plan was refused, and on how many hosts a rule of the owner's was named.
func agree(t *testing.T, seed uint64) (refused bool, named int) {
	t.Helper()
	g, s, hosts := draw(t, seed, 9)
	for round := 1; ; round++ {
		filled, commands, why := planned(s, hosts)
		if why != "" {
			return true, named
		}
		bad := wrong(filled, hosts)
		if len(bad) == 0 {
			return false, named
		}
		for name := range bad {
			if commands[name] == "" || round > 6 {
				t.Fatalf("seed %d, round %d: %s is wrong after a plan that names %q: %s\n%s", seed, round, name, commands[name], bad[name], strings.Join(g.said, "\n"))
			}
			named++
			typed(hosts[name], commands[name])
		}
	}
}
