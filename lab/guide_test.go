//go:build linux

package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

// typed is a person at the console of a host, typing what a script of testdata has.
func typed(t *testing.T, l *Lab, host, script string, args ...string) string {
	t.Helper()
	f, err := os.Open("testdata/" + script)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd, err := l.Command(t.Context(), host, append([]string{"sh", "-s"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = f
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v on %s: %v\n%s", script, args, host, err, out)
	}
	return string(out)
}

// fingerprints are what both hosts are like.
func fingerprints(t *testing.T, l *Lab) map[string]string {
	t.Helper()
	prints := map[string]string{}
	for _, host := range []string{"proxy", "mail"} {
		prints[host] = typed(t, l, host, "fingerprint.sh")
		for _, fact := range []string{"file /etc/passwd ", "sysctl net.ipv4.ip_forward ", "at-boot ", "runs ", "address eth0 ", "route -4 default ", "package systemd "} {
			if !strings.Contains(prints[host], "\n"+fact) {
				t.Fatalf("the fingerprint of %s has no %q:\n%s", host, fact, prints[host])
			}
		}
	}
	return prints
}

// sameHosts wants both hosts as they were, but for lines that begin with what is excused on that host.
func sameHosts(t *testing.T, l *Lab, before map[string]string, excused ...string) {
	t.Helper()
	for host, now := range fingerprints(t, l) {
		for _, line := range difference(before[host], now) {
			fact := line[2:]
			is := false
			for _, e := range excused {
				is = is || strings.HasPrefix(fact, e)
			}
			if !is {
				t.Errorf("%s: %s", host, line)
			}
		}
	}
}

// difference lists the lines that only one of two texts has, as "- was" and "+ is".
func difference(before, now string) []string {
	var list []string
	count := map[string]int{}
	for _, line := range strings.Split(before, "\n") {
		count[line]++
	}
	for _, line := range strings.Split(now, "\n") {
		if count[line]--; count[line] < 0 {
			list = append(list, "+ "+line)
		}
	}
	for _, line := range strings.Split(before, "\n") {
		if count[line] > 0 {
			count[line]--
			list = append(list, "- "+line)
		}
	}
	return list
}

// byTheGuide follows the guide's chapters 1 to 3 literally on both hosts, errors included, and wants the errors.
func byTheGuide(t *testing.T, l *Lab) {
	t.Helper()
	has := func(out string, words ...string) {
		t.Helper()
		for _, w := range words {
			if !strings.Contains(out, w) {
				t.Fatalf("the guide's way does not say %q:\n%s", w, out)
			}
		}
	}
	has(typed(t, l, "proxy", "guide-proxy.sh", "firewall"), "ERROR: Bad port '2526/tcp'", "allow (routed)", "993/tcp (v6)")
	if nat := rules(t, l, "proxy"); strings.Count(nat, "--dport 993 -j DNAT") != 4 {
		t.Fatalf("four starts of ufw did not multiply the guide's rules:\n%s", nat)
	}

	has(typed(t, l, "mail", "guide-mail.sh", "firewall"), "Status: active", "51820/udp")
	soon, cancel := context.WithTimeout(t.Context(), 5*time.Second) // a dropped packet is asked after for two minutes
	defer cancel()
	if err := reaches(soon, l, "laptop", "192.168.50.2:22"); err == nil {
		t.Fatal("the guide's rules on the mail server let SSH in")
	}
	o := newOperator(t, l, nil)
	if out, code := o.try("plan"); code == 0 || !strings.Contains(out, "mail: ") || !strings.Contains(out, "192.168.50.2") {
		t.Errorf("plan of a host that nobody gets into: exit %d\n%s", code, out)
	}
	typed(t, l, "mail", "guide-mail.sh", "rescue")
	if err := reaches(t.Context(), l, "laptop", "192.168.50.2:22"); err != nil {
		t.Fatalf("after the rescue: %v", err)
	}

	keys := map[string]string{}
	for _, host := range []string{"proxy", "mail"} {
		typed(t, l, host, "guide-"+host+".sh", "keys")
		keys[host] = want(t, l, host, "cat", "/etc/wireguard/publickey")
	}
	typed(t, l, "proxy", "guide-proxy.sh", "tunnel", keys["mail"])
	has(typed(t, l, "mail", "guide-mail.sh", "tunnel", keys["proxy"]), "Line unrecognized", "active (exited)")
	for _, host := range []string{"proxy", "mail"} {
		if out := want(t, l, host, "wg", "show", "all", "peers"); out != "" {
			t.Fatalf("the guide's tunnel on %s has a peer, though wg setconf failed: %q", host, out)
		}
	}
}

// TestGuideByHand: two hosts on which the guide was followed literally are brought into shape, and an undo of everything
// gives back what the guide had made of them, whatever was chosen about what was found.
func TestGuideByHand(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, suite, choice string
		proven, sameKey     bool
		torture             bool // runs only with every case
	}{
		{name: "as the plan has it", suite: "bookworm", proven: true, sameKey: true},
		{name: "on trixie", suite: "trixie", proven: true, sameKey: true, torture: true},
		{name: "replaced", suite: "bookworm", choice: "replace", proven: true, torture: true},
		{name: "kept", suite: "bookworm", choice: "keep", torture: true}, // the guide's tunnel does not work
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.torture {
				needTorture(t)
			}
			t.Parallel()
			l := newLab(t, Options{Suite: c.suite})
			byTheGuide(t, l)
			before := fingerprints(t, l)
			o := newOperator(t, l, nil)
			if c.choice == "" {
				o.toldOfTheGuide()
				sameHosts(t, l, before) // planning touched nothing
			} else {
				o.flags = guideChoices(c.choice)
			}
			code := 1 // what is kept does not work, and that is asked also when there is nothing to change
			if c.proven {
				code = 0
			}
			if o.run(code, "apply", "--yes"); c.proven {
				o.inShape(t, c.sameKey)
			}
			if out := o.run(code, "apply", "--yes"); !strings.Contains(out, "Nothing to change") {
				t.Errorf("a second apply found something to change:\n%s", out)
			}
			o.undoAll()
			sameHosts(t, l, before)
		})
	}
}

