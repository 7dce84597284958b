package checks

import (
	"context"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"postern/remote"
)

// Silence is judged by how fast a neighbour answers: never before a lost packet was sent again and could be answered,
// never later than the bound, and a neighbour that does not answer shortens nothing.
func TestPatience(t *testing.T) {
	for _, c := range []struct {
		answer answer
		took   time.Duration
		limit  time.Duration
		known  bool
	}{
		{open, time.Millisecond, 1250 * time.Millisecond, true},
		{refused, time.Millisecond, 1250 * time.Millisecond, true},
		{open, 200 * time.Millisecond, 1800 * time.Millisecond, true},
		{open, 2 * time.Second, 3 * time.Second, true},
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

// late answers one address after a while, and every other at once.
type late struct {
	slow  string
	after time.Duration
}

func (l late) DialContext(ctx context.Context, _, address string) (net.Conn, error) {
	if address == l.slow {
		select {
		case <-time.After(l.after):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

// A port that answers only to the packet sent again, one second later, is not closed; nor is the first answer missed
// because nobody looked at once.
func TestSilenceWaitsForTheSecondPacket(t *testing.T) {
	w := newWorld(t)
	w.env.Here.Dial = late{"203.0.113.10:110", sentAgain + 50*time.Millisecond}
	Run(context.Background(), nil, w.env, nil)
	w.env.probes.begin(t.Context())
	r := w.env.dialSilence(t.Context(), w.env.Here, netip.MustParseAddrPort("203.0.113.10:110"))
	if r.answer != refused {
		t.Errorf("a late answer is told as %s", r.said())
	}

	got := make(chan dialled, 1)
	mine, theirs := net.Pipe()
	defer theirs.Close()
	got <- dialled{conn: mine}
	if d := lastOf(t.Context(), got, context.DeadlineExceeded); d.conn == nil {
		t.Error("what arrived at the last moment is given up")
	}
}

var _ remote.Dialer = late{}
