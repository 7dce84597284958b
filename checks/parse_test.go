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
	f := remote.Facts{Answers: map[string]remote.Answer{readListen: {Out: "== tcp\n" +
		"LISTEN 0 9 *:22 *:* users:((\"sshd\",pid=1,fd=3))\nLISTEN 0 9 0.0.0.0:80 0.0.0.0:*\nLISTEN 0 9 [::]:443 [::]:*\n" +
		"LISTEN 0 9 127.0.0.1:25 0.0.0.0:*\nLISTEN 0 9 10.0.0.2%wg0:993 0.0.0.0:*\n== end\n"},
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

const small = `*filter
:INPUT DROP [0:0]
:own - [0:0]
:tail - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m recent --update --seconds 30 --hitcount 6 --name DEFAULT --mask 255.255.255.255 --rsource -j DROP
-A INPUT -j own
-A INPUT -p tcp -m tcp --dport 7 -m set --match-set x src -j DROP
-A INPUT -p tcp -m multiport --dports 7,8000:8010 -j ACCEPT
-A INPUT ! -s 10.0.0.0/8 -p tcp -m tcp --dport 9 -j ACCEPT
-A INPUT -p tcp -g tail
-A INPUT -j ACCEPT
-A own -s 192.0.2.66/32 -j RETURN
-A own -d 10.0.0.1/32 -i wg+ -p tcp -m tcp --dport 2526 -m comment --comment "a \"b\" -j DROP" -j ACCEPT
-A tail -p tcp -m tcp --dport 99 -j REJECT --reject-with icmp-port-unreachable
COMMIT
`

func TestPackets(t *testing.T) {
	tables, err := parseTables(strings.Split(strings.TrimSpace(small), "\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, src, dst, in string
		port               int
		want               string
		unsure             bool
	}{
		{"policy", "192.0.2.1", "10.0.0.1", "eth0", 1, "DROP", false},
		{"loopback", "127.0.0.1", "127.0.0.1", "lo", 1, "ACCEPT", false},
		{"own chain", "10.0.0.2", "10.0.0.1", "wg0", 2526, "ACCEPT", false},
		{"own chain, other interface", "10.0.0.2", "10.0.0.1", "eth0", 2526, "DROP", false},
		{"returned", "192.0.2.66", "10.0.0.1", "wg0", 2526, "DROP", false},
		{"several ports", "192.0.2.1", "10.0.0.1", "eth0", 8005, "ACCEPT", false},
		{"a match that is not understood", "192.0.2.1", "10.0.0.1", "eth0", 7, "ACCEPT", true},
		{"not from there", "10.9.9.9", "10.0.0.1", "eth0", 9, "DROP", false},
		{"from elsewhere", "192.0.2.1", "10.0.0.1", "eth0", 9, "ACCEPT", false},
		{"gone to another chain", "192.0.2.1", "10.0.0.1", "eth0", 99, "REJECT", false},
	} {
		p := packet{proto: "tcp", src: netip.MustParseAddr(c.src), dst: netip.MustParseAddr(c.dst), in: c.in, port: c.port}
		if f := tables["filter"].lets("INPUT", p); f.verdict != c.want || f.unsure != c.unsure {
			t.Errorf("%s: %s (unsure %t) by %q, want %s (unsure %t)", c.name, f.verdict, f.unsure, f.rule, c.want, c.unsure)
		}
	}
	loop, _ := parseTables(strings.Split("*filter\n:INPUT DROP [0:0]\n:a - [0:0]\n-A INPUT -j a\n-A a -j a\n-A a -j a\nCOMMIT", "\n"))
	if f := loop["filter"].lets("INPUT", packet{proto: "tcp"}); !f.unsure {
		t.Error("a chain that calls itself was told for sure")
	}
}

func TestBootValues(t *testing.T) {
	files := []string{
		"/etc/sysctl.d/60-a.conf:net.ipv4.ip_forward = 1",
		"/usr/lib/sysctl.d/60-a.conf:net.ipv4.ip_forward = 0", // hidden by the one in /etc
		"/usr/lib/sysctl.d/50-b.conf:net/ipv6/conf/all/forwarding=1",
		"/etc/sysctl.d/70-c.conf:-net.ipv4.conf.all.forwarding=0",
	}
	got := bootValues(files, nil)
	if got[forward4] != "0" || got[forward6] != "1" {
		t.Errorf("%v", got)
	}
	if got := bootValues(files[:2], nil); got[forward4] != "1" {
		t.Errorf("the administrator's file does not hide the package's: %v", got)
	}
	if got := bootValues(files, []string{"#net/ipv4/ip_forward=0", "net/ipv4/ip_forward=1"}); got[forward4] != "1" {
		t.Errorf("ufw sets it last: %v", got)
	}
}

func FuzzParsers(f *testing.F) {
	f.Add(small)
	f.Add("### tuple ### route:allow tcp 993 10.0.0.2 any 0.0.0.0/0 in_eth0!out_wg0 comment=61")
	f.Add("== public-key\n" + proxyKey + "\n== peers\n== now\n1\n== end\n")
	f.Add("web|[::]:1-65535->1-65535/tcp, :::25->25/tcp\nLISTEN 0 0 *:1 *:*")
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Split(text, "\n")
		if tables, err := parseTables(lines); err == nil {
			for _, one := range tables {
				one.lets("INPUT", packet{proto: "tcp", src: stranger4, dst: stranger4, port: 25, in: "eth0"})
				doubles(one)
			}
		}
		for _, line := range lines {
			parseTuple(strings.TrimPrefix(line, "### tuple ### "))
			socket(line)
			publish("x", line)
			keyFile(line)
		}
		all := map[string]remote.Answer{}
		for id := range scripts {
			all[id] = remote.Answer{Out: text}
		}
		facts := remote.Facts{Answers: all}
		wgOf(facts)
		unitsOf(facts)
		ufwOf(facts)
		addressesOf(facts)
		listenersOf(facts)
		sshOf(facts)
		differs(confOf(text), wg{peers: map[string]*peer{}})
		bootValues(lines, lines)
	})
}
