package demo

// The packages that the models here are of, in Debian 13's versions.
func init() {
	offer(debianPackage{name: "iptables", version: "1.8.11-2", commands: iptablesCommands()})
	offer(debianPackage{name: "ufw", version: "0.36.2-9", needs: []string{"iptables"}, commands: []string{"ufw", "ufw-init"}, lay: func(h *Host) {
		layUfw(h)
		h.enable("ufw.service", true)
	}})
	offer(debianPackage{name: "wireguard-tools", version: "1.0.20210914-3", commands: []string{"wg", "wg-quick"}, lay: layWireguard})
	furnish(func(h *Host) {
		h.files.mkdirAll("/etc/ufw/applications.d") // other packages bring profiles
		h.files.write("/lib/modules/"+kernelRelease+"/modules.dep", "kernel/drivers/net/wireguard/wireguard.ko.xz: kernel/net/ipv4/udp_tunnel.ko.xz\n", 0o644)
		h.files.device("/proc/net/ip_tables_names", func() string { return "" }, nil)
	})
}

func iptablesCommands() []string {
	var all []string
	for _, base := range []string{"iptables", "ip6tables"} {
		for _, kind := range []string{"", "-nft"} {
			all = append(all, base+kind, base+kind+"-save", base+kind+"-restore")
		}
		all = append(all, base+"-legacy-save")
	}
	return all
}
