package demo

import (
	"cmp"
	"net/netip"
	"strings"

	"postern/seen"
)

// kernel is what runs on a host and what a reboot forgets. World.mu guards it.
type kernel struct {
	sysctl  map[string]string  // by name with dots
	rules   [2]ruleset         // over IPv4, over IPv6
	read    [2]seen.Tables     // the rules as who filters reads them; nil once they have changed
	tunnels map[string]*tunnel // by interface
	started map[string]bool    // units that init started, beside those of tunnels
	ears    []*ear
}

// boot starts the host anew: its kernel knows nothing, and init starts what its files enable.
func (h *Host) boot() {
	k := &kernel{sysctl: map[string]string{}, rules: [2]ruleset{{}, {}}, tunnels: map[string]*tunnel{}, started: map[string]bool{}}
	h.kernel = k
	for name, value := range firstSysctls {
		k.sysctl[name] = value
	}
	k.conf("all", "default", "lo", "eth0")
	k.sysctl["net.ipv6.conf.eth0.accept_ra"] = "0" // its addresses are static
	for name, value := range h.settings("/etc/sysctl.d/60-postern.conf") {
		k.set(name, value)
	}
	for _, all := range []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
		k.ears = append(k.ears, &ear{at: netip.AddrPortFrom(all, sshPort), name: "sshd", greet: func(netip.AddrPort) string { return "SSH-2.0-OpenSSH_10.0p2\r\n" }})
	}
	if h.bsd != nil {
		h.bootBSD()
		return
	}
	for _, path := range h.Paths() {
		if unit, is := strings.CutPrefix(path, wantsFolder); is && !strings.HasPrefix(unit, "wg-quick@") && unit != "ufw.service" {
			k.started[strings.TrimSuffix(unit, ".service")] = true
		}
	}
	if k.started["caddy"] {
		h.webLoad()
	}
	h.layer()
	if h.enabled("ufw") {
		k.started["ufw"] = true
		h.ufwLoad()
	}
	for name := range h.confs() {
		if h.enabled("wg-quick@" + name) {
			h.tunnelStart(name)
		}
	}
}

var firstSysctls = map[string]string{
	"net.ipv4.ip_forward": "0", "net.ipv4.icmp_echo_ignore_all": "0", "net.ipv4.icmp_echo_ignore_broadcasts": "1",
	"net.ipv4.icmp_ignore_bogus_error_responses": "1",
}

// conf gives interfaces the settings that each has.
func (k *kernel) conf(links ...string) {
	for _, link := range links {
		for name, value := range map[string]string{"ipv4.conf.@.accept_redirects": "1", "ipv4.conf.@.rp_filter": "0", "ipv4.conf.@.src_valid_mark": "0",
			"ipv4.conf.@.log_martians": "0", "ipv4.conf.@.forwarding": k.sysctl["net.ipv4.ip_forward"], "ipv6.conf.@.accept_redirects": "1", "ipv6.conf.@.forwarding": cmp.Or(k.sysctl["net.ipv6.conf.default.forwarding"], "0"), "ipv6.conf.@.accept_ra": "1"} {
			k.sysctl["net."+strings.Replace(name, "@", link, 1)] = value
		}
	}
}

// set sets a sysctl, named with dots or with slashes. Redirects are taken by hosts that do not forward: the kernel says so
// whenever forwarding is switched.
func (k *kernel) set(name, value string) {
	name = strings.ReplaceAll(name, "/", ".")
	if _, known := k.sysctl[name]; !known {
		return
	}
	if of := map[string]string{"net.ipv4.ip_forward": "net.ipv4.conf.", "net.ipv6.conf.all.forwarding": "net.ipv6.conf."}[name]; of != "" {
		for other := range k.sysctl {
			if strings.HasPrefix(other, of) && strings.HasSuffix(other, ".forwarding") {
				k.sysctl[other] = value
			}
		}
	}
	if name == "net.ipv4.ip_forward" && k.sysctl[name] != value {
		for other := range k.sysctl {
			if strings.HasPrefix(other, "net.ipv4.") && strings.HasSuffix(other, ".accept_redirects") {
				k.sysctl[other] = map[string]string{"0": "1", "1": "0"}[value]
			}
		}
	}
	k.sysctl[name] = value
}

// tables are the rules that run, as who filters a packet to that address reads them.
func (k *kernel) tables(to netip.Addr) seen.Tables {
	i := 0
	if to.Is6() {
		i = 1
	}
	if k.read[i] == nil {
		tables, err := seen.ParseTables(strings.Split(k.rules[i].save(), "\n"))
		if err != nil {
			panic("demo: " + err.Error()) // what save prints is what it reads
		}
		k.read[i] = tables
	}
	return k.read[i]
}
