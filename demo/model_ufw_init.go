package demo

import (
	"fmt"
	"strings"
)

func init() { register("/lib/ufw/ufw-init", ufwInit) }

// ufwSettings is what ufw's two files of settings say; the last line of a key counts.
func (h *Host) ufwSettings() map[string]string {
	values := map[string]string{}
	for _, line := range lines(h.files.text("/etc/default/ufw") + "\n" + h.files.text("/etc/ufw/ufw.conf")) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			values[key] = strings.Trim(value, `"'`)
		}
	}
	return values
}

// ufwRun is one run of ufw's start or stop.
type ufwRun struct {
	*call
	set    map[string]string
	failed bool
}

// ufwInit is the script that ufw and its unit load and unload the rules by.
func ufwInit(c *call) int {
	u := &ufwRun{call: c, set: c.host.ufwSettings()}
	verb := ""
	if len(c.args) > 0 {
		verb = c.args[0]
	}
	enabled := strings.EqualFold(u.set["ENABLED"], "yes")
	switch {
	case verb == "start" && !enabled:
		if len(c.args) < 2 || c.args[1] != "quiet" {
			c.out("Skip starting firewall: ufw (not enabled)\n")
		}
		return 0
	case verb == "start":
		return u.start()
	case verb == "stop" && !enabled:
		c.out("Skip stopping firewall: ufw (not enabled)\n")
		return 0
	case verb == "stop" || verb == "force-stop":
		return u.stop()
	case verb == "restart" || verb == "force-reload":
		if !enabled {
			c.out("Skipping %s (not enabled)\n", verb)
			return 0
		}
		if status := u.stop(); status != 0 {
			return status
		}
		return u.start()
	case verb == "status":
		if u.do("iptables", "-L", "ufw-user-input", "-n") != 0 {
			c.out("Firewall is not running\n")
			return 3
		}
		c.out("Firewall is running\n")
		return 0
	}
	c.out("Usage: /lib/ufw/ufw-init {start|stop|restart|force-reload|force-stop|flush-all|status}\n")
	return 1
}

