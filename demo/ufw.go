package demo

import (
	"fmt"
	"regexp"
	"strings"

	"postern/seen"
)

// settings are the KEY=value lines of a host's files; the last of a key counts.
func (h *Host) settings(paths ...string) map[string]string {
	values := map[string]string{}
	for _, path := range paths {
		for line := range strings.Lines(h.text(path)) {
			if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
				values[strings.TrimSpace(key)] = strings.Trim(strings.TrimSpace(value), `"'`)
			}
		}
	}
	return values
}

// firewalled says whether ufw's rules run.
func (k *kernel) firewalled() bool { return k.rules[0]["filter"]["ufw-user-input"] != nil }

// ufwLoad has the kernel run what ufw's files say, which is nothing while they do not enable it.
func (h *Host) ufwLoad() {
	k := h.kernel
	k.read = [2]seen.Tables{}
	for _, r := range k.rules {
		r.drop(func(name string) bool {
			return strings.HasPrefix(name, "ufw") || name == "postern-pre" || name == "postern-post" || name == "postern-mss"
		})
		for _, c := range r["filter"] {
			if c.policy != "-" {
				c.policy = "ACCEPT"
			}
		}
	}
	set := h.settings("/etc/default/ufw", "/etc/ufw/ufw.conf")
	if set["ENABLED"] != "yes" {
		return
	}
	for i, six := range []string{"", "6"} {
		chains, hung := ufwFrame("ufw"+six, set)
		k.rules[i].restore(chains)
		for _, name := range []string{"before", "after", "user"} {
			k.rules[i].restore(h.text("/etc/ufw/" + name + six + ".rules"))
		}
		k.rules[i].restore(hung)
	}
	h.hook()
	for name, value := range h.settings("/etc/ufw/sysctl.conf") {
		k.set(name, value)
	}
}

// ufwFrame is what ufw makes beside its files: its chains, how they hang in the kernel's and in each other, the policies.
func ufwFrame(prefix string, set map[string]string) (chains, hung string) {
	chains, hung = "*filter\n", "*filter\n"
	for _, name := range []string{"logging-deny", "logging-allow", "user-limit", "user-limit-accept"} {
		chains += fmt.Sprintf(":%s-%s - [0:0]\n", prefix, name)
	}
	for _, way := range []string{"input", "output", "forward"} {
		policy := set["DEFAULT_"+strings.ToUpper(way)+"_POLICY"]
		for _, kind := range []string{"before-logging", "before", "after", "after-logging", "reject", "track", "skip-to-policy", "user", "user-logging"} {
			chains += fmt.Sprintf(":%s-%s-%s - [0:0]\n", prefix, kind, way)
		}
		for _, kind := range []string{"before-logging", "before", "after", "after-logging", "reject", "track"} {
			chains += fmt.Sprintf("-A %s -j %s-%s-%s\n", strings.ToUpper(way), prefix, kind, way)
		}
		chains += fmt.Sprintf("-A %s-skip-to-policy-%s -j %s\n", prefix, way, policy)
		if policy == "ACCEPT" {
			for _, proto := range []string{"tcp", "udp"} {
				chains += fmt.Sprintf("-A %s-track-%s -p %s -m conntrack --ctstate NEW -j ACCEPT\n", prefix, way, proto)
			}
		}
		hung += fmt.Sprintf(":%s %s [0:0]\n-A %s-before-%s -j %s-user-%s\n", strings.ToUpper(way), policy, prefix, way, prefix, way)
	}
	return chains + "COMMIT\n", hung + "COMMIT\n"
}

// The parts of a script of forwarding rules: what it loads for a program, and where the chains of that hang.
var (
	loads = regexp.MustCompile(`(?s)load_(ip6?tables)\(\) \{\n[^\n]*<<'RULES'\n(.*?)RULES\n`)
	hangs = regexp.MustCompile(`-t (\w+) -C (\w+) -j ([\w-]+)`)
)

// hook runs ufw's before.init, which is executable and calls our script once that is wanted.
func (h *Host) hook() {
	const script = "/etc/ufw/postern.init"
	if f := h.File("/etc/ufw/before.init"); f == nil || f.Mode&0o100 == 0 || !strings.Contains(f.Text, script) {
		return
	}
	text := h.text(script)
	for _, load := range loads.FindAllStringSubmatch(text, -1) {
		r := h.kernel.rules[0]
		if load[1] == "ip6tables" {
			r = h.kernel.rules[1]
		}
		r.restore(load[2])
		for _, at := range hangs.FindAllStringSubmatch(text, -1) {
			c := r.table(at[1])[at[2]]
			c.rules = append(c.rules, "-j "+at[3])
		}
	}
}

// ufwStatus is what `ufw status verbose` says of itself.
func (h *Host) ufwStatus() string {
	if !h.kernel.firewalled() {
		return "Status: inactive\n"
	}
	set := h.settings("/etc/default/ufw", "/etc/ufw/ufw.conf")
	word := func(way string) string {
		return map[string]string{"DROP": "deny", "ACCEPT": "allow", "REJECT": "reject"}[set["DEFAULT_"+way+"_POLICY"]]
	}
	routed := word("FORWARD")
	if h.kernel.sysctl["net.ipv4.ip_forward"] == "0" {
		routed = "disabled"
	}
	return fmt.Sprintf("Status: active\nLogging: on (%s)\nDefault: %s (incoming), %s (outgoing), %s (routed)\nNew profiles: skip\n",
		set["LOGLEVEL"], word("INPUT"), word("OUTPUT"), routed)
}
