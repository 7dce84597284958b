package steps

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/firewall"
)

// closing is what one look tells of the services that a host's new rules would close.
type closing struct {
	s     *site.Site
	h     *site.Host
	now   seen.Host
	rules seen.Ruleset
	gate  seen.Gate // of pf; nil where the rules are iptables'
	lets  func(seen.Packet) bool
	from  []origin
}

// origin is where somebody may come from, and how he arrives.
type origin struct {
	of     netip.Prefix // invalid: the world
	at     netip.Addr
	to     netip.Addr // the address of the host's that he talks to
	in     string
	lasts  bool // no provider changes it, so that an answer may name it
	inside bool // a network that the host itself is in
}

// closingNotes name, before anything is changed, what answers today and will not any more: each service with the one answer
// that keeps it.
func closingNotes(s *site.Site, h *site.Host, now seen.Host, found remote.Facts, r firewall.Rendering) []Note {
	c := closing{s: s, h: h, now: now, lets: r.Lets}
	if r.Lets == nil {
		return nil // nothing is closed
	}
	var err error
	if now.Kernel == site.FreeBSD {
		c.gate, err = seen.GateOf(found)
	} else {
		c.rules, err = seen.Rules.Of(found)
	}
	if err != nil {
		return nil // what is let in today is not known
	}
	c.from = c.origins()
	tunnel, _ := seen.Tunnels.Of(found) // the mail host's end answers to nobody but the proxy, which it dials
	notes := c.services(tunnel.Port)
	if settings, err := seen.Sysctl.Of(found); err == nil && settings.Live[forward4] == "1" {
		notes = append(notes, c.forwards()...)
	}
	return notes
}

// origins are the world, the networks that the host is in, and those that its rules tell from others.
func (c closing) origins() []origin {
	var all []origin
	for _, stranger := range c.rules.Strangers() {
		device := c.now.Device
		if stranger.Is6() {
			device = cmp.Or(c.now.Device6, device)
		}
		if to := c.now.Meets(stranger, device); to.IsValid() {
			all = append(all, origin{at: stranger, to: to, in: device})
		}
	}
	for _, i := range c.now.Interfaces {
		for _, a := range i.Addresses {
			one := origin{of: a.Masked(), to: a.Addr(), in: i.Name, lasts: a.Addr().IsPrivate() || c.h.Role == site.Proxy, inside: true}
			switch mine := c.s.TunnelAddress(c.h); {
			case !a.Addr().IsGlobalUnicast():
				continue
			case a.Addr() == mine:
				one.of = single(peerAddress(c.s, c.h))
			case a.IsSingleIP():
				continue
			}
			if one.at = someone(one.of, a.Addr()); !slices.ContainsFunc(all, func(o origin) bool { return o.of == one.of }) {
				all = append(all, one)
			}
		}
	}
	for _, tables := range []seen.Tables{c.rules.Four, c.rules.Six} {
		for _, p := range tables["filter"].Sources() {
			if one, ok := c.through(p); ok && !slices.ContainsFunc(all, func(o origin) bool { return o.of == p }) {
				all = append(all, one)
			}
		}
	}
	return all
}

// through is how somebody of a network that rules name arrives.
func (c closing) through(p netip.Prefix) (origin, bool) {
	at := someone(p, netip.Addr{})
	device := c.toward(at)
	to := c.now.Meets(at, device)
	return origin{of: p, at: at, to: to, in: device, lasts: true}, to.IsValid()
}

// toward is the interface that leads to an address.
func (c closing) toward(to netip.Addr) string {
	for _, i := range c.now.Interfaces {
		if slices.ContainsFunc(i.Addresses, func(a seen.Address) bool { return a.Contains(to) }) {
			return i.Name
		}
	}
	for _, r := range c.now.Routes {
		if r.To.Bits() > 0 && r.To.Contains(to) {
			return r.Device
		}
	}
	return c.now.Device
}

// someone is an address of a network that is not the host's own.
func someone(p netip.Prefix, own netip.Addr) netip.Addr {
	a := p.Masked().Addr()
	for range 7 {
		if next := a.Next(); p.Contains(next) {
			a = next
		}
	}
	if a == own {
		return a.Prev()
	}
	return a
}

