package demo

import (
	"net"
	"net/netip"
	"syscall"
)

// fate is how a packet's way ended.
type fate int

const (
	lost       fate = iota // nothing comes back
	arrived                // and its answer finds the way back
	refused                // a reset, or that the port is unreachable
	prohibited             // an ICMP error of a filter
	nobody                 // no such neighbour, which takes a while to find out
	noRoute                // the sender itself has no way there
	tooBig                 // the sender's own interface does not take it
)

// errno is what connect says of it; 0 when the connection stands.
func (f fate) errno() syscall.Errno {
	switch f {
	case arrived:
		return 0
	case refused:
		return syscall.ECONNREFUSED
	case prohibited, nobody:
		return syscall.EHOSTUNREACH
	case noRoute:
		return syscall.ENETUNREACH
	case tooBig:
		return syscall.EMSGSIZE
	}
	return syscall.ETIMEDOUT
}

// walk is a packet's way through the network, and what is needed to walk back.
type walk struct {
	w       *World
	p       packet
	origin  netip.AddrPort // the sender, as it sees itself
	station bool           // the sender is the operator's machine
	inner   bool           // it is WireGuard's own packet
	at      *Host          // where it is, or arrived; nil for a station
	steps   []step
	tunnels []crossing
	fate    fate
	depth   int
	accept  func(net.Conn)
}

// step is one host on the way.
type step struct {
	host          *Host
	in, out       string // empty in where it began, empty out where it arrived
	before, after packet // around the host's NAT
}

// send sends the first packet of a connection from a host, or from the operator's machine when from is nil.
func (w *World) send(from *Host, p packet) *walk {
	x := &walk{w: w, p: p, station: from == nil}
	if from == nil {
		x.sendHere()
	} else {
		x.sendHost(from)
	}
	if x.fate != arrived && x.fate != refused || p.proto == "udp" {
		return x
	}
	if x.at != nil && x.fate == arrived {
		x.fate = x.answer()
	}
	if !x.back() {
		x.fate = lost
	}
	return x
}

// sendHere sends from the operator's machine.
func (x *walk) sendHere() {
	w := x.w
	w.net.mu.Lock()
	if w.net.last++; w.net.last < 40000 {
		w.net.last = 40000
	}
	port := w.net.last
	w.net.mu.Unlock()
	own := here4
	if x.p.dst.Addr().Is6() {
		own = here6
	}
	x.p.src = netip.AddrPortFrom(own, port)
	x.origin = x.p.src
	x.wire(true)
}

// sendHost sends from a host: it picks route and source, and asks its own filter.
func (x *walk) sendHost(h *Host) {
	h.mu.Lock()
	k, p := h.kernel, &x.p
	local := k.owns
	r, ok := k.lookup(p.src.Addr(), p.dst.Addr(), 0)
	if !ok {
		h.mu.Unlock()
		x.fate = noRoute
		return
	}
	if !p.src.IsValid() {
		p.src = netip.AddrPortFrom(k.source(r, p.dst.Addr()), k.port())
	}
	if !p.src.Addr().IsValid() {
		h.mu.Unlock()
		x.fate = noRoute
		return
	}
	x.origin = p.src
	p.out = r.dev
	set := k.filter[family(p.dst.Addr())]
	set.run("mangle", "OUTPUT", p, local)
	if again, ok := k.lookup(p.src.Addr(), p.dst.Addr(), p.mark); ok && p.mark != 0 {
		p.out = again.dev
	}
	before := *p
	if v := set.run("filter", "OUTPUT", p, local); v.is != "ACCEPT" {
		h.mu.Unlock()
		x.stop(v)
		return
	}
	if l := k.link(p.out); l != nil && p.size > l.mtu {
		h.mu.Unlock()
		x.fate = tooBig
		return
	}
	x.leave(k, set)
	x.steps = append(x.steps, step{h, "", p.out, before, *p})
	h.mu.Unlock()
	x.emit(h)
}

// stop ends the way by what a filter said.
func (x *walk) stop(v verdict) {
	x.fate = lost
	if v.is == "REJECT" {
		x.fate = refused
		if how := v.rule.opts["--reject-with"]; how == "icmp-admin-prohibited" || how == "icmp-host-prohibited" || how == "icmp6-adm-prohibited" {
			x.fate = prohibited
		}
	}
}

