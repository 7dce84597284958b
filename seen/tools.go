package seen

import (
	"slices"
	"strings"
)

// Tooling is what a host has: names of commands, /dev/net/tun, "wireguard" where the kernel has it built in or as a module, "pf" where
// there is pfctl, and "wireguard-tools" where FreeBSD's package of that name is installed, and "lockf" where its lockf locks a file that is open.
type Tooling map[string]bool

var tools = []string{"ufw", "wg", "wg-quick", "wireguard-go", "iptables", "docker"}

// noCommands are the names that are none.
var noCommands = []string{"/dev/net/tun", "wireguard", "pf", "wireguard-tools", "lockf"}

// Tools reads what a host has.
var Tools = register(Fact[Tooling]{ID: "tools", ask: either(
	`echo '== tools'; for t in `+strings.Join(tools, " ")+`; do if command -v $t >/dev/null; then echo $t; fi; done
if [ -c /dev/net/tun ]; then echo /dev/net/tun; fi
read -r k < /proc/sys/kernel/osrelease
if [ -d /sys/module/wireguard ] || grep -qs '/wireguard\.ko' "/lib/modules/$k/modules.builtin" "/lib/modules/$k/modules.dep"; then echo wireguard; fi`,
	// /usr/sbin/pkg is a stub that would install the package manager
	`echo '== tools'; for t in wg wg-quick wireguard-go; do if command -v $t >/dev/null; then echo $t; fi; done
if command -v pfctl >/dev/null; then echo pf; fi
lockf -s -t 0 9 9</bin/sh 2>/dev/null; case $? in 0 | 75) echo lockf ;; esac
if kldstat -q -m if_wg || [ -e /boot/kernel/if_wg.ko ]; then echo wireguard; fi
if [ -x /usr/local/sbin/pkg ]; then /usr/local/sbin/pkg query -e '%n = wireguard-tools' %n; fi`),
	parse: func(s sections) (Tooling, error) {
		have := Tooling{}
		for _, name := range s.lines("tools") {
			if !slices.Contains(tools, name) && !slices.Contains(noCommands, name) {
				return nil, odd("the host", name)
			}
			have[name] = true
		}
		return have, nil
	}})
