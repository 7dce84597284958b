package seen

import (
	"fmt"
	"math/bits"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// askIfconfig reads addresses and routes of FreeBSD. Which interfaces are set up by DHCP stands in rc.conf alone, where a name's other
// signs are underscores.
const askIfconfig = `need ifconfig || return 3
echo '== ifconfig'; ifconfig -a
for f in inet inet6; do echo "== default $f"; route -n get "-$f" default 2>/dev/null; done
echo '== netstat'; netstat -rn
echo '== dhcp'; for i in $(ifconfig -l); do
	n=$(echo "$i" | tr -c 'a-zA-Z0-9\n' _)
	case $(sysrc -n "ifconfig_$n" 2>/dev/null || sysrc -n ifconfig_DEFAULT 2>/dev/null) in *DHCP* | *dhcp*) echo "$i" ;; esac
done`

// parseIfconfig reads what FreeBSD's tools tell of addresses and routes.
func parseIfconfig(s sections) (Network, error) {
	var n Network
	on := ""
	for _, line := range s["ifconfig"] {
		if name, _, ok := strings.Cut(line, ": flags="); ok && line[0] != '\t' {
			if on = ""; Name(name) {
				on = name
			}
			continue
		}
		a, ok := parseInet(strings.Fields(line))
		if !ok || on == "" {
			continue
		}
		a.Dynamic = a.Dynamic || a.Addr().Is4() && slices.Contains(s.lines("dhcp"), on)
		i := slices.IndexFunc(n.Interfaces, func(had Interface) bool { return had.Name == on })
		if i < 0 {
			i, n.Interfaces = len(n.Interfaces), append(n.Interfaces, Interface{Name: on})
		}
		n.Interfaces[i].Addresses = append(n.Interfaces[i].Addresses, a)
	}
	if len(n.Interfaces) == 0 {
		return Network{}, fmt.Errorf("no address could be read from the host")
	}
	n.Routes = parseNetstat(s["netstat"])
	n.Device, n.Device6 = routeOut(s["default inet"]), routeOut(s["default inet6"])
	if n.Device == "" {
		n.Device = n.Device6
	}
	return n, nil
}

// parseInet reads a line of ifconfig that has an address: inet 10.0.0.1 --> 10.0.0.2 netmask 0xffffffff, inet6 fe80::1%lo0 prefixlen 64.
func parseInet(w []string) (a Address, ok bool) {
	if len(w) < 2 || w[0] != "inet" && w[0] != "inet6" {
		return a, false
	}
	text, length, _ := strings.Cut(w[1], "/")
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Is4() != (w[0] == "inet") || addr.Is4In6() {
		return a, false
	}
	addr = addr.WithZone("")
	n, err := strconv.Atoi(length)
	known := err == nil
	for i, word := range w {
		next := ""
		if i+1 < len(w) {
			next = w[i+1]
		}
		switch word {
		case "netmask":
			n, known = maskLen(next)
		case "prefixlen":
			n, err = strconv.Atoi(next)
			known = err == nil
		case "autoconf":
			a.Dynamic = true
		case "temporary", "deprecated", "tentative", "duplicated", "detached":
			a.Passing = true
		}
	}
	a.Prefix = netip.PrefixFrom(addr, n)
	return a, known && a.IsValid()
}

// maskLen is the prefix length of a netmask, as 0xffffff00 or 255.255.255.0.
func maskLen(text string) (int, bool) {
	mask, err := strconv.ParseUint(text, 0, 32)
	if a, wrong := netip.ParseAddr(text); wrong == nil && a.Is4() {
		b := a.As4()
		mask, err = uint64(b[0])<<24|uint64(b[1])<<16|uint64(b[2])<<8|uint64(b[3]), nil
	}
	ones := bits.LeadingZeros32(^uint32(mask))
	return ones, err == nil && bits.OnesCount32(uint32(mask)) == ones
}

// parseNetstat reads the routes of both families from netstat -rn, whose headings say where the interface stands.
func parseNetstat(lines []string) (all []Route) {
	at, any4 := -1, true
	for _, line := range lines {
		w := strings.Fields(line)
		switch {
		case len(w) > 0 && strings.HasPrefix(w[0], "Internet"):
			at, any4 = -1, w[0] == "Internet:"
		case len(w) > 0 && w[0] == "Destination":
			at = slices.Index(w, "Netif")
		case at < 0 || len(w) <= at || !Name(w[at]):
		case w[0] == "default" && any4:
			all = append(all, Route{To: netip.PrefixFrom(netip.IPv4Unspecified(), 0), Device: w[at]})
		case w[0] == "default":
			all = append(all, Route{To: netip.PrefixFrom(netip.IPv6Unspecified(), 0), Device: w[at]})
		default:
			to, length, net := strings.Cut(w[0], "/")
			if to, _, _ = strings.Cut(to, "%"); net {
				to += "/" + length
			}
			if p, ok := Prefix(to); ok && p.Addr().Is4() == any4 {
				all = append(all, Route{To: p.Masked(), Device: w[at]})
			}
		}
	}
	return all
}

// routeOut is the interface that `route get` names, or "".
func routeOut(lines []string) string {
	for _, line := range lines {
		if key, value, _ := strings.Cut(strings.TrimSpace(line), ": "); key == "interface" && Name(value) {
			return value
		}
	}
	return ""
}
