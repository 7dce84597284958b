package demo

import (
	"fmt"
	"maps"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"

	"postern/seen"
	"postern/seen/pf"
)

var replyTo = regexp.MustCompile(`reply-to \([^)]*\)`)

// printed is what pfctl prints of the rules of a text. Where answers are sent to is no part of what is claimed of that, and put back here.
func (h *Host) printed(set *pf.Ruleset) (text string) {
	release, _ := pf.ReleaseOf(h.bsd.release)
	made, from := set.Expand(release), map[int]string{}
	for _, st := range set.Statements {
		from[st.Line] = st.Text
	}
	for _, m := range slices.Concat(made.Translation, made.Filter) {
		if to := replyTo.FindString(from[m.Line]); to != "" && !strings.Contains(m.Text, "reply-to") {
			for name, value := range set.Macros {
				to = strings.ReplaceAll(to, "$"+name, value)
			}
			m.Text = strings.Replace(m.Text, " inet", " "+to+" inet", 1)
		}
		text += m.Text + "\n"
	}
	return text
}

// tablesOf are the tables of the rules of an anchor, with what is in them.
func (h *Host) tablesOf(set *pf.Ruleset, anchor string) map[string][]string {
	all := map[string][]string{}
	for _, st := range set.Statements {
		if st.Table != nil {
			all[st.Table.Name] = nil
			for _, a := range st.Table.Addresses {
				all[st.Table.Name] = append(all[st.Table.Name], strings.TrimSuffix(strings.TrimSuffix(a.Prefix.String(), "/32"), "/128"))
			}
		}
	}
	if anchor == "" {
		maps.Copy(all, h.bsd.tables)
	}
	return all
}

// pfRunning is what pfctl prints of the rules that run.
func (h *Host) pfRunning([]string) string {
	if !h.bsd.on {
		return section("off", "")
	}
	main, known := h.pf()
	text := section("skip", "lo0") + section("drops", "0")
	show := func(title, anchor string, set *pf.Ruleset) {
		text += section(title, h.printed(set))
		for name, list := range h.tablesOf(set, anchor) {
			text += section("table "+path.Join(anchor, name), strings.Join(list, "\n"))
		}
	}
	show("main", "", main)
	for name, set := range known.Anchors {
		show("anchor "+name, name, set)
	}
	return text
}

var sendsTo = regexp.MustCompile(` port = (\d+) -> ([\d.]+)`)

// pfHolds is what pfctl prints of everything that pf holds, with counters.
func (h *Host) pfHolds([]string) (text string) {
	main, known := h.pf()
	show := func(title, anchor string, set *pf.Ruleset) {
		rules := ""
		for line := range strings.Lines(h.printed(set)) {
			packets := 0
			if m := sendsTo.FindStringSubmatch(line); m != nil {
				packets = h.bsd.counts[m[2]+":"+m[1]]
			}
			rules += "|" + line + fmt.Sprintf("|  [ Evaluations: %[1]d Packets: %[1]d Bytes: %[2]d States: 0 ]\n", packets, packets*60)
		}
		for name, list := range h.tablesOf(set, anchor) {
			rules += fmt.Sprintln("table", name, len(list), strings.Join(list, " "))
		}
		text += section(title, rules)
	}
	show("rules", "", main)
	for name, set := range known.Anchors {
		show("anchor "+name, name, set)
	}
	return text
}

// pfStands is how pf stands, with its main file.
func (h *Host) pfStands([]string) string {
	main, known := h.pf()
	ours := 0
	if set := known.Anchors[seen.FilterAnchor]; set != nil {
		ours = strings.Count(h.printed(set), "\n")
	}
	return section("running", map[bool]string{true: "yes", false: "no"}[h.bsd.on]) + section("rules", fmt.Sprint(strings.Count(h.printed(main), "\n"))) +
		section("ours", fmt.Sprint(ours)) + section("path", seen.PFConf) + section("text", barred(h.text(seen.PFConf)))
}

// rcDefaults are those of /etc/defaults/rc.conf that are asked for.
var rcDefaults = map[string]string{"pf_enable": "NO", "pf_rules": seen.PFConf, "pflog_enable": "NO", "pf_fallback_rules_enable": "NO", "gateway_enable": "NO",
	"ipv6_gateway_enable": "NO", "sshd_enable": "NO"}

func (h *Host) rc([]string) string {
	value, set, tunnels, ours := maps.Clone(rcDefaults), "", "", ""
	for name, is := range h.settings(rcConf) {
		if _, known := rcDefaults[name]; known || strings.HasPrefix(name, "wireguard_") {
			value[name], set = is, set+name+"\n"
		}
	}
	text := ""
	for _, name := range slices.Sorted(maps.Keys(value)) {
		text += name + "=" + value[name] + "\n"
	}
	for name := range h.confs() {
		if tunnels += name + "\n"; strings.HasPrefix(h.text(h.wireguard()+name+".conf"), seen.Mark) {
			ours += name + "\n"
		}
	}
	armed := ""
	if h.Open() != "" {
		armed = "yes"
	}
	return section("value", text) + section("set", set) + section("tunnels", tunnels) + section("ours", ours) + section("armed", armed) + section("refused", "")
}