// guideChoices are flags that choose the same for everything the guide left.
func guideChoices(choice string) []string {
	var flags []string
	for _, item := range []string{"nat", "forward", "rules", "unit", "tunnel"} {
		flags = append(flags, "--set", "guide."+item+"="+choice)
	}
	return flags
}

// toldOfTheGuide wants the plan to recognise each item that the guide left, and to say what can be chosen about it.
func (o *operator) toldOfTheGuide() {
	o.t.Helper()
	const byHand = " was made by hand after the guide"
	for choice, items := range map[string][]string{
		"": {
			"forwarding was open for everything, as the guide sets it",
			"the guide's 6 rules in /etc/ufw/before.rules are taken out",
			"16 running NAT rules of the guide are deleted",
			"proxy: rules that go away: allow from any to any port 587 proto tcp",
			"mail: rules that go away: allow from any to any port 51820 proto udp; allow from any to any port 22 proto tcp",
			"proxy: made by hand after the guide: /etc/systemd/system/wireguard.service, /usr/local/bin/wireguard-setup",
			"mail: made by hand after the guide: /etc/systemd/system/wireguard.service, /etc/init.d/wireguard-setup",
			"proxy: /etc/wireguard/wg0.conf" + byHand + ": it is adopted and its key stays the same",
			"mail: /etc/wireguard/wg0.conf" + byHand + ": it is adopted and its key stays the same",
			"(guide.forward = keep", "(guide.nat = keep", "(guide.rules = keep", "(guide.unit = keep", "(guide.tunnel = replace",
			`-DEFAULT_FORWARD_POLICY="ACCEPT"`,
			"--A PREROUTING -p tcp --dport 993 -j DNAT --to-destination 10.0.0.2:993",
		},
		"keep": {
			"forwarding stays open for everything",
			"the NAT rules of the guide in /etc/ufw/before.rules stay",
			"mail: rules of other people, which stay: allow from any to any port 51820 proto udp",
			"proxy: /etc/wireguard/wg0.conf" + byHand + " and is kept as it is",
			"mail: /etc/wireguard/wg0.conf" + byHand + " and is kept as it is",
		},
		"replace": {"its key and its other peers go"},
	} {
		var flags []string
		if choice != "" {
			flags = guideChoices(choice)
		}
		plan := o.run(0, append(flags, "plan")...)
		for _, item := range items {
			if !strings.Contains(plan, item) {
				o.t.Errorf("with the choice %q the plan does not tell %q:\n%s", choice, item, plan)
			}
		}
	}
}

// inShape wants all checks ok and clients seen through the tunnel, which has the guide's keys or has new ones.
func (o *operator) inShape(t *testing.T, sameKey bool) {
	t.Helper()
	o.proven()
	listen(t, o.l, "10.0.0.2", "993")
	listen(t, o.l, "10.0.0.2", "587")
	listen(t, o.l, "10.0.0.2", "465")
	wantClientsSeen(t, o.l)
	endListeners(t, o.l)
	for _, host := range []string{"proxy", "mail"} {
		got, was := want(t, o.l, host, "wg", "show", "wg0", "public-key"), want(t, o.l, host, "cat", "/etc/wireguard/publickey")
		if (got == was) != sameKey {
			t.Errorf("%s: the tunnel's key is %s and was %s; want the same: %v", host, got, was, sameKey)
		}
	}
}

// endListeners ends what listen has begun.
func endListeners(t *testing.T, l *Lab) {
	t.Helper()
	want(t, l, "mail", "systemctl", "stop", "peer-*.service")
}

// undoAll takes everything back, and wants that nothing of ours is known on the hosts after it.
func (o *operator) undoAll() string {
	o.t.Helper()
	o.unhurried()
	out := o.run(0, "undo", "--all", "--yes")
	o.unhurried()
	if again := o.run(0, "undo", "--all", "--yes"); !strings.Contains(again, "Nothing of ours is there") {
		o.t.Errorf("a second undo finds something:\n%s", again)
	}
	for host, at := range map[string]string{"proxy": "root@203.0.113.10", "mail": "root@192.168.50.2"} {
		if _, err := o.l.Exec(o.t.Context(), host, "test", "!", "-e", "/var/lib/postern/site.toml"); err != nil {
			o.t.Errorf("the answers still lie on %s", host)
		}
		o.unhurried()
		if text, code := o.try("adopt", at); code == 0 || !strings.Contains(text, "no answers lie there") {
			o.t.Errorf("adopt from %s after the undo: exit %d\n%s", host, code, text)
		}
	}
	return out
}

// unhurried has the hosts forget when somebody logged in last, as they have after half a minute: an owner's "ufw limit" for
// SSH refuses who comes more often, and tests come one after the other.
func (o *operator) unhurried() {
	o.t.Helper()
	for _, host := range []string{"proxy", "mail"} {
		want(o.t, o.l, host, "sh", "-c", `for f in /proc/net/xt_recent/*; do [ ! -w "$f" ] || echo / >"$f"; done`)
	}
}
