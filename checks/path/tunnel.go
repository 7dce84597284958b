package path

import (
	"fmt"
	"net/netip"

	"postern/checks"
)

// tunnelHops are the places on the way of the tunnel's own packets, from the mail host, which dials.
func tunnelHops(mail, proxy string) []hop {
	return []hop{{mail + "WireGuard", Signals.dialer}, {mail + "firewall", Signals.leaves}, {"networks between", Signals.between}, {proxy + "firewall", Signals.taken},
		{proxy + "WireGuard", Signals.keeper}, {"way back", Signals.returns}, {"large packets", Signals.large}}
}

// tunnel is the tunnel as one hop on the way of something else.
func (s Signals) tunnel() finding {
	switch {
	case s.cameOut() > 0 && s.Large != "" && s.Dial.Answer == checks.Open:
		return s.large()
	case s.cameOut() > 0:
		return passed("it comes out on %s", s.Mail.Host)
	case s.Dial.Answer == checks.Open && s.Mail.Error != "":
		return passed("something answers through it")
	}
	if f := s.carried(); f.state == Broken {
		return f
	}
	switch {
	case s.Mail.Error != "":
		return s.Mail.unseen()
	case s.sentOn() > 0 && !s.Mail.End.Allows:
		return finding{state: Broken, evidence: "AllowedIPs of " + s.Mail.Host, action: "postern apply wireguard",
			words: fmt.Sprintf("the tunnel of %s does not take packets of %s: AllowedIPs leaves them out", s.Mail.Host, s.came())}
	case s.sentOn() > 0 && !s.alive():
		return finding{state: Unknown, evidence: "a SYN goes in, none comes out, and the ends do not hear each other", settles: "postern why tunnel",
			words: "whether the tunnel carries anything could not be told: neither end heard the other meanwhile"}
	case s.sentOn() > 0:
		return finding{state: Broken, evidence: "a SYN goes in, and none comes out", sure: Likely, settles: "postern why tunnel", action: "postern why tunnel",
			words: fmt.Sprintf("the tunnel does not bring it to %s, though it carries other packets", s.Mail.Host)}
	}
	return unknown("nothing was seen to go into the tunnel")
}

// carried is the first of the tunnel's own hops that breaks.
func (s Signals) carried() finding {
	for _, h := range tunnelHops("", "")[:6] {
		if f := h.judge(s); f.state == Broken {
			f.evidence = "the tunnel: " + f.evidence
			return f
		}
	}
	return finding{state: Unknown}
}

// alive says that both ends heard each other meanwhile.
func (s Signals) alive() bool { return s.Mail.End.heard() && s.Proxy.End.heard() }

// down is the finding of an end that does not run; ok is false when it does.
func (s Signals) down(side Side) (f finding, ok bool) {
	switch e := side.End; {
	case e.Error != "":
		return unknown("%s could not be asked about its tunnel: %s", side.Host, e.Error), true
	case e.Runs:
		return f, false
	case !e.Set:
		return finding{state: Broken, evidence: "no file of it", words: fmt.Sprintf("the tunnel is not set up on %s", side.Host), action: "postern apply wireguard"}, true
	default:
		return finding{state: Broken, evidence: "wg-quick@" + s.Interface + ": " + e.Unit, action: "systemctl start wg-quick@" + s.Interface, on: side.Host,
			words: fmt.Sprintf("the tunnel is stopped on %s: wg-quick@%s is %s", side.Host, s.Interface, e.Unit)}, true
	}
}

// dialer is the mail host's end, which dials the proxy's.
func (s Signals) dialer() finding {
	m, p := s.Mail.End, s.Proxy.End
	if f, down := s.down(s.Mail); down {
		return f
	}
	key := func(words string) finding {
		return finding{state: Broken, evidence: "its peer is " + short(m.Peer) + ", the other end's key " + short(p.Key), words: words, action: "postern apply wireguard"}
	}
	switch {
	case s.alive() && (!p.Runs || m.Peer == p.Key):
		return passed("it shakes hands")
	case m.Peer == "":
		return key(fmt.Sprintf("the tunnel of %s knows no peer for %s", s.Mail.Host, s.Proxy.Host))
	case p.Runs && m.Peer != p.Key:
		return key(fmt.Sprintf("%s has a wrong key for %s: %s, and it is %s", s.Mail.Host, s.Proxy.Host, short(m.Peer), short(p.Key)))
	case !m.Endpoint.IsValid():
		return finding{state: Broken, evidence: "no endpoint", words: fmt.Sprintf("the tunnel of %s does not know where to dial: it has no endpoint", s.Mail.Host), action: "postern apply wireguard"}
	}
	if to, is := s.dials(), netip.AddrPortFrom(s.Public.Addr(), uint16(s.UDP)); to.Addr().Is4() == is.Addr().Is4() && to != is {
		f := finding{state: Broken, evidence: "endpoint " + to.String(), action: "postern apply wireguard",
			words: fmt.Sprintf("the tunnel of %s dials a wrong endpoint: %s, and %s is %s", s.Mail.Host, to, s.Proxy.Host, is)}
		if m.Written {
			f.action, f.on, f.words = "systemctl restart wg-quick@"+s.Interface, s.Mail.Host, f.words+", as its file says"
		}
		return f
	}
	return stands("it dials %s", m.Endpoint)
}