// closed is one port at which something answers today.
type closed struct {
	port  int
	proto string
	who   string
	from  []origin // whom it will not answer any more
}

// services are the notes of what listens on the host itself.
func (c closing) services(tunnel int) []Note {
	var all []*closed
	for _, l := range c.now.Listeners {
		if l.Addr.IsLoopback() || l.Proto == "udp" && (l.Port == tunnel || answersOnly[l.Port]) || l.Proto == "tcp" && slices.Contains(c.now.Ports, l.Port) {
			continue
		}
		if slices.ContainsFunc(c.h.Keep, func(k site.Kept) bool { return k.Port == l.Port && k.Proto == l.Proto }) {
			continue // the operator has said for whom
		}
		i := slices.IndexFunc(all, func(o *closed) bool { return o.port == l.Port && o.proto == l.Proto })
		if i < 0 {
			i, all = len(all), append(all, &closed{port: l.Port, proto: l.Proto})
		}
		all[i].who = cmp.Or(all[i].who, l.Process)
		for _, o := range c.from {
			if p, ok := o.first(l); ok && c.answers(p) && !c.lets(p) && !slices.Contains(all[i].from, o) {
				all[i].from = append(all[i].from, o)
			}
		}
	}
	keep := slices.Clone(c.h.Keep)
	var notes []Note
	key := fmt.Sprintf("host.%s.keep", c.h.Name)
	for _, one := range all {
		if len(one.from) == 0 {
			continue
		}
		kept, who := c.keeps(one), cmp.Or(one.who, "an unnamed process")
		keep = append(keep, kept...)
		notes = append(notes, Note{Host: c.h.Name, Warn: true, Text: fmt.Sprintf("%s answers on %d/%s today and will be closed to %s; to keep it: %s = %s",
			who, one.port, one.proto, one.whom(), key, listed(append(slices.Clone(c.h.Keep), kept...)))})
	}
	if len(notes) > 1 {
		notes = append(notes, Note{Host: c.h.Name, Warn: true, Text: fmt.Sprintf("to keep all that answers today: %s = %s", key, listed(keep))})
	}
	return notes
}

// answersOnly are ports at which a host only waits for what answers it, and which ufw lets in by itself: DHCP's.
var answersOnly = map[int]bool{68: true, 546: true}

// first is the first packet from there to a listener; false when none gets to that address.
func (o origin) first(l seen.Listener) (seen.Packet, bool) {
	p := seen.Packet{Proto: l.Proto, Src: o.at, Dst: o.to, Port: l.Port, In: o.in}
	switch {
	case !l.Addr.IsValid():
		return p, true
	case l.Addr.Is4() != o.at.Is4():
		return p, false
	case l.Addr.IsUnspecified() || l.Addr == o.to:
		return p, true
	}
	return p, false
}

// answers says whether what runs today lets a packet in, or cannot be seen not to.
func (c closing) answers(p seen.Packet) bool {
	if c.gate != nil {
		f := c.gate(p)
		return f.Verdict == "ACCEPT" || f.Unsure
	}
	if sent := c.rules.Translates(p, "PREROUTING"); sent.Verdict != "ACCEPT" && !sent.Unsure {
		return false
	}
	f := c.rules.Enters(p)
	return f.Verdict == "ACCEPT" || f.Unsure
}

// whom says who is closed out.
func (c *closed) whom() string {
	var all []string
	for _, o := range c.from {
		if !o.of.IsValid() {
			return "everyone"
		}
		all = append(all, o.of.String())
	}
	return strings.Join(all, ", ")
}

// listed is an answer of several.
func listed(list []site.Kept) string {
	var all []string
	for _, k := range list {
		if text := k.String(); !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return strings.Join(all, ", ")
}

// keeps is the answer that keeps a service: for everyone on a proxy that the world reaches, at home for its own networks.
func (c closing) keeps(one *closed) []site.Kept {
	var all []site.Kept
	everyone := site.Kept{Port: one.port, Proto: one.proto}
	for _, o := range one.from {
		switch k := everyone; {
		case !o.of.IsValid() && c.h.Role == site.Proxy:
			return []site.Kept{everyone}
		case o.of.IsValid() && o.lasts:
			k.From = o.of
			all = append(all, k)
		}
	}
	if len(all) == 0 {
		return []site.Kept{everyone}
	}
	return all
}