// leave does what happens last on a host: its POSTROUTING chains. h.mu is held.
func (x *walk) leave(k *kernel, set *ruleset) {
	p := &x.p
	set.run("mangle", "POSTROUTING", p, k.owns)
	if p.out == "lo" {
		return
	}
	switch v := set.run("nat", "POSTROUTING", p, k.owns); v.is {
	case "MASQUERADE":
		if l := k.link(p.out); l != nil {
			p.src = netip.AddrPortFrom(k.source(route{dev: p.out}, p.dst.Addr()), p.src.Port())
		}
	case "SNAT":
		p.src = target(v.rule.opts["--to-source"], p.src)
	}
}

// target is what a DNAT or SNAT rule makes of an address.
func target(text string, was netip.AddrPort) netip.AddrPort {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap
	}
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.AddrPortFrom(a, was.Port())
	}
	return was
}

// emit sends the packet over the interface that it leaves a host by.
func (x *walk) emit(h *Host) {
	if x.p.out == "lo" {
		x.enter(h, "lo")
		return
	}
	h.mu.Lock()
	l := h.kernel.link(x.p.out)
	h.mu.Unlock()
	switch {
	case l == nil:
		x.fate = lost
	case l.wg != nil:
		x.through(h, l)
	default:
		x.wire(h.Name == "mail")
	}
}

// enter brings the packet to a host, over one of its interfaces.
func (x *walk) enter(h *Host, in string) {
	if x.depth++; x.depth > 8 {
		x.fate = lost
		return
	}
	h.mu.Lock()
	k, p := h.kernel, &x.p
	p.in, p.out, p.mark, p.ctmark = in, "", 0, 0
	set := k.filter[family(p.dst.Addr())]
	before := *p
	set.run("mangle", "PREROUTING", p, k.owns)
	if in != "lo" {
		if v := set.run("nat", "PREROUTING", p, k.owns); v.is == "DNAT" {
			p.dst = target(v.rule.opts["--to-destination"], p.dst)
		}
	}
	if !k.plausible(in, p) || x.faulty(h) {
		h.mu.Unlock()
		x.fate = lost
		return
	}
	if k.owns(p.dst.Addr()) {
		set.run("mangle", "INPUT", p, k.owns)
		v := set.run("filter", "INPUT", p, k.owns)
		x.steps = append(x.steps, step{h, in, "", before, *p})
		x.at = h
		h.mu.Unlock()
		if x.fate = arrived; v.is != "ACCEPT" {
			x.stop(v)
		}
		return
	}
	x.forward(h, k, set, before)
}

// forward passes the packet on. h.mu is held when it is called, and is not any more when it returns.
func (x *walk) forward(h *Host, k *kernel, set *ruleset, before packet) {
	p := &x.p
	on := k.sysctl["net/ipv4/ip_forward"]
	if p.dst.Addr().Is6() {
		on = k.sysctl["net/ipv6/conf/all/forwarding"]
	}
	r, ok := k.lookup(p.src.Addr(), p.dst.Addr(), p.mark)
	if on != "1" || !ok {
		h.mu.Unlock()
		if x.fate = lost; on == "1" {
			x.fate = prohibited
		}
		return
	}
	p.out = r.dev
	set.run("mangle", "FORWARD", p, k.owns)
	if v := set.run("filter", "FORWARD", p, k.owns); v.is != "ACCEPT" {
		h.mu.Unlock()
		x.stop(v)
		return
	}
	if l := k.link(p.out); l != nil && p.size > l.mtu {
		h.mu.Unlock()
		x.fate = lost
		return
	}
	x.leave(k, set)
	x.steps = append(x.steps, step{h, before.in, p.out, before, *p})
	h.mu.Unlock()
	x.emit(h)
}

// plausible is the reverse-path filter: whether an answer could go, or would go, back over the interface.
func (k *kernel) plausible(in string, p *packet) bool {
	if in == "lo" || p.src.Addr().Is6() {
		return true
	}
	mode := max(k.sysctl["net/ipv4/conf/all/rp_filter"], k.sysctl["net/ipv4/conf/"+in+"/rp_filter"])
	if mode == "0" || mode == "" {
		return true
	}
	mark := uint32(0)
	if k.sysctl["net/ipv4/conf/all/src_valid_mark"] == "1" {
		mark = p.mark
	}
	r, ok := k.lookup(p.dst.Addr(), p.src.Addr(), mark)
	return ok && (mode == "2" || r.dev == in)
}
