package demo

import (
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"postern/seen"
)

// fate is how the way of a first packet ended.
type fate int

const (
	lost    fate = iota // nothing comes back
	arrived             // and its answer finds the way back
	refused             // a reset, or that the port is unreachable
	nobody              // no such neighbour, which takes a while to find out
)

// errno is what connect says of it.
func (f fate) errno() syscall.Errno {
	return map[fate]syscall.Errno{lost: syscall.ETIMEDOUT, refused: syscall.ECONNREFUSED, nobody: syscall.EHOSTUNREACH}[f]
}

// way is a first packet on its way, and where it came out.
type way struct {
	proto    string
	origin   netip.AddrPort // the sender as it sees itself
	src, dst netip.AddrPort // as they are where it is now
	here     bool           // the operator's machine sent it
	fate     fate
	host     *Host // where it arrived
	ear      *ear  // who answers there
	crossed  []crossing
}

// walk sends the first packet of a TCP connection from a host, or from the operator's machine when from is nil. World.mu is held.
func (w *World) walk(from *Host, dst netip.AddrPort) way {
	x, to := way{proto: "tcp", dst: dst, here: from == nil}, dst.Addr()
	send := func(src netip.Addr) way {
		x.src = netip.AddrPortFrom(src, w.anyPort())
		x.origin = x.src
		return x
	}
	switch {
	case from == nil && to.Is4():
		return w.internet(nil, send(here4))
	case from == nil:
		return w.internet(nil, send(here6))
	case from.owns(to):
		return from.answers(send(to))
	}
	if t := from.tunnelTo(to); t != nil {
		return w.through(from, t, send(t.own(to)))
	}
	if from.kernel.started["postern-smtp"] && !w.faulty("homeip") && dst.Port() == smtpPort && !home4.Contains(to) && !home6.Contains(to) { // through a tunnel or not at all
		for _, t := range from.kernel.tunnels {
			return w.through(from, t, send(t.own(to)))
		}
		return send(from.own(to))
	}
	return w.internet(from, send(from.own(to)))
}

// own is the interface's address in the family of another.
func (t *tunnel) own(other netip.Addr) netip.Addr {
	for _, p := range t.addresses {
		if p.Addr().Is4() == other.Is4() {
			return p.Addr()
		}
	}
	return netip.Addr{}
}

// internet carries a packet between the machines, from the home network or from outside, to whom it is addressed.
func (w *World) internet(from *Host, x way) way {
	to, home := x.dst.Addr(), from == nil || from == w.Mail
	switch inside := home4.Contains(to) || home6.Contains(to); {
	case home && (to == mail4 || to == mail6):
		return w.enter(w.Mail, w.Mail.nic(), x)
	case to == web4 && x.dst.Port() == 443:
		x.fate, x.ear = arrived, &ear{at: x.dst, name: "web", greet: func(netip.AddrPort) string { return "" }}
		return x
	case (to == outside4 || slices.Contains(large4, to)) && x.dst.Port() == smtpPort && !(w.faulty("port25") && x.src.Addr() == proxy4):
		if from == w.Mail && x.src.Addr() != proxy4 {
			x.src = netip.AddrPortFrom(nat4, x.src.Port())
		}
		x.fate, x.ear = arrived, &ear{at: x.dst, talk: postman{w: w, name: map[netip.Addr]string{outside4: "mx.google.com", large4[0]: "mx.outlook.com", large4[1]: "mx.icloud.com"}[to]}.serve}
		return x
	case to == relay4 && (x.dst.Port() == 465 || x.dst.Port() == 587):
		x.fate, x.ear = arrived, &ear{at: x.dst, talk: postman{w: w, name: "smtp.relay.example", logins: true, encrypted: x.dst.Port() == 465}.serve}
		return x
	case home && (to == here4 || to == here6), to == relay4, to == outside4 && x.dst.Port() != smtpPort, to == outside6:
		x.fate = refused
		return x
	case home && inside:
		x.fate = nobody
		return x
	case slices.Contains(nameServers, to) && x.dst.Port() == dnsPort:
		x.fate, x.ear = arrived, &ear{at: x.dst, name: "named", talk: w.tell}
		return x
	case inside || to == nat4: // the router at home lets nothing new in
		return x
	}
	if home && to.Is4() {
		x.src = netip.AddrPortFrom(nat4, x.src.Port())
	}
	if to != proxy4 && to != proxy6 || w.faulty("port25") && x.proto == "tcp" && x.dst.Port() == smtpPort {
		return x
	}
	return w.enter(w.Proxy, w.Proxy.nic(), x)
}

// smtpPort is what providers block, sshPort what both hosts' sshd listens on.
const (
	smtpPort = 25
	sshPort  = 22
)

