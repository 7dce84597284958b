package steps

import (
	"fmt"
	"strings"
	"time"

	"postern/seen"
	"postern/site"
	"postern/steps/wireguard"
)

// The guide's minimums, in bytes, less a tenth: a server sold with 1 GB shows less to its system.
//
// guide: network, Network Architecture
const (
	gigabyte      = int64(1) << 30
	proxyMemory   = gigabyte * 9 / 10
	proxyDisk     = 10 * gigabyte * 9 / 10
	mailcowMemory = 6 * gigabyte * 9 / 10
	mailcowDisk   = 20 * gigabyte * 9 / 10
	mailcowSwap   = gigabyte * 9 / 10
	fullDisk      = gigabyte / 2
	greatestSkew  = 60 * time.Second
)

// describe is one line of what a host is.
func describe(h *site.Host, now seen.Host) Note {
	parts := []string{strings.TrimSpace(now.Distro + " " + now.Release)}
	if now.Device != "" && now.Address4().IsValid() {
		parts = append(parts, now.Device+" "+now.Address4().String())
	}
	for _, a := range now.Address6() {
		parts = append(parts, a.String())
	}
	if now.Memory > 0 {
		parts = append(parts, size(now.Memory)+" memory")
	}
	if now.Free > 0 {
		parts = append(parts, size(now.Free)+" free")
	}
	var ports []string
	for _, port := range now.Ports {
		ports = append(ports, fmt.Sprint(port))
	}
	if len(ports) > 0 {
		parts = append(parts, "SSH on "+strings.Join(ports, ", "))
	}
	if now.Tools["docker"] {
		parts = append(parts, "Docker")
	}
	if !now.Tools["wireguard"] && now.Kernel == site.FreeBSD {
		parts = append(parts, "no WireGuard in the kernel")
	} else if !now.Tools["wireguard"] {
		parts = append(parts, "no WireGuard in the kernel (wireguard-go takes its place)")
	}
	return Note{Host: h.Name, Text: strings.Join(parts, ", ")}
}

func size(n int64) string { return fmt.Sprintf("%.1f GB", float64(n)/float64(gigabyte)) }

func sizes(s *site.Site, h *site.Host, now seen.Host) []Note {
	memory, disk := proxyMemory, proxyDisk
	if h.Role == site.Mail {
		if s.Mail.Kind != "mailcow" {
			memory, disk = 0, 0
		} else {
			memory, disk = mailcowMemory, mailcowDisk
		}
	}
	var notes []Note
	warn := func(format string, args ...any) {
		notes = append(notes, Note{Host: h.Name, Warn: true, Text: fmt.Sprintf(format, args...)})
	}
	if now.Memory > 0 && now.Memory < memory {
		warn("has %s memory; the guide asks for %s at least", size(now.Memory), size(memory*10/9))
	}
	if h.Role == site.Mail && s.Mail.Kind == "mailcow" && now.Memory > 0 && now.Swap >= 0 && now.Swap < mailcowSwap {
		warn("has %s swap; the guide asks for %s at least", size(now.Swap), size(gigabyte))
	}
	if now.Disk > 0 && now.Disk < disk {
		warn("has a disk of %s; the guide asks for %s at least", size(now.Disk), size(disk*10/9))
	}
	if now.Disk > 0 && now.Free < fullDisk {
		warn("has only %s free on /: make room before anything is installed", size(now.Free))
	}
	if now.Distro == "ubuntu" {
		warn("runs Ubuntu, which is accepted and was not tested: Debian is what this was proven on")
	}
	return notes
}

