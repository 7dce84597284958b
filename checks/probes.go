package checks

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"

	"postern/remote"
	"postern/site"
)

// atOnce bounds the dials from one place, each of which takes a channel of the one SSH connection there, and listenAtOnce the
// throw-away listeners on one host.
const (
	atOnce       = 64
	listenAtOnce = 12
	peerTimeout  = 2 * time.Second
)

// probes remembers what was dialled and holds the throw-away listeners during one Run, so that checks that ask the same
// thing ask it once, and two never fight for one port.
type probes struct {
	mu     sync.Mutex
	ctx    context.Context
	knocks map[knockKey]*knock
	ports  map[listenKey]*sync.Mutex
	gates  map[string]chan struct{}
	told   map[string]*told // by host
}

type knockKey struct {
	from   string
	to     netip.AddrPort
	at     string
	arrive netip.AddrPort
}

type listenKey struct {
	host string
	at   netip.AddrPort
}

// knock is one dial to a port, with what was listening behind it.
type knock struct {
	done chan struct{}
	reached
	real    bool             // something of the host's own listens where it arrives
	process string           // what, where known
	ours    bool             // a throw-away listener was there
	noEar   error            // why there was none, when nothing listened
	peers   []netip.AddrPort // who our listener saw while we dialled
}

func (p *probes) begin(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ctx = ctx
	p.told = nil
	p.knocks, p.ports, p.gates = map[knockKey]*knock{}, map[listenKey]*sync.Mutex{}, map[string]chan struct{}{}
}

