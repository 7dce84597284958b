package path

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"

	"postern/checks"
)

// finding is what one hop comes to. Words are empty where nothing is wrong with it.
type finding struct {
	state    State
	evidence string
	words    string
	action   string
	on       string     // the host to do it on; "" where it is done here, or in no shell
	sure     Confidence // Certain when ""
	settles  string
	weak     bool // passed by what the rules say, not by what was seen
}

func passed(format string, args ...any) finding {
	return finding{state: Passed, evidence: fmt.Sprintf(format, args...)}
}

// stands is for a hop that nothing speaks against, though no packet was seen behind it.
func stands(format string, args ...any) finding {
	return finding{state: Passed, weak: true, evidence: fmt.Sprintf(format, args...)}
}

func unknown(format string, args ...any) finding {
	return finding{state: Unknown, evidence: fmt.Sprintf(format, args...)}
}

// unseen is the finding of a side whose packets could not be looked at.
func (s Side) unseen() finding {
	return unknown("what passes %s could not be seen: %s", s.Host, s.Error)
}

// hop is one place on the way, and what is made of the signals there. It is asked only when all before it let the packets on, or may have.
type hop struct {
	name  string
	judge func(Signals) finding
}

// Diagnose says from the signals how far the packets come. It is pure: the same signals are always the same diagnosis.
func Diagnose(s Signals) Diagnosis {
	d := Diagnosis{Name: s.name(), Broken: -1, Confidence: Certain, Signals: s}
	var open finding
	for _, h := range s.hops() {
		f := finding{state: Unknown, evidence: "not reached"}
		if d.Broken < 0 && s.Blind == "" {
			f = h.judge(s)
		}
		if blind := s.Proxy.Error != "" || strings.HasPrefix(h.name, s.Mail.Host+": ") && s.Mail.Error != ""; f.state == Broken && blind && s.Dial.Answer == checks.Open {
			f = unknown("it is open, whatever its rules and listeners seem to be") // what was measured counts
		}
		if f.state == Broken {
			d.Broken, d.Words, d.Action, d.On, d.Confidence, d.Settles = len(d.Hops), f.words, f.action, f.on, cmp.Or(f.sure, Certain), f.settles
		}
		switch {
		case f.state == Passed && !f.weak:
			for i := range d.Hops { // what comes after was reached
				if d.Hops[i].State == Unknown {
					d.Hops[i].State = Passed
				}
			}
			open = finding{}
		case f.state == Passed && open.state == Unknown:
			f.state = Unknown
		case f.state == Unknown && open.state == "":
			open = f
		}
		d.Hops = append(d.Hops, Hop{h.name, f.state, f.evidence})
	}
	switch {
	case d.Broken >= 0:
	case s.Blind != "":
		d.Confidence, d.Words = Open, s.name()+" was not asked: "+s.Blind
	case s.works():
		for i := range d.Hops {
			d.Hops[i].State = Passed
		}
		d.Words = s.name() + " works: every hop lets it through"
	case s.without6():
		d.Confidence, d.Words = Open, s.name()+" was not asked: "+checks.Without6(s.From)
	default:
		d.Confidence = Open
		d.Words = s.name() + " does not get through, and where it ends cannot be told: " + cmp.Or(open.evidence, "nothing that was seen says so")
		d.Settles = cmp.Or(open.settles, "ask from another network, or with more hosts in reach")
	}
	return d
}

// name says what was asked about.
func (s Signals) name() string {
	family := "IPv4"
	if s.Public.Addr().Is6() {
		family = "IPv6"
	}
	return strings.TrimPrefix(fmt.Sprintf("%s %d/%s over %s", s.Service, s.Public.Port(), s.Proto, family), " ")
}

// works says whether who asked was answered by who should.
func (s Signals) works() bool {
	if s.Proto == "udp" {
		return s.alive() && s.Large == ""
	}
	return s.Dial.Answer == checks.Open
}

// without6 says that the place asked from has no IPv6, as most homes: that says nothing of the port.
func (s Signals) without6() bool {
	return s.Public.Addr().Is6() && s.Dial.Answer == checks.NoRoute || s.Blind == checks.Without6(s.From)
}

// hops are the places on the way.
func (s Signals) hops() []hop {
	proxy, mail := s.Proxy.Host+": ", s.Mail.Host+": "
	switch {
	case s.Proto == "udp":
		return tunnelHops(mail, proxy)
	case s.Service == "ssh":
		return []hop{{"provider", Signals.login}, {proxy + "firewall", Signals.login}, {proxy + "sshd", Signals.login}}
	case !s.Forwarded:
		return []hop{{s.From, Signals.place}, {"provider", Signals.provider}, {proxy + "firewall", Signals.entry}, {proxy + "listener", Signals.listener}, {"way back", Signals.wayBack}}
	}
	all := []hop{{s.From, Signals.place}, {"provider", Signals.provider}, {proxy + "firewall", Signals.entry}, {proxy + "forwarding", Signals.forwarding},
		{"tunnel", Signals.tunnel}, {mail + "firewall", Signals.mailEntry}}
	if name := cmp.Or(s.Mail.Docker, s.Mail.Idle); name != "" {
		all = append(all, hop{mail + "Docker", Signals.container})
	}
	return append(all, hop{mail + "listener", Signals.listener}, hop{"way back", Signals.wayBack})
}

// Counts of what was seen of our own connection, each at one edge of a host.
func (s Signals) arrived() int { // at the proxy
	client := netip.AddrPortFrom(s.Client, 0)
	return s.Proxy.count(false, "", SYN, client, netip.AddrPortFrom(netip.Addr{}, s.Public.Port())) - s.Proxy.count(false, s.Interface, SYN, client, s.Public)
}
func (s Signals) sentOn() int {
	return s.Proxy.count(true, s.Interface, SYN, netip.AddrPort{}, s.Target)
}
func (s Signals) cameOut() int {
	return s.Mail.count(false, s.Interface, SYN, netip.AddrPort{}, s.Target)
}

// taker is the host that should answer.
func (s Signals) taker() Side {
	if s.Forwarded {
		return s.Mail
	}
	return s.Proxy
}

// answered is how often the taker answered, whichever way.
func (s Signals) answered(device string) int {
	return s.taker().count(true, device, SYNACK, s.Target, netip.AddrPort{})
}

// closed says that it refused as a host does by itself: nobody listens, and it answered by RST. Whatever else refuses is a rule.
func (s Signals) closed() bool {
	t := s.taker()
	return t.Listener == "" && t.count(true, "", RST, s.Target, netip.AddrPort{}) > 0
}

func (s Signals) login() finding {
	if s.works() {
		return passed("the login that this run uses came this way")
	}
	return unknown("no login came to %s this way: %s", s.Proxy.Host, cmp.Or(s.Proxy.Error, s.Dial.Why))
}
