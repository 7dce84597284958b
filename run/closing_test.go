package run

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps"
)

// known is one kind of service of the operator's own, as a host tells of it.
type known struct {
	host    string
	sockets string // lines of ss
	more    func(map[string]string)
	port    int
	proto   string
	named   bool // something that reaches it today will not
	nobodys bool // nothing that anybody relies on
}

const bridge = "\n3: docker0 inet 172.17.0.1/16 scope global docker0"

func rulesToday(text string) func(map[string]string) {
	return func(told map[string]string) { told["rules"] = text }
}

var kinds = map[string]known{
	"a web server of python":            {"proxy", `tcp LISTEN 0 5 0.0.0.0:3000 0.0.0.0:* users:(("python3",pid=9,fd=3))`, nil, 3000, "tcp", true, false},
	"one on both families":              {"proxy", `tcp LISTEN 0 5 *:9090 *:* users:(("prometheus",pid=9,fd=3))`, nil, 9090, "tcp", true, false},
	"over IPv6 only":                    {"mail", `tcp LISTEN 0 5 [::]:8096 [::]:* users:(("jellyfin",pid=9,fd=3))`, nil, 8096, "tcp", true, false},
	"home automation":                   {"mail", `tcp LISTEN 0 5 0.0.0.0:8123 0.0.0.0:* users:(("hass",pid=9,fd=3))`, nil, 8123, "tcp", true, false},
	"a file server":                     {"mail", `tcp LISTEN 0 5 0.0.0.0:445 0.0.0.0:* users:(("smbd",pid=9,fd=3))`, nil, 445, "tcp", true, false},
	"names of Windows":                  {"mail", `udp UNCONN 0 0 192.168.50.2:137 0.0.0.0:* users:(("nmbd",pid=9,fd=3))`, nil, 137, "udp", true, false},
	"another WireGuard":                 {"mail", `udp UNCONN 0 0 0.0.0.0:51820 0.0.0.0:*`, nil, 51820, "udp", true, false},
	"one at home in the second network": {"mail", `tcp LISTEN 0 5 192.168.60.2:5432 0.0.0.0:* users:(("postgres",pid=9,fd=3))`, nil, 5432, "tcp", true, false},
	"resolver":                          {"mail", `udp UNCONN 0 0 0.0.0.0:53 0.0.0.0:* users:(("dnsmasq",pid=9,fd=3))`, nil, 53, "udp", true, false},
	"Docker's own proxy over IPv6":      {"mail", `tcp LISTEN 0 5 [::]:8080 [::]:* users:(("docker-proxy",pid=9,fd=3))`, nil, 8080, "tcp", true, false},
	"what containers ask the host for": {"mail", `tcp LISTEN 0 5 172.17.0.1:6379 0.0.0.0:* users:(("redis-server",pid=9,fd=3))`, func(told map[string]string) {
		told["addresses"] = strings.Replace(told["addresses"], "\n== routes4", bridge+"\n== routes4", 1)
	}, 6379, "tcp", true, false},
	"let in by a rule for one network": {"proxy", `tcp LISTEN 0 5 0.0.0.0:9100 0.0.0.0:* users:(("node_exporter",pid=9,fd=3))`,
		rulesToday("== v4\n*filter\n:INPUT DROP [0:0]\n-A INPUT -s 198.51.100.0/24 -p tcp -m tcp --dport 9100 -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n== v6\n*filter\n:INPUT DROP [0:0]\nCOMMIT\n"), 9100, "tcp", true, false},
	"behind a match that is not understood": {"proxy", `tcp LISTEN 0 5 0.0.0.0:9101 0.0.0.0:* users:(("exporter",pid=9,fd=3))`,
		rulesToday("== v4\n*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m owner --dport 9101 -j ACCEPT\nCOMMIT\n== v6\n*filter\n:INPUT DROP [0:0]\nCOMMIT\n"), 9101, "tcp", true, false},
	"allowed in ufw, which stays": {"proxy", `tcp LISTEN 0 5 0.0.0.0:8443 0.0.0.0:* users:(("nginx",pid=9,fd=3))`, func(told map[string]string) {
		for _, f := range [][2]string{{"/etc/ufw/user.rules", "0.0.0.0/0"}, {"/etc/ufw/user6.rules", "::/0"}} {
			chain := map[string]string{"0.0.0.0/0": "ufw", "::/0": "ufw6"}[f[1]]
			told[f[0]] = strings.Replace(told[f[0]], "### RULES ###\n", "### RULES ###\n\n### tuple ### allow tcp 8443 "+f[1]+" any "+f[1]+" in\n-A "+chain+"-user-input -p tcp --dport 8443 -j ACCEPT\n", 1)
		}
	}, 8443, "tcp", false, false},
	"closed today": {"proxy", `tcp LISTEN 0 5 0.0.0.0:3306 0.0.0.0:* users:(("mariadbd",pid=9,fd=3))`,
		rulesToday("== v4\n*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n== v6\n*filter\n:INPUT DROP [0:0]\nCOMMIT\n"), 3306, "tcp", false, false},
	"closed today before it is filtered": {"proxy", `tcp LISTEN 0 5 0.0.0.0:3307 0.0.0.0:* users:(("mariadbd",pid=9,fd=3))`,
		rulesToday("== v4\n*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 3307 -j DROP\nCOMMIT\n== v6\n*raw\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n"), 3307, "tcp", false, true},
	"on loopback":             {"mail", `tcp LISTEN 0 5 127.0.0.1:6380 0.0.0.0:* users:(("redis-server",pid=9,fd=3))`, nil, 6380, "tcp", false, false},
	"the site's own":          {"proxy", `tcp LISTEN 0 5 *:443 *:* users:(("caddy",pid=9,fd=3))`, nil, 443, "tcp", false, false},
	"sshd at a second port":   {"proxy", `tcp LISTEN 0 5 0.0.0.0:2222 0.0.0.0:* users:(("sshd",pid=9,fd=3))`, nil, 2222, "tcp", false, false},
	"DHCP's client":           {"mail", `udp UNCONN 0 0 0.0.0.0:68 0.0.0.0:* users:(("dhclient",pid=9,fd=3))`, nil, 68, "udp", false, true},
	"a listener of our own":   {"proxy", `tcp LISTEN 0 5 0.0.0.0:3001 0.0.0.0:* users:(("postern-listen",pid=9,fd=3))`, nil, 3001, "tcp", false, true},
	"the tunnel's own socket": {"proxy", `udp UNCONN 0 0 0.0.0.0:51820 0.0.0.0:*`, nil, 51820, "udp", false, false},
}

