package demo

import (
	"net/netip"
	"sync/atomic"
	"time"
)

// How WireGuard keeps a tunnel alive, and how large its packets are.
const (
	renewAfter  = 120 * time.Second
	shakeSent   = 148 // bytes of the first packet of a handshake
	shakeAnswer = 92  // and of the second
	beatBytes   = 32  // of a packet that only says that somebody is there
	wrapBytes   = 60  // what a packet grows by, over IPv4
)

// tunnel is the WireGuard of one interface.
type tunnel struct {
	private, public [32]byte
	port            uint16
	peers           []*peer
}

// peer is one other end of it. Host.mu guards its keys and addresses, network.shaking the rest.
type peer struct {
	public, shared [32]byte
	endpoint       netip.AddrPort
	allowed        []netip.Prefix
	alive          int       // seconds between packets that keep it open; 0 is none
	shaken         time.Time // last; zero is never
	beat           time.Time // until when those packets are counted
	session        *session
	rx, tx         atomic.Uint64
}

// session is what a handshake made: both ends hold the same one.
type session struct{ _ byte }

// route is the peer that packets to an address go to, nil when there is none.
func (t *tunnel) route(to netip.Addr) *peer {
	var best *peer
	bits := -1
	for _, p := range t.peers {
		for _, net := range p.allowed {
			if net.Contains(to) && net.Bits() > bits {
				best, bits = p, net.Bits()
			}
		}
	}
	return best
}

func (t *tunnel) peer(public [32]byte) *peer {
	for _, p := range t.peers {
		if p.public == public {
			return p
		}
	}
	return nil
}

// crossing is one tunnel that a connection goes through, seen from its first packet.
type crossing struct{ from, to *peer }

// count adds bytes that went through.
func (c crossing) count(n int) {
	c.from.tx.Add(uint64(n))
	c.to.rx.Add(uint64(n))
}

// turned are the tunnels as who answers sees them.
func turned(list []crossing) []crossing {
	var all []crossing
	for _, c := range list {
		all = append(all, crossing{c.to, c.from})
	}
	return all
}

// count adds bytes that went both ways.
func (x *walk) count(n int) {
	for _, c := range x.tunnels {
		c.count(n)
		crossing{c.to, c.from}.count(n)
	}
}

// through sends the packet into a tunnel: to the peer that its address belongs to, if both can be brought together.
func (x *walk) through(h *Host, l *link) {
	h.mu.Lock()
	p := l.wg.route(x.p.dst.Addr())
	h.mu.Unlock()
	if p == nil {
		x.fate = prohibited // required key not available
		return
	}
	var far *Host
	var there *link
	var back *peer
	if !x.inner { // a tunnel in itself leads nowhere
		far, there, back = x.w.join(h, l, p)
	}
	if far == nil || x.w.faulty("mtu") && x.p.size+wrapBytes > 1400 {
		p.tx.Add(shakeSent)
		x.fate = lost
		return
	}
	c := crossing{p, back}
	c.count(max(x.p.size, 60) + 32)
	x.tunnels = append(x.tunnels, c)
	far.mu.Lock()
	admitted := there.wg.route(x.p.src.Addr()) == back
	far.mu.Unlock()
	if !admitted {
		x.fate = lost
		return
	}
	x.enter(far, there.name)
}

// join tells which host and interface is at a peer's end, once both have shaken hands; far is nil while they cannot.
func (w *World) join(h *Host, l *link, p *peer) (far *Host, there *link, back *peer) {
	w.net.shaking.Lock()
	defer w.net.shaking.Unlock()
	h.mu.Lock()
	own, endpoint, port := l.wg.public, p.endpoint, l.wg.port
	usable := l.wg.private != [32]byte{} && h.kernel.link(l.name) == l
	h.mu.Unlock()
	if !usable {
		return nil, nil, nil
	}
	for _, other := range w.hosts() {
		if other == h || other.up().Err() != nil {
			continue
		}
		other.mu.Lock()
		for _, one := range other.kernel.links {
			if one.wg != nil && one.wg.public == p.public && one.wg.private != [32]byte{} {
				if b := one.wg.peer(own); b != nil && b.shared == p.shared {
					far, there, back = other, one, b
				}
			}
		}
		other.mu.Unlock()
	}
	if far == nil {
		return nil, nil, nil
	}
	now := w.clock.time()
	far.mu.Lock()
	wanted, farPort := back.endpoint, there.wg.port
	stands := back.session != nil && back.session == p.session
	far.mu.Unlock()
	if stands {
		if now.Sub(p.shaken) >= renewAfter {
			shake(p, back, now)
		}
		return far, there, back
	}
	if w.greet(h, far, port, endpoint, p, back) || w.greet(far, h, farPort, wanted, back, p) {
		p.session = &session{}
		back.session = p.session
		shake(p, back, now)
		p.beat, back.beat = now, now
		return far, there, back
	}
	return nil, nil, nil
}

// shake notes a handshake.
func shake(a, b *peer, now time.Time) {
	a.shaken, b.shaken = now, now
	a.tx.Add(shakeSent)
	b.rx.Add(shakeSent)
	b.tx.Add(shakeAnswer)
	a.rx.Add(shakeAnswer)
}

// greet sends the first packet of a handshake to where a peer is said to be, and tells whether it came to the one meant.
func (w *World) greet(from, to *Host, port uint16, at netip.AddrPort, near, far *peer) bool {
	if !at.IsValid() {
		return false
	}
	from.mu.Lock()
	r, ok := from.kernel.lookup(netip.Addr{}, at.Addr(), 0)
	var src netip.Addr
	if ok {
		src = from.kernel.source(r, at.Addr())
	}
	from.mu.Unlock()
	if !ok || !src.IsValid() {
		return false
	}
	x := &walk{w: w, p: packet{proto: "udp", src: netip.AddrPortFrom(src, port), dst: at, state: "NEW", size: shakeSent + 28}, inner: true}
	x.sendHost(from)
	if x.fate != arrived || x.at != to {
		near.tx.Add(shakeSent)
		return false
	}
	to.mu.Lock()
	defer to.mu.Unlock()
	for _, l := range to.kernel.links {
		if l.wg != nil && l.wg.port == x.p.dst.Port() && l.wg.peer(far.public) == far {
			far.endpoint = x.p.src
			return true
		}
	}
	return false
}

// settle brings tunnels up to date: those that keep themselves alive shake hands without anybody asking.
func (w *World) settle() {
	type way struct {
		h *Host
		l *link
		p *peer
	}
	var ways []way
	for _, h := range w.hosts() {
		h.mu.Lock()
		for _, l := range h.kernel.links {
			if l.wg != nil {
				for _, p := range l.wg.peers {
					if p.alive > 0 {
						ways = append(ways, way{h, l, p})
					}
				}
			}
		}
		h.mu.Unlock()
	}
	for _, y := range ways {
		far, _, back := w.join(y.h, y.l, y.p)
		if far == nil {
			continue
		}
		w.net.shaking.Lock()
		every := time.Duration(y.p.alive) * time.Second
		if beats := int(w.clock.time().Sub(y.p.beat) / every); beats > 0 {
			y.p.beat = y.p.beat.Add(time.Duration(beats*y.p.alive) * time.Second)
			crossing{y.p, back}.count(beats * beatBytes)
		}
		w.net.shaking.Unlock()
	}
}
