package steps

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"postern/steps/firewall"
)

// maxLines bounds what is parsed of one answer: a host with more interfaces or listeners than this is not ours to plan for.
const maxLines = 4096

func lines(text string) []string {
	all := strings.SplitN(text, "\n", maxLines+1)
	if len(all) > maxLines {
		all = all[:maxLines]
	}
	return all
}

// word says whether s is harmless as a name in a message: what the kernel allows for interfaces and systems for IDs.
func word(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-+", r) {
			return false
		}
	}
	return true
}

func parseSystem(text string) (system, init string) {
	f := strings.Fields(text)
	if len(f) == 2 && word(f[0]) && word(f[1]) {
		return strings.ToLower(f[0]), f[1]
	}
	return "", ""
}

// parseRelease reads os-release(5).
func parseRelease(text string) (distro, release string) {
	for _, line := range lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.Trim(value, `"'`)
		switch {
		case !word(value):
		case key == "ID":
			distro = strings.ToLower(value)
		case key == "VERSION_ID":
			release = value
		}
	}
	return distro, release
}

// address is one line of `ip -o address`.
type address struct {
	Dev     string
	Prefix  netip.Prefix
	Global  bool
	Dynamic bool
	Passing bool // temporary, deprecated, tentative: not to be relied on
}

func parseAddresses(text string) []address {
	var all []address
	for _, line := range lines(text) {
		f := strings.Fields(line)
		if len(f) < 4 || (f[2] != "inet" && f[2] != "inet6") {
			continue
		}
		dev, _, _ := strings.Cut(f[1], "@")
		p, ok := parsePrefix(f[3])
		if !word(dev) || !ok {
			continue
		}
		a := address{Dev: dev, Prefix: p}
		for i, w := range f[4:] {
			switch w {
			case "global":
				a.Global = f[4+i-1] == "scope"
			case "peer": // inet 10.0.0.2 peer 10.0.0.1/32
				if 4+i+1 < len(f) {
					if peer, ok := parsePrefix(f[4+i+1]); ok && peer.Addr().Is4() == p.Addr().Is4() {
						a.Prefix = netip.PrefixFrom(p.Addr(), peer.Bits())
					}
				}
			case "dynamic":
				a.Dynamic = true
			case "temporary", "deprecated", "tentative", "dadfailed":
				a.Passing = true
			}
		}
		all = append(all, a)
	}
	return all
}

// parsePrefix reads an address with or without a prefix length, keeping the host's bits.
func parsePrefix(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p, !p.Addr().Is4In6()
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" || a.Is4In6() {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

func interfaces(all []address) []Interface {
	var list []Interface
	at := map[string]int{}
	for _, a := range all {
		i, ok := at[a.Dev]
		if !ok {
			i = len(list)
			at[a.Dev] = i
			list = append(list, Interface{Name: a.Dev})
		}
		list[i].Addresses = append(list[i].Addresses, a.Prefix)
	}
	return list
}

type route struct {
	To     netip.Prefix
	Dev    string
	Metric int
}

// parseRoutes reads `ip -o -4 route` followed by `ip -o -6 route`: a default route is of the family of its lines' gateway,
// or of the part it stands in.
func parseRoutes(text string) []route {
	var all []route
	for _, line := range lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		switch f[0] {
		case "unicast", "unreachable", "blackhole", "prohibit", "throw":
			f = f[1:]
		}
		if len(f) == 0 {
			continue
		}
		r := route{}
		six := false
		for i := 1; i+1 < len(f); i++ {
			switch f[i] {
			case "dev":
				if r.Dev == "" && word(f[i+1]) {
					r.Dev = f[i+1]
				}
			case "metric":
				r.Metric, _ = strconv.Atoi(f[i+1])
			case "via":
				six = strings.Contains(f[i+1], ":") && f[i+1] != "inet6" // "via inet6 fe80::1" is an IPv4 route
			case "pref":
				six = true // only IPv6 routes have a router preference
			}
		}
		if f[0] == "default" {
			r.To = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
			if six {
				r.To = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
			}
			all = append(all, r)
		} else if p, ok := parsePrefix(f[0]); ok {
			r.To = p.Masked()
			all = append(all, r)
		}
	}
	return all
}

