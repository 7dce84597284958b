package demo

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"postern/remote"
)

// answers are what a host says to each fact of package seen: its sections, by the fact's name. args are the query's own.
var answers = map[string]func(h *Host, args []string) string{
	"system": func(h *Host, _ []string) string {
		return section("kernel", "Linux") + section("init", "systemd") + section("release", h.text("/etc/os-release"))
	},
	"addresses": func(h *Host, _ []string) string {
		return section("addresses", h.ipAddr()) + section("routes4", h.ipRoute(false)) + section("routes6", h.ipRoute(true))
	},
	"ssh": func(h *Host, _ []string) string { // who asks adds where they come from
		return section("connection", "") + section("sshd", fmt.Sprintf("port %d", sshPort))
	},
	"listeners": func(h *Host, _ []string) string { return section("sockets", h.sockets()) },
	"starting":  func(*Host, []string) string { return section("units", "") },
	"capture":   func(*Host, []string) string { return "== cannot\nthe hosts of the demo show no packets\n" },
	"captured":  func(*Host, []string) string { return "" },
	"size":      (*Host).size,
	"tools":     func(h *Host, _ []string) string { return section("tools", strings.Join(h.tools(), "\n")) },
	"clock": func(h *Host, _ []string) string {
		return section("now", h.seconds()) + section("synced", "yes")
	},
	"privilege": func(*Host, []string) string {
		return section("uid", "0") + section("name", "") + section("etc", "writable")
	},
	"dpkg":     func(*Host, []string) string { return section("busy", "") + section("list", "310") },
	"routing":  (*Host).routing,
	"rules":    (*Host).rules,
	"sysctl":   (*Host).sysctls,
	"units":    (*Host).units,
	"tunnel":   (*Host).tunnel,
	"keys":     (*Host).keys,
	"keyfiles": (*Host).keyfiles,
	"docker":   (*Host).docker,
	"boot":     (*Host).bootFiles,
	"path":     (*Host).path,
	"ping":     (*Host).ping,
	"lookup": func(_ *Host, args []string) string {
		a, known := names[args[0]]
		if !known {
			a = relay4
		}
		return section("addresses4", a.String()+" STREAM "+args[0]) + section("addresses6", "")
	},
	"roots": func(*Host, []string) string { return section("roots", paper().root) },
	"smarthost": func(h *Host, args []string) string {
		there := ""
		if h.File(args[0]) != nil {
			there = "yes"
		}
		return section("password", there) + section("said", "") + section("waiting", "0")
	},
	"peers":     (*Host).peers,
	"caddy":     (*Host).caddy,
	"acme":      (*Host).acme,
	"handover":  (*Host).handover,
	"taken":     (*Host).taken,
	"receiving": (*Host).receiving,
	"words":     func(*Host, []string) string { return section("words", "") },
	"pf":        func(*Host, []string) string { return section("absent", "") },
	"pfrules":   func(*Host, []string) string { return section("absent", "") },
	"rcconf":    func(*Host, []string) string { return section("absent", "") },
	"jails":     func(*Host, []string) string { return section("absent", "") },
	"anchors":   func(*Host, []string) string { return section("absent", "") },
	"toaster":   func(*Host, []string) string { return section("absent", "") },
	"postfix":   (*Host).postfix,
	"mailcow":   (*Host).mailcow,
	"mailcow-admin": func(h *Host, _ []string) string {
		if !h.mailcowRuns() {
			return section("absent", "")
		}
		return section("admin", "own")
	},
	"dkim":      (*Host).signingKeys,
	"maillog":   (*Host).maillog,
	"mailqueue": (*Host).mailqueue,
	"send":      (*Host).sendmail,
	"ufw": func(h *Host, _ []string) string {
		if !h.has("ufw") {
			return section("absent", "")
		}
		return section("status", h.ufwStatus())
	},
}

// section is a part of an answer.
func section(name, text string) string {
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return "== " + name + "\n" + text
}

// answer says what a query prints.
func (h *Host) answer(q remote.Query) remote.Answer {
	w := strings.Fields(q.ID)
	if q.ID == "command password" {
		if h.File(passwordFile.FindString(q.Run)) == nil {
			return remote.Answer{Code: 1}
		}
		return remote.Answer{}
	}
	if thing := things[w[0]]; thing != nil {
		h.w.mu.Lock()
		defer h.w.mu.Unlock()
		return thing(h, w[1:])
	}
	says := answers[w[0]]
	if own := bsdAnswers[w[0]]; h.bsd != nil && own != nil {
		says = own
	}
	if says == nil {
		return remote.Answer{Out: "the demo has no answer to " + q.ID, Code: 3}
	}
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	return remote.Answer{Out: says(h, w[1:]) + "== end\n"}
}

func (h *Host) seconds() string { return strconv.FormatInt(h.w.Now().Unix(), 10) }

// ipAddr is `ip -o addr show`.
func (h *Host) ipAddr() string {
	var b strings.Builder
	line := func(n int, dev string, a netip.Prefix, scope string) {
		family := "inet"
		if a.Addr().Is6() {
			family = "inet6"
		}
		fmt.Fprintf(&b, "%d: %s    %s %s scope %s\\       valid_lft forever preferred_lft forever\n", n, dev, family, a, scope)
	}
	line(1, "lo", netip.MustParsePrefix("127.0.0.1/8"), "host lo")
	line(1, "lo", netip.MustParsePrefix("::1/128"), "host proto kernel_lo ")
	line(2, "eth0", h.four, "global eth0")
	line(2, "eth0", h.six, "global ")
	line(2, "eth0", netip.PrefixFrom(h.link, 64), "link proto kernel_ll ")
	for _, t := range h.up() {
		for _, a := range t.addresses {
			line(3, t.name, a, "global "+t.name)
		}
	}
	return b.String()
}

