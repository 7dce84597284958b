package demo

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// Options are what a World needs from outside.
type Options struct {
	Faults []string     // what goes wrong; see Faults
	Speed  float64      // how many times faster than ours the hosts' time passes; 0 means 1
	Rand   func([]byte) // nil: crypto/rand
	Jails  bool         // one FreeBSD host with jails, in the place of the two
	NoMail bool         // no mail server runs on the mail host yet
	System string       // of the proxy: freebsd, or Debian
}

// World is the two hosts, who operates them, and the network between them all.
type World struct {
	Proxy, Mail *Host

	noMail bool
	speed  float64
	began  time.Time
	rand   func([]byte)
	faults map[string]bool // those asked for
	ctx    context.Context // ends with Close
	end    context.CancelFunc
	work   sync.WaitGroup // every goroutine of the world

	asking sync.Mutex        // one login at a time asks the operator
	known  map[string]string // what they said by then: host keys by address, and the password

	mu        sync.Mutex      // of everything that runs on the hosts, and of what follows
	darkUntil time.Time       // the link to the proxy is lost
	asked     time.Time       // anything of a host, last
	stopped   time.Time       // when somebody stopped the mail host's tunnel
	struck    map[string]bool // faults that have shown themselves
	records   []dns.RR        // what the DNS tells
	met       map[*way]bool   // who is connected
	mailed    int             // how many messages went their way

	papersMu sync.Mutex
	papers   map[string]*tls.Certificate // what the authority issued, by name
}

// New makes both hosts as a hoster and an installer leave them: sshd runs, nothing else is set up. Close it.
func New(o Options) (*World, error) {
	w := &World{noMail: o.NoMail, speed: o.Speed, began: time.Now(), rand: o.Rand, faults: map[string]bool{}, known: map[string]string{}, struck: map[string]bool{}, met: map[*way]bool{}, papers: map[string]*tls.Certificate{}}
	if w.speed <= 0 {
		w.speed = 1
	}
	if w.rand == nil {
		w.rand = func(b []byte) { rand.Read(b) }
	}
	for _, f := range o.Faults {
		if faults[f] == "" {
			return nil, fmt.Errorf("demo: %q is not a fault (%s)", f, strings.Join(slices.Sorted(maps.Keys(faults)), ", "))
		}
		w.faults[f] = true
	}
	w.ctx, w.end = context.WithCancel(context.Background())
	w.Proxy = w.host("proxy", proxy4, proxy6, "fe80::9f:b0ff:fe08:4e77")
	if o.System == "freebsd" {
		w.Proxy.becomeBSD("15.0-RELEASE-p1", "vtnet0")
	}
	w.Mail = w.host("mail", mail4, mail6, "fe80::90:cfff:fe8d:408b")
	if o.Jails {
		w.jailHost()
	}
	return w, nil
}

func (w *World) hosts() []*Host {
	if w.jails() {
		return []*Host{w.Proxy}
	}
	return []*Host{w.Proxy, w.Mail}
}

// spawn runs f beside everything else; Close waits for it. f must end with w.ctx.
func (w *World) spawn(f func()) { w.work.Go(f) }

// Now is the hosts' time.
func (w *World) Now() time.Time {
	return w.began.Add(time.Duration(float64(time.Since(w.began)) * w.speed))
}

// real is how much of our time some of the hosts' takes.
func (w *World) real(d time.Duration) time.Duration { return time.Duration(float64(d) / w.speed) }

// wait lets the hosts' time pass; false when ctx, or the world, ended first.
func (w *World) wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(w.real(d))
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
	case <-w.ctx.Done():
	}
	return false
}

// Close ends everything that runs in the world, and waits for it.
func (w *World) Close() {
	w.end()
	w.work.Wait()
}

// Dialer opens connections as the operator's machine would, in the simulated network only: it stands on the home LAN.
func (w *World) Dialer() *Dialer { return &Dialer{w, nil} }

// Dialer dials in the simulated network; it is a remote.Dialer.
type Dialer struct {
	w    *World
	from *Host // nil: the operator's machine
}

// DialContext connects to address:port, or fails as the simulated network does: with syscall.ECONNREFUSED, EHOSTUNREACH,
// ENETUNREACH, a net.DNSError, or only at ctx's end.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d.w.dial(ctx, d.from, network, address)
}
