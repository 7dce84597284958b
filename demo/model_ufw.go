package demo

import (
	"encoding/hex"
	"fmt"
	"strings"
)

func init() { register("/usr/sbin/ufw", ufw) }

// ufw is the part of ufw(8) that looks, and that switches it on and off.
func ufw(c *call) int {
	words := c.args
	for len(words) > 0 && strings.HasPrefix(words[0], "--") {
		if words[0] == "--version" {
			words = []string{"version"}
			break
		}
		words = words[1:]
	}
	verb := "help"
	if len(words) > 0 {
		verb = words[0]
	}
	h := c.host
	enabled := strings.EqualFold(h.ufwSettings()["ENABLED"], "yes")
	u := &ufwRun{call: c, set: h.ufwSettings()}
	switch verb {
	case "version":
		c.out("ufw 0.36.2\nCopyright 2008-2023 Canonical Ltd.\n")
	case "status":
		return c.ufwStatus(len(words) > 1 && words[1] == "verbose")
	case "enable":
		h.files.write("/etc/ufw/ufw.conf", strings.Replace(h.files.text("/etc/ufw/ufw.conf"), "ENABLED=no", "ENABLED=yes", 1), 0o644)
		u.set = h.ufwSettings()
		if u.start() != 0 {
			return c.error("problem running ufw-init")
		}
		c.out("Firewall is active and enabled on system startup\n")
	case "disable":
		h.files.write("/etc/ufw/ufw.conf", strings.Replace(h.files.text("/etc/ufw/ufw.conf"), "ENABLED=yes", "ENABLED=no", 1), 0o644)
		if u.stop() != 0 {
			return c.error("problem running ufw-init")
		}
		c.out("Firewall stopped and disabled on system startup\n")
	case "reload":
		if !enabled {
			c.out("Firewall not enabled (skipping reload)\n")
			return 0
		}
		if u.stop() != 0 || u.start() != 0 {
			return c.error("problem running ufw-init")
		}
		c.out("Firewall reloaded\n")
	default:
		return c.error("Invalid syntax")
	}
	return 0
}

func (c *call) error(text string) int {
	c.stderr.Write([]byte("ERROR: " + text + "\n"))
	return 1
}

// ufwStatus shows whether ufw runs, with which defaults, and the rules of its files.
func (c *call) ufwStatus(verbose bool) int {
	c.host.mu.Lock()
	t := c.host.kernel.filter[0].tables["filter"]
	runs := t != nil && t.chains["ufw-user-input"] != nil
	c.host.mu.Unlock()
	if !runs {
		c.out("Status: inactive\n")
		return 0
	}
	set := c.host.ufwSettings()
	c.out("Status: active\n")
	word := func(policy string) string {
		return or(map[string]string{"DROP": "deny", "ACCEPT": "allow", "REJECT": "reject"}[policy], "deny")
	}
	if verbose {
		logging := "on (" + or(set["LOGLEVEL"], "low") + ")"
		if set["LOGLEVEL"] == "off" {
			logging = "off"
		}
		routed := word(set["DEFAULT_FORWARD_POLICY"])
		if strings.TrimSpace(c.host.files.text("/proc/sys/net/ipv4/ip_forward")) == "0" {
			routed = "disabled"
		}
		c.out("Logging: %s\nDefault: %s (incoming), %s (outgoing), %s (routed)\nNew profiles: skip\n", logging,
			word(set["DEFAULT_INPUT_POLICY"]), word(set["DEFAULT_OUTPUT_POLICY"]), routed)
	}
	var rows, routes []string
	for _, file := range []string{"/etc/ufw/user.rules", "/etc/ufw/user6.rules"} {
		for _, line := range lines(c.host.files.text(file)) {
			if tuple, ok := strings.CutPrefix(line, "### tuple ### "); ok {
				if row, route := ufwRow(tuple, verbose); route {
					routes = append(routes, row)
				} else {
					rows = append(rows, row)
				}
			}
		}
	}
	if len(rows)+len(routes) == 0 {
		return 0
	}
	c.out("\n%-26s %-11s %s\n%-26s %-11s %s\n", "To", "Action", "From", "--", "------", "----")
	for _, row := range rows {
		c.out("%s\n", row)
	}
	c.out("\n")
	for _, row := range routes {
		c.out("%s\n", row)
	}
	if len(routes) > 0 {
		c.out("\n")
	}
	return 0
}

// ufwRow is one rule of ufw's status, from its line in user.rules.
func ufwRow(tuple string, verbose bool) (row string, route bool) {
	tuple, comment, _ := strings.Cut(tuple, " comment=")
	w := strings.Fields(tuple)
	if len(w) < 7 {
		return tuple, false
	}
	action, route := strings.CutPrefix(w[0], "route:")
	var in, out string
	for _, part := range strings.Split(w[len(w)-1], "!") {
		if name, ok := strings.CutPrefix(part, "in_"); ok {
			in = " on " + name
		}
		if name, ok := strings.CutPrefix(part, "out_"); ok {
			out = " on " + name
		}
	}
	six := strings.Contains(w[3], ":")
	side := func(address, port, dev string) string {
		text := address
		if anywhere := address == "0.0.0.0/0" || address == "::/0"; anywhere && port == "any" {
			text = "Anywhere"
		} else if anywhere {
			text = ""
		}
		if port != "any" {
			if text += " " + port; w[1] != "any" {
				text += "/" + w[1]
			}
		}
		if six && (address == "::/0") {
			text += " (v6)"
		}
		return strings.TrimSpace(text) + dev
	}
	action = strings.ToUpper(action)
	switch {
	case route:
		action += " FWD"
	case verbose:
		action += " IN"
	}
	to, from := side(w[3], w[2], in), side(w[5], w[4], "")
	if route {
		to, from = side(w[3], w[2], out), side(w[5], w[4], in)
	}
	row = fmt.Sprintf("%-26s %-11s %s", to, action, from)
	if note, err := hex.DecodeString(comment); err == nil && len(note) > 0 {
		row = fmt.Sprintf("%-26s %-11s %-26s # %s", to, action, from, note)
	}
	return row, route
}
