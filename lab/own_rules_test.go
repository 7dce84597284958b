//go:build linux

package main

import (
	"os"
	"strings"
	"testing"
)

// TestOwnRules: hosts on which somebody has a firewall of their own already, and a proxy that is reached at its second address and has no
// IPv6, are set up and proven; what stands in the way is named with the line that takes it away, and never overridden.
func TestOwnRules(t *testing.T) {
	if os.Getenv("POSTERN_TORTURE") == "" {
		t.Skip("skipped: it runs only in make torture")
	}
	l := newLab(t, Options{})
	const second = "203.0.113.11"
	o := newOperator(t, l, func(text string) string { return strings.Replace(text, "root@203.0.113.10", "root@"+second, 1) })
	known := l.dir("laptop", "home", ".ssh", "known_hosts")
	keys, err := os.ReadFile(known)
	if err == nil {
		err = os.WriteFile(known, append(keys, strings.ReplaceAll(string(keys), "203.0.113.10", second)...), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	onBoth(t, func(host string) error {
		_, err := l.Exec(t.Context(), host, "sh", "-ec", `apt-get -q update; DEBIAN_FRONTEND=noninteractive apt-get -q -y install ufw
			ufw allow 22; ufw allow 443`)
		return err
	})
	typing := func(lines string) { t.Helper(); want(t, l, "proxy", "sh", "-ec", lines) }
	typing(`ip addr add ` + second + `/24 dev eth0; sysctl -qw net.ipv6.conf.all.disable_ipv6=1
		ufw default deny outgoing; ufw allow out 53; ufw allow out 80/tcp; ufw limit 80/tcp; ufw --force enable`)

	o.run(0, "apply", "--yes")
	status := want(t, l, "proxy", "ufw", "status", "verbose")
	for line, times := range map[string]int{"\n22 ": 2, "\n22/tcp ": 0, "\n443/tcp                    ALLOW IN": 0, "deny (outgoing)": 1, "\n123/udp ": 2, "ALLOW OUT   Anywhere on wg0": 1} {
		if n := strings.Count(status, line); n != times {
			t.Errorf("%q stands %d times, want %d, in\n%s", line, n, times, status)
		}
	}
	if nat := rules(t, l, "proxy"); strings.Count(nat, "-d "+second+"/32 ") != 2 || strings.Contains(nat, "-d 203.0.113.10/32 ") {
		t.Errorf("not what arrives for %s is sent on:\n%s", second, nat)
	}
	o.proven("firewall.rules") // SSH of the mail host is open to more than the home
	for _, r := range o.checks("firewall.closed") {
		if r.ID == "firewall.closed.mail.v6" && (r.Result != "skip" || !strings.Contains(r.Saw, "own rules drop")) {
			t.Errorf("the proxy without IPv6: %s: %s", r.Result, r.Saw)
		}
	}

	typing("ufw insert 1 deny 24:25/tcp")
	for _, verb := range []string{"apply", "check"} {
		out := o.run(1, verb, "firewall", "--yes")
		if !strings.Contains(out, "ufw delete deny 24:25/tcp") || strings.Contains(out, "postern apply firewall") {
			t.Errorf("%s: the rule that stands in the way is not named, or a fix offered that changes nothing:\n%s", verb, out)
		}
	}
	typing("ufw delete deny 24:25/tcp")
	if out := o.run(0, "apply", "--yes"); !strings.Contains(out, "Nothing to change") || !strings.Contains(out, "was proven") {
		t.Errorf("nothing to change, and this is said:\n%s", out)
	}
	o.run(0, "undo", "--all", "--yes")
	if after := want(t, l, "proxy", "ufw", "status", "verbose"); strings.Contains(after, "postern") || !strings.Contains(after, "deny (outgoing)") || !strings.Contains(after, "22 ") {
		t.Errorf("after the undo:\n%s", after)
	}
}
