package demo

import (
	"net/netip"
	"slices"
)

// The addresses that the simulated hosts and the operator have.
const (
	ProxyAddress   = "203.0.113.10"   // of the proxy, as everybody reaches it
	MailAddress    = "192.168.50.2"   // of the mail server, on the home LAN
	HomeAddress    = "198.51.100.7"   // what the world sees of everybody at home
	HereAddress    = "192.168.50.10"  // of the operator, on the home LAN
	OutsideAddress = "198.51.100.200" // of somebody elsewhere

	ProxyAddress6   = "2001:db8:113::10" // of the proxy, over IPv6
	ResolverAddress = "198.51.100.53"    // of who the hosts ask for names
)

var (
	proxy4, proxy6     = netip.MustParseAddr(ProxyAddress), netip.MustParseAddr(ProxyAddress6)
	mail4, mail6       = netip.MustParseAddr(MailAddress), netip.MustParseAddr("2001:db8:50::2")
	here4, here6       = netip.MustParseAddr(HereAddress), netip.MustParseAddr("2001:db8:50::10")
	outside4, outside6 = netip.MustParseAddr(OutsideAddress), netip.MustParseAddr("2001:db8:200::200")
	home4, home6       = netip.MustParsePrefix("192.168.50.0/24"), netip.MustParsePrefix("2001:db8:50::/64")
	nat4               = netip.MustParseAddr(HomeAddress)
)

// relay4 is a smart host, whatever its name.
var relay4 = netip.MustParseAddr("198.51.100.25")

// names are what the simulated DNS knows. Any other is a smart host's, for those who look it up on a host.
var names = map[string]netip.Addr{"mail.example.org": proxy4, "proxy.example.org": proxy4, "proxy": proxy4, "mail": mail4,
	"gmail-smtp-in.l.google.com": outside4, "outlook-com.olc.protection.outlook.com": large4[0], "mx01.mail.icloud.com": large4[1], "www.google.com": web4, "www.iana.org": web4}

// Further mail servers of others, and somebody at port 443.
var (
	large4 = []netip.Addr{netip.MustParseAddr("198.51.100.201"), netip.MustParseAddr("198.51.100.202")}
	web4   = netip.MustParseAddr("198.51.100.203")
)

// own is the host's address in the family of another.
func (h *Host) own(other netip.Addr) netip.Addr {
	if other.Is4() {
		return h.four.Addr()
	}
	return h.six.Addr()
}

// owns says whether an address is the host's own.
func (h *Host) owns(a netip.Addr) bool {
	for _, t := range h.kernel.tunnels {
		for _, p := range t.addresses {
			if p.Addr() == a {
				return true
			}
		}
	}
	if h.bsd != nil && slices.ContainsFunc(h.bsd.jails, func(j jail) bool { return j.four == a }) {
		return true
	}
	return a == h.four.Addr() || a == h.six.Addr() || a.IsLoopback()
}
