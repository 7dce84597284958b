package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// The addresses that the simulated hosts and the operator have.
const (
	ProxyAddress   = "203.0.113.10"   // of the proxy, as everybody reaches it
	MailAddress    = "192.168.50.2"   // of the mail server, on the home LAN
	HomeAddress    = "198.51.100.7"   // what the world sees of everybody at home
	HereAddress    = "192.168.50.10"  // of the operator, on the home LAN
	OutsideAddress = "198.51.100.200" // of somebody elsewhere
)

// Options are what a World needs from outside.
type Options struct {
	Faults []string         // what goes wrong; see Faults
	Now    func() time.Time // nil: time.Now
	Speed  float64          // how many times faster the hosts' sleeps and timers go by; 0 means 1
	Rand   func([]byte)     // nil: crypto/rand
}

// World is the two hosts, who operates them, and the network between them all.
type World struct {
	Proxy, Mail *Host

	clock  *clock
	rand   func([]byte)
	faults map[string]bool
	net    network
	ctx    context.Context // ends with Close
	end    context.CancelFunc
	work   sync.WaitGroup // every goroutine of the world
}

// faults are the names that Options.Faults takes, each with what it does: fault adds one.
var faults = map[string]string{}

// fault makes a fault known: to be called at start-up, by the file that shows it.
func fault(name, does string) {
	if faults[name] != "" {
		panic("demo: two faults are called " + name)
	}
	faults[name] = does
}

// Faults are the names that Options.Faults takes, each with one line that says what it does.
func Faults() map[string]string {
	out := map[string]string{}
	for k, v := range faults {
		out[k] = v
	}
	return out
}

// New makes both hosts as a hoster and an installer leave them: sshd runs, nothing else is set up. Close it.
func New(o Options) (*World, error) {
	if o.Rand == nil {
		o.Rand = func(b []byte) { rand.Read(b) }
	}
	w := &World{clock: newClock(o.Now, o.Speed), rand: o.Rand, faults: map[string]bool{}}
	for _, f := range o.Faults {
		if faults[f] == "" {
			var names []string
			for name := range faults {
				names = append(names, name)
			}
			slices.Sort(names)
			return nil, fmt.Errorf("demo: %q is not a fault (%s)", f, strings.Join(names, ", "))
		}
		w.faults[f] = true
	}
	w.ctx, w.end = context.WithCancel(context.Background())
	w.Proxy = newHost(w, "proxy")
	w.Mail = newHost(w, "mail")
	for _, h := range w.hosts() {
		h.boot()
	}
	return w, nil
}

// hosts are both hosts.
func (w *World) hosts() []*Host { return []*Host{w.Proxy, w.Mail} }

// faulty tells whether a fault was asked for.
func (w *World) faulty(name string) bool { return w.faults[name] }

// spawn runs f beside everything else; Close waits for it. f must end with w.ctx.
func (w *World) spawn(f func()) {
	w.work.Add(1)
	go func() {
		defer w.work.Done()
		f()
	}()
}

// Close ends everything that runs in the world, and waits for it.
func (w *World) Close() {
	w.end()
	for _, h := range w.hosts() {
		h.halt()
	}
	w.work.Wait()
}

// Dialer opens connections as the operator's machine would, in the simulated network only: it stands on the home LAN.
func (w *World) Dialer() *Dialer { return &Dialer{w} }

// Dialer dials in the simulated network; it is a remote.Dialer.
type Dialer struct{ w *World }

// DialContext connects to address:port, or fails as the simulated network does: with syscall.ECONNREFUSED, EHOSTUNREACH,
// ENETUNREACH, a net.DNSError, or only at ctx's end.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d.w.dialFrom(ctx, nil, network, address)
}
