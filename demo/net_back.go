package demo

import "net/netip"

// answer is who answers on the host that the packet arrived at: a listener, the kernel for a ping, or nobody.
func (x *walk) answer() fate {
	if x.p.proto != "tcp" {
		return arrived
	}
	x.at.mu.Lock()
	defer x.at.mu.Unlock()
	e := x.at.kernel.ear(x.p.dst)
	if e == nil {
		return refused
	}
	x.accept = e.accept
	return arrived
}

// back walks the answer's way, and tells whether it comes to the sender: every host must send it to where the packet came
// from, and let it through.
func (x *walk) back() bool {
	for i := len(x.steps) - 1; i >= 0; i-- {
		s := x.steps[i]
		// The answer has what the host saw behind its NAT turned round, and leaves with what it saw before.
		p := packet{proto: x.p.proto, src: s.after.dst, dst: s.after.src, state: "ESTABLISHED", in: s.out, ctmark: s.after.ctmark, kind: answerKind(x.p)}
		s.host.mu.Lock()
		ok := s.host.kernel.returns(s, p)
		s.host.mu.Unlock()
		if !ok {
			return false
		}
	}
	return true
}

func answerKind(p packet) string {
	return map[string]string{"8": "0", "128": "129"}[p.kind]
}

// returns tells whether a host takes the answer back over the way that the packet came. Host.mu is held.
func (k *kernel) returns(s step, p packet) bool {
	set := k.filter[family(p.dst.Addr())]
	if s.out != "" { // it comes in from where the packet went to
		if k.link(s.out) == nil {
			return false
		}
		set.run("mangle", "PREROUTING", &p, k.owns)
		if s.out != "lo" && !k.plausible(s.out, &p) {
			return false
		}
	}
	p.src, p.dst = s.before.dst, s.before.src // NAT is undone
	if s.in == "" {
		set.run("mangle", "INPUT", &p, k.owns)
		return set.run("filter", "INPUT", &p, k.owns).is == "ACCEPT"
	}
	src := p.src.Addr()
	if s.out == "" { // a listener answers from the address that it was reached at, before NAT on this host is undone
		src = s.after.dst.Addr()
	}
	r, ok := k.lookup(src, p.dst.Addr(), p.mark)
	if !ok || r.dev != s.in && !(s.in == "lo" || k.owns(p.dst.Addr())) {
		return false
	}
	chain := "FORWARD"
	if s.out == "" {
		chain = "OUTPUT"
	}
	p.out = s.in
	if l := k.link(s.in); l != nil && l.wg != nil && l.wg.route(p.dst.Addr()) == nil {
		return false
	}
	return set.run("filter", chain, &p, k.owns).is == "ACCEPT"
}

// wire carries the packet between the machines, from the home network or from the internet, to whom it is addressed.
func (x *walk) wire(home bool) {
	p := &x.p
	to := p.dst.Addr()
	x.fate = lost
	inside := home4.Contains(to) || home6.Contains(to)
	switch {
	case home && inside:
		switch to {
		case mail4, mail6:
			x.deliver(x.w.Mail)
		case here4, here6:
			x.at, x.fate = nil, refused // nothing listens on the operator's machine
		default:
			x.fate = nobody
		}
		return
	case home && to.Is4():
		p.src = netip.AddrPortFrom(nat4, p.src.Port()) // the router at home
	}
	// What is addressed to somebody at home ends here: that router lets nothing new in.
	if x.w.faulty("port25") && p.proto == "tcp" && p.dst.Port() == smtpPort && (to == proxy4 || to == proxy6 || !home) {
		return
	}
	switch to {
	case proxy4, proxy6:
		x.deliver(x.w.Proxy)
	case outside4, outside6:
		x.at, x.fate = nil, refused
	}
}

// smtpPort is what providers block.
const smtpPort = 25

// deliver brings the packet to a host's network card.
func (x *walk) deliver(h *Host) {
	if x.station && x.w.isDark(h) {
		x.fate = lost
		return
	}
	if h.up().Err() != nil { // it is off
		x.fate = lost
		return
	}
	x.enter(h, "eth0")
}
