//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// killDeadline is the guard's in the kill matrix: more than the 20 s in which a tunnel that was moved settles. On a busy machine a
// run may not be proven within it, and then ends OLD.
const killDeadline = 30 * time.Second

// shape is a change of the answers and the hosts it shows on. The matrix goes there and back, so that every run starts
// from hosts that are set up.
type shape struct {
	name  string
	set   []string // none: of hosts on which nothing of ours is
	hosts []string
	mail  string // the path that it has at first, where there is a mail server
}

var shapes = append([]shape{
	{name: "both hosts", set: []string{"ports.imaps=1993", "tunnel.port=51999"}, hosts: []string{"mail", "proxy"}},
	{name: "mail alone", set: []string{"host.mail.ssh_from=192.168.50.0/24"}, hosts: []string{"mail"}},
	{name: "through the proxy", set: []string{"ports.imaps=1993", "host.mail.jump=proxy", "host.mail.ssh=root@10.0.0.2"}, hosts: []string{"mail", "proxy"}},
	{name: "proxy alone", set: []string{"host.proxy.ssh_from=198.51.100.0/26,2001:db8:50::/64"}, hosts: []string{"proxy"}},
	{name: "from bare hosts, and undone", hosts: []string{"mail", "proxy"}},
}, mailShapes...)

// way is what leads to the shape, or to its absence.
func (a *arena) way(there bool) []string {
	switch {
	case len(a.shape.set) > 0:
		return append(a.answers(there), "apply", "--yes")
	case there:
		return []string{"apply", "--yes"}
	case a.shape.mail != "":
		return []string{"undo", "caddy", "haraka", "--yes"}
	}
	return []string{"undo", "--all", "--yes"}
}

// killCase is one thing that happens at one point of a run, to some hosts.
type killCase struct {
	blow, at string
	on       []string
}

func (c killCase) String() string {
	return fmt.Sprintf("%s %s %s", c.blow, c.at, strings.Join(c.on, "+"))
}

// arena is a lab on which one shape goes to and fro.
type arena struct {
	l      *Lab
	site   string
	shape  shape
	there  bool                       // the shape is in place
	prints map[bool]map[string]string // of each host, with the shape and without
	half   map[string]string          // and where one of two chapters is there, each a change of its own; nil where there is one
}

// row is how one case ended.
type row struct {
	shape, blow, where string
	ends               map[string]string // OLD, NEW, HALF or NEITHER by host
	code               int               // of the program; -1 when it was killed
	ssh                time.Duration     // until one could log in to every host
}

// TestKillHosts is the kill matrix on real hosts, through the real program.
func TestKillHosts(t *testing.T) {
	t.Parallel()
	needLab(t)
	var (
		mu   sync.Mutex
		rows []row
	)
	t.Run("matrix", func(t *testing.T) {
		for _, s := range shapes {
			for _, some := range killShares(killCases(s)) {
				t.Run(s.name, func(t *testing.T) {
					t.Parallel()
					a := newArena(t, s)
					for _, c := range some {
						t.Run(c.String(), func(t *testing.T) {
							r := a.strike(t, c)
							mu.Lock()
							defer mu.Unlock()
							rows = append(rows, r)
						})
					}
				})
			}
		}
	})
	t.Log(killTable(rows))
}

// killShares are the cases for each lab of a shape. Most of a case is waiting, so many of them go side by side.
func killShares(cases []killCase) [][]killCase { return slices.Collect(slices.Chunk(cases, 16)) }

// killCases are the cases of a shape: a few that differ most, or all.
func killCases(s shape) []killCase {
	if s.mail != "" {
		return mailCases(s)
	}
	if !torture() {
		return map[string][]killCase{
			"both hosts": {
				{"client killed", "between", []string{"proxy"}},
				{"link cut", "confirm", []string{"proxy"}},
				{"power cut", "applied", []string{"mail"}},
			},
			"mail alone": {
				{"client killed", "applying", []string{"mail"}},
				{"disk filled", "armed", []string{"mail"}},
				{"reboot", "persist", []string{"mail"}},
				{"both watchdogs killed", "proving", []string{"mail"}},
			},
		}[s.name]
	}
	var all []killCase
	for i, p := range points {
		bare := len(s.set) == 0
		if p.name == "between" && len(s.hosts) == 1 || s.name == "through the proxy" && i%3 != 0 || bare && i%3 != 2 {
			continue
		}
		for _, blow := range killKinds {
			if !bare && killLong[blow] && i%3 != 1 {
				continue
			}
			for _, host := range s.hosts {
				all = append(all, killCase{blow, p.name, []string{host}})
			}
			if len(s.hosts) > 1 && i%3 == 2 && (blow == "link cut" || blow == "power cut" || blow == "disk filled") {
				all = append(all, killCase{blow, p.name, s.hosts})
			}
		}
	}
	return all
}

// killKinds are the blows of the matrix.
var killKinds = []string{"client killed", "client stopped", "link cut", "sshd frozen", "slow, and client killed", "reboot", "power cut",
	"one watchdog killed", "both watchdogs killed", "disk filled"}

// killLong are those that last longer than the guard, and so are struck at fewer points.
var killLong = map[string]bool{"client stopped": true, "sshd frozen": true, "slow, and client killed": true}

