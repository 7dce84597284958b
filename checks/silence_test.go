package checks

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"postern/remote"
	"postern/site"
)

// twoHosts are a proxy and a mail host behind NAT that were looked at, and nobody who dials.
func twoHosts() *Env {
	s := site.Default()
	s.Host("proxy").Public4, s.Host("proxy").Public6 = netip.MustParseAddr("203.0.113.10"), netip.MustParseAddr("2001:db8:113::10")
	env := &Env{Site: s, Here: &Vantage{Name: Here}, Hosts: map[string]*Vantage{}}
	for name, at := range map[string][2]string{"proxy": {"203.0.113.10/24", "198.51.100.20 4000 203.0.113.10 22"}, "mail": {"192.168.50.2/24", "192.168.50.10 4000 192.168.50.2 22"}} {
		answers := map[string]remote.Answer{}
		for id, text := range map[string]string{"ssh": "== connection\n" + at[1] + "\n", "listeners": "== sockets\n",
			"addresses": "== addresses\n2: eth0 inet " + at[0] + " scope global\n2: eth0 inet6 2001:db8:50::2/64 scope global\n3: wg0 inet 10.0.0.2/24 scope global\n== routes4\ndefault dev eth0\n"} {
			if name == "proxy" {
				text = strings.NewReplacer("2001:db8:50::2", "2001:db8:113::10", "10.0.0.2", "10.0.0.1").Replace(text)
			}
			answers[id] = remote.Answer{Out: text + "== end\n"}
		}
		env.Hosts[name] = &Vantage{Name: name, Facts: remote.Facts{Answers: answers}}
	}
	return env
}

// How far an address is from a place tell the logins that stand, both of them from host to host; through the tunnel only what
// answers there. Nobody is asked twice.
func TestHowFar(t *testing.T) {
	for _, c := range []struct {
		from, to string
		way      time.Duration
		known    bool
	}{
		{Here, "203.0.113.10:110", 100 * time.Millisecond, true},
		{Here, "[2001:db8:113::10]:110", 100 * time.Millisecond, true},
		{Here, "192.168.50.2:110", 30 * time.Millisecond, true},
		{"proxy", "192.168.50.2:110", 130 * time.Millisecond, true},
		{"mail", "203.0.113.10:110", 130 * time.Millisecond, true},
		{"proxy", "203.0.113.10:110", 100 * time.Millisecond, true},
		{"proxy", "10.0.0.2:110", 0, true}, // refused at once
		{"mail", "10.0.0.1:110", 0, false}, // sshd is silent there
		{"proxy", "10.0.0.2:22", 0, false}, // it is what else would tell
		{Here, "198.51.100.99:110", 0, false},
		{"proxy", "198.51.100.99:110", 0, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			env := twoHosts()
			env.Clock = time.Now
			env.asked.begin(t.Context())
			var asked [2]atomic.Int32
			for i, takes := range []time.Duration{100 * time.Millisecond, 30 * time.Millisecond} {
				v := env.Hosts[[]string{"proxy", "mail"}[i]]
				v.Dial = silent{"10.0.0.1:22", 0, new(atomic.Int32)}
				v.Alive = func(context.Context) error { asked[i].Add(1); time.Sleep(takes); return nil }
			}
			from := env.Here
			if c.from != Here {
				from = env.Hosts[c.from]
			}
			for range 2 {
				if way, known := env.there(t.Context(), from, netip.MustParseAddrPort(c.to)); known != c.known || known && way != c.way {
					t.Errorf("from %s to %s: %s, %t, want %s, %t", c.from, c.to, way, known, c.way, c.known)
				}
			}
			if asked[0].Load() > 1 || asked[1].Load() > 1 {
				t.Errorf("from %s to %s: %d and %d signs of life", c.from, c.to, asked[0].Load(), asked[1].Load())
			}
		})
	}
	env := twoHosts()
	env.Hosts["mail"].Alive = func(context.Context) error { return remote.ErrLost }
	env.asked.begin(t.Context())
	if _, known := env.there(t.Context(), env.Here, netip.MustParseAddrPort("192.168.50.2:110")); known {
		t.Error("a host that was lost tells how far it is")
	}
}

// silent says nothing at one address until it was asked often enough, and refuses at every other.
type silent struct {
	mute  string
	until int32 // the dial that is answered; 0: none
	asked *atomic.Int32
}

