package families

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/site"
)

// world is a site whose hosts answered as two healthy ones did on a real day, with a network between them that is
// played. A story breaks one thing in it.
type world struct {
	t         testing.TB
	env       *checks.Env
	mu        sync.Mutex
	listeners map[string]chan netip.AddrPort // by host and address: throw-away listeners that are open
	dials     map[string]int
	listens   int
	most      int                                         // the most listeners that were open at once
	answer    map[string]error                            // by "from>to": what a dial meets, instead of the rules of the network
	strangers string                                      // "from>to" where something in between answers
	seen      netip.Addr                                  // the address that the mail host sees for here; invalid: the true one
	runs      map[string]func(remote.Query) remote.Answer // by host: what a snippet prints
	starting  string                                      // what a host's init is about to start
	settles   time.Time                                   // until when
}

// The queries, by what they ask.
const (
	readSSH    = "ssh"
	readRoot   = "privilege"
	readClock  = "clock"
	readListen = "listeners"
	readUfw    = "ufw"
	readRules  = "rules"
	readSysctl = "sysctl"
	readUnits  = "units wg0"
	readTunnel = "tunnel wg0"
	readKeys   = "keyfiles wg0"
	readDocker = "docker"
	readBoot   = "boot"
	readRoutes = "routing"
	readPublic = "keys wg0"
	tunnelConf = "/etc/wireguard/wg0.conf"
)

// At the lab, here is behind this address.
var (
	hereOutside = netip.MustParseAddr("198.51.100.20")
	errTimeout  = &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
)

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, listeners: map[string]chan netip.AddrPort{}, dials: map[string]int{}, answer: map[string]error{},
		runs: map[string]func(remote.Query) remote.Answer{}}
	s := site.Default()
	now := time.Unix(1795254690, 0)
	proxy, mail := s.Host("proxy"), s.Host("mail")
	proxy.Provider = "ionos"
	proxy.Public4, proxy.Public6 = netip.MustParseAddr("203.0.113.10"), netip.MustParseAddr("2001:db8:113::10")
	mail.Public6 = netip.MustParseAddr("2001:db8:50::2")
	w.env = &checks.Env{Site: s, Now: now, Hosts: map[string]*checks.Vantage{}, Here: &checks.Vantage{Name: checks.Here, Dial: placed{w, checks.Here}}}
	for _, h := range s.Hosts {
		f := remote.Facts{Host: h.Name, At: now, Answers: map[string]remote.Answer{}}
		raw, err := os.ReadFile("testdata/" + h.Name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &f.Answers); err != nil {
			t.Fatal(err)
		}
		w.env.Hosts[h.Name] = &checks.Vantage{Name: h.Name, Facts: f, Dial: placed{w, h.Name},
			Listen: func(_ context.Context, _, at string) (*remote.Listener, error) { return w.listen(h.Name, at) },
			Run:    func(_ context.Context, q remote.Query) (remote.Answer, error) { return w.run(h.Name, q) },
			Alive:  func(context.Context) error { return nil }}
	}
	return w
}

// edit changes one answer of one host, and fails when what it is to change is not there.
func (w *world) edit(host, id, old, new string) {
	w.t.Helper()
	a, ok := w.env.Hosts[host].Facts.Answers[id]
	if !ok || !strings.Contains(a.Out, old) {
		w.t.Fatalf("%s of %s does not hold %q", id, host, old)
	}
	a.Out = strings.ReplaceAll(a.Out, old, new)
	w.env.Hosts[host].Facts.Answers[id] = a
}

func (w *world) say(host, id, out string) {
	w.env.Hosts[host].Facts.Answers[id] = remote.Answer{Out: out}
}

// placed is a dialer in one place of the world.
type placed struct {
	w    *world
	from string
}

func (p placed) DialContext(_ context.Context, _, address string) (net.Conn, error) {
	w := p.w
	to := netip.MustParseAddrPort(address)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dials[p.from+">"+address]++
	if err, ok := w.answer[p.from+">"+address]; ok && err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	if w.strangers == p.from+">"+address {
		return piped("220 somebody\n"), nil
	}
	host, at, open := w.route(p.from, to)
	if _, forced := w.answer[p.from+">"+address]; !open && !forced {
		return nil, errTimeout
	}
	if at.Port() == 22 {
		return piped("SSH-2.0-x\n"), nil
	}
	peers := w.listeners[host+" "+at.String()]
	if peers == nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	src := w.source(p.from, to)
	peers <- src
	return piped(fmt.Sprintf("postern %s %d\n", src.Addr(), src.Port())), nil
}

