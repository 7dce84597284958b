//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"postern/remote"
)

// detours are what is changed on a host that is set up, to see what becomes of a client of the world; each is taken back.
var detours = []struct {
	what, host, change, back string
	to                       string // 203.0.113.10:993 when empty, which leads to a listener on the mail host
	patience                 time.Duration
}{
	{what: "nothing", host: "proxy", change: ":", back: ":"},
	{what: "forwarding is off", host: "proxy", change: "sysctl -qw net.ipv4.ip_forward=0", back: "sysctl -qw net.ipv4.ip_forward=1"},
	{what: "forwarding is rejected", host: "proxy", change: "iptables -I FORWARD -i eth0 -j REJECT", back: "iptables -D FORWARD -i eth0 -j REJECT"},
	{what: "it is reset", host: "proxy", change: "iptables -I FORWARD -i eth0 -p tcp -j REJECT --reject-with tcp-reset", back: "iptables -D FORWARD 1"},
	{what: "forwarding is prohibited", host: "proxy", change: "iptables -I FORWARD -i eth0 -j REJECT --reject-with icmp-admin-prohibited", back: "iptables -D FORWARD 1"},
	{what: "no DNAT", host: "proxy", change: "iptables -t nat -D PREROUTING -j postern-pre", back: "iptables -t nat -A PREROUTING -j postern-pre"},
	{what: "masqueraded", host: "proxy", change: "iptables -t nat -A POSTROUTING -o wg0 -j MASQUERADE", back: "iptables -t nat -D POSTROUTING -o wg0 -j MASQUERADE"},
	{what: "no way back into the tunnel", host: "mail", change: "ip rule del pref 20720 from 10.0.0.2 table 20720", back: "ip rule add pref 20720 from 10.0.0.2 table 20720"},
	{what: "a strict reverse-path filter", host: "mail", change: "sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.wg0.rp_filter=0",
		back: "sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.wg0.rp_filter=2"},
	{what: "a strict one, and no rule", host: "mail", change: "ip rule del pref 20720 from 10.0.0.2 table 20720; sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.wg0.rp_filter=0",
		back: "sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.wg0.rp_filter=2; ip rule add pref 20720 from 10.0.0.2 table 20720"},
	{what: "the loose one counts", host: "mail", change: "sysctl -qw net.ipv4.conf.all.rp_filter=1", back: "sysctl -qw net.ipv4.conf.all.rp_filter=0"},
	{what: "the mail host drops", host: "mail", change: "iptables -I INPUT -i wg0 -p tcp --dport 993 -j DROP", back: "iptables -D INPUT 1"},
	{what: "the mail host drops its answers", host: "mail", change: "iptables -I OUTPUT -p tcp --sport 993 -j DROP", back: "iptables -D OUTPUT 1"},
	{what: "the tunnel takes the proxy's packets only", host: "mail", change: "wg set wg0 peer $(wg show wg0 peers) allowed-ips 10.0.0.1/32",
		back: "wg set wg0 peer $(wg show wg0 peers) allowed-ips 0.0.0.0/0"},
	{what: "an open port without a listener", host: "proxy", change: ":", back: ":", to: "203.0.113.10:80"},
	{what: "a closed port", host: "proxy", change: ":", back: ":", to: "203.0.113.10:81"},
	{what: "a closed port over IPv6", host: "proxy", change: ":", back: ":", to: "[2001:db8:113::10]:81"},
	{what: "an open port over IPv6 without a listener", host: "proxy", change: ":", back: ":", to: "[2001:db8:113::10]:80"},
	{what: "SSH at home", host: "mail", change: ":", back: ":", to: "192.168.50.2:22"},
	{what: "another port at home", host: "mail", change: ":", back: ":", to: "192.168.50.2:993"},
	{what: "nobody at home", host: "mail", change: ":", back: ":", to: "192.168.50.99:22", patience: 10 * time.Second},
}

// ways is what a client of the world meets after each of the detours.
func (w *world) ways() (all []string) {
	w.t.Helper()
	w.on("mail", func(ctx context.Context, mail *remote.Session) {
		ear, err := mail.Listen(ctx, "tcp", "10.0.0.2:993")
		if err != nil {
			w.t.Fatal(err)
		}
		defer ear.Close()
		w.on("proxy", func(ctx context.Context, proxy *remote.Session) {
			sh := func(host, script string) {
				s := map[string]*remote.Session{"proxy": proxy, "mail": mail}[host]
				if r, err := s.Sh(ctx, "PATH=$PATH:/usr/sbin:/sbin\n"+script); err != nil || r.Code != 0 {
					w.t.Errorf("%s: %s: %v %d %s", host, script, err, r.Code, r.Out)
				}
			}
			for _, d := range detours {
				sh(d.host, d.change)
				to := d.to
				if to == "" {
					to = "203.0.113.10:993"
				}
				all = append(all, d.what+": "+w.meets(ctx, to, max(d.patience, 1500*time.Millisecond), d.to == "", ear))
				sh(d.host, d.back)
			}
		})
	})
	return all
}

// meets dials, and tells in a word what came of it, and as whom the listener saw the client.
func (w *world) meets(ctx context.Context, to string, patience time.Duration, heard bool, ear *remote.Listener) string {
	short, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := w.options.Dial.DialContext(short, "tcp", to)
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ECONNRESET):
		return "refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EACCES):
		return "unreachable"
	case err != nil && (short.Err() != nil || errors.As(err, &timeout) && timeout.Timeout()):
		return "silent"
	case err != nil:
		return err.Error()
	}
	defer c.Close()
	if !heard {
		return "open"
	}
	select {
	case p := <-ear.Peers:
		if p.Addr().Unmap() == netip.MustParseAddr("10.0.0.1") {
			return "open, seen as the proxy"
		}
		return fmt.Sprintf("open, seen from the internet: %t", !p.Addr().Unmap().IsPrivate())
	case <-ctx.Done():
		return "open, seen by nobody"
	}
}