// newArena sets two hosts up and takes the prints of a shape and of its absence from runs that nothing happens to.
func newArena(t *testing.T, s shape) *arena {
	t.Helper()
	var o *operator
	if s.mail != "" {
		o = newMailed(t, s.mail, Options{Suite: "trixie", Mail: "plain"}).operator
	} else {
		o = newOperator(t, newLab(t, Options{}), nil)
	}
	l := o.l
	o.run(0, "apply", "--yes")
	if s.name == "through the proxy" {
		key, err := l.Fingerprint(t.Context(), "mail")
		if err != nil {
			t.Fatal(err)
		}
		s.set = append(slices.Clone(s.set), "host.mail.fingerprint="+key)
	}
	a := &arena{l: l, site: o.site, shape: s, prints: map[bool]map[string]string{}}
	ways := []bool{true, false}
	if s.mail != "" {
		ways = append(ways, ways...) // the host remembers of the way back, too, what was before us
	}
	for _, there := range ways {
		a.there = !there
		a.apply(o)
		a.prints[there] = a.printed(t)
	}
	if s.mail == "haraka" && len(s.set) == 0 {
		a.apply(o)
		o.run(0, "undo", "caddy", "--yes")
		a.half = a.printed(t)
		a.apply(o)
	}
	for _, host := range s.hosts {
		if a.prints[true][host] == a.prints[false][host] {
			t.Fatalf("%s: %v shows nowhere", host, s.set)
		}
	}
	return a
}

// printed are the prints of both hosts.
func (a *arena) printed(t *testing.T) map[string]string {
	all := map[string]string{}
	for _, host := range []string{"mail", "proxy"} {
		all[host] = a.print(t, host)
	}
	return all
}

// answers are the flags that ask for the shape, or for its absence.
func (a *arena) answers(there bool) []string {
	var flags []string
	for _, one := range a.shape.set {
		if there {
			flags = append(flags, "--set", one)
		}
	}
	return flags
}

// apply goes to the other state with nobody interfering, and gives what the program printed.
func (a *arena) apply(o *operator) string {
	o.t.Helper()
	out := o.run(0, a.way(!a.there)...)
	a.there = !a.there
	return out
}

// strike begins a run to the other state, lets the case happen, and wants that the hosts end as they were or as they
// should be, fit each other, can be logged in to, are free, and take the next run.
func (a *arena) strike(t *testing.T, c killCase) row {
	o := &operator{t: t, l: a.l, node: "laptop", site: a.site}
	a.ready(t, o)
	r := row{shape: a.shape.name, blow: c.blow, code: -1}
	arrived := a.flows(t)
	f := fly(o, append([]string{"--json", "--events", "--deadline", a.deadline().String()}, a.way(!a.there)...)...)
	var on bool
	if r.where, on = f.stopAt(pointNamed(t, c.at), c.on[0]); !on {
		t.Fatalf("the run ended before %s:\n%s", c.at, f.told())
	}
	start := time.Now()
	var mend []func() error
	for _, host := range c.on {
		undo, err := blows[c.blow](f, host)
		if err != nil {
			t.Fatal(err)
		}
		if undo != nil {
			mend = append(mend, undo)
		}
	}
	f.goOn()
	login := a.logins(t, start)
	a.mend(t, f, c, mend)
	select {
	case <-f.ended:
	case <-time.After(10 * time.Minute):
		_ = f.cmd.Process.Kill()
		t.Errorf("the program does not end:\n%s", f.told())
	}
	if !strings.HasSuffix(c.blow, "client killed") {
		r.code = f.cmd.ProcessState.ExitCode()
	}
	a.settled(t, f)
	r.ssh = <-login
	a.judge(t, &r, f)
	a.goOn(t, o, &r)
	arrived()
	t.Logf("%s: ends %v, exit %d, ssh after %s", r.where, r.ends, r.code, r.ssh.Round(100*time.Millisecond))
	return r
}

// ready brings the hosts to a known state when the case before left them in another.
func (a *arena) ready(t *testing.T, o *operator) {
	t.Helper()
	a.emptied(t)
	for _, host := range []string{"mail", "proxy"} {
		if a.print(t, host) == a.prints[a.there][host] {
			continue
		}
		if _, code := o.try(a.way(a.there)...); code != 0 {
			o.run(0, a.way(!a.there)...) // a host has those, and a newer revision
			o.run(0, a.way(a.there)...)
		}
	}
	for _, host := range []string{"mail", "proxy"} {
		if now := a.print(t, host); now != a.prints[a.there][host] {
			t.Fatalf("%s is not as it was before this case:\n%s", host, apart(now, a.prints[a.there][host]))
		}
	}
}

// mend ends what the case did: a boot when it is over, a cut after the deadline, a full disk when the hosts have settled.
func (a *arena) mend(t *testing.T, f *flight, c killCase, mend []func() error) {
	t.Helper()
	switch c.blow {
	case "link cut", "sshd frozen", "slow, and client killed":
		time.Sleep(a.deadline() + 5*time.Second)
	case "disk filled":
		<-f.ended
		if !strings.Contains(f.open(c.on[0]), " CONFIRMED.") { // what is kept needs room to be recorded; nothing else does
			a.settled(t, f)
		}
	}
	for _, m := range mend {
		if err := m(); err != nil {
			t.Error(err)
		}
	}
}
