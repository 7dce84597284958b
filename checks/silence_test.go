package checks

import (
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

// How long an answer may take is judged by a neighbour's, within bounds; one that does not answer tells nothing.
func TestTimeoutBesideNeighbours(t *testing.T) {
	for _, c := range []struct {
		answer Answer
		took   time.Duration
		limit  time.Duration
		known  bool
	}{
		{Open, time.Millisecond, 150 * time.Millisecond, true},
		{Refused, time.Millisecond, 150 * time.Millisecond, true},
		{Open, 200 * time.Millisecond, 800 * time.Millisecond, true},
		{Open, 2 * time.Second, time.Second, true},
		{Dropped, 3 * time.Second, 0, false},
		{Rejected, time.Millisecond, 0, false},
		{NoRoute, time.Millisecond, 0, false},
		{Stopped, time.Millisecond, 0, false},
	} {
		if limit, known := timeoutBeside(Reached{Answer: c.answer, Took: c.took}); limit != c.limit || known != c.known {
			t.Errorf("beside a neighbour that is %s after %s: %s, %t, want %s, %t", c.answer, c.took, limit, known, c.limit, c.known)
		}
	}
}

// twoHosts are a proxy and a mail host behind NAT that were looked at, and nobody who dials.
func twoHosts() *Env {
	s := site.Default()
	s.Host("proxy").Public4, s.Host("proxy").Public6 = netip.MustParseAddr("203.0.113.10"), netip.MustParseAddr("2001:db8:113::10")
	env := &Env{Site: s, Here: &Vantage{Name: Here}, Hosts: map[string]*Vantage{}}
	for name, at := range map[string][2]string{"proxy": {"203.0.113.10/24", "198.51.100.20 4000 203.0.113.10 22"}, "mail": {"192.168.50.2/24", "192.168.50.10 4000 192.168.50.2 22"}} {
		answers := map[string]remote.Answer{}
		for id, text := range map[string]string{"ssh": "== connection\n" + at[1] + "\n", "listeners": "== sockets\n",
			"addresses": "== addresses\n2: eth0 inet " + at[0] + " scope global\n2: eth0 inet6 2001:db8:50::2/64 scope global\n== routes4\ndefault dev eth0\n"} {
			if name == "proxy" {
				text = strings.Replace(text, "2001:db8:50::2", "2001:db8:113::10", 1)
			}
			answers[id] = remote.Answer{Out: text + "== end\n"}
		}
		env.Hosts[name] = &Vantage{Name: name, Facts: remote.Facts{Answers: answers}}
	}
	return env
}

// The neighbours of an address are at the same host; the tunnel is one only from its other end.
func TestNeighbours(t *testing.T) {
	env := twoHosts()
	proxy, here := env.Hosts["proxy"], env.Here
	for _, c := range []struct {
		from *Vantage
		to   string
		want []string
	}{
		{here, "203.0.113.10:110", []string{"203.0.113.10:22"}},
		{here, "[2001:db8:113::10]:110", []string{"[2001:db8:113::10]:22"}},
		{here, "203.0.113.10:22", nil},
		{here, "192.168.50.2:110", []string{"192.168.50.2:22"}},
		{proxy, "192.168.50.2:110", []string{"192.168.50.2:22", "10.0.0.2:22"}},
		{proxy, "[2001:db8:50::2]:22", []string{"10.0.0.2:22"}},
		{proxy, "10.0.0.2:22", nil},
		{here, "198.51.100.99:110", nil},
	} {
		got := env.neighbours(c.from, netip.MustParseAddrPort(c.to))
		same := len(got) == len(c.want)
		for i := range c.want {
			same = same && got[i].String() == c.want[i]
		}
		if !same {
			t.Errorf("beside %s, from %s: %v, want %v", c.to, c.from.Name, got, c.want)
		}
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

// A port whose answer was lost is asked again: only the third silence closes it. Where no neighbour answers it is asked
// once, and waited for as long as the kernel needs to ask again.
func TestSilenceIsAskedAgain(t *testing.T) {
	const known, lonely = "203.0.113.10:110", "198.51.100.99:110"
	for _, c := range []struct {
		to    string
		until int32
		asked int32
		want  Answer
	}{
		{known, 1, 1, Refused},
		{known, 2, 2, Refused},
		{known, 3, 3, Refused},
		{known, 0, 3, Dropped},
		{lonely, 0, 1, Dropped},
	} {
		synctest.Test(t, func(t *testing.T) {
			env := twoHosts()
			env.Clock = time.Now
			var asked atomic.Int32
			env.Here.Dial = silent{c.to, c.until, &asked}
			env.asked.begin(t.Context())
			r := env.dialSilence(t.Context(), env.Here, netip.MustParseAddrPort(c.to))
			if n := asked.Load(); r.Answer != c.want || n != c.asked {
				t.Errorf("%s, answering dial %d: %s after %d, want %s after %d", c.to, c.until, r.Said(), n, c.want, c.asked)
			}
			if c.to == lonely && r.Took < dialTimeout {
				t.Errorf("without a neighbour it was waited for only %s", r.Took)
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
