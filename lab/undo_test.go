//go:build linux

package main

import (
	"strings"
	"testing"
)

// packages is what the packages that stay bring along.
var packages = []string{"package wireguard-", "at-boot wg-quick", "dir /etc/wireguard "}

// TestUndoAll: hosts that had a firewall of their owner's, and Docker, are as they were after an undo of everything; what
// stays is named, and what others did meanwhile is left to them.
func TestUndoAll(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{Suite: "bookworm", Docker: true})
	for _, host := range []string{"proxy", "mail"} {
		typed(t, l, host, "own-firewall.sh")
	}
	before := fingerprints(t, l)
	for _, own := range []string{"iptables-save filter own-count ", "text /etc/sysctl.d/50-own.conf ", "sysctl net.core.somaxconn = 1234"} {
		if !strings.Contains(before["proxy"], own) {
			t.Fatalf("the owner's %q is not in the fingerprint", own)
		}
	}
	if !strings.Contains(before["mail"], "iptables-save nat DOCKER ") {
		t.Fatal("Docker's rules are not in the fingerprint")
	}
	o := newOperator(t, l, nil)

	o.run(0, "apply", "--yes")
	o.unhurried()
	for _, r := range o.checks() {
		if r.Result == "fail" || r.Result == "unknown" {
			t.Errorf("%s from %s: %s: saw %q, want %q", r.ID, r.From, r.Result, r.Saw, r.Want)
		}
	}
	if len(difference(before["proxy"], typed(t, l, "proxy", "fingerprint.sh"))) < 20 {
		t.Fatal("the fingerprint does not tell that everything was set up")
	}
	listen(t, l, "10.0.0.2", "993")
	listen(t, l, "10.0.0.2", "587")
	listen(t, l, "10.0.0.2", "465")
	wantClientsSeen(t, l)
	endListeners(t, l)
	out := o.undoAll()
	for _, stays := range []string{"stays: proxy: install wireguard-tools", "stays: mail: install wireguard-tools"} {
		if !strings.Contains(out, stays) {
			t.Errorf("the undo does not say %q:\n%s", stays, out)
		}
	}
	sameHosts(t, l, before, packages...)

	t.Run("others edit meanwhile", func(t *testing.T) {
		o.t = t
		o.unhurried()
		o.run(0, "apply", "--yes")
		for _, host := range []string{"proxy", "mail"} {
			want(t, l, host, "ufw", "allow", "8080/tcp")
		}
		want(t, l, "mail", "sh", "-c", `printf '\n[Peer]\n# phone\nPublicKey = %s\nAllowedIPs = 10.0.0.77/32\n' "$(wg genkey | wg pubkey)" >>/etc/wireguard/wg0.conf`)
		o.undoAll()
		for _, host := range []string{"proxy", "mail"} {
			if status := want(t, l, host, "ufw", "status"); strings.Count(status, "8080/tcp") != 2 || strings.Contains(status, "postern") {
				t.Errorf("%s: the undo leaves\n%s\nwant 8080/tcp twice and nothing of ours", host, status)
			}
			want(t, l, host, "ufw", "delete", "allow", "8080/tcp")
		}
		if conf := want(t, l, "mail", "cat", "/etc/wireguard/wg0.conf"); !strings.HasPrefix(conf, "[Peer]\n# phone\n") {
			t.Errorf("the undo leaves of the tunnel's file on mail %q, want the peer that was added, and it alone", conf)
		}
		want(t, l, "mail", "rm", "/etc/wireguard/wg0.conf")
		sameHosts(t, l, before, packages...)
	})
}
