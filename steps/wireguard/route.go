package wireguard

import (
	"fmt"
	"slices"

	"postern/site"
)

// The policy routing of the mail host sends answers to the world's clients back into the tunnel they came through, and
// leaves the host's own default route alone. The numbers are ours and stand for one another: the table, the preference of
// its rules, one bit of the mark, one chain.
const (
	tableText = "20720"
	markText  = "0x1000000/0x1000000"
	markBit   = "0x1000000"
	markChain = "postern-wg"
)

// preserves says whether a host needs the policy routing: it sees the clients' real addresses.
func preserves(s *site.Site, h *site.Host) bool {
	return h.Role == site.Mail && s.Clients.Addresses == "preserve"
}

// routeUp are the commands wg-quick runs after the interface is up; %i is the interface. Each can be run twice: after a
// crash the unit starts again without having stopped.
func routeUp(s *site.Site, h *site.Host) []string {
	up := []string{
		// The answers to clients leave by another way than the main table's, so only the loose filter lets them in.
		"echo 2 > /proc/sys/net/ipv4/conf/%i/rp_filter",
		dropRules("-4"),
		"ip -4 rule add pref " + tableText + " from " + s.TunnelAddress(h).String() + " table " + tableText,
		"ip -4 rule add pref " + tableText + " fwmark " + markText + " table " + tableText,
		"ip -4 route replace default dev %i table " + tableText,
	}
	if six := s.TunnelAddress6(h); six.IsValid() {
		up = append(up, dropRules("-6"),
			"ip -6 rule add pref "+tableText+" from "+six.String()+" table "+tableText,
			"ip -6 route replace default dev %i table "+tableText)
	}
	mangle := "iptables -w -t mangle "
	return append(up, // containers answer from addresses of their own: the mark finds what came through the tunnel
		mangle+"-N "+markChain+" 2>/dev/null || "+mangle+"-F "+markChain,
		mangle+"-A "+markChain+" -i %i -m conntrack --ctstate NEW -j CONNMARK --set-xmark "+markText,
		fmt.Sprintf("%s-A %s ! -i %%i -m connmark --mark %s -j CONNMARK --restore-mark --nfmask %s --ctmask %s", mangle, markChain, markText, markBit, markBit),
		mangle+"-C PREROUTING -j "+markChain+" 2>/dev/null || "+mangle+"-A PREROUTING -j "+markChain,
	)
}

// routeDown takes away what any routeUp of ours made, whatever addresses it had; nothing in it fails.
func routeDown() []string {
	mangle := "iptables -w -t mangle "
	return []string{
		dropRules("-4"),
		dropRules("-6"),
		mangle + "-D PREROUTING -j " + markChain + " 2>/dev/null || true",
		mangle + "-F " + markChain + " 2>/dev/null || true",
		mangle + "-X " + markChain + " 2>/dev/null || true",
	}
}

func dropRules(family string) string {
	return "while ip " + family + " rule delete pref " + tableText + " 2>/dev/null; do :; done"
}

// routed says whether the running policy routing is what routeUp makes.
func (e End) routed() bool {
	s, h := e.Site, e.Host
	if !preserves(s, h) {
		return true
	}
	want6 := 0
	if s.TunnelAddress6(h).IsValid() {
		want6 = 1
	}
	return e.chain && len(e.rules) == 2 && len(e.rules6) == want6 &&
		slices.Contains(e.rules, "from "+s.TunnelAddress(h).String()+" lookup "+tableText) && slices.Contains(e.rules, "from all fwmark "+markText+" lookup "+tableText)
}
