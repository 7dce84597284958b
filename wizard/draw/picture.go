package draw

import (
	"fmt"
	"strings"

	"postern/site"
)

// Arrows of the picture, for marks beside them.
const (
	ArrowIn      = "in"      // the world to the proxy
	ArrowForward = "forward" // what the proxy forwards to the mail host
	ArrowTunnel  = "tunnel"  // the proxy to the mail host
	ArrowOut     = "out"     // the mail host's own mail, through the proxy to the world
)

// Picture draws the site with its own addresses and ports: the world, the proxy, the tunnel, the mail host. marks stand at
// the arrows, where there are any.
func Picture(s *site.Site, width int, marks map[string]Span) []Line {
	var lines []Line
	arrow := func(name, shaft, words string) {
		l := Row(Text(Frame, "     "+shaft+"  "))
		if m, ok := marks[name]; ok {
			l.Spans = append(l.Spans, m, Text(Plain, " "))
		}
		room := width - Columns(l.String()) - 1
		for i, part := range Prose(Plain, words, max(10, room)) {
			if i == 0 {
				l.Spans = append(l.Spans, part.Spans...)
				lines = append(lines, l)
				continue
			}
			lines = append(lines, Row(Text(Frame, Pad("     "+shaft, 9)), Text(Plain, strings.TrimSpace(part.String()))))
		}
	}
	public, forwarded := "", ""
	for _, p := range site.Services(s) {
		public += fmt.Sprintf(" %d", p.Port)
		if p.Forwarded {
			forwarded += fmt.Sprintf(" %d", p.Port)
		}
	}
	lines = append(lines, Say(Strong, "   the world, and you"))
	arrow(ArrowIn, "│ ", "tcp"+public)
	if s.Layout == "toaster" {
		lines = append(lines, host(s, site.Proxy, width)...)
		for _, j := range s.Jails {
			if words := strings.Trim(fmt.Sprint(j.Ports), "[]"); words != "" {
				arrow("", "║ ", "jail "+j.Name+": "+words)
			}
		}
		return lines
	}
	arrow("", "▼ ", fmt.Sprintf("udp %d (the tunnel)", s.Tunnel.Port))
	lines = append(lines, host(s, site.Proxy, width)...)
	arrow(ArrowTunnel, "║ ", fmt.Sprintf("WireGuard %s, %s", s.Tunnel.Interface, s.Tunnel.Network))
	if forwarded != "" {
		arrow(ArrowForward, "║ ", "forwarded:"+forwarded)
	}
	arrow(ArrowOut, "║ ", fmt.Sprintf("its own mail goes out by the proxy's port %d", s.Ports.Relay))
	return append(lines, host(s, site.Mail, width)...)
}

// host is the box of a role's hosts.
func host(s *site.Site, role site.Role, width int) []Line {
	var lines []Line
	for _, h := range s.HostsOf(role) {
		at := "address not known yet"
		switch {
		case h.Public4.IsValid():
			at = h.Public4.String()
		case role == site.Mail:
			at = "hidden, no public address"
		case h.SSH != "":
			at = h.SSH[strings.LastIndexByte(h.SSH, '@')+1:]
		}
		lines = append(lines, Row(Text(Plain, "  ["), Text(Strong, h.Name), Text(Plain, "] "), Text(Accent, Middle(at, width-len(h.Name)-6))))
		if s.Layout == "toaster" {
			lines = append(lines, Say(Plain, "     pf sends on to its jails"))
			continue
		}
		lines = append(lines,
			Row(Text(Plain, "     in the tunnel "), Text(Accent, s.TunnelAddress(h).String())))
	}
	return lines
}