var keepsIt = regexp.MustCompile(`answers on (\d+/\w+) today .* keep it: (\S+) = (.+)$`)

// Nothing that answers before the firewall is silent after it without having been named, and the answer that was told with it
// keeps it: what runs then lets in all that let it in before, and no check calls that wrong. Whether it is so is worked out
// here by walking packets through both sets of rules, from far more places than the plan thinks of.
func TestNothingIsClosedUnnamed(t *testing.T) {
	step, _ := steps.Find("firewall")
	check, _ := checks.Find("firewall.rules")
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) {
			s := site.Default()
			silent, notes, hosts := closedBy(t, step, s, k)
			named := ""
			for _, n := range notes {
				if m := keepsIt.FindStringSubmatch(n.Text); m != nil && n.Host == k.host && m[1] == fmt.Sprintf("%d/%s", k.port, k.proto) {
					named = m[2] + "=" + m[3]
				}
			}
			if (named != "") != k.named || silent != "" && named == "" && !k.nobodys {
				t.Fatalf("silent after: %q; named: %q; want it named: %v\n%v", silent, named, k.named, notes)
			}
			look := steps.Look{}
			for _, h := range s.Hosts {
				look[h.Name] = looked(hosts[h.Name], step.Reads(s, h))
			}
			filled, _ := steps.Detect(s, look)
			for _, n := range step.Plan(filled, look).Notes {
				if strings.Contains(n.Text, "will be closed") {
					t.Errorf("closed already, and named again: %s", n.Text)
				}
			}
			if named == "" {
				return
			}
			key, value, _ := strings.Cut(named, "=")
			if err := site.Set(s, key, value); err != nil {
				t.Fatal(err)
			}
			_, notes, hosts = closedBy(t, step, s, k)
			for _, n := range notes {
				if m := keepsIt.FindStringSubmatch(n.Text); m != nil && strings.HasPrefix(m[1], fmt.Sprint(k.port, "/")) {
					t.Errorf("kept, and still named: %s", n.Text)
				}
			}
			agrees(t, check, s, hosts)
		})
	}
}

