package seen

import (
	"slices"
	"strings"
)

// Tooling is what a host has: names of commands, /dev/net/tun, and "wireguard" where the kernel has it built in or as a module.
type Tooling map[string]bool

var tools = []string{"ufw", "wg", "wg-quick", "wireguard-go", "iptables", "docker"}

// Tools reads what a host has.
var Tools = register(Fact[Tooling]{ID: "tools", ask: text(
	`echo '== tools'; for t in ` + strings.Join(tools, " ") + `; do if command -v $t >/dev/null; then echo $t; fi; done
if [ -c /dev/net/tun ]; then echo /dev/net/tun; fi
read -r k < /proc/sys/kernel/osrelease
if [ -d /sys/module/wireguard ] || grep -qs '/wireguard\.ko' "/lib/modules/$k/modules.builtin" "/lib/modules/$k/modules.dep"; then echo wireguard; fi`),
	parse: func(s sections) (Tooling, error) {
		have := Tooling{}
		for _, name := range s.lines("tools") {
			if !slices.Contains(tools, name) && name != "/dev/net/tun" && name != "wireguard" {
				return nil, odd("the host", name)
			}
			have[name] = true
		}
		return have, nil
	}})
