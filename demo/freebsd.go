package demo

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"postern/remote"
	"postern/seen"
	"postern/seen/pf"
)

// bsd is what a FreeBSD host has instead of ufw and systemd: pf, and rc.conf.
type bsd struct {
	release string
	dhcp    bool        // its address comes from its hoster so
	on      bool        // pf looks at packets
	rules   string      // the text of the file that it runs
	set     *pf.Ruleset // of that
	anchor  string      // the text that the anchor of ours runs
}

// Releases of FreeBSD that a host of the demo may run.
const freeBSD = "15.0-RELEASE-p1"

// becomeBSD installs the host anew, with FreeBSD.
func (h *Host) becomeBSD(release string) {
	for _, path := range h.Paths() {
		if path != "/root/.ssh/authorized_keys" {
			h.Write(path, nil)
		}
	}
	h.bsd = &bsd{release: release}
	h.put(rcConf, "hostname=\""+h.Name+"\"\nifconfig_vtnet0=\"inet "+h.four.String()+"\"\ndefaultrouter=\""+h.four.Masked().Addr().Next().String()+"\"\nsshd_enable=\"YES\"\n", 0o644)
	h.put("/etc/resolv.conf", "nameserver "+ResolverAddress+"\n", 0o644)
	h.boot()
}

const (
	rcConf   = "/etc/rc.conf"
	pfAnchor = "/etc/pf.postern.conf"
)

// nic is the interface of the default route.
func (h *Host) nic() string {
	if h.bsd != nil {
		return "vtnet0"
	}
	return "eth0"
}

// wireguard is where the host keeps WireGuard's files.
func (h *Host) wireguard() string {
	if h.bsd != nil {
		return seen.WireGuardBSD + "/"
	}
	return "/etc/wireguard/"
}

// bootBSD starts what rc.conf says.
func (h *Host) bootBSD() {
	rc := h.settings(rcConf)
	k := h.kernel
	for name, set := range map[string]string{"net.inet.ip.forwarding": "gateway_enable", "net.inet6.ip6.forwarding": "ipv6_gateway_enable"} {
		k.sysctl[name] = map[bool]string{true: "1", false: "0"}[rc[set] == "YES"]
	}
	h.bsd.on = false
	if h.pfLoad(""); rc["pf_enable"] == "YES" {
		h.bsd.on = true
		if h.pfLoad(h.text(seen.PFConf)); strings.Contains(h.bsd.rules, "load anchor") {
			h.bsd.anchor = h.text(pfAnchor)
		}
	}
	if rc["wireguard_enable"] == "YES" {
		for _, name := range strings.Fields(rc["wireguard_interfaces"]) {
			h.tunnelStart(name)
		}
	}
}

// pfLoad has pf run a text.
func (h *Host) pfLoad(text string) { h.bsd.rules, h.bsd.set = text, pf.Parse(text, "", pf.Host{}) }

