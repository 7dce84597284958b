package checks

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"testing"

	"postern/remote"
)

func TestClassify(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		ctx  context.Context
		err  error
		want Answer
	}{
		{context.Background(), nil, Open},
		{context.Background(), syscall.ECONNREFUSED, Refused},
		{context.Background(), syscall.EHOSTUNREACH, Rejected},
		{context.Background(), syscall.EACCES, Rejected},
		{context.Background(), syscall.ENETUNREACH, NoRoute},
		{context.Background(), fmt.Errorf("%w: %w", remote.ErrNoVantage, syscall.ENETUNREACH), NoPlace},
		{context.Background(), context.DeadlineExceeded, Dropped},
		{context.Background(), os.ErrDeadlineExceeded, Dropped},
		{context.Background(), syscall.ETIMEDOUT, Dropped},
		{context.Background(), remote.ErrLost, NoPlace},
		{context.Background(), errors.New("something new"), NoPlace},
		{ended, syscall.ECONNREFUSED, Stopped},
	} {
		if got := classify(c.ctx, c.err); got != c.want {
			t.Errorf("%v is %q, want %q", c.err, got, c.want)
		}
	}
}

func TestListeners(t *testing.T) {
	f := remote.Facts{Answers: map[string]remote.Answer{"listeners": {Out: "== sockets\n" +
		"tcp LISTEN 0 9 *:22 *:* users:((\"sshd\",pid=1,fd=3))\ntcp LISTEN 0 9 0.0.0.0:80 0.0.0.0:*\ntcp LISTEN 0 9 [::]:443 [::]:*\n" +
		"tcp LISTEN 0 9 127.0.0.1:25 0.0.0.0:*\ntcp LISTEN 0 9 10.0.0.2%wg0:993 0.0.0.0:*\nudp UNCONN 0 0 0.0.0.0:110 0.0.0.0:*\n== end\n"},
		"docker": {Out: "== ps\nweb|10.0.0.2:8000-8002->80-82/tcp, 110/tcp, :::53->53/udp\n== end\n"}}}
	all, err := listenersOf(f)
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]bool{
		"192.0.2.1:22": true, "[2001:db8::1]:22": true, "192.0.2.1:80": true, "[2001:db8::1]:80": false, "[2001:db8::1]:443": true,
		"192.0.2.1:443": false, "192.0.2.1:25": false, "127.0.0.1:25": true, "10.0.0.2:993": true, "10.0.0.1:993": false,
		"10.0.0.2:8001": true, "10.0.0.2:8003": false, "10.0.0.2:110": false,
	} {
		if got := anyAt(all, netip.MustParseAddrPort(at)); got != want {
			t.Errorf("a listener at %s: %t, want %t", at, got, want)
		}
	}
}
