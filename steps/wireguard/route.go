package wireguard

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"

	"postern/remote"
	"postern/seen"
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

// before is how far before a rule that comes first ours stand then. There must be room between: a wg-quick that is started later puts
// its rules right before the first, one after the other, and needs them in that order.
const before = 100

// preserves says whether a host sees the clients' real addresses.
func preserves(s *site.Site, h *site.Host) bool {
	return h.Role == site.Mail && s.Clients.Addresses == "preserve"
}

// routes says whether it needs the policy routing for that. On FreeBSD pf sends answers back where they belong (reply-to).
func routes(s *site.Site, h *site.Host) bool { return preserves(s, h) && !h.BSD() }

// routeUp are the commands wg-quick runs after the interface is up; %i is the interface. Each can be run twice: after a
// crash the unit starts again without having stopped.
func routeUp(s *site.Site, h *site.Host, pref string) []string {
	up := []string{
		// The answers to clients leave by another way than the main table's, so only the loose filter lets them in.
		"echo 2 > /proc/sys/net/ipv4/conf/%i/rp_filter",
		dropRules("-4", pref),
		"ip -4 rule add pref " + pref + " from " + s.TunnelAddress(h).String() + " table " + tableText,
		"ip -4 rule add pref " + pref + " fwmark " + markText + " table " + tableText,
		"ip -4 route replace default dev %i table " + tableText,
		"ip -4 route replace default dev %i table " + outTable,
	}
	if six := s.TunnelAddress6(h); six.IsValid() {
		up = append(up, dropRules("-6", pref),
			"ip -6 rule add pref "+pref+" from "+six.String()+" table "+tableText,
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
func routeDown(pref string) []string {
	mangle := "iptables -w -t mangle "
	return []string{
		dropRules("-4", pref),
		dropRules("-6", pref),
		mangle + "-D PREROUTING -j " + markChain + " 2>/dev/null || true",
		mangle + "-F " + markChain + " 2>/dev/null || true",
		mangle + "-X " + markChain + " 2>/dev/null || true",
	}
}

func dropRules(family, pref string) string {
	which := "pref " + pref
	if pref != tableText { // those of any preference that ours had before
		which = "table " + tableText
	}
	return "while ip " + family + " rule delete " + which + " 2>/dev/null; do :; done"
}

var ownPreference = regexp.MustCompile(`rule add pref ([1-9]\d*) from`)

// preference is where our rules stand: at the usual place, or where the file has them, or before another's rule that comes first.
func (e End) preference() string {
	pref := tableText
	if e.conf != nil && ours(e.conf.Text) {
		if found := ownPreference.FindStringSubmatch(e.conf.Text); found != nil {
			pref = found[1]
		}
	}
	if r := e.caughtBy(); r.Text != "" {
		if at, _ := strconv.Atoi(r.Preference); at > 2*before {
			return strconv.Itoa(at - before)
		}
	}
	return pref
}

// caughtBy is a rule of somebody else's that takes the answers of this host elsewhere before ours do; the zero rule for none.
func (e End) caughtBy() seen.PolicyRule {
	if !routes(e.Site, e.Host) {
		return seen.PolicyRule{}
	}
	for _, own := range []netip.Addr{e.Site.TunnelAddress(e.Host), e.Site.TunnelAddress6(e.Host)} {
		if !own.IsValid() {
			continue
		}
		r, _ := e.policies.Decides(seen.Packet{Src: own})
		pref, err := strconv.Atoi(r.Preference)
		if usual, _ := strconv.Atoi(tableText); err == nil && r.Lookup() != tableText && pref <= usual {
			return r
		}
	}
	return seen.PolicyRule{}
}

// caughtNote tells of it, and how it stays away.
func (e End) caughtNote(r seen.PolicyRule) Note {
	text := fmt.Sprintf("a rule of another VPN takes what this host sends from %s before ours do (%s), so answers to clients would leave by that VPN: ",
		e.Site.TunnelAddress(e.Host), remote.Clean(r.Preference+": "+r.Text).Line(120))
	pref := e.preference()
	mine, _ := strconv.Atoi(pref)
	if at, _ := strconv.Atoi(r.Preference); mine < at {
		text += "ours get the preference " + pref + ", which comes first. A VPN that is started anew after the tunnel may come before it again: have its unit start before " + seen.TunnelUnit(e.Site.Tunnel.Interface)
	} else {
		text += "it leaves no room before it, so give it a larger preference, or no way for what comes from that address"
	}
	return Note{true, text}
}

// routed says whether the running policy routing is what routeUp makes.
func (e End) routed() bool {
	s, h := e.Site, e.Host
	if !routes(s, h) {
		return true
	}
	want6 := 0
	if s.TunnelAddress6(h).IsValid() {
		want6 = 1
	}
	return e.chain && len(e.rules) == 2 && len(e.rules6) == want6 &&
		slices.Contains(e.rules, "from "+s.TunnelAddress(h).String()+" lookup "+tableText) && slices.Contains(e.rules, "from all fwmark "+markText+" lookup "+tableText)
}