// knows is what is known beside pf's rules.
func (h *Host) knows() pf.Host {
	all := map[string][]netip.Prefix{"lo0": {netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")}, h.nic(): {h.four}}
	if h.six.IsValid() {
		all[h.nic()] = append(all[h.nic()], h.six)
	}
	for _, t := range h.up() {
		all[t.name] = t.addresses
	}
	k := pf.Host{Interfaces: all, Listed: true}
	if h.bsd.anchor != "" {
		k.Anchors = map[string]*pf.Ruleset{seen.FilterAnchor: pf.Parse(h.bsd.anchor, seen.FilterAnchor, k)}
	}
	return k
}

// filters is what pf does with a packet that comes in, or goes out, by an interface.
func (h *Host) filters(on string, out bool, x way) pf.Decision {
	if !h.bsd.on {
		return pf.Decision{Verdict: pf.Pass, To: x.dst}
	}
	return h.bsd.set.Decide(pf.Packet{Out: out, On: on, Proto: x.proto, From: x.src, To: x.dst}, h.knows())
}

// enterBSD brings a packet to a FreeBSD host: pf decides, and may send it on.
func (w *World) enterBSD(h *Host, in string, x way) way {
	d := h.filters(in, false, x)
	if d.Verdict != pf.Pass {
		return x
	}
	if x.dst = d.To; h.owns(x.dst.Addr()) {
		return h.answers(x)
	}
	sysctl, t := "net.inet.ip.forwarding", h.tunnelTo(x.dst.Addr())
	if x.dst.Addr().Is6() {
		sysctl = "net.inet6.ip6.forwarding"
	}
	out := h.nic()
	if t != nil {
		out = t.name
	}
	d = h.filters(out, true, x)
	if h.kernel.sysctl[sysctl] != "1" || d.Verdict != pf.Pass || t == nil && h.kernel.tunnels[in] == nil {
		return x
	}
	if masks := d.By != ""; t == nil && masks {
		x.src = netip.AddrPortFrom(h.own(x.dst.Addr()), x.src.Port())
	} else if masks {
		x.src = netip.AddrPortFrom(t.own(x.dst.Addr()), x.src.Port())
	}
	if t == nil {
		return w.internet(h, x)
	}
	return w.through(h, t, x)
}

var (
	sysrcSet  = regexp.MustCompile(`(?m)^sysrc '?(\w+)=([^'\n]*)'?$`)
	sysrcGone = regexp.MustCompile(`(?m)^sysrc -x '?(\w+)'?`)
	bsdSysctl = regexp.MustCompile(`(?m)^sysctl ([\w.]+)=(\d+)`)
	quickly   = regexp.MustCompile(`wg-quick (up|down) '?([\w.=+-]+)'?`)
	pfLoads   = regexp.MustCompile(`(?m)^file=\$\{NEW:-'([^'\n]*)'\}$`)
	heredoc   = regexp.MustCompile(`(?s)cat > (\S+) <<'END'\n(.*)END\n`)
	pfBacks   = regexp.MustCompile(`(?m)^file='([^'\n]*)' off=(\w*) own=\$in bad=0$`)
	pkgs      = regexp.MustCompile(`^# pkg install ((?:'[\w.+-]+' ?)+),`)
)

// doBSD does what a script of a change says: settings of rc.conf and the kernel, pf's rules, interfaces and packages.
func (h *Host) doBSD(s script) error {
	if found := pkgs.FindStringSubmatch(s.text); found != nil {
		s.say("installing " + found[1])
		for _, name := range strings.Fields(strings.ReplaceAll(found[1], "'", "")) {
			h.w.wait(h.w.ctx, 400*time.Millisecond)
			h.put(installed(name), "", 0o644)
		}
		return nil
	}
	if strings.HasSuffix(s.ID, ".key") {
		return h.makeKey(s)
	}
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	for _, set := range bsdSysctl.FindAllStringSubmatch(s.text, -1) {
		h.kernel.sysctl[set[1]] = set[2]
	}
	for _, gone := range sysrcGone.FindAllStringSubmatch(s.text, -1) {
		h.sysrc(gone[1], "")
	}
	for _, set := range sysrcSet.FindAllStringSubmatch(s.text, -1) {
		h.sysrc(set[1], set[2])
	}
	if load := pfLoads.FindStringSubmatch(s.text); load != nil {
		text := h.text(load[1])
		if s.New != nil && s.Path == load[1] {
			text = s.New.Text
		}
		if load[1] == pfAnchor {
			h.bsd.anchor = text
			return nil
		}
		h.bsd.on = true
		h.pfLoad(text)
	} else if back := pfBacks.FindStringSubmatch(s.text); back != nil && back[1] == pfAnchor {
		h.bsd.anchor = h.text(pfAnchor)
	} else if back := pfBacks.FindStringSubmatch(s.text); back != nil {
		h.bsd.on = back[2] == ""
		h.pfLoad(h.text(back[1]))
	}
	if file := heredoc.FindStringSubmatch(s.text); file != nil && h.File(file[1]) == nil {
		h.Write(file[1], &remote.File{Text: file[2], Mode: 0o644, Owner: "root:wheel"})
	}
	for _, told := range quickly.FindAllStringSubmatch(s.text, -1) {
		if told[1] == "up" {
			h.tunnelStart(told[2])
		} else {
			h.tunnelStop(told[2])
		}
	}
	return nil
}

// sysrc sets a setting of rc.conf, or takes it out where it is to have no value.
func (h *Host) sysrc(name, value string) {
	text := regexp.MustCompile(`(?m)^`+name+`=.*\n`).ReplaceAllString(h.text(rcConf), "")
	if value != "" {
		text += name + "=\"" + value + "\"\n"
	}
	h.Write(rcConf, &remote.File{Text: text, Mode: 0o644, Owner: "root:wheel"})
}

var replyTo = regexp.MustCompile(`reply-to \([^)]*\)`)

// pfRunning is what pfctl prints of the rules that run.
func (h *Host) pfRunning([]string) string {
	if !h.bsd.on {
		return section("off", "")
	}
	text := section("skip", "lo0") + section("drops", "0") + section("main", printed(h.bsd.set)) + tablesOf(h.bsd.set, "")
	if ours := h.knows().Anchors[seen.FilterAnchor]; ours != nil {
		text += section("anchor "+seen.FilterAnchor, printed(ours)) + tablesOf(ours, seen.FilterAnchor+"/")
	}
	return text
}

// printed is what pfctl prints of the rules of a text. Where answers are sent to is no part of what is claimed of that, and put back here.
func printed(set *pf.Ruleset) (text string) {
	made, from := set.Expand(pf.R15_0), map[int]string{}
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

// tablesOf are the tables of a text, with what is in them.
func tablesOf(set *pf.Ruleset, anchor string) (text string) {
	for _, st := range set.Statements {
		if st.Table == nil {
			continue
		}
		list := ""
		for _, a := range st.Table.Addresses {
			list += "   " + a.Prefix.String() + "\n"
		}
		text += section("table "+anchor+st.Table.Name, strings.ReplaceAll(strings.ReplaceAll(list, "/32\n", "\n"), "/128\n", "\n"))
	}
	return text
}

// pfStands is how pf stands, with its main file.
func (h *Host) pfStands([]string) string {
	made := h.bsd.set.Expand(pf.R15_0)
	text := ""
	for line := range strings.Lines(h.text(seen.PFConf)) {
		text += "|" + line
	}
	ours := 0
	if set := h.knows().Anchors[seen.FilterAnchor]; set != nil {
		ours = strings.Count(printed(set), "\n")
	}
	return section("running", map[bool]string{true: "yes", false: "no"}[h.bsd.on]) + section("rules", fmt.Sprint(len(made.Translation)+len(made.Filter))) +
		section("ours", fmt.Sprint(ours)) + section("path", seen.PFConf) + section("text", text)
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
	router := h.four.Masked().Addr().Next()
	routes := "Internet:\nDestination        Gateway            Flags         Netif Expire\ndefault            " + router.String() + "        UGS          vtnet0\n" + h.four.Masked().String() + "     link#1             U            vtnet0\n"
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
		out6 = "   route to: ::\n  interface: vtnet0\n"
	}
	if h.bsd.dhcp {
		dhcp = h.nic()
	}
	return section("ifconfig", text) + section("default inet", "   route to: 0.0.0.0\n    gateway: "+router.String()+"\n  interface: vtnet0\n") +
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
			text += fmt.Sprintf("0    %s 701 3 tcp%s *:%d *:*\n", e.name, map[bool]string{true: "4", false: "6"}[e.at.Addr().Is4()], e.at.Port())
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
	"addresses": (*Host).ifconfig, "listeners": (*Host).sockstat, "pf": (*Host).pfStands, "pfrules": (*Host).pfRunning, "rcconf": (*Host).rc,
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