// gate is a semaphore by name.
func (p *probes) gate(ctx context.Context, name string, size int) (leave func(), err error) {
	p.mu.Lock()
	if p.gates == nil {
		p.gates = map[string]chan struct{}{}
	}
	g := p.gates[name]
	if g == nil {
		g = make(chan struct{}, size)
		p.gates[name] = g
	}
	p.mu.Unlock()
	select {
	case g <- struct{}{}:
		return func() { <-g }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// knock dials to from a place, once per Run. arrive says where on host at it should come out; when nothing listens there,
// a throw-away listener does meanwhile. at nil means a plain dial.
func (e *Env) knock(ctx context.Context, from *Vantage, to netip.AddrPort, at *site.Host, arrive netip.AddrPort) *knock {
	key := knockKey{from: from.Name, to: to, arrive: arrive}
	if at != nil {
		key.at = at.Name
	}
	e.probes.mu.Lock()
	if e.probes.knocks == nil {
		e.probes.knocks = map[knockKey]*knock{}
	}
	k := e.probes.knocks[key]
	first := k == nil
	if first {
		k = &knock{done: make(chan struct{})}
		e.probes.knocks[key] = k
	}
	run := e.probes.ctx
	e.probes.mu.Unlock()
	if run == nil {
		run = ctx
	}
	if first {
		go func() {
			defer close(k.done)
			e.ask(run, k, from, to, at, arrive)
		}()
	}
	select {
	case <-k.done:
		return k
	case <-ctx.Done():
		return &knock{reached: reached{answer: stopped, err: ctx.Err()}}
	}
}

func (e *Env) ask(ctx context.Context, k *knock, from *Vantage, to netip.AddrPort, at *site.Host, arrive netip.AddrPort) {
	if at == nil {
		k.reached = e.dialSilence(ctx, from, to)
		return
	}
	v, err := e.look(at)
	if err != nil {
		k.noEar = err
		k.reached = e.dialOnce(ctx, from, to)
		return
	}
	if all, err := listenersOf(v.Facts); err == nil {
		for _, l := range all {
			if l.at(arrive) {
				k.real, k.process = true, l.Process
			}
		}
	}
	if k.real {
		k.reached = e.dialOnce(ctx, from, to)
		return
	}
	e.askOurs(ctx, k, v, from, to, arrive)
}

// askOurs dials while a listener of ours waits where it should arrive. One dial per listener at a time: so whoever it
// sees meanwhile is us.
func (e *Env) askOurs(ctx context.Context, k *knock, v, from *Vantage, to, arrive netip.AddrPort) {
	turn := e.probes.port(listenKey{v.Name, arrive})
	turn.Lock()
	defer turn.Unlock()
	ear, leave, err := e.listen(ctx, v, arrive)
	if errors.Is(err, syscall.EADDRINUSE) { // something has begun to listen since the host was looked at
		k.real = true
		k.reached = e.dialOnce(ctx, from, to)
		return
	}
	if err != nil {
		k.noEar = err
		k.reached = e.dialOnce(ctx, from, to)
		return
	}
	defer leave()
	k.ours = true
	k.reached = e.dialKeep(ctx, from, to, listenTimeout)
	if k.conn == nil {
		return
	}
	defer k.conn.Close() // the value of now: the field is cleared below
	k.peers = greeted(ctx, k.conn)
	if len(k.peers) == 0 {
		k.peers = peersOf(ctx, ear.Peers)
	}
	k.conn = nil
}

// greeted is who our listener says we are: it greets with "postern ADDRESS PORT". That came over our very connection, so
// nobody else is meant.
func greeted(ctx context.Context, c net.Conn) []netip.AddrPort {
	line := make(chan string, 1)
	go func() { // a connection through SSH knows no deadline; closing it ends the read
		text, _ := bufio.NewReader(io.LimitReader(c, 200)).ReadString('\n')
		line <- text
	}()
	timer := time.NewTimer(peerTimeout)
	defer timer.Stop()
	select {
	case text := <-line:
		if w := strings.Fields(text); len(w) == 3 && w[0] == ownMark {
			if p, err := netip.ParseAddrPort(net.JoinHostPort(w[1], w[2])); err == nil {
				return []netip.AddrPort{netip.AddrPortFrom(p.Addr().Unmap(), p.Port())}
			}
		}
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil
}

// peersOf collects who connected: the first within peerTimeout, and those that were already waiting with it.
func peersOf(ctx context.Context, from <-chan netip.AddrPort) []netip.AddrPort {
	var peers []netip.AddrPort
	timer := time.NewTimer(peerTimeout)
	defer timer.Stop()
	for {
		select {
		case p, ok := <-from:
			if !ok {
				return peers
			}
			peers = append(peers, netip.AddrPortFrom(p.Addr().Unmap(), p.Port()))
			timer.Reset(0)
		case <-timer.C:
			return peers
		case <-ctx.Done():
			return peers
		}
	}
}

// listen puts a throw-away listener on a host; leave takes it away.
func (e *Env) listen(ctx context.Context, v *Vantage, at netip.AddrPort) (*remote.Listener, func(), error) {
	if v.Listen == nil {
		return nil, nil, fmt.Errorf("nothing can be made to listen on %s", v.Name)
	}
	leave, err := e.probes.gate(ctx, "listen "+v.Name, listenAtOnce)
	if err != nil {
		return nil, nil, err
	}
	l, err := v.Listen(ctx, "tcp", at.String())
	if err != nil {
		leave()
		return nil, nil, err
	}
	return l, func() { l.Close(); leave() }, nil
}

func (p *probes) port(k listenKey) *sync.Mutex {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ports == nil {
		p.ports = map[listenKey]*sync.Mutex{}
	}
	if p.ports[k] == nil {
		p.ports[k] = &sync.Mutex{}
	}
	return p.ports[k]
}

func (e *Env) dialOnce(ctx context.Context, from *Vantage, to netip.AddrPort) reached {
	r := e.dialKeep(ctx, from, to, listenTimeout)
	closeQuietly(r.conn)
	r.conn = nil
	return r
}

func (e *Env) dialKeep(ctx context.Context, from *Vantage, to netip.AddrPort, limit time.Duration) reached {
	leave, err := e.probes.gate(ctx, "dial "+from.Name, atOnce)
	if err != nil {
		return reached{answer: stopped, err: err}
	}
	defer leave()
	return dial(ctx, from, to, limit, nil, e.clock)
}

func closeQuietly(c net.Conn) {
	if c != nil {
		c.Close()
	}
}
