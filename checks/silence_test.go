package checks

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// How long an answer may take is judged by a neighbour's, within bounds; one that does not answer tells nothing.
func TestPatience(t *testing.T) {
	for _, c := range []struct {
		answer answer
		took   time.Duration
		limit  time.Duration
		known  bool
	}{
		{open, time.Millisecond, 150 * time.Millisecond, true},
		{refused, time.Millisecond, 150 * time.Millisecond, true},
		{open, 200 * time.Millisecond, 800 * time.Millisecond, true},
		{open, 2 * time.Second, time.Second, true},
		{dropped, 3 * time.Second, 0, false},
		{rejected, time.Millisecond, 0, false},
		{noRoute, time.Millisecond, 0, false},
		{stopped, time.Millisecond, 0, false},
	} {
		if limit, known := patience(reached{answer: c.answer, took: c.took}); limit != c.limit || known != c.known {
			t.Errorf("beside a neighbour that is %s after %s: %s, %t, want %s, %t", c.answer, c.took, limit, known, c.limit, c.known)
		}
	}
}

// The neighbours of an address are at the same host; the tunnel is one only from its other end.
func TestNeighbours(t *testing.T) {
	w := newWorld(t)
	Run(context.Background(), nil, w.env, nil)
	proxy, here := w.env.Hosts["proxy"], w.env.Here
	for _, c := range []struct {
		from *Vantage
		to   string
		want []string
	}{
		{here, "203.0.113.10:110", []string{"203.0.113.10:22"}},
		{here, "[2001:db8:113::10]:110", []string{"[2001:db8:113::10]:22"}},
		{here, "203.0.113.10:22", nil},
		{here, "192.168.50.2:110", []string{"192.168.50.2:22"}},
		{proxy, "198.51.100.20:110", []string{"198.51.100.20:22", "10.0.0.2:22"}},
		{proxy, "[2001:db8:50::2]:22", []string{"10.0.0.2:22"}},
		{proxy, "10.0.0.2:22", nil},
		{here, "198.51.100.99:110", nil},
	} {
		got := w.env.neighbours(c.from, netip.MustParseAddrPort(c.to))
		same := len(got) == len(c.want)
		for i := range c.want {
			same = same && got[i].String() == c.want[i]
		}
		if !same {
			t.Errorf("beside %s, from %s: %v, want %v", c.to, c.from.Name, got, c.want)
		}
	}
}

// deaf says nothing at one address until it was asked often enough, and refuses at every other.
type deaf struct {
	mute  string
	until int32 // the dial that is answered; 0: none
	asked *atomic.Int32
}

func (d deaf) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
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
		want  answer
	}{
		{known, 1, 1, refused},
		{known, 2, 2, refused},
		{known, 3, 3, refused},
		{known, 0, 3, dropped},
		{lonely, 0, 1, dropped},
	} {
		w := newWorld(t)
		w.env.Clock = time.Now
		var asked atomic.Int32
		w.env.Here.Dial = deaf{c.to, c.until, &asked}
		w.env.probes.begin(t.Context())
		r := w.env.dialSilence(t.Context(), w.env.Here, netip.MustParseAddrPort(c.to))
		if r.answer != c.want || asked.Load() != c.asked {
			t.Errorf("%s, answering dial %d: %s after %d, want %s after %d", c.to, c.until, r.said(), asked.Load(), c.want, c.asked)
		}
		if c.to == lonely && r.took < dialTimeout {
			t.Errorf("without a neighbour it was waited for only %s", r.took)
		}
	}
}

// What arrives at the last moment is not missed because a busy machine looked late.
func TestLastMoment(t *testing.T) {
	got := make(chan dialled, 1)
	mine, theirs := net.Pipe()
	defer theirs.Close()
	got <- dialled{conn: mine}
	if d := lastOf(t.Context(), got, context.DeadlineExceeded); d.conn == nil {
		t.Error("what arrived at the last moment is given up")
	}
}