// ifconfig is what FreeBSD's tools tell of addresses and routes.
func (h *Host) ifconfig([]string) string {
	text := h.nic() + ": flags=1008843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST,LOWER_UP> metric 0 mtu 1500\n\tether 52:54:00:12:34:56\n" + inet(h.four, h.four.Addr())
	if h.six.IsValid() {
		text += inet(h.six, h.six.Addr())
	}
	text += "lo0: flags=1008049<UP,LOOPBACK,RUNNING,MULTICAST,LOWER_UP> metric 0 mtu 16384\n\tinet 127.0.0.1 netmask 0xff000000\n\tinet6 ::1 prefixlen 128\n"
	if h.bsd.jails != nil {
		text += "lo1: flags=1008049<UP,LOOPBACK,RUNNING,MULTICAST,LOWER_UP> metric 0 mtu 16384\n"
		for _, j := range h.bsd.jails {
			text += inet(netip.PrefixFrom(j.four, 32), j.four)
		}
	}
	router := h.four.Masked().Addr().Next()
	routes := "Internet:\nDestination        Gateway            Flags         Netif Expire\ndefault            " + router.String() + "        UGS          " + h.nic() + "\n" + h.four.Masked().String() + "     link#1             U            vtnet0\n"
	for _, t := range h.up() {
		text += fmt.Sprintf("%s: flags=10080c1<UP,RUNNING,NOARP,MULTICAST,LOWER_UP> metric 0 mtu %d\n", t.name, t.mtu)
		for _, a := range t.addresses {
			if text += inet(a, a.Addr()); a.Addr().Is4() {
				routes += a.Masked().String() + "        link#3             U               " + t.name + "\n"
			}
		}
	}
	out6, dhcp := "", ""
	if h.six.IsValid() {
		out6 = "   route to: ::\n  interface: " + h.nic() + "\n"
	}
	if h.bsd.dhcp {
		dhcp = h.nic()
	}
	return section("ifconfig", text) + section("default inet", "   route to: 0.0.0.0\n    gateway: "+router.String()+"\n  interface: "+h.nic()+"\n") +
		section("default inet6", out6) + section("netstat", routes) + section("dhcp", dhcp)
}

// inet is a line of ifconfig.
func inet(p netip.Prefix, a netip.Addr) string {
	if a.Is6() {
		return fmt.Sprintf("\tinet6 %s prefixlen %d\n", a, p.Bits())
	}
	return fmt.Sprintf("\tinet %s netmask 0x%08x\n", a, ^uint32(0)<<(32-p.Bits()))
}

// sockstat is who listens.
func (h *Host) sockstat([]string) string {
	text := "USER COMMAND    PID FD PROTO LOCAL ADDRESS         FOREIGN ADDRESS\n"
	for _, e := range h.ears() {
		if e.name != "" {
			at := strings.Replace(strings.Replace(e.at.String(), "0.0.0.0", "*", 1), "[::]", "*", 1)
			text += fmt.Sprintf("0    %s 701 3 tcp%s %s *:*\n", e.name, map[bool]string{true: "4", false: "6"}[e.at.Addr().Is4()], at)
		}
	}
	for _, t := range h.up() {
		text += fmt.Sprintf("?    ?          ?  ? udp4   *:%d               *:*\n", t.port)
	}
	return section("sockstat", text)
}

// bsdAnswers are what a FreeBSD host says where that is something else.
var bsdAnswers = map[string]func(h *Host, args []string) string{
	"system": func(h *Host, _ []string) string {
		return section("kernel", "FreeBSD") + section("init", "other") + section("release", "ID=freebsd") + section("freebsd", h.bsd.release)
	},
	"addresses": (*Host).ifconfig, "listeners": (*Host).sockstat, "pf": (*Host).pfStands, "pfrules": (*Host).pfRunning, "anchors": (*Host).pfHolds, "toaster": (*Host).jailsTold, "rcconf": (*Host).rc,
	"clock": func(h *Host, _ []string) string { return section("now", h.seconds()) + section("synced", "") },
	"size": func(*Host, []string) string {
		return section("bytes", "1073741824") + section("swap", "Device          1K-blocks     Used    Avail Capacity\n/dev/vtbd0p2      1048576        0  1048576     0%") +
			section("disk", "Filesystem 1024-blocks  Used  Avail Capacity  Mounted on\n/dev/vtbd0p3    20307196 2500000 16182620    13%    /")
	},
	"tools": func(h *Host, _ []string) string {
		text := "wg\npf\nlockf\nwireguard\n"
		if h.has("wireguard-tools") {
			text += "wg-quick\nwireguard-tools\n"
		}
		return section("tools", text)
	},
	"sysctl": func(h *Host, _ []string) string {
		return section("live", "net.inet.ip.forwarding "+h.kernel.sysctl["net.inet.ip.forwarding"]+"\nnet.inet6.ip6.forwarding "+h.kernel.sysctl["net.inet6.ip6.forwarding"]) + section("files", "")
	},
	"tunnel": func(h *Host, args []string) string {
		if h.kernel.tunnels[args[0]] == nil && !h.has("wireguard-tools") { // wg itself is in the base system
			return section("unset", "") + section("down", "")
		}
		return h.tunnel(args)
	},
}

func init() {
	for _, name := range []string{"rules", "units", "docker", "dpkg", "starting"} {
		bsdAnswers[name] = func(*Host, []string) string { return section("absent", "") }
	}
}
