package steps

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"postern/seen"
)

// forwards are the notes of what the host passes on today and will not any more: what rules of other people send to another
// machine or a container, and what the host's other networks reach through it. ufw keeps what is told to it by hand.
func (c closing) forwards() []Note {
	var notes []Note
	add := func(what, keeps string) {
		note := Note{Host: c.h.Name, Warn: true, Text: what + " today, and will not be passed on any more; to keep it, on the host: ufw route allow " + keeps}
		if !slices.Contains(notes, note) {
			notes = append(notes, note)
		}
	}
	for _, o := range c.from {
		for _, r := range c.rules.For(o.at).Sent() {
			if p, ok := c.sentOn(r, o); ok && c.stops(p) {
				add(fmt.Sprintf("%d/%s is sent on to %s", r.Ports[0].First, p.Proto, netip.AddrPortFrom(p.Dst, uint16(p.Port))),
					fmt.Sprintf("proto %s to %s port %d", p.Proto, p.Dst, p.Port))
			}
		}
	}
	strangers := c.rules.Strangers()
	for _, o := range c.from {
		if !o.inside || o.in == c.now.Device || o.in == c.now.Device6 || o.in == c.s.Tunnel.Interface {
			continue
		}
		out := seen.Packet{Proto: "tcp", Src: o.at, Dst: strangers[0], Port: c.s.Ports.HTTPS, In: o.in, Out: c.now.Device, Beyond: true}
		if o.at.Is6() {
			out.Dst, out.Out = strangers[1], cmp.Or(c.now.Device6, c.now.Device)
		}
		if c.stops(out) {
			add(fmt.Sprintf("%s reaches the world through this host (%s)", o.of, o.in), fmt.Sprintf("in on %s out on %s", o.in, out.Out))
		}
	}
	return notes
}

// sentOn is what a packet from there to the port of a rule becomes by it; false when that rule does not decide.
func (c closing) sentOn(r seen.Rule, o origin) (seen.Packet, bool) {
	p := seen.Packet{Proto: r.Proto, Src: o.at, Dst: o.to, Port: r.Ports[0].First, In: o.in}
	if len(r.Dst) == 1 && r.Dst[0].IsSingleIP() {
		p.Dst = r.Dst[0].Addr()
	}
	f := c.rules.Translates(p, "PREROUTING")
	to, err := netip.ParseAddrPort(f.To)
	if err != nil { // without a port it stays the same
		a, _ := netip.ParseAddr(f.To)
		to = netip.AddrPortFrom(a, uint16(p.Port))
	}
	p.Dst, p.Port, p.Out, p.Beyond = to.Addr(), int(to.Port()), c.toward(to.Addr()), true
	return p, f.Verdict == "DNAT" && f.Rule == r.Text && to.Addr().IsValid()
}

// stops says whether a packet passes today and will not: what others accept in chains of their own goes on, what the policy
// or ufw accepted is judged anew.
func (c closing) stops(p seen.Packet) bool {
	f := c.rules.Crosses(p)
	theirs := strings.HasPrefix(f.Rule, "-A ") && !strings.HasPrefix(f.Rule, "-A ufw")
	return (f.Verdict == "ACCEPT" && !theirs || f.Unsure) && !c.lets(p)
}
