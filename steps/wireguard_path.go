package steps

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"postern/remote"
	"postern/site"
)

const (
	overhead4   = 60   // bytes WireGuard adds to a packet over IPv4
	overhead6   = 80   // and over IPv6
	greatestMTU = 1420 // what WireGuard uses on an Ethernet path, either family
	safeMTU     = 1280 // every path carries it (RFC 8200, section 5), and IPv6 inside the tunnel needs it
)

// pathSizes are the packet sizes tried, in bytes: Ethernet, PPPoE, and the usual tunnels below them.
var pathSizes = []int{1500, 1492, 1480, 1472, 1460, 1452, 1440, 1420, 1400, 1380, 1360, 1340, 1300, 1280}

// pathRead is the look that measures how large a packet may be between the mail host and the proxy: pings that must not be
// fragmented, all at once, a second at most. It is skipped where a configuration of ours has an answer already, and there
// is none as long as the proxy's address is not known.
func pathRead(s *site.Site) (remote.Query, bool) {
	target := endpointAddress(s)
	if !target.IsValid() || s.Tunnel.MTU > 0 {
		return remote.Query{}, false
	}
	family, header := "-4", 28
	if target.Is6() {
		family, header = "-6", 48
	}
	var sizes []string
	for _, n := range pathSizes {
		sizes = append(sizes, strconv.Itoa(n))
	}
	return remote.ReadRun("wireguard.path", `if grep -qs '^`+beginMark+`' `+remote.Quote(confPath(s.Tunnel.Interface))+` || ! command -v ping >/dev/null; then exit 0; fi
for n in `+strings.Join(sizes, " ")+`; do (
if out=$(ping `+family+` -n -c 1 -W 1 -M do -s $((n - `+strconv.Itoa(header)+`)) `+remote.Quote(target.String())+` 2>&1); then echo "reply $n"
else echo "limit $(echo "$out" | sed -n 's/.*mtu *= *\([0-9][0-9]*\).*/\1/p' | head -n 1)"; fi ) & done
wait`), true
}

// pathMTU reads what pathRead brought: the largest size that was answered; else the smallest limit that a router on the
// way named; else 0, because pings are dropped and nothing was measured.
func pathMTU(text string) int {
	reply, limit := 0, 0
	for _, line := range lines(text) {
		kind, rest := pair(line)
		n, err := strconv.Atoi(rest)
		if err != nil || n < 576 || n > 65535 {
			continue
		}
		switch {
		case kind == "reply" && n > reply:
			reply = n
		case kind == "limit" && (limit == 0 || n < limit):
			limit = n
		}
	}
	if reply > 0 {
		return reply
	}
	return limit
}

// tunnelMTU is the MTU both ends get: the answer; else what a configuration of ours has; else what was measured; else a safe
// value, which the note says was not measured.
func tunnelMTU(s *site.Site, mail *site.Host, f remote.Facts, t tunnelSeen) (mtu int, note *Note) {
	if s.Tunnel.MTU > 0 {
		return s.Tunnel.MTU, nil
	}
	if t.Conf != nil {
		if n := oursMTU(t.Conf.Text); n > 0 {
			return n, nil
		}
	}
	out, _ := f.Get("wireguard.path")
	path := pathMTU(out)
	if path == 0 {
		return safeMTU, &Note{Host: mail.Name, Text: fmt.Sprintf(
			"how large a packet may be on the way to the proxy could not be measured (pings are dropped, or the proxy's address is not known yet): the tunnel gets MTU %d, which every path carries; set tunnel.mtu to raise it", safeMTU)}
	}
	mtu = path - overhead4
	if endpointAddress(s).Is6() {
		mtu = path - overhead6
	}
	mtu = min(mtu, greatestMTU)
	note = &Note{Host: mail.Name, Text: fmt.Sprintf("packets of %d bytes reach the proxy whole: the tunnel gets MTU %d", path, mtu)}
	if mtu < safeMTU && s.Tunnel.Network6.IsValid() {
		note.Warn, note.Text = true, note.Text+fmt.Sprintf(", less than the %d that IPv6 inside it needs", safeMTU)
	}
	return mtu, note
}

// endpointAddress is the proxy's address that the mail host dials, invalid when only a name is known, or nothing.
func endpointAddress(s *site.Site) netip.Addr {
	for _, h := range s.HostsOf(site.Proxy) {
		for _, a := range []netip.Addr{h.Public4, h.Public6, sshAddress(h)} {
			if public(a) || (a.IsValid() && (a == h.Public4 || a == h.Public6)) {
				return a
			}
		}
	}
	return netip.Addr{}
}

// endpoint is where the mail host dials: the proxy's address, or its name where only that is known; "" when nothing is.
func endpoint(s *site.Site) string {
	if a := endpointAddress(s); a.IsValid() {
		return netip.AddrPortFrom(a, uint16(s.Tunnel.Port)).String()
	}
	for _, h := range s.HostsOf(site.Proxy) {
		if name := sshHost(h); strings.Contains(name, ".") && !h.Local && h.Jump == "" && word(name) {
			if _, err := netip.ParseAddr(name); err != nil {
				return name + ":" + strconv.Itoa(s.Tunnel.Port)
			}
		}
	}
	return ""
}
