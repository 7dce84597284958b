package steps

import (
	"fmt"
	"net/netip"
	"strings"

	"postern/seen"
	"postern/site"
	"postern/steps/firewall"
)

// firewallNotes is what the operator should know of one host's firewall beside the diffs.
func firewallNotes(s *site.Site, h *site.Host, now seen.Host, policy firewall.Policy, r firewall.Rendering) []Note {
	var notes []Note
	add := func(warn bool, format string, args ...any) {
		notes = append(notes, Note{Host: h.Name, Warn: warn, Text: fmt.Sprintf(format, args...)})
	}
	for _, text := range r.Notes {
		add(true, "%s", text)
	}
	if len(r.Foreign) > 0 {
		add(false, "rules of other people, which stay: %s", strings.Join(r.Foreign, "; "))
	}
	if len(r.Gone) > 0 {
		hint := ""
		for _, rule := range r.Gone {
			if !strings.Contains(rule, "# "+firewall.Tag) {
				hint = " (guide.rules = keep leaves those made by hand)"
			}
		}
		add(false, "rules that go away: %s%s", strings.Join(r.Gone, "; "), hint)
	}
	ways := waysIn(s, h, now, policy)
	if len(ways) < 2 {
		add(true, "there is one way in only (%s): know how to reach the host's console before you rely on it", strings.Join(append(ways, "none that was seen")[:1], ""))
	} else {
		add(false, "ways in: %s", strings.Join(ways, "; "))
	}
	if h.Role == site.Mail {
		add(false, "no rule for %d/udp, unlike the guide: this host dials out to the proxy, and what comes back belongs to its own connection", s.Tunnel.Port)
	}
	return append(notes, sourceNotes(h, now)...)
}

// waysIn lists the independent ways by which SSH is admitted.
func waysIn(s *site.Site, h *site.Host, now seen.Host, policy firewall.Policy) []string {
	var ssh []firewall.Allow
	for _, a := range policy.Allows {
		if a.Name == "ssh" {
			ssh = append(ssh, a)
		}
	}
	if len(ssh) == 0 {
		return nil
	}
	var from []netip.Prefix
	all := false
	for _, a := range ssh {
		from, all = append(from, a.From...), all || a.From == nil
	}
	var ways []string
	if all {
		ways = append(ways, "from everywhere over IPv4")
		if len(now.Address6()) > 0 {
			ways = append(ways, "from everywhere over IPv6")
		}
	}
	for _, p := range from {
		if !s.Tunnel.Network.Overlaps(p) && !s.Tunnel.Network6.Overlaps(p) {
			ways = append(ways, "from "+p.String())
		}
	}
	if peer := peerAddress(s, h); s.Layout != "toaster" && peer.IsValid() && (all || seen.Inside(from, peer)) {
		ways = append(ways, "through the tunnel")
	}
	return ways
}

// peerAddress is the tunnel address of the host at the other end.
func peerAddress(s *site.Site, h *site.Host) netip.Addr {
	if h.Role == site.Mail {
		return s.Tunnel.Proxy
	}
	return s.Tunnel.Mail
}

// sourceNotes warns of SSH sources that may change under the operator.
func sourceNotes(h *site.Host, now seen.Host) []Note {
	if h.Role != site.Mail {
		return nil
	}
	var notes []Note
	home := func(a netip.Addr) bool {
		return a.IsPrivate() || a.IsLinkLocalUnicast() || seen.Inside(now.Home(), a)
	}
	a, ok := operator(now)
	if len(h.SSHFrom) == 0 {
		if ok && !home(a) {
			notes = append(notes, Note{Host: h.Name, Warn: true, Text: fmt.Sprintf(
				"you come from %s, outside the home network: SSH is admitted from %s too; if that address changes, only the home network and the tunnel lead in", a, around(now, a))})
		}
		return notes
	}
	for _, p := range h.SSHFrom {
		if p.Bits() > 0 && p.IsSingleIP() && !home(p.Addr()) {
			notes = append(notes, Note{Host: h.Name, Warn: true, Text: fmt.Sprintf(
				"SSH is admitted from %s, an address on the internet: if a provider gave it and changes it, that way is closed", p.Addr())})
		}
	}
	return notes
}
