//go:build linux

package main

import "testing"

// TestWizardCauses: a year later the tunnel's unit is stopped on the mail host, and somebody denied mail on the proxy. The wizard opens
// with both causes, and each is mended in four keys at most. So is a path that swallows large packets.
func TestWizardCauses(t *testing.T) {
	needLab(t)
	t.Parallel()
	l := newLab(t, Options{})
	o := newOperator(t, l, nil)
	o.run(0, "apply", "--yes")
	want(t, l, "proxy", "ufw", "deny", "25/tcp")
	want(t, l, "mail", "systemctl", "stop", "wg-quick@wg0")
	s := o.open()
	s.shows("Worked until ", "worst first", "Not in place any more: 2 Firewall (3 changes), 3 WireGuard (1 change)", "> [FAIL]* missing: smtp 25/tcp", "+2 proxy", "[FAIL]* wg-quick@wg0 is stopped since", " mail")
	s.press("f")
	s.shows("Guarded: 3 changes on 1 host", "answered for you: host.proxy.first=25/tcp")
	s.press("a")
	s.shows("enter applies it now")
	s.press("enter")
	s.shows("Firewall / proof", "> [FAIL]* wg-quick@wg0 is stopped since")
	s.press("f")
	s.shows("Guarded: 1 change on 1 host", "start the tunnel wg0")
	s.press("a")
	s.shows("WireGuard / proof", "All as it was: what worked works again.")
	s.leave(0)
	o.proven()

	// The right number is an answer, and so is what it takes.
	if err := l.Fault(t.Context(), "mtu-hole", true); err != nil {
		t.Fatal(err)
	}
	s = o.open()
	s.shows("worst first", "> [FAIL]* 1320 bytes get through", "+1")
	s.press("f")
	s.shows("Guarded: 2 changes on 2 hosts", "answered for you: tunnel.mtu=1320")
	s.press("a")
	s.shows("WireGuard / proof", "All as it was: what worked works again.")
	s.leave(0)
}
