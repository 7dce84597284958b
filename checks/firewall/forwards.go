package firewall

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"postern/seen"
	"postern/site"
)

// forwards names what is wrong with what the proxy sends on, by its rules.
// guide: firewall, Port Forwarding Configuration; Configure UFW to Accept Forwarded Packets
func (k knowledge) forwards() {
	for _, m := range k.s.HostsOf(site.Mail) {
		for _, f := range forwarded(k.s) {
			k.forward(f, k.s.TunnelAddress(m), k.world[0].at)
			if six := k.s.TunnelAddress6(m); f.Over6 && six.IsValid() && k.met(six).IsValid() {
				k.forward(f, six, k.world[1].at)
			}
		}
		if k.s.Mail.Path == "direct" && k.pf == nil {
			k.sentOut(k.s.TunnelAddress(m))
		}
	}
	if k.pf == nil {
		k.leaks()
	}
}

// forward follows a connection to a forwarded port from a stranger outside.
func (k knowledge) forward(f site.Service, mail, stranger netip.Addr) {
	src := stranger
	if len(f.From) > 0 {
		i := slices.IndexFunc(f.From, func(p netip.Prefix) bool { return p.Addr().Is4() == mail.Is4() })
		if i < 0 {
			return
		}
		src = k.someone(f.From[i])
	}
	to := netip.AddrPortFrom(mail, uint16(f.Port)).String()
	name := fmt.Sprintf("%s %d/tcp", f.Name, f.Port)
	if k.pf != nil {
		k.pfForward(name, seen.Packet{Proto: "tcp", Src: src, Dst: k.own(src), Port: f.Port, In: k.arrivesOn(src)}, netip.AddrPortFrom(mail, uint16(f.Port)))
		return
	}
	p := seen.Packet{Proto: "tcp", Src: src, Dst: k.own(src), Port: f.Port, In: k.arrivesOn(src)}
	sent := k.rules.Translates(p, "PREROUTING")
	on := p
	on.Dst, on.Out, on.Beyond = mail, k.s.Tunnel.Interface, true
	begins, crosses, as := k.rules.Begins(p), k.rules.Crosses(on), k.rules.Translates(on, "POSTROUTING")
	switch {
	case begins.Verdict != "ACCEPT" && !begins.Unsure:
		k.stopper(src, begins)
		note(&k.found.wrong, "missing: %s from %s ends in %s by %s", name, src, begins.Verdict, quote(begins.Rule))
	case sent.Verdict != "DNAT" || sent.To != to:
		note(&k.found.wrong, "missing: %s is not sent to %s", name, to)
	case crosses.Verdict != "ACCEPT" && !crosses.Unsure:
		k.stopper(src, crosses)
		note(&k.found.wrong, "missing: %s is sent to %s and then ends in %s by %s", name, to, cmp.Or(crosses.Verdict, "nothing"), quote(crosses.Rule))
	case as.Verdict != "ACCEPT" && !as.Unsure && k.s.Clients.Addresses != "masquerade":
		note(&k.found.wrong, "the mail host sees no client's own address: %s by %s", as.Verdict, quote(as.Rule))
	}
	for _, fate := range []seen.Fate{begins, sent, crosses, as} {
		if fate.Unsure {
			k.doubt(name+" on its way to "+to, fate)
		}
	}
	through := seen.Packet{Proto: "tcp", Src: mail, Dst: stranger, Port: f.Port, In: k.s.Tunnel.Interface, Beyond: true}
	if got := k.rules.Translates(through, "PREROUTING"); got.Verdict == "DNAT" {
		note(&k.found.wrong, "too wide: %s catches what the mail host sends to others: %s", name, quote(got.Rule))
	}
}

// sentOut follows what the mail host sends to the world: it leaves by the proxy's own address, or receivers see one of nobody's.
func (k knowledge) sentOut(mail netip.Addr) {
	to := k.world[0].at
	p := seen.Packet{Proto: "tcp", Src: mail, Dst: to, Port: site.WorldSMTP, In: k.s.Tunnel.Interface, Out: k.arrivesOn(to), Beyond: true}
	begins, crosses, as := k.rules.Begins(p), k.rules.Crosses(p), k.rules.Translates(p, "POSTROUTING")
	what := fmt.Sprintf("mail of %s for the world", mail)
	k.needs(what, begins)
	k.needs(what, crosses)
	switch {
	case as.Unsure:
		k.doubt(what, as)
	case as.Verdict == "MASQUERADE":
	case as.Verdict != "SNAT" || as.To != k.own(to).String():
		note(&k.found.wrong, "missing: %s does not leave from %s, but ends in %s by %s", what, k.own(to), as.Verdict, quote(as.Rule))
	}
	p.Src = p.Src.Next()
	if p.Src == k.s.TunnelAddress(k.h) {
		p.Src = p.Src.Next()
	}
	if got := k.rules.Crosses(p); got.Verdict == "ACCEPT" && !keepsForwarding(k.s) {
		note(&k.found.wrong, "too wide: mail of %s, which is nobody, is let out by %s", p.Src, quote(got.Rule))
	}
}

// leaks names a global acceptance of forwarding, which the guide sets and nothing needs.
func (k knowledge) leaks() {
	for _, p := range k.s.Unwanted() {
		src := k.world[0].at
		got := k.rules.Crosses(seen.Packet{Proto: "tcp", Src: src, Dst: k.s.Tunnel.Mail, Port: p.Port, In: k.arrivesOn(src), Out: k.s.Tunnel.Interface, Beyond: true})
		if got.Verdict == "ACCEPT" && !keepsForwarding(k.s) {
			note(&k.found.wrong, "too wide: forwarding is accepted for %s %d/tcp, which nobody asked for, by %s", p.Name, p.Port, quote(got.Rule))
			return
		}
	}
}

// keepsForwarding says that the operator chose to leave the guide's global acceptance as it is.
func keepsForwarding(s *site.Site) bool {
	return s.Guide.Forward == "keep" || s.Guide.Forward == "adopt"
}