// enter brings a packet to a host, over one of its interfaces: its rules decide.
func (w *World) enter(h *Host, in string, x way) way {
	rules := h.kernel.tables(x.dst.Addr())
	firewalled := h.kernel.firewalled() || h.bsd != nil && h.bsd.on
	if x.here && w.dark(h) || w.faulty("lockout") && h == w.Proxy && firewalled && x.dst.Port() == sshPort {
		return x
	}
	if h.bsd != nil {
		return w.enterBSD(h, in, x)
	}
	p := seen.Packet{Proto: x.proto, Src: x.src.Addr(), Dst: x.dst.Addr(), Port: int(x.dst.Port()), In: in}
	if rules["nat"] != nil {
		if f := rules["nat"].Lets("PREROUTING", p); f.Verdict == "DNAT" {
			x.dst, _ = netip.ParseAddrPort(f.To)
			return w.forward(h, p, x)
		}
	}
	if !h.owns(x.dst.Addr()) {
		if h.kernel.tunnels[in] == nil {
			return x
		}
		return w.sendOn(h, p, x)
	}
	if rules["filter"] != nil {
		if f := rules["filter"].Lets("INPUT", p); f.Verdict != "ACCEPT" {
			if f.Verdict == "REJECT" {
				x.fate = refused
			}
			return x
		}
	}
	if t := h.kernel.tunnels[in]; t != nil && !t.returns(x) {
		return x
	}
	return h.answers(x)
}

// returns says whether the answer to what came through the tunnel goes back into it: to the tunnel's own network, or by a
// rule for what is sent from the address that was reached.
func (t *tunnel) returns(x way) bool {
	for _, p := range t.addresses {
		if p.Contains(x.src.Addr()) {
			return true
		}
	}
	for _, c := range t.commands {
		if strings.Contains(c, " rule add ") && strings.Contains(c, " from "+x.dst.Addr().String()+" ") {
			return true
		}
	}
	return false
}

// forward passes a packet on that the host's rules send to another.
func (w *World) forward(h *Host, p seen.Packet, x way) way {
	p.Dst, p.Port = x.dst.Addr(), int(x.dst.Port())
	sysctl := "net.ipv4.ip_forward"
	if p.Dst.Is6() {
		sysctl = "net.ipv6.conf.all.forwarding"
	}
	t := h.tunnelTo(p.Dst)
	if t == nil || h.kernel.sysctl[sysctl] != "1" {
		return x
	}
	p.Out = t.name
	if h.kernel.tables(p.Dst)["filter"].Lets("FORWARD", p).Verdict != "ACCEPT" {
		return x
	}
	if h.kernel.tables(p.Dst)["nat"].Lets("POSTROUTING", p).Verdict == "MASQUERADE" {
		x.src = netip.AddrPortFrom(t.own(p.Dst), x.src.Port())
	}
	return w.through(h, t, x)
}

// sendOn passes on to the world what came through a tunnel.
func (w *World) sendOn(h *Host, p seen.Packet, x way) way {
	p.Out, p.Beyond = "eth0", true
	rules := h.kernel.tables(p.Dst)
	if h.kernel.sysctl["net.ipv4.ip_forward"] != "1" || rules["filter"].Lets("FORWARD", p).Verdict != "ACCEPT" {
		return x
	}
	if as := rules["nat"].Lets("POSTROUTING", p); as.Verdict == "SNAT" {
		if a, err := netip.ParseAddr(as.To); err == nil {
			x.src = netip.AddrPortFrom(a, x.src.Port())
		}
	}
	return w.internet(h, x)
}

// through sends a packet into a tunnel: to the peer that its address lies behind, if both ends can be brought together.
func (w *World) through(h *Host, t *tunnel, x way) way {
	p := t.to(x.dst.Addr())
	if p == nil {
		return x
	}
	far, ok := end{h, t, p}.far()
	if !ok || far.tunnel.to(x.src.Addr()) != far.peer {
		return x
	}
	x.crossed = append(x.crossed, crossing{p, far.peer})
	return w.enter(far.host, far.tunnel.name, x)
}

// answers is who answers on the host that the packet arrived at.
func (h *Host) answers(x way) way {
	x.host, x.fate = h, refused
	if x.proto != "tcp" {
		x.fate = arrived
	} else if x.ear = h.ear(x.dst); x.ear != nil {
		x.fate = arrived
	}
	return x
}

// pings says whether packets of a size, all headers included, come back from an address.
func (w *World) pings(from *Host, to netip.Addr, size int) bool {
	t := from.tunnelTo(to)
	if t == nil {
		return size <= 1500 && (to == proxy4 || to == proxy6)
	}
	p := t.to(to)
	if p == nil || size > t.mtu || w.faulty("mtu") && size+wrapBytes > 1400 {
		return false
	}
	far, ok := end{from, t, p}.far()
	if ok {
		crossing{p, far.peer}.count(size+beatBytes, size+beatBytes)
	}
	return ok
}