// dials is where the mail host sent the tunnel's packets, or would: what the other end sends moves the endpoint.
func (s Signals) dials() netip.AddrPort {
	for _, p := range s.Mail.Captured.Packets {
		if p.Out && p.Device == s.Mail.Device && p.Kind != ICMP && int(p.Dst.Port()) == s.UDP {
			return p.Dst
		}
	}
	return s.Mail.End.Endpoint
}

// short is a key as one tells it from others.
func short(key string) string {
	if len(key) < 8 {
		return "none"
	}
	return key[:8] + "…"
}

// carries counts what is WireGuard's, to or from the tunnel's port of the proxy.
func (s Signals) carries(side Side, out bool, toProxy bool, kinds ...Kind) (n int) {
	at := netip.AddrPortFrom(netip.Addr{}, uint16(s.UDP))
	for _, kind := range kinds {
		if toProxy {
			n += side.count(out, "", kind, netip.AddrPort{}, at)
		} else {
			n += side.count(out, "", kind, at, netip.AddrPort{})
		}
	}
	return n
}

var every = []Kind{Initiation, Response, Cookie, Data}

func (s Signals) leaves() finding {
	switch {
	case s.alive(), s.Mail.Error == "" && s.carries(s.Mail, true, true, every...) > 0:
		return passed("the tunnel's packets leave")
	case s.Mail.Error != "":
		return s.Mail.unseen()
	case s.Mail.Carrier.refuses(), s.Mail.Carrier.Doubt != "":
		return s.blocked(s.Mail.Host, s.Mail.Carrier, "no packet of the tunnel leaves")
	}
	return unknown("%s sends nothing to the tunnel's port", s.Mail.Host)
}

func (s Signals) between() finding {
	sent, got := s.carries(s.Mail, true, true, every...), s.carries(s.Proxy, false, true, every...)
	switch {
	case s.Proxy.Error == "" && got > 0:
		return passed("they reach %s", s.Proxy.Host)
	case s.alive():
		return passed("both ends hear each other")
	case s.Proxy.Error != "" || s.Mail.Error != "" || sent == 0:
		return unknown("whether they reach %s could not be seen", s.Proxy.Host)
	}
	return finding{state: Broken, evidence: fmt.Sprintf("%d packets leave %s, none comes in", sent, s.Mail.Host), settles: "whether UDP passes there from another network",
		words:  fmt.Sprintf("udp port %d is dropped on its way from %s to %s: by the provider's firewall, or the router at home", s.UDP, s.Mail.Host, s.Proxy.Host),
		action: fmt.Sprintf("open incoming port %d/udp in the provider's firewall; then look at the router at home", s.UDP)}
}

func (s Signals) taken() finding {
	c := s.Proxy.Carrier
	switch {
	case s.Proxy.End.heard(), s.carries(s.Proxy, true, false, Response, Data) > 0:
		return passed("the other end hears them")
	case s.Proxy.Error != "":
		return s.Proxy.unseen()
	case c.refuses(), c.Doubt != "":
		return s.blocked(s.Proxy.Host, c, "the tunnel's packets come in, and are not answered")
	}
	return stands("%s", c.Text)
}

