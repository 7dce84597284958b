//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"postern/checks"
	"postern/demo"
	"postern/remote"
	engine "postern/run"
	"postern/site"
	"postern/steps"
)

// world is a pair of hosts that the engine works on: real ones in the lab, or simulated ones.
type world struct {
	t       *testing.T
	site    *site.Site
	connect func(context.Context, remote.Target) (engine.Login, error)
	here    remote.Dialer
	trusts  *x509.CertPool
	clock   func() time.Time
	changes []string // what was approved, by host and ID
	told    []string // what the engine said of the hosts that mattered
}

func newWorld(t *testing.T, connect func(context.Context, remote.Target) (engine.Login, error), here remote.Dialer, trusts *x509.CertPool, clock func() time.Time) *world {
	s := site.Default()
	s.Domain, s.Hostname, s.Mail.Kind = "example.org", "mail.example.org", "plain" // what Mailcow needs cannot be fetched in either
	for _, h := range s.Hosts {
		h.SSH = map[string]string{"proxy": "root@203.0.113.10", "mail": "root@192.168.50.2"}[h.Name]
	}
	return &world{t: t, site: s, connect: connect, here: here, trusts: trusts, clock: clock}
}

// do makes one run of the program's engine.
func (w *world) do(verb func(context.Context, *engine.Runner) error) error {
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Minute)
	defer cancel()
	w.told = nil
	r := &engine.Runner{
		Site: w.site, Connect: w.connect, Here: w.here, Trusts: w.trusts, Clock: w.clock, Operator: "ann@laptop", Deadline: 5 * time.Minute,
		NewID: func() string {
			var b [6]byte
			_, _ = rand.Read(b[:])
			return "c" + hex.EncodeToString(b[:])
		},
		Emit: func(e steps.Event) {
			if e.Kind == "warn" {
				w.told = append(w.told, e.Host+": "+e.Text)
			}
		},
		Approve: func(_ context.Context, p *engine.Proposal) (bool, error) {
			for _, part := range p.Parts(p.Inert) {
				for _, c := range part.Changes {
					w.changes = append(w.changes, part.Host+" "+c.ID+" "+c.Path)
				}
			}
			return true, nil
		},
		Saved: func(s *site.Site) error { w.site = s; return nil },
	}
	defer r.Close()
	return verb(ctx, r)
}

// on runs something with a login to a host.
func (w *world) on(host string, do func(context.Context, engine.Login)) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	l, err := w.connect(ctx, remote.Target{Name: host, SSH: w.site.Host(host).SSH})
	if err != nil {
		w.t.Fatal(err)
	}
	defer l.Close()
	do(ctx, l)
}

