package demo

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"postern/remote"
)

// ear is a TCP listener of a host.
type ear struct {
	at    netip.AddrPort
	both  bool                             // over both families, at no address
	name  string                           // of its process, for who lists those of the host itself; empty for a throw-away one
	greet func(peer netip.AddrPort) string // what it says to who comes
	talk  func(net.Conn, netip.AddrPort)   // what it does instead with who comes; may be nil
}

// ear is the listener for what arrives at an address, nil when nobody listens there.
func (h *Host) ear(at netip.AddrPort) *ear {
	for _, e := range h.ears() {
		if e.at == at || e.at.Port() == at.Port() && e.at.Addr().IsUnspecified() && (e.both || e.at.Addr().Is4() == at.Addr().Is4()) {
			return e
		}
	}
	return nil
}

// ears are all that listen on the host: those of its system, and its mail servers'.
func (h *Host) ears() []*ear {
	all := slices.Clone(h.kernel.ears)
	if h == h.w.Mail && h.mailcowRuns() {
		all = append(all, h.mailEars()...)
	}
	return slices.Concat(all, h.harakaEars(), h.webEars(), h.jailEars())
}

// anyPort is a random port, as a kernel gives one to who wants any.
func (w *World) anyPort() uint16 {
	var b [2]byte
	w.rand(b[:])
	return 32768 + binary.BigEndian.Uint16(b[:])%28000
}

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
	if a = a.Unmap().WithZone(""); network == "tcp4" && a.Is6() || network == "tcp6" && a.Is4() {
		return netip.AddrPort{}, &net.AddrError{Err: "no suitable address", Addr: address}
	}
	return netip.AddrPortFrom(a, uint16(n)), nil
}

// unansweredFor is how long a machine asks for a neighbour that does not answer.
const unansweredFor = 3 * time.Second

// dial opens a TCP connection from a host, or from the operator's machine when from is nil, as the simulated network allows.
func (w *World) dial(ctx context.Context, from *Host, network, address string) (net.Conn, error) {
	failed := func(err error) error { return &net.OpError{Op: "dial", Net: network, Err: err} }
	to, err := place(network, address)
	if err != nil {
		return nil, failed(err)
	}
	x := w.send(from, to)
	for again := time.Second; x.fate == lost; again *= 2 { // TCP asks again after 1 s, 2 s, 4 s …
		if !w.wait(ctx, again) {
			return nil, failed(context.Cause(ctx))
		}
		x = w.send(from, to)
	}
	if x.fate == nobody && !w.wait(ctx, unansweredFor) {
		return nil, failed(context.Cause(ctx))
	}
	if x.fate != arrived {
		return nil, failed(os.NewSyscallError("connect", x.fate.errno()))
	}
	near, far := net.Pipe()
	leave := w.meet(x)
	w.spawn(func() { defer leave(); x.ear.serve(w.ctx, far, x.src) })
	return &conn{near, x.origin, to}, nil
}

// meet notes who is connected to a host, until they leave.
func (w *World) meet(x way) (leave func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.met[&x] = true
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.met, &x)
	}
}

// peers are who is connected to a port.
func (h *Host) peers(args []string) string {
	text := ""
	for x := range h.w.met {
		if x.host == h && fmt.Sprint(x.dst.Port()) == args[0] {
			text += fmt.Sprintf("0 0 %s %s\n", x.dst, x.src)
		}
	}
	return section("peers", text)
}

// send walks a first packet's way.
func (w *World) send(from *Host, to netip.AddrPort) way {
	w.mu.Lock()
	defer w.mu.Unlock()
	x := w.walk(from, to)
	if x.fate == arrived {
		for _, c := range x.crossed {
			c.count(400, 400) // of the connection that will follow
		}
	}
	return x
}

// serve greets who came, and waits until they hang up.
func (e *ear) serve(ctx context.Context, c net.Conn, peer netip.AddrPort) {
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if e.talk != nil {
		e.talk(c, peer)
		return
	}
	heard := make(chan struct{})
	go func() { // a kernel takes what is said, whoever reads it
		defer close(heard)
		io.Copy(io.Discard, c)
	}()
	if _, err := io.WriteString(c, e.greet(peer)); err == nil && e.name != "" {
		<-heard
	}
}

// conn is the dialler's end of a connection.
type conn struct {
	net.Conn
	local, remote netip.AddrPort
}

func (c *conn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.local) }
func (c *conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// listen makes a throw-away listener on the host.
func (h *Host) listen(network, address string) (*remote.Listener, error) {
	at, err := place(network, address)
	if err != nil {
		return nil, err
	}
	if h.bsd != nil {
		return nil, fmt.Errorf("%s: listen %s: %w: no perl on the host", h.Name, at, remote.ErrNoVantage)
	}
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	k := h.kernel
	switch {
	case !at.Addr().IsUnspecified() && !h.owns(at.Addr()):
		return nil, fmt.Errorf("%s: listen %s: %w", h.Name, at, syscall.EADDRNOTAVAIL)
	case h.ear(at) != nil:
		return nil, fmt.Errorf("%s: listen %s: %w", h.Name, at, syscall.EADDRINUSE)
	}
	peers := make(chan netip.AddrPort, 64)
	e := &ear{at: at, greet: func(peer netip.AddrPort) string {
		select {
		case peers <- peer:
		default:
		}
		return fmt.Sprintf("postern %s %d\n", peer.Addr(), peer.Port())
	}}
	k.ears = append(k.ears, e)
	l := remote.NewListener(peers, func() error {
		h.w.mu.Lock()
		defer h.w.mu.Unlock()
		for i, one := range k.ears {
			if one == e {
				k.ears = append(k.ears[:i:i], k.ears[i+1:]...)
				break
			}
		}
		return nil
	})
	l.Addr = at
	return l, nil
}
