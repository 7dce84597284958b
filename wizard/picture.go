package wizard

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"postern/site"
)

// Arrows of the picture, for marks beside them.
const (
	arrowIn      = "in"      // the world to the proxy
	arrowForward = "forward" // what the proxy forwards to the mail host
	arrowTunnel  = "tunnel"  // the proxy to the mail host
	arrowOut     = "out"     // the mail host's own mail, through the proxy to the world
)

// picture draws the site with its own addresses and ports: the world, the proxy, the tunnel, the mail host. marks stand at
// the arrows, where there are any.
func picture(s *site.Site, width int, marks map[string]span) []line {
	if s.Layout == "toaster" {
		return toasterPicture(s)
	}
	var lines []line
	arrow := func(name, shaft, words string) {
		l := row(span{plain, "     " + shaft + "  "})
		if m, ok := marks[name]; ok {
			l.spans = append(l.spans, m, span{plain, " "})
		}
		room := width - columns(l.text()) - 1
		for i, part := range prose(plain, words, max(10, room)) {
			if i == 0 {
				l.spans = append(l.spans, part.spans...)
				lines = append(lines, l)
				continue
			}
			lines = append(lines, row(span{plain, pad("     "+shaft, 9)}, span{plain, strings.TrimSpace(part.text())}))
		}
	}
	lines = append(lines, say(strong, "   the world, and you"))
	arrow(arrowIn, "| ", "tcp "+strings.Join(publicPorts(s), " "))
	arrow("", "v ", fmt.Sprintf("udp %d (the tunnel)", s.Tunnel.Port))
	lines = append(lines, host(s, site.Proxy, width)...)
	arrow(arrowTunnel, "||", fmt.Sprintf("WireGuard %s, %s", s.Tunnel.Interface, s.Tunnel.Network))
	if forwarded := forwardedPorts(s); len(forwarded) > 0 {
		arrow(arrowForward, "||", "forwarded: "+strings.Join(forwarded, " "))
	}
	arrow(arrowOut, "||", fmt.Sprintf("its own mail goes out by the proxy's port %d", s.Ports.Relay))
	return append(lines, host(s, site.Mail, width)...)
}

// host is the box of a role's hosts.
func host(s *site.Site, role site.Role, width int) []line {
	var lines []line
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
		lines = append(lines,
			row(span{plain, "  ["}, span{strong, h.Name}, span{plain, "] "}, span{accent, middle(at, width-len(h.Name)-6)}),
			row(span{plain, "     in the tunnel "}, span{accent, s.TunnelAddress(h).String()}))
	}
	return lines
}

// publicPorts are the ports of the world, with names where the number does not say it.
func publicPorts(s *site.Site) []string {
	var list []string
	for _, p := range site.PublicPorts(s) {
		list = append(list, strconv.Itoa(p.Port))
	}
	return list
}

// forwardedPorts are the public ports that end on the mail host.
func forwardedPorts(s *site.Site) []string {
	var list []string
	for _, p := range site.PublicPorts(s) {
		switch p.Name {
		case "submission", "imaps":
		case "smtp":
			if s.Mail.Path != "direct" {
				continue
			}
		default:
			continue
		}
		list = append(list, strconv.Itoa(p.Port))
	}
	return list
}

func toasterPicture(s *site.Site) []line {
	lines := []line{say(strong, "   the world, and you"), say(plain, "     |")}
	for _, h := range s.Hosts {
		lines = append(lines, row(span{plain, "  ["}, span{strong, h.Name}, span{plain, "] pf"}))
	}
	for _, j := range s.Jails {
		at := "no address yet"
		if j.Address4.IsValid() {
			at = j.Address4.String()
		}
		lines = append(lines, say(plain, "     +-- jail %s  %s", cmp.Or(j.Name, "?"), at))
	}
	return lines
}
