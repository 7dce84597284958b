package wireguard

import (
	"fmt"
	"net/netip"
	"strings"

	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

// confKind says whose a wg-quick file is.
type confKind int

const (
	noConf      confKind = iota // there is none
	oursConf                    // it has our block
	guideConf                   // made by hand as the guide says; the same tunnel, or one half done
	foreignConf                 // somebody else's tunnel
)

// kindOf tells whose the file is by what it is for: the guide's has an address of this host in this tunnel, or none yet.
//
// guide: wireguard, Configuration Files
func kindOf(s *site.Site, text string) confKind {
	if ours(text) {
		return oursConf
	}
	some := false
	for _, sec := range seen.ParseConf(text) {
		if sec.Name != "interface" {
			continue
		}
		for _, value := range sec.All("address") {
			some = true
			if p, ok := seen.Prefix(value); ok && s.Tunnel.Network.Contains(p.Addr()) {
				return guideConf
			}
		}
	}
	if some {
		return foreignConf
	}
	for _, sec := range seen.ParseConf(text) {
		if sec.Name == "peer" && sec.Get("publickey") != "" && !inside(s, sec) {
			return foreignConf
		}
	}
	return guideConf
}

// inside says whether a peer's addresses lie in the tunnel's network.
func inside(s *site.Site, peer seen.ConfSection) bool {
	for _, value := range peer.All("allowedips") {
		if p, ok := seen.Prefix(value); ok && s.Tunnel.Network.Contains(p.Addr()) {
			return true
		}
	}
	return false
}

// replaced are the settings of a hand-made [Interface] that ours take the place of. SaveConfig would write the file anew
// at every stop.
var replaced = map[string]bool{"privatekey": true, "address": true, "listenport": true, "mtu": true, "table": true, "saveconfig": true}

// adoptRest is what stays of a hand-made file beside our block: settings we do not make, and peers that are not the other
// hosts of the site. The kept lines are told, because commands among them go on running.
func adoptRest(s *site.Site, h *site.Host, text string, keys map[string]string) (rest string, kept []string) {
	var b strings.Builder
	for _, sec := range seen.ParseConf(text) {
		switch sec.Name {
		case "interface":
			var stay []string
			for _, line := range sec.Lines[1:] {
				if key, _ := seen.ConfSetting(line); key != "" && !replaced[key] {
					stay = append(stay, line)
					if !seen.Name(key) {
						key = "a line"
					}
					kept = append(kept, key)
				}
			}
			if len(stay) > 0 {
				b.WriteString("\n[Interface]\n" + strings.Join(stay, "\n") + "\n")
			}
		case "peer":
			if theirs(s, h, sec, keys) {
				b.WriteString("\n" + strings.TrimRight(strings.Join(sec.Lines, "\n"), "\n") + "\n")
				kept = append(kept, "a peer")
			}
		}
	}
	return b.String(), kept
}

// theirs says whether a peer of a hand-made file is none of the site's hosts.
func theirs(s *site.Site, h *site.Host, peer seen.ConfSection, keys map[string]string) bool {
	for _, other := range s.Hosts {
		if other == h || other.Role == h.Role {
			continue
		}
		if peer.Get("publickey") == keys[other.Name] {
			return false
		}
		for _, value := range peer.All("allowedips") {
			p, ok := seen.Prefix(value)
			if ok && (p.Contains(s.TunnelAddress(other)) || p == netip.PrefixFrom(netip.IPv4Unspecified(), 0)) {
				return false
			}
		}
	}
	return seen.IsKey(peer.Get("publickey"))
}

// wantedConf is the whole file as it should be, and what to tell about what was found in it.
func (e End) wantedConf(keys map[string]string, mtu int) (text string, notes []Note) {
	s, h := e.Site, e.Host
	block := renderConf(s, h, keys, mtu, e.preference())
	if e.conf == nil {
		return block, nil
	}
	note := func(warn bool, format string, args ...any) {
		notes = append(notes, Note{warn, fmt.Sprintf(format, args...)})
	}
	path := ConfPath(h, s.Tunnel.Interface)
	switch rest, _ := does.CutBlock(e.conf.Text); {
	case kindOf(s, e.conf.Text) == oursConf:
		return block + rest, nil
	case s.Guide.Tunnel == "replace":
		note(true, "%s was made by hand and is replaced; its key and its other peers go (guide.tunnel = adopt keeps them)", path)
		return block, notes
	}
	rest, kept := adoptRest(s, h, e.conf.Text, keys)
	note(false, "%s was made by hand after the guide: it is adopted and its key stays the same (guide.tunnel = replace makes a new one, keep leaves the tunnel alone)", path)
	if len(kept) > 0 {
		note(true, "%s has lines that are not ours, which stay: %s", path, strings.Join(kept, ", "))
	}
	return block + rest, notes
}
