package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

func init() { register("perl", perl) }

// idle is how long listeners stay after the last command, and answered how long a client that does not hang up is kept.
const (
	idle     = 60 * time.Second
	answered = 5 * time.Second
)

// perl knows one program: remote's throw-away listeners. It is told by what it does, and models that.
func perl(c *call) int {
	if len(c.args) == 1 && c.args[0] == "-v" {
		c.out("This is perl 5, version 36, subversion 0 (v5.36.0)\n")
		return 0
	}
	text, _ := io.ReadAll(c.stdin)
	if len(c.args) != 2 || c.args[0] != "-" || !strings.Contains(string(text), "sub listen_") {
		return c.fail(2, "only the listeners of postern are modelled here")
	}
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	l := &listeners{c: c, ctx: ctx, mark: c.args[1], stop: map[string]func(){}}
	defer l.closeAll()
	l.say("up")
	alarm := time.AfterFunc(c.host.w.clock.real(idle), func() { c.proc.kill(syscall.Signal(14)) })
	defer alarm.Stop()
	commands := bufio.NewScanner(c.proc.input(3))
	for commands.Scan() {
		alarm.Reset(c.host.w.clock.real(idle))
		words := strings.Fields(commands.Text())
		switch {
		case len(words) == 5 && words[0] == "listen":
			l.listen(words[1], words[3], words[4])
		case len(words) == 2 && words[0] == "close":
			l.close(words[1])
		}
	}
	return 0
}

// listeners are those of one process.
type listeners struct {
	c    *call
	ctx  context.Context
	mark string

	mu   sync.Mutex
	stop map[string]func()
}

func (l *listeners) say(words ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.c.out("\n%s %s\n", l.mark, strings.TrimSuffix(fmt.Sprintln(words...), "\n"))
}

func (l *listeners) listen(id, addr, port string) {
	a, err1 := netip.ParseAddr(addr)
	n, err2 := strconv.ParseUint(port, 10, 16)
	if errors.Join(err1, err2) != nil {
		l.say(id, "no", 22, "other", "Invalid argument")
		return
	}
	own, stop, err := l.c.host.listen(netip.AddrPortFrom(a, uint16(n)), func(conn net.Conn) { l.greet(id, conn) })
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		l.say(id, "no", 98, "inuse", "Address already in use")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		l.say(id, "no", 99, "notours", "Cannot assign requested address")
	case err != nil:
		l.say(id, "no", 22, "other", err)
	default:
		l.mu.Lock()
		l.stop[id] = stop
		l.mu.Unlock()
		l.say(id, "ready", own.Addr(), own.Port())
	}
}

// greet tells who came, on both sides, and waits a moment for the client to hang up.
func (l *listeners) greet(id string, conn net.Conn) {
	defer conn.Close()
	defer context.AfterFunc(l.ctx, func() { conn.Close() })()
	peer, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return
	}
	l.say(id, "peer", peer.Addr().Unmap(), peer.Port())
	fmt.Fprintf(conn, "postern %s %d\n", peer.Addr().Unmap(), peer.Port())
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
	conn.SetReadDeadline(time.Now().Add(l.c.host.w.clock.real(answered)))
	io.Copy(io.Discard, conn)
}

func (l *listeners) close(id string) {
	l.mu.Lock()
	stop := l.stop[id]
	delete(l.stop, id)
	l.mu.Unlock()
	if stop != nil {
		stop()
	}
	l.say(id, "closed")
}

func (l *listeners) closeAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, stop := range l.stop {
		stop()
	}
}