// route is where a dial arrives, and whether the firewalls let it: those of the two hosts as chapter 2 makes them.
func (w *world) route(from string, to netip.AddrPort) (host string, at netip.AddrPort, open bool) {
	proxy, mail := w.env.Site.Host("proxy"), w.env.Site.Host("mail")
	port := int(to.Port())
	switch to.Addr() {
	case proxy.Public4, proxy.Public6:
		if (port == 465 || port == 587 || port == 993) && to.Addr().Is4() {
			return "mail", netip.AddrPortFrom(w.env.Site.Tunnel.Mail, to.Port()), true
		}
		return "proxy", to, port == 22 || port == 25 || port == 80 || port == 443
	case w.env.Site.Tunnel.Proxy:
		return "proxy", to, from == "mail" && (port == 22 || port == 2526)
	case w.env.Site.Tunnel.Mail:
		return "mail", to, from == "proxy"
	case netip.MustParseAddr("192.168.50.2"):
		return "mail", to, from == checks.Here && port == 22
	}
	return mail.Name, to, false
}

func (w *world) source(from string, to netip.AddrPort) netip.AddrPort {
	addr := w.env.Site.Tunnel.Proxy
	switch {
	case from == "mail":
		addr = w.env.Site.Tunnel.Mail
	case from == checks.Here && w.seen.IsValid() && (to.Port() == 465 || to.Port() == 587 || to.Port() == 993):
		addr = w.seen
	case from == checks.Here:
		addr = hereOutside
	}
	return netip.AddrPortFrom(addr, 40000)
}

func piped(greeting string) net.Conn {
	mine, theirs := net.Pipe()
	go func() { io.WriteString(theirs, greeting); io.Copy(io.Discard, theirs); theirs.Close() }()
	return mine
}

func (w *world) listen(host, at string) (*remote.Listener, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := host + " " + at
	if w.listeners[key] != nil {
		w.t.Errorf("two listeners at once at %s", key)
		return nil, syscall.EADDRINUSE
	}
	if strings.HasPrefix(at, "10.0.0.") && strings.Contains(w.env.Hosts[host].Facts.Answers[readTunnel].Out, "== down") {
		return nil, syscall.EADDRNOTAVAIL
	}
	peers := make(chan netip.AddrPort, 64)
	w.listeners[key] = peers
	w.listens++
	w.most = max(w.most, len(w.listeners))
	return remote.NewListener(peers, func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.listeners[key] == nil {
			w.t.Errorf("listener %s closed twice", key)
		}
		delete(w.listeners, key)
		return nil
	}), nil
}

func (w *world) run(host string, q remote.Query) (remote.Answer, error) {
	if q.ID == "starting" {
		now := ""
		if time.Now().Before(w.settles) {
			now = w.starting
		}
		return remote.Answer{Out: "== units\n" + now + "== end\n"}, nil
	}
	if f := w.runs[host]; f != nil {
		return f(q), nil
	}
	switch what, _, _ := strings.Cut(q.ID, " "); what {
	case "ufw", "tunnel":
		return w.env.Hosts[host].Facts.Answers[q.ID], nil
	case "ping":
		return carried(q, 1420), nil
	case "peers":
		return remote.Answer{Out: "== peers\n== end\n"}, nil
	}
	return remote.Answer{}, errors.New("nobody plays this script")
}

// ask runs one check and gives its results by key.
func (w *world) ask(id string) map[string]checks.Result {
	w.t.Helper()
	c, ok := checks.Find(id)
	if !ok {
		w.t.Fatalf("no check %q", id)
	}
	results := map[string]checks.Result{}
	for _, r := range checks.Run(context.Background(), []checks.Check{c}, w.env, nil) {
		if _, dup := results[r.Key()]; dup {
			w.t.Errorf("two results with the key %s", r.Key())
		}
		results[r.Key()] = r
	}
	return results
}
