package site

import (
	"fmt"
	"net/netip"
)

// addr reads an address of one family (4 or 6) that a single host can have.
func addr(family int) func(string) (netip.Addr, error) {
	example := map[int]string{4: "203.0.113.7", 6: "2001:db8::7"}[family]
	return func(text string) (netip.Addr, error) {
		a, err := netip.ParseAddr(text)
		if err != nil || a.Zone() != "" || a.Is4In6() || a.Is4() != (family == 4) {
			return netip.Addr{}, fmt.Errorf("%s is not an IPv%d address (such as %s)", quote(text), family, example)
		}
		if why := unusable(a); why != "" {
			return netip.Addr{}, fmt.Errorf("%s is %s; an address of one host is wanted", quote(text), why)
		}
		return a, nil
	}
}

// unusable says why no host on a network can have the address, or is empty.
func unusable(a netip.Addr) string {
	switch {
	case a.IsUnspecified():
		return "the unspecified address"
	case a.IsLoopback():
		return "a loopback address"
	case a.IsMulticast():
		return "a multicast address"
	case a.IsLinkLocalUnicast():
		return "a link-local address"
	case a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "the broadcast address"
	}
	return ""
}

// parseSource reads a network, or one address as the network of only that.
func parseSource(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" && !a.Is4In6() {
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%s is not an address or a network (such as 192.0.2.0/24 or 2001:db8::/32)", quote(text))
	}
	if p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("%s has host bits set; write %s, or %s for that one address", quote(text), p.Masked(), p.Addr())
	}
	return p, nil
}

// network reads the tunnel's network of one family, with room for two hosts.
func network(family int) func(string) (netip.Prefix, error) {
	example, most := "10.0.0.0/24", 30
	if family == 6 {
		example, most = "fd00:10::/64", 126
	}
	return func(text string) (netip.Prefix, error) {
		p, err := netip.ParsePrefix(text)
		switch {
		case err != nil || p.Addr().Is4In6() || p.Addr().Is4() != (family == 4):
			err = fmt.Errorf("%s is not an IPv%d network (such as %s)", quote(text), family, example)
		case p != p.Masked():
			err = fmt.Errorf("%s has host bits set; write %s", quote(text), p.Masked())
		case p.Bits() < 8 || p.Bits() > most:
			err = fmt.Errorf("%s has the wrong size for a tunnel (/8 to /%d)", quote(text), most)
		case unusable(nth(p, 1)) != "" || p.Addr().IsUnspecified(): // 0.0.0.0/8 and the like: what its first address is, all of it is
			err = fmt.Errorf("%s cannot be used between hosts (such as %s)", quote(text), example)
		}
		return p, err
	}
}

// nth is the nth address of a network; its own address is the 0th.
func nth(p netip.Prefix, n int) netip.Addr {
	a := p.Masked().Addr()
	for ; n > 0; n-- {
		a = a.Next()
	}
	return a
}

// tunnelMember reads an address that a host can have inside the site's tunnel network.
func tunnelMember(s *Site, text string) (netip.Addr, error) {
	a, err := addr(4)(text)
	if err != nil {
		return a, err
	}
	if why := outside(s.Tunnel.Network, a); why != "" {
		return netip.Addr{}, fmt.Errorf("%s %s", quote(text), why)
	}
	return a, nil
}

// outside says why a host of the tunnel network cannot have the address, or is empty.
func outside(network netip.Prefix, a netip.Addr) string {
	switch {
	case !network.Contains(a):
		return fmt.Sprintf("is not in the tunnel's network %s", network)
	case a == network.Addr():
		return fmt.Sprintf("is the network's own address; write one after it, such as %s", nth(network, 1))
	case !network.Contains(a.Next()):
		return "is the network's broadcast address; write one before it"
	}
	return ""
}

// setNetwork changes the tunnel's network. Addresses that were the usual ones of the old network (the first for the proxy,
// the second for the mail host) become those of the new one.
func setNetwork(s *Site, text string) error {
	p, err := network(4)(text)
	if err != nil {
		return err
	}
	t := &s.Tunnel
	if !t.Proxy.IsValid() || t.Network.IsValid() && t.Proxy == nth(t.Network, 1) {
		t.Proxy = nth(p, 1)
	}
	if !t.Mail.IsValid() || t.Network.IsValid() && t.Mail == nth(t.Network, 2) {
		t.Mail = nth(p, 2)
	}
	t.Network = p
	return nil
}
