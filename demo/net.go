package demo

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// network is what lies between the hosts, the operator and the world, and every connection over it.
type network struct {
	shaking sync.Mutex // held while tunnels are brought up to date; Host.mu may be taken meanwhile, never the other way round
	mu      sync.Mutex
	held    map[*line]bool      // connections of the operator
	dark    map[*Host]time.Time // until when nothing passes between the operator and a host
	once    map[string]bool     // faults that have shown themselves
	last    uint16              // of the ports that stations dial from
}

// ear is a TCP listener of a host.
type ear struct {
	at     netip.AddrPort
	accept func(net.Conn)
	name   string // of its process; empty when it is not known
	pid    int
}

// line is a TCP connection that stands.
type line struct {
	near, far     *end // of who dialled, and of who answered
	from, to      *Host
	local, remote netip.AddrPort // as who answered sees them
	origin        netip.AddrPort // who dialled, as it sees itself
	target        netip.AddrPort // whom it dialled
	free          []func() bool  // takes back what waits for a host to go down
}

// cut ends the connection at once for both.
func (l *line) cut() {
	l.near.Close()
	l.far.Close()
}

// names are what the simulated DNS knows.
var names = map[string]netip.Addr{"mail.example.org": proxy4, "proxy.example.org": proxy4, "proxy": proxy4, "mail": mail4}

// unansweredFor is how long a machine asks for a neighbour that does not answer.
const unansweredFor = 3 * time.Second

// place reads where a dial goes to.
func place(network, address string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return netip.AddrPort{}, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, &net.AddrError{Err: "not a port", Addr: address}
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		known, ok := names[host]
		if !ok {
			return netip.AddrPort{}, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		}
		a = known
	}
	a = a.Unmap().WithZone("")
	if network == "tcp4" && a.Is6() || network == "tcp6" && a.Is4() {
		return netip.AddrPort{}, &net.AddrError{Err: "no suitable address", Addr: address}
	}
	return netip.AddrPortFrom(a, uint16(n)), nil
}

