package checks

import (
	"strings"

	"postern/remote"
	"postern/site"
)

// The queries that checks share, by ID. Each prints sections ("== name") and ends with "== end", so that an answer that
// broke off is never taken for an empty one. They only read.
const (
	readSSH    = "c.ssh"
	readRoot   = "c.root"
	readClock  = "c.clock"
	readNet    = "c.net"
	readListen = "c.listen"
	readUfw    = "c.ufw"
	readRules  = "c.rules"
	readSysctl = "c.sysctl"
	readUnits  = "c.units"
	readTunnel = "c.tunnel"
	readKeys   = "c.keys"
	readDocker = "c.docker"
	readBoot   = "c.boot"
)

// Files that checks read whole; a file query's ID is its path.
const (
	fileUfwConf    = "/etc/ufw/ufw.conf"
	fileUfwDefault = "/etc/default/ufw"
	fileUfwUser    = "/etc/ufw/user.rules"
	fileUfwUser6   = "/etc/ufw/user6.rules"
)

func fileTunnel(s *site.Site) string { return "/etc/wireguard/" + s.Tunnel.Interface + ".conf" }

// sbin makes the administrator's tools reachable: a login that became root by su may lack them.
const sbin = "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export PATH\n"

var scripts = map[string]string{
	readSSH: `echo '== connection'; printf '%s\n' "${SSH_CONNECTION-}"
echo '== sshd'; sshd -T 2>/dev/null | grep -iE '^(port|listenaddress) '
echo '== end'`,

	readRoot: `echo '== uid'; id -u
echo '== name'; printf '%s\n' "${SUDO_USER-}"
echo '== etc'; if [ -w /etc ]; then echo writable; else echo 'read only'; fi
echo '== end'`,

	readClock: `echo '== now'; date +%s
echo '== synced'; if [ -e /run/systemd/timesync/synchronized ]; then echo yes; fi
echo '== end'`,

	readNet: `command -v ip >/dev/null || { echo 'there is no ip command'; exit 3; }
echo '== addr'; ip -o addr show
echo '== route4'; ip -4 route show default
echo '== route6'; ip -6 route show default
echo '== end'`,

	readListen: `command -v ss >/dev/null || { echo 'there is no ss command'; exit 3; }
echo '== tcp'; ss -Hltnp || exit 3
echo '== end'`,

	readUfw: `if ! command -v ufw >/dev/null; then echo '== absent'; echo '== end'; exit 0; fi
echo '== status'; ufw status verbose || exit 3
echo '== end'`,

	readRules: `command -v iptables-save >/dev/null || { echo '== absent'; echo '== end'; exit 0; }
echo '== v4'; iptables-save || exit 3
echo '== v6'; ip6tables-save || exit 3
if [ -s /proc/net/ip_tables_names ] && command -v iptables-legacy-save >/dev/null; then echo '== legacy4'; iptables-legacy-save; fi
echo '== end'`,

	readSysctl: `echo '== live'
sysctl -e net.ipv4.ip_forward net.ipv6.conf.all.forwarding 2>/dev/null
echo '== files'
grep -H forward /etc/sysctl.d/*.conf /run/sysctl.d/*.conf /usr/local/lib/sysctl.d/*.conf /usr/lib/sysctl.d/*.conf 2>/dev/null
echo '== end'`,

	readUnits: `command -v systemctl >/dev/null || { echo '== absent'; echo '== end'; exit 0; }
echo '== units'
{
	systemctl show -p Id -p UnitFileState -p ActiveState -p After ufw.service wg-quick@@IFACE@.service wireguard.service docker.service 2>/dev/null
	echo
} | {
	u= e= a= f= d=
	while IFS='=' read -r k v; do
		case $k in
		Id) u=${v%.service} ;;
		UnitFileState) e=$v ;;
		ActiveState) a=$v ;;
		After) f=$v ;;
		'')
			[ -z "$u" ] || printf '%s %s %s\n' "$u" "${e:-absent}" "${a:-unknown}"
			[ "$u" != docker ] || d=$f
			u= e= a= f=
			;;
		esac
	done
	echo '== after'; echo "$d"
}
echo '== armed'; for f in /var/lib/postern/open/ARMED.*; do [ -e "$f" ] && echo "$f"; done
echo '== end'`,

	// wg's dump has the private key in it and each peer's preshared one: the shell, which shows nothing in an argv, drops them.
	readTunnel: `[ -e /etc/wireguard/@IFACE@.conf ] || echo '== unset'
command -v wg >/dev/null || { echo '== absent'; echo '== end'; exit 0; }
if ! ip link show dev @IFACE@ >/dev/null 2>&1; then echo '== down'; echo '== end'; exit 0; fi
wg show @IFACE@ dump | {
	read -r private public port mark || exit 3
	private= h= t= e= l= k=
	echo '== public-key'; echo "$public"
	echo '== listen-port'; echo "$port"
	while read -r peer shared endpoint allowed at rx tx alive; do
		shared= h="$h$peer $at
" t="$t$peer $rx $tx
" e="$e$peer $endpoint
" l="$l$peer $allowed
" k="$k$peer $alive
"
	done
	echo '== latest-handshakes'; echo "$h"
	echo '== transfer'; echo "$t"
	echo '== endpoints'; echo "$e"
	echo '== allowed-ips'; echo "$l"
	echo '== persistent-keepalive'; echo "$k"
} || exit 3
echo '== now'; date +%s
echo '== link'; ip -o link show dev @IFACE@
echo '== end'`,

	// The private key goes to grep through a pipe; only the numbers of processes that show it come back.
	readKeys: `echo '== files'; for f in /etc/wireguard /etc/wireguard/*; do [ -e "$f" ] && stat -c '%a %U:%G %F|%n' "$f"; done
echo '== argv'
if command -v wg >/dev/null && wg show @IFACE@ >/dev/null 2>&1; then
	wg show @IFACE@ private-key | grep -laF -f - /proc/[0-9]*/cmdline 2>/dev/null
fi
echo '== end'`,

	readBoot: `echo '== dnat'
for f in $(grep -l DNAT /etc/ufw/*.init /etc/ufw/*.rules 2>/dev/null); do
	x=file; if [ -x "$f" ]; then x=executable; fi
	grep DNAT "$f" | while read -r line; do printf '%s %s|%s\n' "$x" "$f" "$line"; done
done
echo '== hook'; if [ -x /etc/ufw/before.init ]; then echo executable; else echo file; fi
echo '== ufwsysctl'; if [ -f /etc/ufw/sysctl.conf ]; then grep forward /etc/ufw/sysctl.conf; fi
echo '== end'`,

	readDocker: `if ! command -v docker >/dev/null; then echo '== absent'; echo '== end'; exit 0; fi
echo '== ps'; timeout 5 docker ps --no-trunc --format '{{.Names}}|{{.Ports}}' 2>/dev/null || echo '== silent'
echo '== end'`,
}

// reads makes the queries of those IDs and paths for a site.
func reads(ids ...string) func(*site.Site, *site.Host) []remote.Query {
	return func(s *site.Site, h *site.Host) []remote.Query {
		var queries []remote.Query
		for _, id := range ids {
			if script, ok := scripts[id]; ok {
				queries = append(queries, remote.ReadRun(id, render(s, script)))
			} else {
				queries = append(queries, remote.ReadFile(id))
			}
		}
		return queries
	}
}

// render puts the tunnel's interface into a script.
func render(s *site.Site, script string) string {
	return sbin + strings.ReplaceAll(script, "@IFACE@", remote.Quote(s.Tunnel.Interface))
}