// do runs a command and throws away what it prints.
func (u *ufwRun) do(args ...string) int {
	return u.proc.exec(u.ctx, args, u.env, u.dir, strings.NewReader(""), discard{}, discard{})
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// load gives rules to iptables-restore without emptying anything else.
func (u *ufwRun) load(program, rules string) {
	if u.proc.exec(u.ctx, []string{program + "-restore", "-n"}, u.env, u.dir, strings.NewReader(rules), u.stdout, u.stderr) != 0 {
		u.failed = true
	}
}

// hook runs before.init or after.init if it may be run.
func (u *ufwRun) hook(name, verb string) {
	path := "/etc/ufw/" + name + ".init"
	if a, err := u.host.files.stat(path); err == nil && a.mode&0o100 != 0 && u.run(u.stdout, path, verb) != 0 {
		u.out("'%s %s' exited with error\n", path, verb)
		u.failed = true
	}
}

var ufwWays = []string{"input", "output", "forward"}

// start loads everything, in the order that leaves the policies for the end.
func (u *ufwRun) start() int {
	if u.do("iptables", "-L", "ufw-user-input", "-n") == 0 {
		u.out("Firewall already started, use 'force-reload'\n")
		return 0
	}
	u.hook("before", "start")
	programs := []string{"iptables", "ip6tables"}
	if !strings.EqualFold(u.set["IPV6"], "yes") {
		programs = programs[:1]
		u.dropChains("ip6tables", "ufw6")
		u.load("ip6tables", "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\n-A OUTPUT -o lo -j ACCEPT\nCOMMIT\n")
	}
	for i, program := range programs {
		prefix, six := "ufw", ""
		if i == 1 {
			prefix, six = "ufw6", "6"
		}
		u.startFamily(program, prefix, six)
	}
	if file := u.set["IPT_SYSCTL"]; file != "" && u.host.files.exists(file) {
		u.do("sysctl", "-e", "-q", "-p", file)
	}
	u.hook("after", "start")
	if u.failed {
		return 1
	}
	return 0
}

// startFamily loads one family.
func (u *ufwRun) startFamily(program, prefix, six string) {
	if u.do(program, "-L", prefix+"-before-logging-input", "-n") == 0 {
		u.dropChains(program, prefix)
	} else {
		u.load(program, ufwChains(prefix))
	}
	policy := map[string]string{"input": u.set["DEFAULT_INPUT_POLICY"], "output": u.set["DEFAULT_OUTPUT_POLICY"], "forward": u.set["DEFAULT_FORWARD_POLICY"]}
	text := ""
	for _, way := range ufwWays {
		switch policy[way] {
		case "REJECT":
			text += fmt.Sprintf("-A %s-reject-%s -j REJECT\n", prefix, way)
		case "ACCEPT":
			for _, proto := range []string{"tcp", "udp"} {
				text += fmt.Sprintf("-A %s-track-%s -p %s -m conntrack --ctstate NEW -j ACCEPT\n", prefix, way, proto)
			}
		}
	}
	var made, hung, last string
	for _, way := range ufwWays {
		made += fmt.Sprintf(":%s-skip-to-policy-%s - [0:0]\n", prefix, way)
		text += fmt.Sprintf("-A %s-skip-to-policy-%s -j %s\n", prefix, way, policy[way])
		hung += fmt.Sprintf("-A %s-before-%s -j %s-user-%s\n", prefix, way, prefix, way)
		built := strings.Replace(policy[way], "REJECT", "DROP", 1)
		last += fmt.Sprintf(":%s %s [0:0]\n", strings.ToUpper(way), built)
	}
	u.load(program, fmt.Sprintf("*filter\n:%[1]s-logging-deny - [0:0]\n:%[1]s-logging-allow - [0:0]\n%[2]s%[3]sCOMMIT\n", prefix, made, text))
	for _, name := range []string{"before", "after"} {
		u.load(program, u.host.files.text("/etc/ufw/"+name+six+".rules"))
	}
	u.load(program, fmt.Sprintf("*filter\n:%[1]s-user-logging-input - [0:0]\n:%[1]s-user-logging-output - [0:0]\n:%[1]s-user-logging-forward - [0:0]\n"+
		":%[1]s-user-input - [0:0]\n:%[1]s-user-output - [0:0]\n:%[1]s-user-forward - [0:0]\n:%[1]s-user-limit - [0:0]\n:%[1]s-user-limit-accept - [0:0]\nCOMMIT\n", prefix))
	u.load(program, u.host.files.text("/etc/ufw/user"+six+".rules"))
	u.load(program, "*filter\n"+hung+"COMMIT\n")
	u.load(program, "*filter\n"+last+"COMMIT\n")
}

// ufwChains are the primary chains, and how they hang in the built-in ones.
func ufwChains(prefix string) string {
	made, hung := "", ""
	for _, way := range ufwWays {
		for _, kind := range []string{"before-logging", "before", "after", "after-logging", "reject", "track"} {
			made += fmt.Sprintf(":%s-%s-%s - [0:0]\n", prefix, kind, way)
			hung += fmt.Sprintf("-A %s -j %s-%s-%s\n", strings.ToUpper(way), prefix, kind, way)
		}
	}
	return "*filter\n" + made + hung + "COMMIT\n"
}

// dropChains empties ufw's chains and takes the secondary ones away; the primary ones stay until the next boot.
func (u *ufwRun) dropChains(program, prefix string) {
	u.host.mu.Lock()
	defer u.host.mu.Unlock()
	t := u.rules(program == "ip6tables").tables["filter"]
	if t == nil {
		return
	}
	for name, c := range t.chains {
		if strings.HasPrefix(name, prefix+"-") {
			c.rules = nil
		}
	}
	for _, kind := range []string{"logging-deny", "logging-allow", "not-local", "user-logging-input", "user-logging-output", "user-logging-forward", "user-limit-accept",
		"user-limit", "user-input", "user-forward", "user-output", "skip-to-policy-input", "skip-to-policy-output", "skip-to-policy-forward"} {
		if name := prefix + "-" + kind; t.chains[name] != nil && !t.used(name) {
			delete(t.chains, name)
		}
	}
}

// stop unloads everything, and lets all through.
func (u *ufwRun) stop() int {
	u.hook("before", "stop")
	for i, program := range []string{"iptables", "ip6tables"} {
		u.dropChains(program, []string{"ufw", "ufw6"}[i])
		for _, chain := range []string{"INPUT", "OUTPUT", "FORWARD"} {
			if u.do(program, "-P", chain, "ACCEPT") != 0 {
				u.failed = true
			}
		}
	}
	u.hook("after", "stop")
	if u.failed {
		return 1
	}
	return 0
}