func (d silent) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	if address == d.mute && d.asked.Add(1) != d.until {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

// A port whose answer was lost is asked again: only the third silence closes it. Where nothing tells how far it is it is asked
// once, and waited for as long as the kernel needs to ask again. Each time it may take four times as long as the way.
func TestSilenceIsAskedAgain(t *testing.T) {
	const known, lonely = "203.0.113.10:110", "198.51.100.99:110"
	for _, c := range []struct {
		to          string
		way         time.Duration
		until       int32
		asked       int32
		want        Answer
		least, most time.Duration
	}{
		{known, 0, 1, 1, Refused, 0, 0},
		{known, 0, 2, 2, Refused, 150 * time.Millisecond, time.Second},
		{known, 0, 3, 3, Refused, 300 * time.Millisecond, time.Second},
		{known, 0, 0, 3, Dropped, 450 * time.Millisecond, time.Second},
		{known, 200 * time.Millisecond, 0, 3, Dropped, 2400 * time.Millisecond, 3 * time.Second},
		{known, time.Second, 0, 3, Dropped, 3 * time.Second, 5 * time.Second},
		{lonely, 0, 0, 1, Dropped, dialTimeout, 4 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			env := twoHosts()
			env.Clock = time.Now
			var asked atomic.Int32
			env.Here.Dial = silent{c.to, c.until, &asked}
			env.Hosts["proxy"].Alive = func(context.Context) error { time.Sleep(c.way); return nil }
			env.asked.begin(t.Context())
			r := env.dialSilence(t.Context(), env.Here, netip.MustParseAddrPort(c.to))
			if n := asked.Load(); r.Answer != c.want || n != c.asked {
				t.Errorf("%s, answering dial %d: %s after %d, want %s after %d", c.to, c.until, r.Said(), n, c.want, c.asked)
			}
			if r.Took < c.least || r.Took > c.most {
				t.Errorf("%s, answering dial %d over a way of %s, took %s", c.to, c.until, c.way, r.Took)
			}
		})
	}
}

// slow is a host whose sshd says late, after whoever asked has waited long enough, that it may not dial.
type slow struct{}

func (slow) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	time.Sleep(time.Second)
	return nil, remote.ErrNoVantage
}

// Where nothing comes back because the host was too slow to dial, nothing is known of the port: that is no silence.
func TestSlowHostIsNoSilence(t *testing.T) {
	enough := make(chan struct{})
	close(enough)
	for _, is := range []<-chan struct{}{nil, enough} {
		synctest.Test(t, func(t *testing.T) {
			_, r := dial(t.Context(), &Vantage{Name: "proxy", Dial: slow{}}, netip.MustParseAddrPort("192.0.2.1:25"), hastyTimeout, is, time.Now)
			if r.Answer != NoPlace {
				t.Errorf("%s", r.Said())
			}
		})
	}
}

// What a host would ask itself tells nothing of what strangers meet, and is no fault of the port.
func TestBlind(t *testing.T) {
	for name, c := range map[string]struct {
		to, path, clients, as string
		blind                 bool
	}{
		"a stranger":                  {to: "203.0.113.10:25", path: "direct"},
		"NAT changes the address":     {to: "203.0.113.10:993", as: "mail"},
		"its own, over IPv6":          {to: "[2001:db8:113::10]:993", as: "mail", blind: true},
		"the proxy's in place of it":  {to: "[2001:db8:113::10]:993", as: "mail", clients: "masquerade"},
		"what the proxy itself takes": {to: "[2001:db8:113::10]:443", as: "mail"},
		"mail that Haraka takes":      {to: "203.0.113.10:25", as: "mail"},
		"mail that leaves inside":     {to: "203.0.113.10:25", as: "mail", path: "direct", blind: true},
		"the proxy":                   {to: "203.0.113.10:25", as: "proxy", path: "direct"},
	} {
		e := twoHosts()
		e.Site.Mail.Path, e.Site.Clients.Addresses = cmp.Or(c.path, "haraka"), cmp.Or(c.clients, "preserve")
		e.HereIs = c.as
		v := e.Hosts["mail"]
		a := v.Facts.Answers["addresses"]
		a.Out = strings.Replace(a.Out, "== end\n", "== routes6\ndefault dev eth0\n== end\n", 1)
		v.Facts.Answers["addresses"] = a
		if why := e.Blind(e.Here, netip.MustParseAddrPort(c.to)); (why != "") != c.blind {
			t.Errorf("%s: %q", name, why)
		}
	}
}