// outcomes are the results of all checks, without what they saw.
func (w *world) outcomes() (all []string) {
	w.t.Helper()
	err := w.do(func(ctx context.Context, r *engine.Runner) error {
		results, err := r.Check(ctx, nil)
		for _, one := range results {
			if one.ID != "firewall.closed.mail.v6" { // of bare hosts: the lab's router at home lets IPv6 in, the demo's does not
				all = append(all, fmt.Sprintf("%s from %s: %s", one.ID, one.From, one.Outcome))
			}
			if one.Outcome != checks.OK && one.Outcome != checks.Skip {
				w.t.Logf("%s from %s: %s: %s; %s", one.ID, one.From, one.Outcome, one.Saw, one.Likely)
			}
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// kept is what a host keeps of the program: what was before the first of each change.
func (w *world) kept(host string) (text string) {
	w.on(host, func(ctx context.Context, l engine.Login) {
		records, err := l.Recorded(ctx)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, r := range records {
			text += fmt.Sprintf("%s %s %s, was there %t, inert %t, touched %t\n", r.Step, r.ID, r.Path, r.Original != nil, r.Inert, r.Touched)
		}
	})
	return text
}

// abandon begins a change and goes away; the host must take it back by itself. It tells what the next run says of that.
func (w *world) abandon(host string) (ended []string) {
	w.t.Helper()
	w.on(host, func(ctx context.Context, l engine.Login) {
		if err := l.Begin(ctx, remote.Transaction{ID: "abandoned", Operator: "ann@laptop", Deadline: 10 * time.Second, Changes: []remote.Change{
			{ID: "probe", Step: "probe", Title: "a file", Path: "/etc/probe", New: &remote.File{Text: "x\n", Mode: 0o644, Owner: "root:root"}}}}, nil); err != nil {
			w.t.Fatal(err)
		}
	})
	open := func() bool {
		if err := w.do(func(ctx context.Context, r *engine.Runner) error { _, err := r.Propose(ctx, nil); return err }); err != nil {
			w.t.Fatal(err)
		}
		return slices.ContainsFunc(w.told, func(line string) bool { return strings.Contains(line, "a change is open on it") })
	}
	if !open() {
		w.t.Errorf("%s: nobody sees the open change", host)
	}
	if err := poll(w.t.Context(), 40*time.Second, func() bool { return !open() }); err != nil {
		w.t.Fatalf("%s: the change is not taken back: %v", host, err)
	}
	open() // how it ended is told a moment after it is not open any more
	w.on(host, func(ctx context.Context, l engine.Login) {
		facts, err := l.Facts(ctx, []remote.Query{remote.ReadFile("/etc/probe")})
		if file, known := facts.File("/etc/probe"); err != nil || !known || file != nil {
			w.t.Errorf("%s: the file is still there: %v %v", host, file, err)
		}
	})
	return w.told
}

// TestDemoContract runs the same on hosts of the lab and on simulated ones, from bare to set up and back, and wants the same
// facts, changes, results, records and endings. The lab is right.
func TestDemoContract(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{Suite: "trixie"})
	if err := l.Trust(); err != nil {
		t.Fatal(err)
	}
	d, err := demo.New(demo.Options{NoMail: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	yes := func(context.Context, remote.Prompt) (string, error) { return "yes", nil }
	laptop := from{l, "laptop"}
	real := newWorld(t, engine.SSH(remote.Options{Home: l.dir("laptop", "home"), User: "root", Dial: laptop, Ask: yes}), laptop, l.roots(t), time.Now)
	simulated := newWorld(t, d.Connect(yes), d.Dialer(), d.Roots(), d.Now)

	same := func(what string, lab, demo []string) {
		t.Helper()
		if !slices.Equal(lab, demo) {
			t.Errorf("%s\n%s", what, differences(strings.Join(lab, "\n"), strings.Join(demo, "\n")))
		}
	}
	alike := func(state string) {
		t.Helper()
		for _, host := range []string{"proxy", "mail"} {
			a, b := real.facts(host), simulated.facts(host)
			for _, fact := range slices.Sorted(maps.Keys(a)) {
				same(state+": "+host+": what is seen of its "+fact+" differs", strings.Split(a[fact], "\n"), strings.Split(b[fact], "\n"))
			}
			same(state+": "+host+": what is kept differs", strings.Split(real.kept(host), "\n"), strings.Split(simulated.kept(host), "\n"))
		}
	}
	each := func(do func(context.Context, *engine.Runner) error) {
		t.Helper()
		for _, w := range []*world{real, simulated} {
			if err := w.do(do); err != nil {
				t.Fatal(err)
			}
		}
	}
	d.Publish(published(t, l)) // the same in both
	alike("bare")
	same("the checks of bare hosts say", real.outcomes(), simulated.outcomes())
	each(func(ctx context.Context, r *engine.Runner) error { _, err := r.Apply(ctx, nil); return err })
	same("the changes were", real.changes, simulated.changes)
	alike("set up")
	same("the checks say", real.outcomes(), simulated.outcomes())
	same("a client meets", real.ways(), simulated.ways())
	same("a change that nobody confirms", real.abandon("proxy"), simulated.abandon("proxy"))
	each(func(ctx context.Context, r *engine.Runner) error { _, err := r.Undo(ctx, nil); return err })
	alike("undone")
}

// ways is what a client meets at each address, and as whom the listener on the mail host sees it.
func (w *world) ways() (all []string) {
	w.t.Helper()
	w.on("mail", func(ctx context.Context, mail engine.Login) {
		ear, err := mail.Listen(ctx, "tcp", "10.0.0.2:993")
		if err != nil {
			w.t.Fatal(err)
		}
		defer ear.Close()
		for _, to := range []string{
			"203.0.113.10:993", "203.0.113.10:80", "203.0.113.10:81", "[2001:db8:113::10]:80", "[2001:db8:113::10]:81",
			"192.168.50.2:22", "192.168.50.2:993", "192.168.50.99:22",
		} {
			all = append(all, to+": "+w.meets(ctx, w.here, to))
		}
		w.on("proxy", func(ctx context.Context, proxy engine.Login) {
			for _, to := range []string{"10.0.0.2:22", "10.0.0.2:993", "10.0.0.2:994", "10.0.0.9:22", "10.0.0.1:993", "203.0.113.10:22"} {
				all = append(all, "from the proxy "+to+": "+w.meets(ctx, proxy, to))
			}
		})
		for range len(ear.Peers) {
			peer := (<-ear.Peers).Addr().Unmap()
			all = append(all, fmt.Sprintf("the listener saw the proxy %t, the internet %t", peer == netip.MustParseAddr("10.0.0.1"), !peer.IsPrivate()))
		}
	})
	return all
}

// meets dials, and tells in a word what came of it.
func (w *world) meets(ctx context.Context, from remote.Dialer, to string) string {
	short, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := from.DialContext(short, "tcp", to)
	var timeout net.Error
	switch {
	case err == nil:
		c.Close()
		return "open"
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET):
		return "refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EACCES):
		return "unreachable"
	case short.Err() != nil || errors.As(err, &timeout) && timeout.Timeout():
		return "silent"
	}
	return err.Error()
}

var blanks = regexp.MustCompile(`[ \t]+`)

// differences are the lines that only one of two texts has.
func differences(lab, demo string) string {
	var b strings.Builder
	a, c := strings.Split(lab, "\n"), strings.Split(demo, "\n")
	for _, line := range a {
		if !slices.Contains(c, line) {
			fmt.Fprintf(&b, "  lab:  %s\n", blanks.ReplaceAllString(line, " "))
		}
	}
	for _, line := range c {
		if !slices.Contains(a, line) {
			fmt.Fprintf(&b, "  demo: %s\n", blanks.ReplaceAllString(line, " "))
		}
	}
	if b.Len() == 0 {
		return fmt.Sprintf("  the same lines in another order: the lab's\n%s\nthe demo's\n%s", lab, demo)
	}
	return b.String()
}
