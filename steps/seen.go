package steps

import (
	"net/netip"
	"time"

	"postern/remote"
	"postern/steps/firewall"
)

// Seen is what one look told about a host, parsed. Zero values mean that it could not be told.
type Seen struct {
	System     string         // linux, freebsd …
	Distro     string         // ID of os-release: debian, ubuntu …
	Release    string         // VERSION_ID of os-release
	Init       string         // systemd or other
	Interface  string         // of the default route over IPv4
	Address4   netip.Prefix   // on that interface, with its prefix: where packets arrive (the public address may be another, behind 1:1 NAT)
	Address6   []netip.Prefix // global ones on that interface; temporary and deprecated ones are left out
	Dynamic    bool           // Address4 has a lifetime: it was given by DHCP
	Ways       []firewall.Way // how the operator is connected now, and every port sshd listens on
	Listeners  []Listening
	Interfaces []Interface
	Routes     []Route
	Docker     bool
	Memory     int64 // bytes
	Disk       int64 // bytes free on /
	DiskSize   int64 // bytes, of /
	Ufw        bool  // installed
	WireGuard  bool  // wg and wg-quick are installed
	Userspace  bool  // wireguard-go is installed
	Iptables   bool  // installed
	Module     bool  // the kernel has WireGuard, so that wireguard-go is not needed
	Tun        bool  // /dev/net/tun is there, which wireguard-go needs
	Clock      time.Time
}

// Listening is one TCP or UDP listener of a host.
type Listening struct {
	Proto   string
	Addr    netip.AddrPort // all addresses of both families: [::]
	Process string         // may be empty
}

// Interface is one network interface and its addresses.
type Interface struct {
	Name      string
	Addresses []netip.Prefix
}

// Route is one route of the main table.
type Route struct {
	To  netip.Prefix // 0.0.0.0/0 and ::/0 are default routes
	Dev string       // "" for a route that drops
}

// SeenReads are the queries See parses: light enough to be part of every look, so the shell reads what it can by itself.
func SeenReads() []remote.Query {
	return []remote.Query{
		remote.ReadRun("seen.system", `if [ -r /proc/sys/kernel/ostype ]; then read -r s < /proc/sys/kernel/ostype; echo "$s"; else uname -s; fi
if [ -d /run/systemd/system ]; then echo systemd; else echo other; fi`),
		remote.ReadRun("seen.release", `while IFS= read -r l || [ -n "$l" ]; do printf '%s\n' "$l"; done < /etc/os-release`),
		remote.ReadRun("seen.addresses", `PATH=$PATH:/usr/sbin:/sbin; ip -o address show`),
		remote.ReadRun("seen.routes", `PATH=$PATH:/usr/sbin:/sbin; ip -o -4 route show table main; ip -o -6 route show table main; true`),
		remote.ReadRun("seen.ssh", `PATH=$PATH:/usr/sbin:/sbin; echo "connection $SSH_CONNECTION"; sshd -T 2>/dev/null; true`),
		remote.ReadRun("seen.listeners", `PATH=$PATH:/usr/sbin:/sbin; ss -H -ltunp`),
		remote.ReadRun("seen.memory", `while read -r k n u; do case $k in MemTotal:) echo "$k $n $u"; break ;; esac; done < /proc/meminfo`),
		remote.ReadRun("seen.disk", `df -Pk /`),
		remote.ReadRun("seen.tools", `PATH=$PATH:/usr/sbin:/sbin
for t in ufw wg wg-quick wireguard-go iptables docker; do if command -v $t >/dev/null; then echo $t; fi; done
if [ -c /dev/net/tun ]; then echo /dev/net/tun; fi`),
		remote.ReadRun("seen.module", `read -r k < /proc/sys/kernel/osrelease
if [ -d /sys/module/wireguard ] || grep -qs '/wireguard\.ko' "/lib/modules/$k/modules.builtin" "/lib/modules/$k/modules.dep"; then echo yes; else echo no; fi`),
		remote.ReadRun("seen.clock", `date +%s`),
	}
}

// DetectReads are those of SeenReads that Detect fills in answers from.
func DetectReads() []remote.Query {
	var queries []remote.Query
	for _, q := range SeenReads() {
		if q.ID == "seen.addresses" || q.ID == "seen.routes" {
			queries = append(queries, q)
		}
	}
	return queries
}

// See parses what SeenReads brought. What is missing or makes no sense stays zero.
func See(f remote.Facts) Seen {
	var s Seen
	get := func(id string) string { out, _ := f.Get(id); return out }
	s.System, s.Init = parseSystem(get("seen.system"))
	s.Distro, s.Release = parseRelease(get("seen.release"))
	addresses := parseAddresses(get("seen.addresses"))
	s.Interfaces = interfaces(addresses)
	routes := parseRoutes(get("seen.routes"))
	s.Interface = defaultInterface(routes)
	for _, r := range routes {
		s.Routes = append(s.Routes, Route{r.To, r.Dev})
	}
	for _, a := range addresses {
		switch {
		case a.Dev != s.Interface || !a.Global || a.Passing:
		case a.Prefix.Addr().Is6():
			s.Address6 = append(s.Address6, a.Prefix)
		case !s.Address4.IsValid():
			s.Address4, s.Dynamic = a.Prefix, a.Dynamic
		}
	}
	s.Listeners = parseListeners(get("seen.listeners"))
	s.Ways = ways(get("seen.ssh"), s.Listeners)
	s.Memory = parseMemory(get("seen.memory"))
	s.DiskSize, s.Disk = parseDisk(get("seen.disk"))
	tools := parseWords(get("seen.tools"))
	s.Ufw, s.Docker, s.Iptables = tools["ufw"], tools["docker"], tools["iptables"]
	s.WireGuard = tools["wg"] && tools["wg-quick"]
	s.Userspace, s.Tun = tools["wireguard-go"], tools["/dev/net/tun"]
	s.Module = parseWords(get("seen.module"))["yes"]
	s.Clock = parseClock(get("seen.clock"))
	return s
}

// Holds says whether an address of the host lies in a network, and on which interface.
func (s Seen) Holds(network netip.Prefix) (dev string, ok bool) {
	for _, i := range s.Interfaces {
		for _, a := range i.Addresses {
			if network.Contains(a.Addr()) {
				return i.Name, true
			}
		}
	}
	return "", false
}

// Overlaps is a route, other than the default ones and those of the interfaces named, that shares addresses with a network.
func (s Seen) Overlaps(network netip.Prefix, but map[string]bool) (Route, bool) {
	for _, r := range s.Routes {
		if r.To.Bits() > 0 && !but[r.Dev] && r.To.Overlaps(network) {
			return r, true
		}
	}
	return Route{}, false
}
