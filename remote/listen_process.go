package remote

import (
	"bufio"
	"context"
	_ "embed" // listen.pl
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
)

// listenScript is the process that holds them.
//
//go:embed listen.pl
var listenScript string

// listenProcess is the process on the host that holds the listeners of one session.
type listenProcess struct {
	p     *process
	ended chan struct{} // closed when it is gone

	mu        sync.Mutex
	listeners map[string]*hostListener
	next      int
	gone      bool
}

// hostListener is one listener of it.
type hostListener struct {
	id     string
	said   chan []string // how the listen command ended
	peers  chan netip.AddrPort
	closed chan struct{} // the host has closed it
}

// listenProcess is the session's process of listeners with a use of it counted: s.listens. The first begins it, the last ends it.
func (s *Session) listenProcess(ctx context.Context, at netip.AddrPort) (*listenProcess, error) {
	s.listenMu.Lock()
	defer s.listenMu.Unlock()
	if s.listening != nil {
		select {
		case <-s.listening.ended: // it died; whoever used it counts no more
		default:
			s.listens++
			return s.listening, nil
		}
	}
	h, err := s.startListening(ctx, at)
	if err != nil {
		return nil, err
	}
	s.listening, s.listens = h, 1
	return h, nil
}

func (s *Session) startListening(ctx context.Context, at netip.AddrPort) (*listenProcess, error) {
	p, err := s.extra(ctx)
	if errors.Is(err, errNoChannel) {
		return nil, fmt.Errorf("%s: listen %s: %w: %w", s.name, at, ErrNoVantage, err)
	}
	if err != nil {
		return nil, err
	}
	over := func() {
		p.end()
		s.extras.Add(-1)
	}
	mark, text := nonce(), nonce()
	s.trips.Add(1)
	script := fmt.Sprintf("command -v perl >/dev/null 2>&1 || { printf '\\n%%s none\\n' %s; exit; }; exec perl - %s <<'%s'\n%s%s\n",
		mark, mark, text, listenScript, text)
	if err := p.write(ctx, script); err != nil {
		over()
		return nil, s.explain(err)
	}
	which, said, err := p.out.until(ctx, "\n"+mark+" up\n", "\n"+mark+" none\n")
	switch {
	case err != nil:
		over()
		return nil, fmt.Errorf("%w (the host said %q)", s.explain(err), theirs(said).last(120))
	case which == 1:
		over()
		return nil, fmt.Errorf("%s: listen %s: %w: no perl on the host", s.name, at, ErrNoVantage)
	}
	h := &listenProcess{p: p, ended: make(chan struct{}), listeners: map[string]*hostListener{}}
	go func() {
		defer over()
		h.read(mark)
	}()
	return h, nil
}

// add makes room for one more listener.
func (h *listenProcess) add() *hostListener {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next++
	one := &hostListener{id: strconv.Itoa(h.next), said: make(chan []string, 1), peers: make(chan netip.AddrPort, 64), closed: make(chan struct{})}
	if h.gone {
		close(one.peers)
	} else {
		h.listeners[one.id] = one
	}
	return one
}

// drop takes a listener out: nobody is told of its peers any more.
func (h *listenProcess) drop(one *hostListener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.listeners[one.id] != nil {
		delete(h.listeners, one.id)
		close(one.peers)
	}
}

// closeListener has the host close a listener, and the process end with the last of them. It returns when the port is free, or
// nobody can tell.
func (s *Session) closeListener(h *listenProcess, one *hostListener) {
	ctx, cancel := context.WithTimeout(context.Background(), listenMost)
	defer cancel()
	if h.p.write(ctx, "close "+one.id+"\n") == nil {
		select {
		case <-one.closed:
		case <-h.ended:
		case <-ctx.Done():
		}
	}
	h.drop(one)
	s.listenMu.Lock()
	defer s.listenMu.Unlock()
	if s.listening != h {
		return // it had died, and another has begun
	}
	if s.listens--; s.listens == 0 {
		s.listening = nil
		h.p.end()
	}
}

// read takes what the process says to whom it is for, until it ends. Nobody may be reading of peers: what does not fit is
// dropped.
func (h *listenProcess) read(mark string) {
	lines := bufio.NewScanner(h.p.out)
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), mark+" ")
		f := strings.Fields(rest)
		if !ok || len(f) < 2 {
			continue
		}
		h.mu.Lock()
		h.take(f[0], f[1:])
		h.mu.Unlock()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gone = true
	for _, one := range h.listeners {
		close(one.peers)
	}
	h.listeners = nil
	close(h.ended)
}

func (h *listenProcess) take(id string, f []string) {
	one := h.listeners[id]
	if one == nil {
		return
	}
	switch f[0] {
	case "closed":
		select {
		case <-one.closed:
		default:
			close(one.closed)
		}
	case "peer":
		if peer, ok := parsePeer(f[1:]); ok {
			select {
			case one.peers <- peer:
			default:
			}
		}
	default:
		select {
		case one.said <- f:
		default:
		}
	}
}
