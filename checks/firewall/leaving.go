package firewall

import (
	"fmt"
	"net/netip"

	"postern/seen"
	"postern/site"
)

// leaving names what this host must send and its rules keep back, and answers that do not get where they are waited for.
func (k knowledge) leaving() {
	for _, src := range []netip.Addr{k.world[0].at, k.world[1].at} {
		if !k.met(src).IsValid() {
			continue
		}
		device, own := k.arrivesOn(src), k.own(src)
		for _, proto := range []string{"tcp", "udp"} {
			k.answered(proto, src, own, device)
			k.needs("answers to "+src.String(), k.rules.Leaves(seen.Packet{Proto: proto, Src: own, Dst: src, From: k.s.Ports.SMTP, Port: seen.Unnamed, Out: device, Answer: true}))
		}
		for _, one := range site.Outgoing(k.s, k.h) {
			if one.Name == "tunnel" {
				continue // it goes to the proxy, below
			}
			what, f := fmt.Sprintf("outgoing %s %d/%s", one.Name, one.Port, one.Proto), k.sent(one, src)
			if (src.Is6() || one.Name != "smtp") && !f.Unsure && f.Verdict != "ACCEPT" {
				note(&k.found.odd, "%s to %s ends in %s by %s", what, src, f.Verdict, quote(f.Rule))
			} else {
				k.needs(what, f)
			}
		}
	}
	k.inside()
}

// sent is what becomes of what the host itself sends to somebody.
func (k knowledge) sent(p site.NamedPort, to netip.Addr) seen.Fate {
	return k.rules.Leaves(seen.Packet{Proto: p.Proto, Src: k.own(to), Dst: to, Port: p.Port, Out: k.arrivesOn(to), Beyond: true})
}

// inside is what the two ends send each other through the tunnel, and the tunnel itself.
func (k knowledge) inside() {
	proxy, mail, tunnel := k.s.Tunnel.Proxy, k.s.Tunnel.Mail, k.s.Tunnel.Interface
	mine, other := proxy, mail
	if k.h.Role == site.Mail {
		mine, other = mail, proxy
		for _, p := range k.s.HostsOf(site.Proxy) {
			if p.Public4.IsValid() {
				k.needs("the tunnel", k.rules.Leaves(seen.Packet{Proto: "udp", Src: k.own(p.Public4), Dst: p.Public4, Port: k.s.Tunnel.Port, Out: k.network.Device, Beyond: true}))
			}
		}
	}
	k.answered("tcp", other, mine, tunnel)
	port, name := k.s.Ports.SMTP, "mail for the mail host"
	if k.h.Role == site.Mail {
		port, name = k.s.Ports.Relay, "mail for the relay"
	}
	k.needs(name, k.rules.Leaves(seen.Packet{Proto: "tcp", Src: mine, Dst: other, Port: port, Out: tunnel, Beyond: true}))
	k.through("", mail, k.world[0].at)
	for _, one := range k.s.HostsOf(site.Mail) {
		if at := k.s.TunnelAddress6(one); at.IsValid() && (k.h.Role == site.Mail || k.met(at).IsValid()) {
			k.through(" over IPv6", at, k.world[1].at)
		}
	}
}

// through is what the mail host answers to the world through the tunnel: it must leave there, and pass the proxy.
func (k knowledge) through(family string, from, to netip.Addr) {
	for _, f := range forwarded(k.s) {
		what, back := "answers of "+f.Name+family, seen.Packet{Proto: "tcp", Src: from, Dst: to, From: f.Port, Port: seen.Unnamed, Beyond: true, Answer: true}
		if k.h.Role == site.Mail {
			back.Out = k.s.Tunnel.Interface
			k.needs(what, k.rules.Leaves(back))
			continue
		}
		back.In, back.Out = k.s.Tunnel.Interface, k.network.Device
		k.needs(what, k.rules.Begins(back))
		k.needs(what, k.rules.Crosses(back))
	}
}

// answered wants answers to what this host begins to come in.
func (k knowledge) answered(proto string, from, to netip.Addr, in string) {
	p := seen.Packet{Proto: proto, Src: from, Dst: to, From: k.s.Ports.HTTPS, Port: seen.Unnamed, In: in, Answer: true}
	k.needs(fmt.Sprintf("answers (%s) to what this host begins", proto), k.rules.Enters(p))
}

// needs notes what is kept back.
func (k knowledge) needs(what string, f seen.Fate) {
	switch {
	case f.Unsure:
		k.doubt(what, f)
	case f.Verdict != "ACCEPT":
		note(&k.found.wrong, "kept back: %s: ends in %s by %s", what, f.Verdict, quote(f.Rule))
	}
}
