//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"
)

// askACME prints how the certificate authority answers.
var askACME = "curl -sk -o /dev/null -w '%{http_code}' --resolve " + issuing[0] + ":443:" + acmeAddr

// testFaults turns every fault on and off, and sees that what it is about works,
// fails, and works again.
func testFaults(t *testing.T, l *Lab) {
	for _, port := range []string{":25", ":80", ":443"} {
		serve(t, l, "proxy", port)
	}
	echoUDP(t, l, "proxy", "203.0.113.10:51000")
	probes := map[string][]func(context.Context, *Lab) error{
		"cut:proxy":      {dials("laptop", "203.0.113.10:22"), dials("laptop", "[2001:db8:113::10]:22")},
		"cut:mail":       {dials("laptop", "192.168.50.2:22"), dials("laptop", "[2001:db8:50::2]:22")},
		"cut:gw-inet":    {dials("laptop", "203.0.113.10:22"), dials("mail", "203.0.113.10:22")},
		"cut:proxy-inet": {dials("world", "203.0.113.10:22")},
		"port25-in":      {dials("world", "203.0.113.10:25"), dials("world", "[2001:db8:113::10]:25")},
		"port25-in6":     {dials("world", "[2001:db8:113::10]:25")},
		"port25-out":     {dials("proxy", "198.51.100.77:25")},
		"port25-synack":  {dials("world", "203.0.113.10:25")},
		"port25-reset":   {dials("proxy", "198.51.100.77:25")},
		"udp":            {udpEcho("mail", "203.0.113.10:51000")},
		"icmp":           {runs("mail", "ping -c1 -W1 203.0.113.10"), runs("mail", "ping -c1 -W1 2001:db8:113::10")},
		"mtu":            {runs("laptop", "ping -c1 -W1 -M do -s 1472 203.0.113.10")},
		"mtu-hole":       {runs("mail", "perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Proto => \"udp\", PeerAddr => \"203.0.113.10:51000\"); alarm 2; $s->send(\"x\" x 1390); $s->recv(my $b, 1500) or exit 1'")},
		"web-in":         {dials("world", "203.0.113.10:80"), dials("world", "203.0.113.10:443"), dials("world", "[2001:db8:113::10]:443")},
		"acme-down":      {dials("proxy", acmeAddr+":443")},
		"acme-slow":      {runs("laptop", "for i in 1 2 3; do [ \"$("+askACME+" -m 3 https://"+issuing[0]+"/directory)\" != 200 ] || exit 0; done; exit 1")},
		"acme-ratelimit": {runs("laptop", "[ \"$("+askACME+" -d '' https://"+issuing[0]+"/order-plz)\" != 429 ]")},
		"delay":          {promptly("203.0.113.10:22"), promptly("192.168.50.2:22")},
		"apt-offline":    {runs("proxy", "apt-get -q -o Acquire::Retries=0 -o APT::Update::Error-Mode=any update"), runs("mail", "apt-get -q -o Acquire::Retries=0 -o APT::Update::Error-Mode=any update")},
	}
	for _, host := range []string{"proxy", "mail"} {
		addr := map[string]string{"proxy": "203.0.113.10", "mail": "192.168.50.2"}[host]
		probes["disk-full:"+host] = []func(context.Context, *Lab) error{runs(host, "head -c 100000 /dev/zero >/root/some && rm /root/some")}
		probes["apt-lock:"+host] = []func(context.Context, *Lab) error{runs(host, "apt-get -q update"), runs(host, "apt-get -q -y --reinstall install less")}
		probes["readonly-etc:"+host] = []func(context.Context, *Lab) error{runs("laptop", "ssh root@"+addr+" 'echo >/etc/some && rm /etc/some'")}
		probes["no-forwarding:"+host] = []func(context.Context, *Lab) error{runs("laptop", "ssh -o ConnectTimeout=5 -W 127.0.0.1:22 root@"+addr+" </dev/null | grep SSH-")}
	}
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			if len(probes[f.name]) == 0 {
				t.Fatal("nothing proves this fault")
			}
			turn(t, l, f.name, probes[f.name])
		})
	}
	if err := l.Fault(t.Context(), "meteor", true); err == nil {
		t.Error("a fault that is none was taken")
	}
}

func turn(t *testing.T, l *Lab, name string, probes []func(context.Context, *Lab) error) {
	see := func(on bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		var wg sync.WaitGroup
		for i, probe := range probes {
			wg.Go(func() {
				if err := probe(ctx, l); (err != nil) != on {
					t.Errorf("fault on %v: probe %d: %v", on, i, err)
				}
			})
		}
		wg.Wait()
	}
	see(false)
	for i, on := range []bool{true, true, false, false} {
		if err := l.Fault(t.Context(), name, on); err != nil {
			t.Fatal(err)
		}
		if l.faulty(name) != on {
			t.Errorf("fault is %v, want %v", l.faulty(name), on)
		}
		if i == 1 {
			see(true)
		}
	}
	see(false)
}

// dials proves that a node gets a connection.
func dials(node, addr string) func(context.Context, *Lab) error {
	return func(ctx context.Context, l *Lab) error {
		ctx, cancel := context.WithTimeout(ctx, 1500*time.Millisecond)
		defer cancel()
		return reaches(ctx, l, node, addr)
	}
}

// runs proves that a script succeeds on a node.
func runs(node, script string) func(context.Context, *Lab) error {
	return func(ctx context.Context, l *Lab) error {
		_, err := l.Exec(ctx, node, "sh", "-c", script)
		return err
	}
}

// promptly proves that a banner can come in less than the relay's delay: the
// relay never can, and without it one of ten tries does on a busy machine too.
func promptly(addr string) func(context.Context, *Lab) error {
	return func(ctx context.Context, l *Lab) error {
		for range 10 {
			start := time.Now()
			if !l.hasBanner(ctx, "laptop", addr) {
				return fmt.Errorf("no banner from %s", addr)
			}
			if time.Since(start) < 4*oneWay {
				return nil
			}
		}
		return fmt.Errorf("%s is late every time", addr)
	}
}

// serve accepts and closes on a node until the test ends.
func serve(t *testing.T, l *Lab, node, addr string) {
	t.Helper()
	ln, err := l.Listen(t.Context(), node, "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
}

// echoUDP sends every packet back until the test ends.
func echoUDP(t *testing.T, l *Lab, node, addr string) {
	t.Helper()
	var pc net.PacketConn
	err := inNetns(l.netns(node), func() (err error) {
		pc, err = net.ListenPacket("udp", addr)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	go func() {
		b := make([]byte, 100)
		for {
			n, from, err := pc.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = pc.WriteTo(b[:n], from)
		}
	}()
}

// udpEcho proves that a packet goes there and comes back.
func udpEcho(node, addr string) func(context.Context, *Lab) error {
	return func(ctx context.Context, l *Lab) error {
		c, err := l.Dial(ctx, node, "udp", addr)
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.Write([]byte("x")); err != nil {
			return err
		}
		_ = c.SetReadDeadline(time.Now().Add(1500 * time.Millisecond))
		_, err = c.Read(make([]byte, 10))
		return err
	}
}