// keeper is the proxy's end.
func (s Signals) keeper() finding {
	m, p := s.Mail.End, s.Proxy.End
	if f, down := s.down(s.Proxy); down {
		return f
	}
	began := s.carries(s.Proxy, false, true, Initiation)
	switch {
	case s.alive(), s.carries(s.Proxy, true, false, Response) > 0:
		return passed("it answers")
	case m.Runs && p.Peer != m.Key:
		return finding{state: Broken, evidence: "its peer is " + short(p.Peer), action: "postern apply wireguard",
			words: fmt.Sprintf("%s has a wrong key for %s: %s, and it is %s", s.Proxy.Host, s.Mail.Host, short(p.Peer), short(m.Key))}
	case m.Runs && p.Shared != m.Shared:
		return finding{state: Broken, evidence: "preshared keys", action: "postern apply wireguard", words: "the two ends of the tunnel have different preshared keys"}
	case p.Port != s.UDP:
		return finding{state: Broken, evidence: fmt.Sprintf("it listens at %d", p.Port), action: "postern apply wireguard",
			words: fmt.Sprintf("the tunnel of %s listens at port %d, not at %d", s.Proxy.Host, p.Port, s.UDP)}
	case began > 0 && m.Runs && !p.Handshake.IsZero() && m.Now.Before(p.Handshake):
		return finding{state: Broken, evidence: fmt.Sprintf("the last handshake was at %s, and there it is %s", p.Handshake.UTC().Format(clock), m.Now.UTC().Format(clock)), action: "timedatectl set-ntp true", on: s.Mail.Host,
			words: fmt.Sprintf("the clock of %s was set back: %s takes no handshake that is older than the last", s.Mail.Host, s.Proxy.Host)}
	case began > 0 && m.Runs: // both know each other, so what is left is the timestamp: it must be greater than the greatest so far (WireGuard, 5.1)
		return finding{state: Broken, evidence: "the keys fit, and a handshake is not answered", sure: Likely, settles: "whether it is, once the tunnel is started anew there", action: "systemctl restart wg-quick@" + s.Interface, on: s.Proxy.Host,
			words: fmt.Sprintf("%s takes no handshake of %s: the clock of %s was ahead when it last shook hands, and was set right since", s.Proxy.Host, s.Mail.Host, s.Mail.Host)}
	case began > 0:
		return finding{state: Broken, evidence: "a handshake begins, and is not answered", sure: Likely, settles: "wg show on both hosts", action: "postern apply wireguard",
			words: fmt.Sprintf("%s gets handshakes of %s and answers none: a key does not fit, or a clock was set back", s.Proxy.Host, s.Mail.Host)}
	}
	return unknown("no handshake was begun meanwhile")
}

const clock = "2006-01-02 15:04:05 MST"

func (s Signals) returns() finding {
	sent, got := s.carries(s.Proxy, true, false, every...), s.carries(s.Mail, false, false, every...)
	// Data of a session that the mail host has forgotten is no answer, and is rightly not heard.
	forgotten := s.Mail.End.Handshake.IsZero() && s.carries(s.Mail, false, false, Response, Cookie) == 0
	switch {
	case s.alive(), s.Mail.End.heard():
		return passed("the answers come")
	case got > 0 && forgotten:
		return unknown("no answer to a handshake was seen")
	case s.Mail.Error != "" || s.Proxy.Error != "" || sent == 0:
		return unknown("no answer was seen")
	case got == 0:
		return finding{state: Broken, evidence: fmt.Sprintf("%d packets leave %s, none comes in", sent, s.Proxy.Host), settles: "whether UDP comes back there from anybody",
			words:  fmt.Sprintf("udp from port %d of %s is dropped on its way back to %s: by the provider's firewall, or the router at home", s.UDP, s.Proxy.Host, s.Mail.Host),
			action: fmt.Sprintf("let port %d/udp out in the provider's firewall; then look at the router at home", s.UDP)}
	}
	return finding{state: Broken, evidence: "the answers come in, and are not heard", sure: Likely, settles: "the rules of " + s.Mail.Host, action: "postern apply firewall",
		words: fmt.Sprintf("%s gets the answers of the tunnel, and its own firewall or a wrong key keeps them back", s.Mail.Host)}
}

func (s Signals) large() finding {
	switch {
	case s.Large == "":
		return stands("full ones fit")
	case s.Answer == "":
		return finding{state: Broken, evidence: s.Large, words: "large packets do not fit through the tunnel: " + s.Large, action: "postern check tunnel.mtu", sure: Likely, settles: "postern check tunnel.mtu"}
	}
	return finding{state: Broken, evidence: s.Large, words: "large packets do not fit through the tunnel: " + s.Large, action: "postern --set " + s.Answer + " --save apply wireguard"}
}
