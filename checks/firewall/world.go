package firewall

import (
	"cmp"
	"net/netip"

	"postern/seen"
)

// world is who may come from anywhere, in one family: somebody whom no rule names, and one for each large part of the
// internet that a rule does name. What bans some addresses, or networks that nobody has, changes nothing for either.
type world struct {
	at    netip.Addr
	parts []netip.Addr
	named []netip.Prefix
}

func worldOf(rules seen.Ruleset, stranger netip.Addr) world {
	w, large := world{at: stranger, named: rules.Sources(stranger)}, 8
	if stranger.Is6() {
		large = 16
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

// met is the address of the host in the family of another, at which anything reaches it there; invalid when it has none.
func (k knowledge) met(like netip.Addr) netip.Addr {
	return cmp.Or(k.network.Meets(like, k.network.Device), k.network.Meets(like, k.network.Device6))
}