// defaultInterface is that of the best default route over IPv4, or over IPv6 where there is none.
func defaultInterface(routes []route) string {
	best, found := route{}, false
	for _, r := range routes {
		if r.To.Bits() != 0 || r.Dev == "" {
			continue
		}
		four, had := r.To.Addr().Is4(), found && best.To.Addr().Is4()
		if !found || (four && !had) || (four == had && r.Metric < best.Metric) {
			best, found = r, true
		}
	}
	return best.Dev
}

// parseListeners reads `ss -H -ltunp`.
func parseListeners(text string) []Listening {
	var all []Listening
	for _, line := range lines(text) {
		f := strings.Fields(line)
		if len(f) < 6 || (f[0] != "tcp" && f[0] != "udp") {
			continue
		}
		addr, ok := parseSocket(f[4])
		if !ok {
			continue
		}
		l := Listening{Proto: f[0], Addr: addr}
		if _, rest, ok := strings.Cut(line, `users:(("`); ok {
			if name, _, ok := strings.Cut(rest, `"`); ok && word(name) {
				l.Process = name
			}
		}
		all = append(all, l)
	}
	return all
}

func parseSocket(s string) (netip.AddrPort, bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return netip.AddrPort{}, false
	}
	port, err := strconv.ParseUint(s[i+1:], 10, 16)
	host := strings.Trim(s[:i], "[]")
	if j := strings.IndexByte(host, '%'); j >= 0 {
		host = strings.TrimSuffix(host[:j], "]")
	}
	if host == "*" {
		host = "::"
	}
	addr, bad := netip.ParseAddr(host)
	if err != nil || bad != nil {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(port)), true
}

// ways reads the way the operator came, `connection SOURCE PORT HOST PORT`, and sshd's ports: those it is configured for
// and those it listens on.
func ways(text string, listeners []Listening) []firewall.Way {
	var all []firewall.Way
	ports := map[int]bool{}
	add := func(port int) {
		if port > 0 && port < 1<<16 && !ports[port] {
			ports[port] = true
			all = append(all, firewall.Way{Port: port})
		}
	}
	for _, line := range lines(text) {
		f := strings.Fields(line)
		switch {
		case len(f) == 5 && f[0] == "connection":
			source, err := netip.ParseAddr(f[1])
			port, bad := strconv.ParseUint(f[4], 10, 16)
			if err == nil && bad == nil && port > 0 {
				all = append([]firewall.Way{{Source: source.WithZone("").Unmap(), Port: int(port)}}, all...)
			}
		case len(f) == 2 && strings.EqualFold(f[0], "port"):
			port, _ := strconv.Atoi(f[1])
			add(port)
		}
	}
	for _, l := range listeners {
		if l.Proto == "tcp" && l.Process == "sshd" && !l.Addr.Addr().IsLoopback() { // loopback: X11 forwarding
			add(int(l.Addr.Port()))
		}
	}
	return all
}

func parseMemory(text string) int64 {
	for _, line := range lines(text) {
		f := strings.Fields(line)
		if len(f) == 3 && f[0] == "MemTotal:" && f[2] == "kB" {
			return kilobytes(f[1])
		}
	}
	return 0
}

// parseDisk reads the last line of `df -Pk /`.
func parseDisk(text string) (size, free int64) {
	all := lines(strings.TrimSpace(text))
	f := strings.Fields(all[len(all)-1])
	if len(all) < 2 || len(f) < 6 {
		return 0, 0
	}
	return kilobytes(f[1]), kilobytes(f[3])
}

func kilobytes(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > 1<<50 {
		return 0
	}
	return n << 10
}

func parseWords(text string) map[string]bool {
	words := map[string]bool{}
	for _, w := range strings.Fields(strings.Join(lines(text), "\n")) {
		words[w] = true
	}
	return words
}

func parseClock(text string) time.Time {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n <= 0 || n > 1<<40 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}