// closedBy plans the firewall for a host with a service, and tells from where it answered before and does not after.
func closedBy(t *testing.T, step steps.Step, s *site.Site, k known) (silent string, notes []steps.Note, hosts map[string]map[string]string) {
	t.Helper()
	hosts = twoHosts()
	told := hosts[k.host]
	told["listeners"] += k.sockets + "\n"
	told["rules"] = "== v4\n== v6\n"
	if k.more != nil {
		k.more(told)
	}
	look := steps.Look{}
	for _, h := range s.Hosts {
		look[h.Name] = looked(hosts[h.Name], step.Reads(s, h))
	}
	before, err := seen.Rules.Of(look[k.host])
	if err != nil {
		t.Fatal(err)
	}
	filled, _ := steps.Detect(s, look)
	plan := step.Plan(filled, look)
	if len(plan.Refused)+len(plan.LockOut) > 0 {
		t.Fatalf("refused %q, lock-out %q", plan.Refused, plan.LockOut)
	}
	for _, part := range plan.Parts {
		for _, change := range part.Changes {
			if change.New != nil {
				hosts[part.Host][change.Path] = change.New.Text
			}
		}
		hosts[part.Host]["rules"] = running(hosts[part.Host])
	}
	now := seen.Look(looked(told, step.Reads(s, s.Host(k.host))))
	after, err := seen.Rules.Of(looked(told, step.Reads(s, s.Host(k.host))))
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range now.Listeners {
		if l.Port != k.port || l.Addr.IsLoopback() {
			continue
		}
		for _, from := range []string{"9.9.9.9", "198.51.100.77", "192.168.50.77", "192.168.60.77", "172.17.0.9", "2001:4860::8", "2001:db8:50::77"} {
			src := netip.MustParseAddr(from)
			p := seen.Packet{Proto: k.proto, Src: src, Dst: l.Addr, Port: k.port, In: "eth0"}
			if strings.HasPrefix(from, "172.") {
				p.In = "docker0"
			}
			if l.Addr.IsValid() && l.Addr.Is4() != src.Is4() {
				continue
			}
			if !l.Addr.IsValid() || l.Addr.IsUnspecified() {
				p.Dst = src.Next()
			}
			if was, is := enters(before, p), enters(after, p); was && !is {
				silent += from + " "
			}
		}
	}
	return silent, plan.Notes, hosts
}

func enters(r seen.Ruleset, p seen.Packet) bool {
	tables := r.Four
	if p.Src.Is6() {
		tables = r.Six
	}
	return tables["filter"] == nil || tables["filter"].Lets("INPUT", p).Verdict == "ACCEPT"
}

// agrees asks a check on hosts as a plan left them.
func agrees(t *testing.T, check checks.Check, s *site.Site, hosts map[string]map[string]string) {
	t.Helper()
	env := &checks.Env{Site: s, Here: &checks.Vantage{Name: checks.Here}, Hosts: map[string]*checks.Vantage{}}
	look := steps.Look{}
	for _, h := range s.Hosts {
		told := hosts[h.Name]
		look[h.Name] = looked(told, append(check.Reads(s, h), seen.HostReads(s, h)...))
		env.Hosts[h.Name] = &checks.Vantage{Name: h.Name, Facts: look[h.Name],
			Run: func(_ context.Context, q remote.Query) (remote.Answer, error) {
				return looked(told, []remote.Query{q}).Answers[q.ID], nil
			}}
	}
	env.Site, _ = steps.Detect(s, look)
	for _, r := range checks.Run(context.Background(), []checks.Check{check}, env, nil) {
		if r.Outcome != checks.OK && r.Outcome != checks.Warn {
			t.Errorf("%s from %s is %s: %s\n%s", r.ID, r.From, r.Outcome, r.Saw, r.Evidence)
		}
	}
}
