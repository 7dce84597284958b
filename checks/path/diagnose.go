package path

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"

	"postern/checks"
	"postern/seen"
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
}

func passed(format string, args ...any) finding {
	return finding{state: Passed, evidence: fmt.Sprintf(format, args...)}
}

func unknown(format string, args ...any) finding {
	return finding{state: Unknown, evidence: fmt.Sprintf(format, args...)}
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
		if d.Broken < 0 {
			f = h.judge(s)
		}
		if f.state == Broken {
			d.Broken, d.Words, d.Action, d.On, d.Confidence, d.Settles = len(d.Hops), f.words, f.action, f.on, cmp.Or(f.sure, Certain), f.settles
		}
		if f.state == Passed {
			for i := range d.Hops { // what comes after was reached
				if d.Hops[i].State == Unknown {
					d.Hops[i].State = Passed
				}
			}
			open = finding{}
		} else if f.state == Unknown && open.evidence == "" {
			open = f
		}
		d.Hops = append(d.Hops, Hop{h.name, f.state, f.evidence})
	}
	switch {
	case d.Broken >= 0:
	case s.works():
		for i := range d.Hops {
			d.Hops[i].State = Passed
		}
		d.Words = s.name() + " works: every hop lets it through"
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

// told is how often it told the connection off.
func (s Signals) told() int {
	t := s.taker()
	return t.count(true, "", RST, s.Target, netip.AddrPort{}) + t.Captured.Count(func(p Packet) bool { return p.Out && p.Kind == ICMP && p.Dst == s.Target })
}

func (s Signals) login() finding {
	if s.works() {
		return passed("the login that this run uses came this way")
	}
	return unknown("%s could not be logged in to: %s", s.Proxy.Host, s.Proxy.Error)
}

// place is where it was asked from, and the network there.
func (s Signals) place() finding {
	port, blind := s.Public.Port(), s.Proxy.Error != ""
	open := 0
	var said []string
	mute := true
	for _, d := range s.Others {
		said = append(said, fmt.Sprintf("%s: %s", d.To, d.Answer))
		mute = mute && (d.Answer == checks.NoPlace || d.Answer == checks.NoRoute || d.Answer == checks.Stopped)
		if d.Answer == checks.Open {
			open++
		}
	}
	switch {
	case s.arrived() > 0:
		return passed("the packets reach %s", s.Proxy.Host)
	case s.Dial.Answer == checks.NoRoute || s.Dial.Answer == checks.NoPlace:
		return unknown("nothing can be asked from %s: %s", s.From, s.Dial.Why)
	case s.Dial.Answer == checks.Open && blind:
		return passed("the port is open")
	case s.Dial.Answer == checks.Open:
		return finding{state: Broken, evidence: "open, and no packet reached " + s.Proxy.Host,
			words:  fmt.Sprintf("somebody between %s and %s answers for it on port %d: a proxy of this network's provider", s.From, s.Proxy.Host, port),
			action: fmt.Sprintf("ask from another network (a phone's, say): postern why %d", port), settles: "the same from another network"}
	case open > 0:
		return passed("from %s others answer at port %d: %s", s.From, port, strings.Join(said, "; "))
	case mute:
		return finding{state: Unknown, evidence: fmt.Sprintf("cannot be told from %s: nobody else could be asked at port %d", s.From, port), settles: "ask from another network"}
	}
	return finding{state: Broken, evidence: strings.Join(said, "; "), sure: Likely,
		words:   fmt.Sprintf("the network of %s itself keeps port %d back: it reaches nobody's (%s); %s cannot be told from there", s.From, port, strings.Join(said, "; "), s.Proxy.Host),
		action:  fmt.Sprintf("ask from another network (a phone's, or another server): postern why %d", port),
		settles: "the same from another network"}
}

// provider is what stands before the proxy.
func (s Signals) provider() finding {
	family := "IPv4"
	if s.Public.Addr().Is6() {
		family = "IPv6"
	}
	switch port := s.Public.Port(); {
	case s.arrived() > 0:
		return passed("%d SYN came in", s.arrived())
	case s.Proxy.Error != "":
		return unknown("what passes %s could not be seen: %s", s.Proxy.Host, s.Proxy.Error)
	case len(s.Others) == 0 || s.place().state != Passed:
		return finding{state: Unknown, evidence: fmt.Sprintf("no packet reached %s", s.Proxy.Host), settles: "whether this network reaches that port of anybody"}
	case s.Dial.Answer == checks.Dropped:
		return finding{state: Broken, evidence: "no SYN came in",
			words:  fmt.Sprintf("the provider drops port %d/tcp over %s on its way to %s: others answer, and no packet comes in", port, family, s.Proxy.Host),
			action: fmt.Sprintf("open incoming port %d/tcp (%s) in the provider's firewall, or ask its support to", port, family)}
	default:
		return finding{state: Broken, evidence: "no SYN came in, and the dial was " + string(s.Dial.Answer),
			words:  fmt.Sprintf("the provider refuses port %d/tcp over %s on its way to %s: others answer, and no packet comes in", port, family, s.Proxy.Host),
			action: fmt.Sprintf("open incoming port %d/tcp (%s) in the provider's firewall, or ask its support to", port, family)}
	}
}

// blocked is the finding of a rule that keeps packets back at a host.
func (s Signals) blocked(host string, r Rule, evidence string) finding {
	f := finding{state: Broken, evidence: evidence, action: r.Undo, on: host}
	rule := cmp.Or(r.Doubt, r.Text)
	switch {
	case r.Whose == "fail2ban":
		f.words = fmt.Sprintf("fail2ban on %s has banned %s, from where this was asked: %s", host, s.came(), rule)
	case r.Whose != "":
		f.words = fmt.Sprintf("%s keeps it back on %s: %s", r.Whose, host, rule)
		if r.Whose == "your own ufw rule" {
			f.words = fmt.Sprintf("your own ufw rule keeps it back on %s: %s", host, cmp.Or(strings.TrimPrefix(r.Undo, "ufw delete "), rule))
		}
	default:
		f.words, f.action, f.on = fmt.Sprintf("the firewall of %s does not let it pass: %s", host, rule), "postern apply firewall", ""
	}
	if r.File != "" {
		f.words += "; " + r.File + " brings it back at boot: take it out there too"
	}
	if r.Doubt != "" {
		f.sure, f.settles = Likely, "take it away for a moment, and ask again"
	}
	return f
}

// entry is the firewall of the proxy.
func (s Signals) entry() finding {
	side := s.Proxy
	on, back := s.sentOn(), s.answered("")
	switch {
	case s.Proxy.Error != "":
		return unknown("what passes %s could not be seen", side.Host)
	case len(s.Sources) > 0 && s.Client.IsValid() && !seen.Inside(s.Sources, s.Client) && on+back == 0:
		return finding{state: Broken, evidence: "asked from " + s.Client.String(),
			words:  fmt.Sprintf("%s is open to %s only, as the answers say, and not to %s", s.Service, seen.Joined(s.Sources), s.Client),
			action: fmt.Sprintf("postern --set from.%s=%s,%s --save apply firewall", s.Service, seen.Joined(s.Sources), s.Client)}
	case s.Forwarded && on > 0, !s.Forwarded && back > 0:
		return passed("let on")
	case side.Begins.refuses():
		return s.blocked(side.Host, side.Begins, "a SYN came in, and none goes on")
	case s.Forwarded:
		return passed("nothing stops it before it is sent on")
	case side.Sent.Verdict == "DNAT":
		return finding{state: Broken, evidence: "sent to " + side.Sent.To, action: "postern apply firewall", sure: Likely, settles: "what listens at " + side.Sent.To,
			words: fmt.Sprintf("%s sends port %d on to %s, though it is for a service of its own: %s", side.Host, s.Public.Port(), side.Sent.To, side.Sent.Text)}
	case side.Lets.refuses(), side.Lets.Doubt != "" && s.told() == 0:
		return s.blocked(side.Host, side.Lets, "a SYN came in, and nothing answers")
	}
	return passed("%s", cmp.Or(side.Lets.Text, "no rule stops it"))
}

// forwarding is what the proxy does with a port that is for the mail host.
func (s Signals) forwarding() finding {
	side, port := s.Proxy, s.Public.Port()
	astray := ""
	for _, p := range side.Captured.Packets {
		if p.Out && p.Kind == SYN && p.Src.Addr() == s.came() && p.Dst != s.Target && p.Dst.Addr() != s.Public.Addr() && p.Device != "lo" {
			astray = p.Dst.String() + " by " + p.Device
		}
	}
	wrong := func(to string) finding {
		f := finding{state: Broken, evidence: "sent to " + to, action: "postern apply firewall",
			words: fmt.Sprintf("%s sends port %d to %s, not to %s: %s", side.Host, port, to, s.Target, side.Sent.Text)}
		if side.Sent.Undo != "" {
			f.action, f.on = strings.Replace(side.Sent.Undo, " -D ", " -t nat -D ", 1), side.Host
		}
		return f
	}
	switch {
	case side.Error != "":
		return unknown("what passes %s could not be seen", side.Host)
	case s.sentOn() > 0:
		return passed("sent to %s by %s", s.Target, s.Interface)
	case astray != "":
		return wrong(astray)
	case side.Sent.Verdict != "DNAT" && side.Sent.Doubt == "":
		return finding{state: Broken, evidence: "no rule of the proxy's translates it", action: "postern apply firewall",
			words: fmt.Sprintf("%s does not send port %d on to %s: its rule is not there", side.Host, port, s.Target)}
	case side.Sent.To != "" && side.Sent.To != s.Target.String():
		return wrong(side.Sent.To)
	case !side.End.Runs:
		return passed("it would go to %s", s.Target)
	case side.Lets.refuses(), side.Lets.Doubt != "":
		return s.blocked(side.Host, side.Lets, "a SYN came in, and none goes on to the tunnel")
	}
	return unknown("a SYN came in, the rules of %s would send it on, and none goes on: a rule that is not understood, or forwarding is off", side.Host)
}

// mailEntry is the firewall of the mail host.
func (s Signals) mailEntry() finding {
	side := s.Mail
	switch {
	case side.Error != "":
		return unknown("what passes %s could not be seen: %s", side.Host, side.Error)
	case s.answered("") > 0, s.inContainer() > 0:
		return passed("let in")
	case side.Begins.refuses():
		return s.blocked(side.Host, side.Begins, "a SYN comes out of the tunnel, and nothing answers")
	case side.Lets.refuses(), side.Lets.Doubt != "" && s.told() == 0:
		return s.blocked(side.Host, side.Lets, "a SYN comes out of the tunnel, and nothing answers")
	}
	return passed("%s", cmp.Or(side.Lets.Text, "no rule stops it"))
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
	case s.inContainer() > 0:
		return finding{state: Broken, evidence: "a SYN goes into the container, and no answer comes", action: "docker restart " + side.Docker, on: side.Host,
			words: fmt.Sprintf("the container %s on %s gets it and does not answer", side.Docker, side.Host)}
	}
	return unknown("nothing is seen to go into container %s", side.Docker)
}

// listener is who should take it.
func (s Signals) listener() finding {
	side, at := s.taker(), s.Target
	switch {
	case s.answered("") > 0:
		return passed("%s answers", cmp.Or(side.Listener, "something"))
	case side.Listener != "":
		return passed("%s listens", side.Listener)
	case side.Error != "":
		return unknown("what passes %s could not be seen", side.Host)
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
		return unknown("what passes %s could not be seen", side.Host)
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
		f := finding{state: Broken, evidence: "the answer leaves " + side.Host + " by another interface than " + in, action: "postern apply wireguard",
			words: fmt.Sprintf("the answers of %s leave by another way than they came: the policy rule %s", side.Host, cmp.Or(side.Routed, "that decides is not known"))}
		return f
	case !s.Forwarded:
	case s.Proxy.Error != "":
		return unknown("what passes %s could not be seen", s.Proxy.Host)
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
