package demo

import (
	"fmt"
	"net/netip"
	"path"
	"strings"
)

// kernel is what a running host knows and forgets at a reboot. Everything in it is guarded by Host.mu.
type kernel struct {
	host   *Host
	links  []*link
	routes []route
	tables map[int]bool    // of routes, that were ever used
	rules  [2][]policyRule // by family: 0 is IPv4, 1 is IPv6
	filter [2]*ruleset
	sysctl map[string]string // by path under /proc/sys
	ears   []*ear
	lines  map[*line]bool // TCP connections that end here
	last   uint16         // of the ports given to who asked for any
	index  int            // of the newest interface
}

// link is a network interface.
type link struct {
	name  string
	index int
	mtu   int
	up    bool
	mac   string // empty for one without
	addrs []netip.Prefix
	wg    *tunnel // of a WireGuard interface
}

// family is 0 for IPv4 and 1 for IPv6.
func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

// The networks of the simulated hosts over IPv6, and what is in them.
var (
	proxy6   = netip.MustParseAddr("2001:db8:113::10")
	mail6    = netip.MustParseAddr("2001:db8:50::2")
	here6    = netip.MustParseAddr("2001:db8:50::10")
	outside6 = netip.MustParseAddr("2001:db8:200::200")
	home6    = netip.MustParsePrefix("2001:db8:50::/64")
	home4    = netip.MustParsePrefix("192.168.50.0/24")
	proxy4   = netip.MustParseAddr(ProxyAddress)
	mail4    = netip.MustParseAddr(MailAddress)
	here4    = netip.MustParseAddr(HereAddress)
	nat4     = netip.MustParseAddr(HomeAddress)
	outside4 = netip.MustParseAddr(OutsideAddress)
)

// newKernel is the state right after the kernel started, with what the installer wrote about the network, before init did
// anything. It is called with h.mu held.
func newKernel(h *Host) *kernel {
	k := &kernel{host: h, sysctl: map[string]string{}, lines: map[*line]bool{}, tables: map[int]bool{}, last: 32768}
	k.filter = [2]*ruleset{newRuleset(false), newRuleset(true)}
	for i := range k.rules {
		k.rules[i] = firstRules(i)
	}
	h.files.removeAll("/sys/class/net")
	h.files.removeAll("/proc/sys/net/ipv4/conf")
	h.files.removeAll("/proc/sys/net/ipv6/conf")
	for name, value := range firstSysctls {
		k.sysctl[name] = value
		k.showSysctl(name)
	}
	for _, name := range []string{"all", "default"} {
		k.showConf(name)
	}
	lo := k.addLink("lo", 65536)
	lo.mac = "00:00:00:00:00:00"
	k.addAddress(lo, netip.MustParsePrefix("127.0.0.1/8"))
	k.addAddress(lo, netip.MustParsePrefix("::1/128"))
	eth := k.addLink("eth0", 1500)
	own4, own6, mac, local := proxy4, proxy6, "02:9f:b0:08:4e:77", "fe80::9f:b0ff:fe08:4e77/64"
	if h.Name == "mail" {
		own4, own6, mac, local = mail4, mail6, "02:90:cf:8d:40:8b", "fe80::90:cfff:fe8d:408b/64"
	}
	eth.mac = mac
	k.addAddress(eth, netip.PrefixFrom(own4, 24))
	k.addAddress(eth, netip.PrefixFrom(own6, 64))
	k.addAddress(eth, netip.MustParsePrefix(local))
	k.routes = append(k.routes, route{table: mainTable, to: netip.PrefixFrom(netip.IPv4Unspecified(), 0), via: firstOf(own4, 24), dev: "eth0"},
		route{table: mainTable, to: netip.PrefixFrom(netip.IPv6Unspecified(), 0), via: firstOf(own6, 64), dev: "eth0", metric: 1024})
	k.loadSysctls()
	return k
}

// firstOf is the first address of a network: its router.
func firstOf(a netip.Addr, bits int) netip.Addr {
	return netip.PrefixFrom(a, bits).Masked().Addr().Next()
}

// addLink adds an interface that is up.
func (k *kernel) addLink(name string, mtu int) *link {
	k.index++
	l := &link{name: name, index: k.index, mtu: mtu, up: true}
	k.links = append(k.links, l)
	k.showConf(name)
	files, h := k.host.files, k.host
	dir := path.Join("/sys/class/net", name)
	files.device(path.Join(dir, "mtu"), func() string {
		h.mu.Lock()
		defer h.mu.Unlock()
		return fmt.Sprintln(l.mtu)
	}, nil)
	files.write(path.Join(dir, "operstate"), "up\n", 0o444)
	return l
}

// dropLink takes an interface away, with its addresses and every route over it; false when there is none.
func (k *kernel) dropLink(name string) bool {
	for i, l := range k.links {
		if l.name != name || name == "lo" {
			continue
		}
		k.links = append(k.links[:i:i], k.links[i+1:]...)
		var kept []route
		for _, r := range k.routes {
			if r.dev != name {
				kept = append(kept, r)
			}
		}
		k.routes = kept
		k.host.files.removeAll("/sys/class/net/" + name)
		for name := range k.sysctl {
			if strings.Contains(name, "/conf/"+l.name+"/") {
				delete(k.sysctl, name)
			}
		}
		k.host.files.removeAll("/proc/sys/net/ipv4/conf/" + name)
		k.host.files.removeAll("/proc/sys/net/ipv6/conf/" + name)
		return true
	}
	return false
}

// link finds an interface, nil when there is none.
func (k *kernel) link(name string) *link {
	for _, l := range k.links {
		if l.name == name {
			return l
		}
	}
	return nil
}

// addAddress gives an interface an address, and the route to its network that follows from it.
func (k *kernel) addAddress(l *link, p netip.Prefix) {
	l.addrs = append(l.addrs, p)
	if l.name == "lo" || p.IsSingleIP() {
		return
	}
	r := route{table: mainTable, to: p.Masked(), dev: l.name, kernel: true, src: p.Addr()}
	if p.Addr().Is6() {
		r.src, r.metric = netip.Addr{}, 256
	}
	k.routes = append(k.routes, r)
}

// owns tells whether an address is the host's own.
func (k *kernel) owns(a netip.Addr) bool {
	if a.IsLoopback() {
		return true
	}
	for _, l := range k.links {
		for _, p := range l.addrs {
			if p.Addr() == a {
				return true
			}
		}
	}
	return false
}