// dialFrom opens a TCP connection from a host, or from the operator's machine when from is nil, as the simulated network
// allows: through routes, NAT, filters and tunnels. The connection's addresses are what either end would see.
func (w *World) dialFrom(ctx context.Context, from *Host, network, address string) (net.Conn, error) {
	failed := func(err error) error { return &net.OpError{Op: "dial", Net: network, Err: err} }
	to, err := place(network, address)
	if err != nil {
		return nil, failed(err)
	}
	if network != "tcp" && network != "tcp4" && network != "tcp6" {
		return nil, failed(os.NewSyscallError("connect", syscall.EPROTONOSUPPORT))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(w.ctx, cancel)()
	x := w.send(from, packet{proto: "tcp", dst: to, state: "NEW", size: 60})
	for again := time.Second; x.fate == lost; again *= 2 { // TCP asks again after 1 s, 2 s, 4 s …
		if !w.clock.wait(ctx, again) {
			return nil, failed(context.Cause(ctx))
		}
		x = w.send(from, packet{proto: "tcp", dst: to, state: "NEW", size: 60})
	}
	if x.fate == nobody && !w.clock.wait(ctx, unansweredFor) {
		return nil, failed(ctx.Err())
	}
	if no := x.fate.errno(); no != 0 {
		return nil, failed(os.NewSyscallError("connect", no))
	}
	if ctx.Err() != nil {
		return nil, failed(ctx.Err())
	}
	return x.open(from, to)
}

// open makes the connection that a first packet asked for, and hands its other end to the listener.
func (x *walk) open(from *Host, to netip.AddrPort) (net.Conn, error) {
	tcp := func(a netip.AddrPort) net.Addr { return net.TCPAddrFromAddrPort(a) }
	up, down := newFlow(), newFlow()
	l := &line{from: from, to: x.at, local: x.p.dst, remote: x.p.src, origin: x.origin, target: to}
	l.near = &end{in: down, out: up, local: tcp(x.origin), remote: tcp(to)}
	l.far = &end{in: up, out: down, local: tcp(x.p.dst), remote: tcp(x.p.src)}
	w := x.w
	for _, h := range []*Host{from, x.at} {
		if h != nil {
			h.mu.Lock()
			h.kernel.lines[l] = true
			h.mu.Unlock()
			l.free = append(l.free, context.AfterFunc(h.up(), l.cut)) // a host that goes down takes its connections along
		}
	}
	w.net.mu.Lock()
	if w.net.held == nil {
		w.net.held = map[*line]bool{}
	}
	if from == nil {
		w.net.held[l] = true
	}
	w.net.mu.Unlock()
	x.count(120) // the handshake of TCP
	near := &counted{end: l.near, l: l, w: w, forth: x.tunnels}
	far := &counted{end: l.far, l: l, w: w, forth: turned(x.tunnels)}
	w.spawn(func() { x.accept(far) })
	return near, nil
}

// counted is an end whose bytes go through tunnels, and which is taken off the lists when it is closed.
type counted struct {
	*end
	l     *line
	w     *World
	forth []crossing
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.end.Write(b)
	for _, t := range c.forth {
		t.count(n + 92*(1+n/1300)) // each packet has headers, of its own and of the tunnel's
	}
	return n, err
}

// Close ends the connection.
func (c *counted) Close() error {
	c.w.net.mu.Lock()
	delete(c.w.net.held, c.l)
	c.w.net.mu.Unlock()
	for _, h := range []*Host{c.l.from, c.l.to} {
		if h != nil {
			h.mu.Lock()
			delete(h.kernel.lines, c.l)
			h.mu.Unlock()
		}
	}
	for _, stop := range c.l.free {
		stop()
	}
	return c.end.Close()
}

// listen has the host take TCP connections at an address (0.0.0.0 and :: are every address of their family). accept is
// called for each, in a goroutine of its own, with the host's end. The error is syscall.EADDRINUSE or EADDRNOTAVAIL.
// Nobody listens any more once stop returns.
func (h *Host) listen(at netip.AddrPort, accept func(net.Conn)) (own netip.AddrPort, stop func(), err error) {
	return h.listenAs("", 0, at, accept)
}

// listenAs is listen for a process that ss shows.
func (h *Host) listenAs(name string, pid int, at netip.AddrPort, accept func(net.Conn)) (own netip.AddrPort, stop func(), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := h.kernel
	if !at.Addr().IsUnspecified() && !k.owns(at.Addr()) {
		return at, nil, syscall.EADDRNOTAVAIL
	}
	for at.Port() == 0 || k.hears(at) {
		if at.Port() != 0 {
			return at, nil, syscall.EADDRINUSE
		}
		if next := netip.AddrPortFrom(at.Addr(), k.port()); !k.hears(next) {
			at = next
		}
	}
	e := &ear{at, accept, name, pid}
	k.ears = append(k.ears, e)
	return at, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		for i, one := range k.ears {
			if one == e {
				k.ears = append(k.ears[:i:i], k.ears[i+1:]...)
				return
			}
		}
	}, nil
}

// hears tells whether a listener stands in the way of another at an address.
func (k *kernel) hears(at netip.AddrPort) bool {
	for _, e := range k.ears {
		if e.at.Port() == at.Port() && e.at.Addr().Is4() == at.Addr().Is4() &&
			(e.at.Addr() == at.Addr() || e.at.Addr().IsUnspecified() || at.Addr().IsUnspecified()) {
			return true
		}
	}
	return false
}

// ear is the listener for what arrives at an address, nil when nobody listens there.
func (k *kernel) ear(at netip.AddrPort) *ear {
	for _, e := range k.ears {
		if e.at == at || e.at.Port() == at.Port() && e.at.Addr().IsUnspecified() && e.at.Addr().Is4() == at.Addr().Is4() {
			return e
		}
	}
	return nil
}

// port is a port for who wants any.
func (k *kernel) port() uint16 {
	if k.last++; k.last < 32768 || k.last > 60999 {
		k.last = 32768
	}
	return k.last
}

// anyPort is a random port, as the kernel gives one to a tunnel.
func (w *World) anyPort() uint16 {
	var b [2]byte
	w.rand(b[:])
	return 32768 + binary.BigEndian.Uint16(b[:])%28000
}
