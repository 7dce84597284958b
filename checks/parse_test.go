package checks

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"

	"postern/remote"
	"postern/seen"
)

func TestClassify(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		ctx  context.Context
		err  error
		want answer
	}{
		{context.Background(), nil, open},
		{context.Background(), syscall.ECONNREFUSED, refused},
		{context.Background(), syscall.EHOSTUNREACH, rejected},
		{context.Background(), syscall.EACCES, rejected},
		{context.Background(), syscall.ENETUNREACH, noRoute},
		{context.Background(), fmt.Errorf("%w: %w", remote.ErrNoVantage, syscall.ENETUNREACH), noPlace},
		{context.Background(), context.DeadlineExceeded, dropped},
		{context.Background(), os.ErrDeadlineExceeded, dropped},
		{context.Background(), syscall.ETIMEDOUT, dropped},
		{context.Background(), remote.ErrLost, noPlace},
		{context.Background(), errors.New("something new"), noPlace},
		{ended, syscall.ECONNREFUSED, stopped},
	} {
		if got := classify(c.ctx, c.err); got != c.want {
			t.Errorf("%v is %q, want %q", c.err, got, c.want)
		}
	}
}

func TestListeners(t *testing.T) {
	f := remote.Facts{Answers: map[string]remote.Answer{readListen: {Out: "== sockets\n" +
		"tcp LISTEN 0 9 *:22 *:* users:((\"sshd\",pid=1,fd=3))\ntcp LISTEN 0 9 0.0.0.0:80 0.0.0.0:*\ntcp LISTEN 0 9 [::]:443 [::]:*\n" +
		"tcp LISTEN 0 9 127.0.0.1:25 0.0.0.0:*\ntcp LISTEN 0 9 10.0.0.2%wg0:993 0.0.0.0:*\nudp UNCONN 0 0 0.0.0.0:110 0.0.0.0:*\n== end\n"},
		readDocker: {Out: "== ps\nweb|10.0.0.2:8000-8002->80-82/tcp, 110/tcp, :::53->53/udp\n== end\n"}}}
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

func TestBootValues(t *testing.T) {
	files := []seen.Setting{
		{File: "/etc/sysctl.d/60-a.conf", Name: "net.ipv4.ip_forward", Value: "1"},
		{File: "/etc/sysctl.d/70-c.conf", Name: "net.ipv4.conf.all.forwarding", Value: "0"},
		{File: "/usr/lib/sysctl.d/60-a.conf", Name: "net.ipv4.ip_forward", Value: "0"}, // hidden by the one in /etc
		{File: "/usr/lib/sysctl.d/50-b.conf", Name: "net/ipv6/conf/all/forwarding", Value: "1"},
	}
	got := bootValues(files)
	if got[forward4] != "0" || got[forward6] != "1" {
		t.Errorf("%v", got)
	}
	if got := bootValues([]seen.Setting{files[0], files[2]}); got[forward4] != "1" {
		t.Errorf("the administrator's file does not hide the package's: %v", got)
	}
	if got := bootValues(append(files, seen.Setting{File: seen.UfwSysctl, Name: "net/ipv4/ip_forward", Value: "1"})); got[forward4] != "1" {
		t.Errorf("ufw sets it last: %v", got)
	}
	if got := bootValues([]seen.Setting{{File: seen.SysctlConf, Name: "net.ipv4.ip_forward", Value: "1"}}); got[forward4] != "" {
		t.Errorf("a file that nothing links to counts: %v", got)
	}
}

func FuzzParsers(f *testing.F) {
	f.Add("### tuple ### route:allow tcp 993 10.0.0.2 any 0.0.0.0/0 in_eth0!out_wg0 comment=61")
	f.Add("[Interface]\nListenPort = 1\n[Peer]\nPublicKey = " + proxyKey + "\nAllowedIPs = 10.0.0.2/32")
	f.Fuzz(func(t *testing.T, text string) {
		for _, line := range strings.Split(text, "\n") {
			parseTuple(strings.TrimPrefix(line, "### tuple ### "))
		}
		differs(confOf(text), seen.WireGuard{Peers: map[string]*seen.Peer{}})
	})
}
