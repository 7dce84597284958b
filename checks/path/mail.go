package path

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"

	"postern/checks"
)

// mailEntry is the firewall of the mail host.
func (s Signals) mailEntry() finding {
	side := s.Mail
	switch {
	case side.Device == "":
		return unknown("%s could not be read: %s", side.Host, side.Error)
	case s.answered("") > 0, s.inContainer() > 0:
		return passed("let in")
	case side.Begins.refuses():
		return s.blocked(side.Host, side.Begins, "a SYN comes out of the tunnel, and nothing answers")
	case side.Lets.refuses(), side.Lets.Doubt != "" && !s.closed():
		return s.blocked(side.Host, side.Lets, "a SYN comes out of the tunnel, and nothing answers")
	}
	return s.byRules(side)
}

// inContainer is how often the mail host sent it on to a container.
func (s Signals) inContainer() int {
	return s.Mail.Captured.Count(func(p Packet) bool {
		return p.Out && p.Kind == SYN && p.Device != s.Interface && p.Device != s.Mail.Device && p.Src.Addr() != s.Target.Addr() && p.Dst.Addr().IsPrivate()
	})
}

// container is Docker, where that publishes the port.
func (s Signals) container() finding {
	side := s.Mail
	switch {
	case s.answered("") > 0 || s.Dial.Answer == checks.Open:
		return passed("container %s answers", side.Docker)
	case side.Idle != "":
		return finding{state: Broken, evidence: side.IdleWhy, action: "docker start " + side.Idle, on: side.Host,
			words: fmt.Sprintf("the container %s on %s, which is for port %d, does not run: %s", side.Idle, side.Host, s.Target.Port(), cmp.Or(side.IdleWhy, "it was stopped"))}
	case s.inContainer() > 0 && side.Back.refuses():
		return s.blocked(side.Host, side.Back, "a SYN goes into the container, and no answer leaves")
	case s.inContainer() > 0:
		return side.mute()
	}
	return unknown("nothing is seen to go into container %s", side.Docker)
}

// mute is the finding of a container that does not answer.
func (s Side) mute() finding {
	return finding{state: Broken, evidence: "a SYN goes into the container, and no answer comes", action: "docker restart " + s.Docker, on: s.Host,
		words: fmt.Sprintf("the container %s on %s gets it and does not answer", s.Docker, s.Host)}
}

// listener is who should take it.
func (s Signals) listener() finding {
	side, at := s.taker(), s.Target
	switch {
	case s.answered("") > 0:
		return passed("%s answers", cmp.Or(side.Listener, "something"))
	case side.Listener != "":
		return stands("%s listens", side.Listener)
	case side.Device == "":
		return unknown("%s could not be read", side.Host)
	case len(side.Aside) > 0:
		return finding{state: Broken, evidence: strings.Join(side.Aside, ", "), action: fmt.Sprintf("have it listen at %s, or at all addresses", at.Addr()), on: side.Host,
			words: fmt.Sprintf("on %s nothing listens at %s: only %s", side.Host, at, strings.Join(side.Aside, ", "))}
	}
	f := finding{state: Broken, evidence: "nothing listens", words: fmt.Sprintf("on %s nothing listens at port %d", side.Host, at.Port()),
		action: "start the service that takes it", on: side.Host}
	if s.Service == "smtp" && !s.Forwarded {
		f.action, f.on = "postern apply haraka", ""
	}
	return f
}

// wayBack is what the answer meets.
func (s Signals) wayBack() finding {
	side, client := s.taker(), netip.AddrPort{}
	if s.Dial.Answer == checks.Open {
		return passed("the answer comes")
	}
	if side.Error != "" {
		return side.unseen()
	}
	in := s.Interface
	if !s.Forwarded {
		in = side.Device
	}
	switch {
	case s.answered("") == 0 && side.Back.refuses():
		return s.blocked(side.Host, side.Back, "no answer leaves")
	case s.answered("") == 0:
		return unknown("a SYN came to %s, its rules let it in, %s listens, and no answer leaves: its reverse path filter, or a full queue", side.Host, side.Listener)
	case s.answered(in) == 0:
		f := finding{state: Broken, evidence: "the answer leaves " + side.Host + " by another interface than " + in, action: "postern why tunnel", sure: Likely, settles: "ip rule on " + side.Host,
			words: fmt.Sprintf("the answers of %s leave by another way than they came", side.Host)}
		if pref, rule, ok := strings.Cut(side.Routed, ": "); ok {
			family := map[bool]string{true: "-4", false: "-6"}[s.Target.Addr().Is4()]
			f.action, f.on, f.sure, f.settles = fmt.Sprintf("ip %s rule delete pref %s %s", family, pref, rule), side.Host, "", ""
			f.words += ": another program's policy rule comes first, " + side.Routed
		}
		return f
	case !s.Forwarded:
	case s.Proxy.Error != "":
		return s.Proxy.unseen()
	case s.Proxy.count(false, s.Interface, SYNACK, s.Target, client) == 0:
		if f := s.carried(); f.state == Broken {
			return f
		}
		return finding{state: Broken, evidence: "the answer leaves by the tunnel, and does not come out", sure: Likely, settles: "postern why tunnel", action: "postern why tunnel",
			words: fmt.Sprintf("the answers of %s get lost in the tunnel: the proxy never has them", side.Host)}
	case s.Proxy.count(true, "", SYNACK, netip.AddrPortFrom(netip.Addr{}, s.Public.Port()), client) == 0 && s.Proxy.Back.refuses():
		return s.blocked(s.Proxy.Host, s.Proxy.Back, "the answer comes out of the tunnel, and does not go on")
	case s.Proxy.count(true, "", SYNACK, netip.AddrPortFrom(netip.Addr{}, s.Public.Port()), client) == 0:
		return unknown("the answer comes out of the tunnel on %s and does not go on", s.Proxy.Host)
	}
	return finding{state: Broken, evidence: "the SYN comes in and the SYN-ACK goes out", sure: Likely, settles: "the same from another network: there it must fail too",
		words:  fmt.Sprintf("the answers of %s are dropped behind it: a provider's firewall without a memory (stateless), or another way back", s.Proxy.Host),
		action: fmt.Sprintf("in the provider's firewall let out, or in, what belongs to open connections (TCP with ACK) from port %d", s.Public.Port())}
}
