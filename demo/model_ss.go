package demo

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

func init() { register("/usr/bin/ss", ss) }

var portFilter = regexp.MustCompile(`([sd])port\s*=\s*:?(\d+)`)

// socketLine is one row of ss.
type socketLine struct{ proto, state, local, peer, users string }

// ss shows listeners (-l) or connections that stand, of TCP (-t) and UDP (-u), with a filter for a port.
func ss(c *call) int {
	got, rest := c.options("Hltunpaeo46")
	filter := strings.Join(rest, " ")
	tcp, udp := has(got, "t", "tcp"), has(got, "u", "udp")
	if !tcp && !udp {
		tcp, udp = true, true
	}
	c.host.mu.Lock()
	defer c.host.mu.Unlock()
	k := c.host.kernel
	var rows []socketLine
	if udp && has(got, "l", "a") {
		rows = append(rows, k.udpSockets()...)
	}
	if tcp && has(got, "l", "a") {
		for _, e := range k.ears {
			users := ""
			if has(got, "p") && e.name != "" {
				users = fmt.Sprintf("users:((\"%s\",pid=%d,fd=3))", e.name, e.pid)
			}
			rows = append(rows, socketLine{"tcp", "LISTEN", socketText(e.at), socketText(netip.AddrPortFrom(unspecified(e.at.Addr()), 0)), users})
		}
	}
	if tcp && (!has(got, "l") || has(got, "a")) {
		for l := range k.lines {
			at, peer := l.local, l.remote
			if l.from == c.host {
				at, peer = l.origin, l.target
			}
			rows = append(rows, socketLine{"tcp", "ESTAB", socketText(at), socketText(peer), ""})
		}
	}
	both := tcp && udp
	stated := strings.Contains(filter, "state established")
	if !has(got, "H") {
		head := "State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\n"
		if both {
			head = "Netid " + head
		}
		c.out("%s", head)
	}
	for _, r := range rows {
		if m := portFilter.FindStringSubmatch(filter); m != nil {
			at := r.local
			if m[1] == "d" {
				at = r.peer
			}
			if !strings.HasSuffix(at, ":"+m[2]) {
				continue
			}
		}
		if stated && r.state != "ESTAB" {
			continue
		}
		text := fmt.Sprintf("%-6s 0      %-6d %s %s", r.state, map[bool]int{true: 128}[r.state == "LISTEN"], r.local, r.peer)
		if stated { // what is asked for is not shown again
			text = fmt.Sprintf("0      0      %s %s", r.local, r.peer)
		}
		if both {
			text = r.proto + " " + text
		}
		c.out("%s\n", strings.TrimRight(text+" "+r.users, " "))
	}
	return 0
}

func unspecified(like netip.Addr) netip.Addr {
	if like.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// socketText is an address as ss writes it; port 0 is any.
func socketText(a netip.AddrPort) string {
	if a.Port() == 0 {
		return strings.TrimSuffix(a.String(), "0") + "*"
	}
	return a.String()
}

// udpSockets are those of tunnels, which belong to the kernel.
func (k *kernel) udpSockets() []socketLine {
	var rows []socketLine
	for _, l := range k.links {
		if l.wg == nil {
			continue
		}
		for _, any := range []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
			rows = append(rows, socketLine{"udp", "UNCONN", socketText(netip.AddrPortFrom(any, l.wg.port)), socketText(netip.AddrPortFrom(any, 0)), ""})
		}
	}
	return rows
}
