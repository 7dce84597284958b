package demo

import (
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sysctls are what runs, what of ufw's runs, and what files say of forwarding.
func (h *Host) sysctls([]string) string {
	k, live, ufw, files := h.kernel, "", "", ""
	for _, name := range slices.Sorted(maps.Keys(k.sysctl)) {
		switch {
		case name == "net.ipv4.ip_forward", strings.HasSuffix(name, ".forwarding"), strings.HasSuffix(name, ".accept_ra"),
			name == "net.ipv4.conf.all.accept_redirects", name == "net.ipv4.conf.all.src_valid_mark":
			live += strings.ReplaceAll(name, ".", "/") + " " + k.sysctl[name] + "\n"
		}
	}
	set := h.settings("/etc/ufw/sysctl.conf")
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if value, known := k.sysctl[strings.ReplaceAll(name, "/", ".")]; known {
			ufw += name + " " + value + "\n"
		}
	}
	for _, path := range h.Paths() {
		if !strings.HasPrefix(path, "/etc/sysctl.d/") && path != "/etc/ufw/sysctl.conf" {
			continue
		}
		files += path + ":\n"
		for line := range strings.Lines(h.text(path)) {
			if strings.Contains(line, "forward") {
				files += path + ":" + line
			}
		}
	}
	return section("live", live) + section("ufw", ufw) + section("files", files)
}

var execStart = regexp.MustCompile(`ExecStart=.*`)

// units is what systemd says of the units that matter.
func (h *Host) units(args []string) string {
	names := []string{"wireguard", "wireguard-setup", "ufw", "ssh", "docker", "firewalld", "netfilter-persistent", "nftables", "shorewall", "postern-smtp", "haraka-in", "haraka-out", "caddy", "postern-mailcow", "wg-quick@" + args[0]}
	ours, armed, text := "", "", ""
	for name := range h.confs() {
		if strings.HasPrefix(h.text(h.wireguard()+name+".conf"), "# postern begin") {
			ours += name + "\n"
			names = append(names, "wg-quick@"+name)
		}
	}
	if h.Open() != "" {
		armed = "yes"
	}
	for _, name := range names {
		loaded, active, boot := "not-found", "inactive", ""
		link, tunnelled := strings.CutPrefix(name, "wg-quick@")
		if (name == "ufw" || name == "caddy") && h.has(name) || h.File("/etc/systemd/system/"+name+".service") != nil || tunnelled && h.has("wireguard-tools") {
			loaded, boot = "loaded", "disabled"
		}
		if h.enabled(name) {
			boot = "enabled"
		}
		if name == "ssh" {
			loaded, active, boot = "loaded", "active", "enabled"
		}
		state := "dead"
		if h.kernel.started[name] || h.kernel.tunnels[link] != nil {
			active, state = "active", "running"
		}
		if tunnelled && state == "dead" && h == h.w.Mail && !h.w.stopped.IsZero() {
			state += fmt.Sprintf("\nInactiveEnterTimestampMonotonic=%d", (upFor + h.w.stopped.Sub(h.w.began)).Microseconds())
		}
		starts := strings.ReplaceAll(execStart.FindString(h.text("/etc/systemd/system/"+name+".service")), "=", "={ argv[]=")
		text += fmt.Sprintf("Id=%s.service\nLoadState=%s\nActiveState=%s\nSubState=%s\nUnitFileState=%s\nAfter=\n%s\n\n", name, loaded, active, state, boot, starts)
	}
	text += "Id=ssh.socket\nLoadState=loaded\nActiveState=inactive\nUnitFileState=disabled\nAfter=\n\n"
	return section("ours", ours) + section("init", "") + section("scripts", "") + section("armed", armed) + section("effect", "") + section("uptime", fmt.Sprintf("%.2f 0", (upFor+h.w.Now().Sub(h.w.began)).Seconds())) + section("units", text)
}

// upFor is how long the hosts are up when the demo begins.
const upFor = time.Hour