// addresses tells about NAT, and about networks that the tunnel's would hide.
func addresses(s *site.Site, h *site.Host, now seen.Host, units seen.Units) []Note {
	var notes []Note
	add := func(warn bool, format string, args ...any) {
		notes = append(notes, Note{Host: h.Name, Warn: warn, Text: fmt.Sprintf(format, args...)})
	}
	a := now.Address4().Addr()
	switch {
	case onlyIPv6(h, now): // refused
	case !a.IsValid():
		add(true, "has no IPv4 default route that could be seen")
	case h.Role == site.Proxy && now.Holder(h.Public4) != "":
	case h.Role == site.Proxy && !site.Public(a) && h.Public4.IsValid():
		add(false, "has %s and the world sees %s: the provider translates one to the other", a, h.Public4)
	case h.Role == site.Proxy && h.Public4.IsValid():
		add(true, "has %s and not %s, which you answered: where the provider does not translate one to the other, give it that address (or empty host.%s.public4)", a, h.Public4, h.Name)
	case h.Role == site.Proxy && !site.Public(a):
		add(true, "has %s, which the world cannot reach: a proxy needs a public address (set host.%s.public4 if there is one in front of it)", a, h.Name)
	case h.Role == site.Mail && site.CarrierNAT.Contains(a):
		add(false, "is behind carrier-grade NAT (%s): that is fine, because it dials out to the proxy", a)
	case h.Role == site.Mail && !site.Public(a):
		add(false, "is behind NAT (%s): that is fine, because it dials out to the proxy", a)
	case h.Role == site.Mail && now.Address4().Dynamic:
		add(false, "has a public address that may change (%s): the tunnel follows it", a)
	}
	if line := wireguard.Conflict(s, now, units.Ours); line != "" {
		add(true, "%s", line)
	}
	return notes
}

// occupied tells who sits on the ports that later chapters need.
func occupied(s *site.Site, h *site.Host, now seen.Host) []Note {
	var notes []Note
	mine := s.TunnelAddress(h)
	wanted := map[int]string{}
	for _, one := range site.Services(s) {
		if what := purpose[one.Name]; h.Role == site.Proxy || what != "web" {
			wanted[one.Port] = what
		}
	}
	if h.Role == site.Mail {
		wanted[s.Ports.Web] = "web"
	}
	had := map[string]bool{}
	published := 0
	for _, l := range now.Listeners {
		if l.Process == "docker-proxy" && l.Everywhere() {
			published++
		}
		what, ours := wanted[l.Port]
		ours = ours && l.Proto == "tcp"
		if l.Proto == "udp" && h.Role == site.Proxy && l.Port == s.Tunnel.Port && l.Process != "" && l.Process != "wireguard-go" {
			what, ours = "the tunnel", true
		}
		key := fmt.Sprint(l.Proto, l.Port, l.Process)
		if theirs := h.Role == site.Mail && s.Mail.Kind == "plain"; !ours || theirs || expected[l.Process] || seen.RunsHaraka(l.Process) || had[key] || !(l.Everywhere() || l.Addr == mine || site.Public(l.Addr)) {
			continue
		}
		had[key] = true
		who := l.Process
		if who == "" {
			who = "an unnamed process"
		}
		notes = append(notes, Note{Host: h.Name, Warn: true,
			Text: fmt.Sprintf("%s listens on %s port %d, which %s needs: stop it, or bind it to another address", who, l.Proto, l.Port, what)})
	}
	if published > 0 {
		notes = append(notes, Note{Host: h.Name, Warn: true,
			Text: fmt.Sprintf("Docker publishes on all addresses (listeners: %d): ufw does not see them, so bind them to %s", published, mine)})
	}
	return notes
}

// purpose is what a service is for, in a word for people.
var purpose = map[string]string{"smtp": "mail", "http": "web", "https": "web", "submissions": "submission", "submission": "submission", "imaps": "IMAP"}

// expected are the processes of the setup itself, beside Haraka: Mailcow is behind Docker.
var expected = map[string]bool{"caddy": true, "docker-proxy": true}

// clock tells about a host whose clock is far off: certificates and logs go by it.
func clock(h *site.Host, at, there time.Time) []Note {
	if at.IsZero() || there.IsZero() {
		return nil
	}
	skew := there.Sub(at)
	if skew.Abs() <= greatestSkew {
		return nil
	}
	return []Note{{Host: h.Name, Warn: true, Text: fmt.Sprintf("its clock is %s away from this machine's: set up time synchronisation", skew.Abs().Round(time.Second))}}
}
