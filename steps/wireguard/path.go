package wireguard

import (
	"cmp"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"postern/seen"
	"postern/site"
)

const (
	overhead4   = 60              // bytes WireGuard adds to a packet over IPv4
	overhead6   = 80              // and over IPv6
	greatestMTU = 1420            // what WireGuard uses on an Ethernet path, either family
	safeMTU     = seen.GuessedMTU // IPv6 inside the tunnel needs it, too
)

// pathTo is the fact of how large a packet may be between the mail host and the proxy. There is none as long as the proxy's
// address is not known.
func pathTo(s *site.Site) (seen.Fact[seen.Path], bool) {
	target := endpointAddress(s)
	return seen.PathTo(target), target.IsValid() && s.Tunnel.MTU == 0
}

// MTU is what both ends get: the answer; else what a configuration of ours has, unless that was a guess and now something was
// measured; else what was measured; else a safe value, which the note calls a guess.
func (e End) MTU() (mtu int, note *Note) {
	s := e.Site
	if s.Tunnel.MTU > 0 {
		return s.Tunnel.MTU, nil
	}
	if e.conf != nil {
		if n := oursMTU(e.conf.Text); n > 0 && (n != safeMTU || e.path.Reply == 0) {
			return n, nil
		}
	}
	path := cmp.Or(e.path.Reply, e.path.Limit) // a router's word counts where pings are dropped
	if path == 0 {
		return safeMTU, &Note{Text: fmt.Sprintf(
			"how large a packet may be on the way to the proxy could not be measured (pings are dropped, or the proxy's address is not known yet): the tunnel gets MTU %d, which every path carries. That is a guess: it is measured again whenever this chapter is planned and by the check tunnel.mtu; set tunnel.mtu to decide it", safeMTU)}
	}
	mtu = path - overhead4
	if endpointAddress(s).Is6() {
		mtu = path - overhead6
	}
	mtu = min(mtu, greatestMTU)
	if e.conf != nil && oursMTU(e.conf.Text) == mtu {
		return mtu, nil
	}
	note = &Note{Text: fmt.Sprintf("packets of %d bytes reach the proxy whole: the tunnel gets MTU %d", path, mtu)}
	if mtu < safeMTU && s.Tunnel.Network6.IsValid() {
		note.Warn, note.Text = true, note.Text+fmt.Sprintf(", less than the %d that IPv6 inside it needs", safeMTU)
	}
	return mtu, note
}

// endpointAddress is the proxy's address that the mail host dials, invalid when only a name is known, or nothing.
func endpointAddress(s *site.Site) netip.Addr {
	for _, h := range s.HostsOf(site.Proxy) {
		for _, a := range []netip.Addr{h.Public4, h.Public6, h.SSHAddress()} {
			if site.Public(a) || (a.IsValid() && (a == h.Public4 || a == h.Public6)) {
				return a
			}
		}
	}
	return netip.Addr{}
}

// Endpoint is where the mail host dials: the proxy's address, or its name where only that is known; "" when nothing is.
func Endpoint(s *site.Site) string {
	if a := endpointAddress(s); a.IsValid() {
		return netip.AddrPortFrom(a, uint16(s.Tunnel.Port)).String()
	}
	for _, h := range s.HostsOf(site.Proxy) {
		if name := h.SSHHost(); strings.Contains(name, ".") && !h.Local && h.Jump == "" && seen.Name(name) {
			if _, err := netip.ParseAddr(name); err != nil {
				return name + ":" + strconv.Itoa(s.Tunnel.Port)
			}
		}
	}
	return ""
}
