package checks

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"postern/remote"
	"postern/site"
)

func init() {
	register(Check{
		ID: "tunnel.mtu", Step: "wireguard", Title: "Full packets fit through the tunnel",
		Guide: "wireguard, Testing the Connection",
		Reads: reads(readTunnel), Ask: linux(askMTU),
	})
}

// headers are the IPv4 and ICMP headers around a ping's payload, in bytes.
const headers = 28

// sweep are the packet sizes tried below the interface's own, in bytes: common paths less WireGuard's 60 or 80 bytes.
var sweep = []int{1432, 1420, 1412, 1400, 1392, 1380, 1360, 1340, 1320, 1300, 1280}

// askMTU sends packets that may not be fragmented, of the size the interface promises and of smaller ones, all at once.
func askMTU(ctx context.Context, e *Env) []Result {
	var asks []func() Result
	for _, t := range e.tunnels() {
		for _, pair := range [][2]*site.Host{{t.proxy, t.mail}, {t.mail, t.proxy}} {
			asks = append(asks, func() Result { return e.askSize(ctx, pair[0], pair[1]) })
		}
	}
	return together(asks)
}

func (e *Env) askSize(ctx context.Context, h, other *site.Host) Result {
	q := question{suffix: named(e.Site, other), from: h.Name, want: "packets as large as the interface's MTU get through", fix: "wireguard"}
	v, err := e.look(h)
	if err != nil {
		return q.cannot(err)
	}
	w, err := wgOf(v.Facts)
	switch {
	case err != nil:
		return q.cannot(err)
	case w.absent || w.down:
		return q.fail("there is no interface "+e.Site.Tunnel.Interface, "the tunnel is not set up", "")
	case w.mtu < 576 || w.mtu > 65535:
		return q.unknown("the interface's MTU is not known", "")
	case v.Run == nil:
		return q.unknown("nothing can be run on "+h.Name, "")
	}
	sizes := []int{w.mtu}
	for _, s := range sweep {
		if s < w.mtu {
			sizes = append(sizes, s)
		}
	}
	a, err := v.Run(ctx, pings(e.Site.TunnelAddress(other).String(), sizes))
	if err != nil {
		return q.cannot(err)
	}
	s, err := parts(remote.Facts{Answers: map[string]remote.Answer{"ping": a}}, "ping")
	if err != nil {
		return q.cannot(err)
	}
	return q.fits(w.mtu, sizes, s["size"])
}

// pings is the script that tries all sizes at once, and prints those that came back.
func pings(to string, sizes []int) string {
	var b strings.Builder
	b.WriteString(sbin + "command -v ping >/dev/null || { echo 'there is no ping command'; exit 3; }\necho '== size'\n")
	for _, size := range sizes {
		fmt.Fprintf(&b, "(ping -n -c 2 -i 0.3 -W 2 -M do -s %d %s >/dev/null 2>&1 && echo %d) &\n", size-headers, remote.Quote(to), size)
	}
	b.WriteString("wait\necho '== end'")
	return b.String()
}

func (q question) fits(mtu int, tried []int, came []string) Result {
	largest := 0
	for _, text := range came {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || !isOneOf(tried, n) {
			return q.unknown(fmt.Sprintf("ping said %q", remote.Clean(text).Line(60)), "")
		}
		largest = max(largest, n)
	}
	switch {
	case largest == mtu:
		return q.ok("%d bytes, the interface's MTU", mtu)
	case largest == 0:
		return q.unknown("no ping of any size comes back", "the tunnel is down, or the other end drops ping; tunnel.tcp tells which")
	}
	return q.fail(fmt.Sprintf("%d bytes get through and %d, the interface's MTU, do not: large mails and TLS stall", largest, mtu),
		"the path between the hosts carries less than usual, as over PPPoE or another tunnel", "")
}

func isOneOf(list []int, n int) bool {
	for _, one := range list {
		if one == n {
			return true
		}
	}
	return false
}
