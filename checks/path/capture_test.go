package path

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"postern/checks"
	"postern/remote"
)

const someTold = `== packets
in eth0 198.51.100.77 58482 203.0.113.10 25 syn
out eth0 203.0.113.10 25 198.51.100.77 58482 rst
out wg0 2001:db8:77::77 33400 2001:db8:113::10 25 syn
in eth0 203.0.113.10 25 198.51.100.77 26 icmp 203.0.113.1 3 13 0
== late
== end
`

func TestCapture(t *testing.T) {
	ports := []int{25}
	knocked, done := make(chan bool), false
	v := &checks.Vantage{Name: "proxy", Run: func(ctx context.Context, q remote.Query) (remote.Answer, error) {
		if q.ID == "capture" {
			<-knocked
			if !done {
				t.Error("the capture ended before what it is for")
			}
			return remote.Answer{Out: someTold}, nil
		}
		if done {
			close(knocked)
		}
		return remote.Answer{}, nil
	}}
	c, err := Capture(t.Context(), v, ports, func(context.Context) { done = true })
	if err != nil {
		t.Fatal(err)
	}
	if !c.Late || c.Cut || len(c.Packets) != 4 {
		t.Fatalf("captured %+v", c)
	}
	last := Packet{Device: "eth0", Src: netip.MustParseAddrPort("203.0.113.10:25"), Dst: netip.MustParseAddrPort("198.51.100.77:26"), Kind: ICMP,
		By: netip.MustParseAddr("203.0.113.1"), Type: 3, Code: 13}
	if c.Packets[3] != last {
		t.Errorf("the last is %+v, want %+v", c.Packets[3], last)
	}
	if n := c.Count(func(p Packet) bool { return p.Kind == SYN && !p.Out }); n != 1 {
		t.Errorf("%d SYN came in, want 1", n)
	}
}

// Of what two families share each sees its own connections, and both the tunnel.
func TestCapturedOfAFamily(t *testing.T) {
	c, err := parse(remote.Answer{Out: "== packets\nin eth0 192.0.2.1 1 192.0.2.2 25 syn\nin eth0 2001:db8::1 1 2001:db8::2 25 syn\nin eth0 192.0.2.1 1 192.0.2.2 51820 data\n== end\n"})
	if err != nil {
		t.Fatal(err)
	}
	for like, want := range map[string]int{"192.0.2.9": 2, "2001:db8::9": 2} {
		if got := c.of(netip.MustParseAddr(like)); len(got.Packets) != want {
			t.Errorf("%s: %v", like, got.Packets)
		}
	}
	if got := c.of(netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("192.0.2.7")); len(got.Packets) != 1 || got.Packets[0].Kind != Data {
		t.Errorf("what others do is told: %v", got.Packets)
	}
}

// An answer to who began before anybody looked, which a host repeats for a minute, is none to what was begun meanwhile.
func TestCapturedAnswersOfBefore(t *testing.T) {
	c, err := parse(remote.Answer{Out: "== packets\nin eth0 192.0.2.1 7 192.0.2.2 25 syn\nout eth0 192.0.2.2 25 192.0.2.1 6 synack\nin eth0 192.0.2.1 6 192.0.2.2 25 rst\n" +
		"out eth0 192.0.2.2 25 192.0.2.1 7 rst\n== end\n"})
	if err != nil {
		t.Fatal(err)
	}
	got := c.of(netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.1")).Packets
	if len(got) != 2 || got[0].Kind != SYN || got[1].Kind != RST || got[1].Dst.Port() != 7 {
		t.Errorf("told are %v", got)
	}
}

// What cannot be seen is an error that says why, and the thing is not done without anybody looking.
func TestCaptureCannot(t *testing.T) {
	for want, run := range map[string]func(context.Context, remote.Query) (remote.Answer, error){
		"there is no perl": func(_ context.Context, q remote.Query) (remote.Answer, error) {
			if q.ID == "capture" {
				return remote.Answer{Out: "== cannot\nthere is no perl on the host\n== end\n"}, nil
			}
			return remote.Answer{Code: 127}, nil
		},
		"gone": func(context.Context, remote.Query) (remote.Answer, error) { return remote.Answer{}, errors.New("gone") },
		"not whole": func(_ context.Context, q remote.Query) (remote.Answer, error) {
			return remote.Answer{Out: "== packets\nin eth0 198.51.100.77 58482 203.0.113.10 25 syn\n"}, nil
		},
	} {
		_, err := Capture(t.Context(), &checks.Vantage{Name: "proxy", Run: run}, []int{25}, func(context.Context) {
			if want != "not whole" {
				t.Errorf("%s: done, though nobody looked", want)
			}
		})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func FuzzCaptured(f *testing.F) {
	f.Add(someTold)
	f.Add("== cannot\na packet socket: Operation not permitted\n== end\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parse(remote.Answer{Out: text})
		if err != nil && strings.ContainsAny(err.Error(), "\x1b\n") {
			t.Errorf("the error steers a terminal: %q", err)
		}
		if err != nil && len(c.Packets) > 0 {
			t.Error("packets of what is not whole")
		}
	})
}
