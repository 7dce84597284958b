package steps

import (
	"fmt"
	"slices"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

// gateways are FreeBSD's settings of forwarding: what the kernel calls it, and what sets it at boot.
var gateways = [][2]string{{"net.inet.ip.forwarding", "gateway_enable"}, {"net.inet6.ip6.forwarding", "ipv6_gateway_enable"}}

// gatewaysOf are those that a site needs: IPv6 is forwarded only where the tunnel has it, or jails.
func gatewaysOf(s *site.Site, now seen.Host) [][2]string {
	six := s.Tunnel.Network6.IsValid()
	if s.Layout == "toaster" {
		six = slices.ContainsFunc(s.Jails, func(j site.Jail) bool { return j.Address6.IsValid() && now.Holder(j.Address6) == "" })
	}
	if six {
		return gateways
	}
	return gateways[:1]
}

// gatewayChange switches forwarding on where a FreeBSD host has it off, nil when it is in place. At boot it is only once confirmed.
func gatewayChange(s *site.Site, now seen.Host, settings seen.Settings, f remote.Facts) *remote.Change {
	c := &remote.Change{ID: "firewall.forwarding", Step: "firewall", Title: "forward packets between the world and the tunnel", Risk: remote.LoseMail}
	if s.Layout == "toaster" {
		c.Title = "forward packets between the world and the machines behind this host"
	}
	rc, _ := seen.RCConf.Of(f)
	var list []does.Setting
	for _, one := range gatewaysOf(s, now) {
		if was := settings.Live[one[0]]; was != "1" {
			c.Do += "sysctl " + one[0] + "=1 >/dev/null\n"
			if was != "" {
				c.Undo = "sysctl " + one[0] + "=" + was + " >/dev/null\n" + c.Undo
			}
		}
		if !rc.Yes(one[1]) {
			list = append(list, does.Setting{Name: one[1], Value: "YES", Old: rc.Value[one[1]], Had: rc.Set[one[1]]})
		}
	}
	if len(list) > 0 {
		keep, undo := does.Sysrc(list)
		c.Keep, c.Undo = keep, undo+c.Undo
	}
	if c.Do == "" && c.Keep == "" {
		return nil
	}
	return c
}

// gatewayNotes tell of what would switch forwarding off again, and of what it does to a host that listens to its router.
func gatewayNotes(s *site.Site, h *site.Host, now seen.Host, settings seen.Settings) []Note {
	var notes []Note
	warn := func(format string, args ...any) {
		notes = append(notes, Note{Host: h.Name, Warn: true, Text: fmt.Sprintf(format, args...)})
	}
	for _, one := range settings.Files {
		for _, gateway := range gateways {
			if one.Key() == gateway[0] && one.Value == "0" {
				warn("%s says %s = 0, and is read again late at boot: forwarding would stop; take the line out", one.File, one.Name)
			}
		}
	}
	for _, a := range now.On(now.Device6) {
		if len(gatewaysOf(s, now)) > 1 && a.Addr().Is6() && a.Dynamic {
			warn("%s has %s from its router, and a FreeBSD that forwards IPv6 listens to no router: give it a fixed address and route in rc.conf first (ifconfig_%s_ipv6, ipv6_defaultrouter)", now.Device6, a.Addr(), now.Device6)
		}
	}
	return notes
}