// up are the tunnels that are up, by name.
func (h *Host) up() []*tunnel {
	var all []*tunnel
	for _, name := range slices.Sorted(maps.Keys(h.kernel.tunnels)) {
		all = append(all, h.kernel.tunnels[name])
	}
	return all
}

// ipRoute is `ip -o route show table main` of one family.
func (h *Host) ipRoute(six bool) string {
	own, text := h.four, ""
	if six {
		own = h.six
	}
	for _, t := range h.up() {
		for _, a := range t.addresses {
			if a.Addr().Is6() == six {
				text += fmt.Sprintf("%s dev %s proto kernel scope link src %s \n", a.Masked(), t.name, a.Addr())
			}
		}
	}
	router := own.Masked().Addr().Next()
	if !six {
		return fmt.Sprintf("default via %s dev eth0 \n%s%s dev eth0 proto kernel scope link src %s \n", router, text, own.Masked(), own.Addr())
	}
	return fmt.Sprintf("%s%s dev eth0 proto kernel metric 256 pref medium\nfe80::/64 dev eth0 proto kernel metric 256 pref medium\n"+
		"default via %s dev eth0 metric 1024 pref medium\n", text, own.Masked(), router)
}

// sockets is `ss -Hltunp`: what the host's own listen at.
func (h *Host) sockets() string {
	text := ""
	for _, t := range h.up() {
		text += fmt.Sprintf("udp UNCONN 0 0 0.0.0.0:%[1]d 0.0.0.0:*\nudp UNCONN 0 0 [::]:%[1]d [::]:*\n", t.port)
	}
	if h.kernel.started["caddy"] {
		text += "tcp LISTEN 0 128 127.0.0.1:2019 0.0.0.0:* users:((\"caddy\",pid=702,fd=3))\nudp UNCONN 0 0 *:443 *:* users:((\"caddy\",pid=702,fd=4))\n"
	}
	for _, e := range h.ears() {
		if e.both {
			text += fmt.Sprintf("tcp LISTEN 0 128 *:%d *:* users:((%q,pid=701,fd=3))\n", e.at.Port(), e.name)
		} else if e.name != "" {
			text += fmt.Sprintf("tcp LISTEN 0 128 %s %s:* users:((%q,pid=701,fd=3))\n", e.at, map[bool]string{true: "0.0.0.0", false: "[::]"}[e.at.Addr().Is4()], e.name)
		}
	}
	return text
}

// size is a small VPS, and a mail server that is large enough.
func (h *Host) size([]string) string {
	memory := 1 << 20
	if h == h.w.Mail {
		memory = 8 << 20
	}
	return section("memory", fmt.Sprintf("MemTotal: %d kB\nSwapTotal: 2097148 kB", memory)) +
		section("disk", "Filesystem     1024-blocks    Used Available Capacity Mounted on\n/dev/sda1         41152736 4115273  37037463      10% /")
}

// tools are the commands there are, as far as somebody asks for them.
func (h *Host) tools() []string {
	var all []string
	for _, one := range []struct {
		of    string
		tools []string
	}{{"ufw", []string{"ufw"}}, {"wireguard-tools", []string{"wg", "wg-quick"}}, {"iptables", []string{"iptables"}}} {
		if h.has(one.of) {
			all = append(all, one.tools...)
		}
	}
	return append(all, "/dev/net/tun", "wireguard")
}

// routing are the rules of the policy routing: the kernel's own, and those of a tunnel's file.
func (h *Host) routing([]string) string {
	ours, leads := map[string]string{}, map[string]string{}
	for _, t := range h.up() {
		for _, c := range t.commands {
			if family, table, ok := strings.Cut(strings.TrimPrefix(c, "ip "), " route replace default dev "+t.name+" table "); ok {
				leads[family] += "default dev " + t.name + " table " + table + " scope link\n"
			}
			rule, ok := strings.CutPrefix(c, "ip ")
			family, rule, _ := strings.Cut(rule, " rule add pref ")
			pref, rule, added := strings.Cut(rule, " ")
			if ok && added {
				if !strings.HasPrefix(rule, "from ") {
					rule = "from all " + rule
				}
				ours[family] += pref + ":\t" + strings.Replace(rule, " table ", " lookup ", 1) + "\n"
			}
		}
	}
	if at := h.text("/etc/systemd/system/postern-smtp.service"); h.kernel.started["postern-smtp"] {
		for line := range strings.Lines(at) {
			if _, rule, ok := strings.Cut(strings.TrimSuffix(line, "'\n"), " rule add pref "); ok {
				pref, rule, _ := strings.Cut(rule, " ")
				family := map[bool]string{true: "-6", false: "-4"}[strings.Contains(line, "ip -6")]
				ours[family] = ours[family] + pref + ":\tfrom all " + rule + "\n"
			}
		}
	}
	const first, last = "0:\tfrom all lookup local\n", "32766:\tfrom all lookup main\n"
	return section("rules4", first+ours["-4"]+last+"32767:\tfrom all lookup default\n") + section("rules6", first+ours["-6"]+last) +
		section("tables4", leads["-4"]) + section("tables6", leads["-6"])
}

func (h *Host) rules([]string) string {
	if !h.has("iptables") {
		return section("absent", "")
	}
	return section("v4", h.kernel.rules[0].save()) + section("v6", h.kernel.rules[1].save()) + section("nft", "")
}