// tunnel is what wg says of an interface, but for the private key.
func (h *Host) tunnel(args []string) string {
	t, text := h.kernel.tunnels[args[0]], ""
	if h.File(h.wireguard()+args[0]+".conf") == nil {
		text = section("unset", "")
	}
	if t != nil {
		text += section("link", fmt.Sprintf("3: %s: <POINTOPOINT,NOARP,UP,LOWER_UP> mtu %d qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000\\    link/none ", t.name, t.mtu))
	}
	switch {
	case !h.has("wireguard-tools"):
		return text + section("absent", "")
	case t == nil:
		return text + section("down", "")
	}
	peers := ""
	for _, p := range t.peers {
		end{h, t, p}.far()
		endpoint, alive, shaken := "(none)", "off", int64(0)
		if p.endpoint.IsValid() {
			endpoint = p.endpoint.String()
		}
		if p.alive > 0 {
			alive = strconv.Itoa(p.alive)
		}
		if !p.shaken.IsZero() {
			shaken = p.shaken.Unix()
		}
		var allowed []string
		for _, a := range p.allowed {
			allowed = append(allowed, a.String())
		}
		peers += fmt.Sprintf("%s %s %s %d %d %d %s none\n", p.key, endpoint, strings.Join(allowed, ","), shaken, p.rx, p.tx, alive)
	}
	return text + section("now", h.seconds()) + section("interface", fmt.Sprintf("%s %d", t.key, t.port)) + section("peers", peers)
}

// keys are the public keys of an interface's files.
func (h *Host) keys(args []string) string {
	return section("file", publicKey(h.text(h.wireguard()+args[0]+".key"))) + section("conf", "")
}

// signingKeys are the public keys that the mail host's server signs with: one for all domains.
func (h *Host) signingKeys(args []string) string {
	text := ""
	if h == h.w.Mail && h.mailcowRuns() && len(args) > 0 {
		for _, d := range strings.Split(args[0], ",") {
			text += d + " dkim " + mailKey + "\n"
		}
	}
	return section("keys", text)
}

// keyfiles are the files that hold keys, and who may read them.
func (h *Host) keyfiles([]string) string {
	files := ""
	if h.has("wireguard-tools") {
		files = "700 root:root directory|" + strings.TrimSuffix(h.wireguard(), "/") + "\n"
	}
	for _, path := range h.Paths() {
		if f := h.File(path); strings.HasPrefix(path, h.wireguard()) {
			files += fmt.Sprintf("%o %s regular file|%s\n", f.Mode.Perm(), f.Owner, path)
		}
	}
	return section("files", files) + section("argv", "")
}

// bootFiles is what ufw's files will send on at boot.
func (h *Host) bootFiles([]string) string {
	hook, calls, dnat := "file", "", ""
	if f := h.File("/etc/ufw/before.init"); f != nil && f.Mode&0o100 != 0 {
		hook = "executable"
		for line := range strings.Lines(f.Text) {
			if !strings.HasPrefix(line, "#") && strings.Contains(line, "/etc/ufw/postern.init") {
				calls += line
			}
		}
	}
	for _, path := range h.Paths() {
		for line := range strings.Lines(h.text(path)) {
			if strings.HasPrefix(path, "/etc/ufw/") && (strings.Contains(line, "DNAT") || strings.HasSuffix(path, ".init") && strings.HasPrefix(line, "-A ")) {
				dnat += map[bool]string{true: "executable ", false: "file "}[h.File(path).Mode&0o100 != 0] + path + "|" + line
			}
		}
	}
	return section("hook", hook) + section("calls", calls) + section("dnat", dnat)
}

// path measures how large a packet may be on the way to an address, where no file of ours says more than a guess already.
func (h *Host) path(args []string) string {
	for name := range h.confs() {
		if text := h.text(h.wireguard() + name + ".conf"); strings.HasPrefix(text, "# postern begin") && !strings.Contains(text, "\nMTU = 1280\n") {
			return section("skipped", "")
		}
	}
	return h.ping(args)
}

// ping tells which sizes of packets come back from an address.
func (h *Host) ping(args []string) string {
	to, _ := netip.ParseAddr(args[0])
	text := ""
	for _, size := range args[1:] {
		if n, err := strconv.Atoi(size); err == nil && h.w.pings(h, to, n) {
			text += "reply " + size + "\n"
		} else {
			text += "limit \n"
		}
	}
	return section("sizes", text)
}
