package checks

import (
	"net/netip"
	"slices"

	"postern/seen"
	"postern/site"
)

// AtHome says whether the program runs in a network that a mail host is at home in, and came to it there: who it is then, and at which of the
// host's addresses it was met. What it dials there comes by no tunnel, and is not sent on by a router.
func (e *Env) AtHome(h *site.Host, v *Vantage) (who, met netip.Addr, ok bool) {
	via, err := seen.SSH.Of(v.Facts)
	n, err2 := seen.Addresses.Of(v.Facts)
	if err != nil || err2 != nil || h.Role != site.Mail || e.HereIs == h.Name || e.Here == nil || e.Here.Dial == nil || !e.Direct(via) {
		return who, met, false
	}
	who, met = via.Client.Addr(), via.Server.Addr()
	shares := func(a seen.Address) bool { return a.Contains(who) }
	return who, met, slices.ContainsFunc(n.Doors(e.Site.Tunnel.Interface), func(i seen.Interface) bool { return slices.ContainsFunc(i.Addresses, shares) })
}

// HomePorts are the addresses and ports at which Mailcow is to answer clients at home (mail.lan); none where the answers name nobody.
func (e *Env) HomePorts(v *Vantage) (all []netip.AddrPort) {
	n, err := seen.Addresses.Of(v.Facts)
	if err != nil || e.Site.Mail.Kind != "mailcow" {
		return nil
	}
	for _, at := range n.Meeting(e.Site.Mail.LAN, e.Site.Tunnel.Interface) {
		for _, port := range []int{e.Site.Ports.IMAPS, e.Site.Ports.Submissions, e.Site.Ports.Submission} {
			all = append(all, netip.AddrPortFrom(at.Addr(), uint16(port)))
		}
	}
	return all
}
