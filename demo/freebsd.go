package demo

import (
	"net/netip"
	"regexp"
	"strings"
	"time"

	"postern/remote"
	"postern/seen"
	"postern/seen/pf"
)

// bsd is what a FreeBSD host has instead of ufw and systemd: pf, rc.conf, and jails. World.mu guards it.
type bsd struct {
	release string
	nic     string // the interface of the default route
	dhcp    bool   // its address comes from its hoster so
	jails   []jail

	on      bool                // pf looks at packets
	rules   string              // the text of the file that it runs
	anchors map[string]string   // those that anchors run
	tables  map[string][]string // those that were filled by hand
	counts  map[string]int      // packets that were sent on, by where to
}

// becomeBSD installs the host anew, with FreeBSD.
func (h *Host) becomeBSD(release, nic string) {
	for _, path := range h.Paths() {
		if path != "/root/.ssh/authorized_keys" {
			h.Write(path, nil)
		}
	}
	h.bsd = &bsd{release: release, nic: nic, counts: map[string]int{}}
	h.put(rcConf, "hostname=\""+h.Name+"\"\nifconfig_"+nic+"=\"inet "+h.four.String()+"\"\ndefaultrouter=\""+h.four.Masked().Addr().Next().String()+"\"\nsshd_enable=\"YES\"\n", 0o644)
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
		return h.bsd.nic
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
	h.bsd.on, h.bsd.rules, h.bsd.anchors, h.bsd.tables = rc["pf_enable"] == "YES", "", map[string]string{}, map[string][]string{}
	if h.bsd.on {
		if h.bsd.rules = h.text(seen.PFConf); strings.Contains(h.bsd.rules, "load anchor") {
			h.bsd.anchors[seen.FilterAnchor] = h.text(pfAnchor)
		}
	}
	h.startJails()
	if rc["wireguard_enable"] == "YES" {
		for _, name := range strings.Fields(rc["wireguard_interfaces"]) {
			h.tunnelStart(name)
		}
	}
}

// pf are the rules that it runs, and what is known beside them.
func (h *Host) pf() (*pf.Ruleset, pf.Host) {
	known := pf.Host{Interfaces: map[string][]netip.Prefix{"lo0": {netip.MustParsePrefix("127.0.0.1/8"), netip.MustParsePrefix("::1/128")}, h.nic(): {h.four}},
		Tables: map[string][]pf.Address{}, Anchors: map[string]*pf.Ruleset{}, Listed: true}
	if h.six.IsValid() {
		known.Interfaces[h.nic()] = append(known.Interfaces[h.nic()], h.six)
	}
	for _, j := range h.bsd.jails {
		known.Interfaces["lo1"] = append(known.Interfaces["lo1"], netip.PrefixFrom(j.four, 32))
	}
	for _, t := range h.up() {
		known.Interfaces[t.name] = t.addresses
	}
	for name, words := range h.bsd.tables {
		known.Tables[name], _ = pf.ParseTable(strings.Join(words, "\n"))
	}
	for name, text := range h.bsd.anchors {
		known.Anchors[name] = pf.Parse(text, name, known)
	}
	return pf.Parse(h.bsd.rules, "", known), known
}

// filters is what pf does with a packet that comes in, or goes out, by an interface.
func (h *Host) filters(on string, out bool, x way) pf.Decision {
	if !h.bsd.on {
		return pf.Decision{Verdict: pf.Pass, To: x.dst}
	}
	main, known := h.pf()
	return main.Decide(pf.Packet{Out: out, On: on, Proto: x.proto, From: x.src, To: x.dst}, known)
}

// enterBSD brings a packet to a FreeBSD host: pf decides, and may send it on.
func (w *World) enterBSD(h *Host, in string, x way) way {
	d := h.filters(in, false, x)
	if d.Verdict != pf.Pass {
		return x
	}
	if d.By != "" {
		h.bsd.counts[d.To.String()]++
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
	pfLoads   = regexp.MustCompile(`(?m)^file=\$\{NEW:-'([^'\n]*)'\}`)
	pfIn      = regexp.MustCompile(`(?m)^in='([^'\n]*)'$`)
	pfTable   = regexp.MustCompile(`pfctl -q -t '([^'\n]*)' -T replace -f "\$(file|KEPT)"`)
	comment   = regexp.MustCompile(`(?m)^#.*`)
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
	h.pfRuns(s)
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

// pfRuns has pf run what a script loads, or brings back.
func (h *Host) pfRuns(s script) {
	load, back, table, in := pfLoads.FindStringSubmatch(s.text), pfBacks.FindStringSubmatch(s.text), pfTable.FindStringSubmatch(s.text), pfIn.FindStringSubmatch(s.text)
	text, on := h.text(s.Path), true
	switch {
	case load != nil && s.New != nil && s.Path == load[1]:
		text = s.New.Text
	case load != nil:
		text = h.text(load[1])
	case back != nil:
		text, on = h.text(back[1]), back[2] == ""
	case table == nil:
		return
	}
	switch {
	case table != nil:
		if delete(h.bsd.tables, table[1]); text != "" {
			h.bsd.tables[table[1]] = strings.Fields(comment.ReplaceAllString(text, ""))
		}
	case in[1] != "":
		if delete(h.bsd.anchors, in[1]); text != "" {
			h.bsd.anchors[in[1]] = text
		}
	default:
		h.bsd.on, h.bsd.rules = on, text
	}
}

// sysrc sets a setting of rc.conf, or takes it out where it is to have no value.
func (h *Host) sysrc(name, value string) {
	text := regexp.MustCompile(`(?m)^`+name+`=.*\n`).ReplaceAllString(h.text(rcConf), "")
	if value != "" {
		text += name + "=\"" + value + "\"\n"
	}
	h.Write(rcConf, &remote.File{Text: text, Mode: 0o644, Owner: "root:wheel"})
}
