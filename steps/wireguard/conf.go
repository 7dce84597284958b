package wireguard

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

// keepalive is how often the host that dials keeps the way through its NAT open, in seconds.
//
// guide: wireguard, Configuration Files
const keepalive = "25"

// renderConf is our block, at the top of a host's wg-quick file. The private key is not in it: wg-quick loads it from its own file, so
// that this text can be shown, copied and compared.
//
// guide: wireguard, Configuration Files
func renderConf(s *site.Site, h *site.Host, keys map[string]string, mtu int, pref string) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("%s: made anew at every change; what stands below the end mark stays", does.BlockBegin)
	line("[Interface]")
	line("Address = %s", netip.PrefixFrom(s.TunnelAddress(h), s.Tunnel.Network.Bits()))
	if six := s.TunnelAddress6(h); six.IsValid() {
		line("Address = %s", netip.PrefixFrom(six, s.Tunnel.Network6.Bits()))
	}
	if h.Role == site.Proxy {
		line("ListenPort = %d", s.Tunnel.Port)
	}
	line("MTU = %d", mtu)
	if preserves(s, h) {
		line("Table = off")
	}
	line("PostUp = wg set %%i private-key %s%%i.key", folder(h))
	for _, other := range s.Hosts {
		if other.Role != h.Role && other.Role == site.Proxy {
			peer := "wg set %i peer " + keys[other.Name] + " persistent-keepalive "
			line("# Keepalives that began before the key was there are not sent: begin them anew, so that the tunnel comes up by itself.")
			line("PostUp = %s", peer+"off && "+peer+keepalive)
		}
	}
	if routes(s, h) {
		for _, c := range routeUp(s, h, pref) {
			line("PostUp = %s", c)
		}
		for _, c := range routeDown(pref) {
			line("PostDown = %s", c)
		}
	}
	for _, other := range s.Hosts {
		if other.Role == h.Role {
			continue
		}
		line("")
		line("[Peer]")
		line("# %s", other.Name)
		line("PublicKey = %s", keys[other.Name])
		if other.Role == site.Proxy {
			line("Endpoint = %s", Endpoint(s))
			line("PersistentKeepalive = %s", keepalive)
		}
		line("AllowedIPs = %s", seen.Joined(allowed(s, h, other)))
	}
	line("%s", does.BlockEnd)
	return b.String()
}

// allowed is what a host takes from a peer, and sends to it. A mail host that sees clients' real addresses takes any
// source from the proxy; with Table = off that is no route.
func allowed(s *site.Site, h, peer *site.Host) []netip.Prefix {
	four, six := s.TunnelAddress(peer), s.TunnelAddress6(peer)
	list := []netip.Prefix{netip.PrefixFrom(four, four.BitLen())}
	if six.IsValid() {
		list = append(list, netip.PrefixFrom(six, six.BitLen()))
	}
	if preserves(s, h) {
		for i, p := range list {
			list[i] = netip.PrefixFrom(p.Addr(), 0).Masked()
		}
	}
	return list
}

// ours says whether a wg-quick file has our block.
func ours(text string) bool {
	_, at := does.CutBlock(text)
	return at >= 0
}

// oursMTU is the MTU in our block, or 0.
func oursMTU(text string) int {
	if !ours(text) {
		return 0
	}
	for _, sec := range seen.ParseConf(text) {
		n, err := strconv.Atoi(sec.Get("mtu"))
		if err == nil && n >= 576 && n <= 65535 {
			return n
		}
	}
	return 0
}
