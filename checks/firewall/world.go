package firewall

import (
	"net/netip"

	"postern/seen"
)

// Addresses that stand for anybody on the internet, where no rule tells them from others. They are reserved for documentation.
var (
	stranger4 = netip.MustParseAddr("192.0.2.77")
	stranger6 = netip.MustParseAddr("2001:db8:ffff::77")
)

// world is who may come from anywhere, in one family: somebody whom no rule names, and one for each large part of the
// internet that a rule does name. What bans some addresses, or networks that nobody has, changes nothing for either.
type world struct {
	at    netip.Addr
	parts []netip.Addr
	named []netip.Prefix
}

func worldOf(rules seen.Ruleset, stranger netip.Addr) world {
	w := world{named: rules.Sources(stranger)}
	whole, large := netip.PrefixFrom(stranger, 0).Masked(), 8
	if stranger.Is6() {
		whole, large = netip.MustParsePrefix("2000::/3"), 16
	}
	if w.at = seen.Someone(whole, stranger, w.named); !w.at.IsValid() {
		w.at = seen.Someone(whole, least[stranger.Is6()].Next(), w.named)
	}
	for _, p := range w.named {
		at := seen.Someone(p, p.Addr(), w.named)
		if at.IsValid() && at == p.Addr() { // a network's own address is nobody's
			at = at.Next()
		}
		if p.Bits() <= large && at.IsGlobalUnicast() && !at.IsPrivate() && at.Compare(least[at.Is6()]) > 0 && at.Compare(most) < 0 {
			w.parts = append(w.parts, at)
		}
	}
	if !w.at.IsValid() && len(w.parts) > 0 {
		w.at = w.parts[0]
	} else if !w.at.IsValid() {
		w.at = stranger
	}
	return w
}

// Nobody has an address below or above these.
var (
	least = map[bool]netip.Addr{false: netip.MustParseAddr("1.0.0.0"), true: netip.MustParseAddr("2000::")}
	most  = netip.MustParseAddr("3fff::")
)

// anybody is the world in the family of an address.
func (k knowledge) anybody(like netip.Addr) world {
	if like.Is6() {
		return k.world[1]
	}
	return k.world[0]
}

// someone is an address of a network that no rule tells from its others: not the network's own, nor one that a host of the
// site is likely to have.
func (k knowledge) someone(p netip.Prefix) netip.Addr {
	at := p.Masked().Addr()
	if p.IsSingleIP() {
		return at
	}
	for range 3 {
		if next := at.Next(); p.Contains(next) {
			at = next
		}
	}
	if free := seen.Someone(p, at, k.anybody(at).named); free.IsValid() {
		return free
	}
	return at
}

// holds says whether the host has an address in the family of another, so that anything reaches it there.
func (k knowledge) holds(like netip.Addr) bool {
	for _, a := range append(k.network.On(k.network.Device), k.network.On(k.network.Device6)...) {
		if a.Addr().Is4() == like.Is4() {
			return true
		}
	}
	return false
}
