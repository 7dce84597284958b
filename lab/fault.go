//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// fault is one thing that can be broken and mended.
type fault struct {
	name, words string
	set         func(ctx context.Context, l *Lab, on bool) error
	volatile    string // the host whose reboot mends it
}

// faults are all there are, as `fault list` shows them.
func faults() []fault {
	all := []fault{
		{name: "cut:proxy", words: "laptop and proxy do not reach each other", set: drop("gw",
			"4 FORWARD -s 192.168.50.10 -d 203.0.113.10", "4 FORWARD -s 203.0.113.10 -d 192.168.50.10",
			"6 FORWARD -s 2001:db8:50::10 -d 2001:db8:113::10", "6 FORWARD -s 2001:db8:113::10 -d 2001:db8:50::10")},
		{name: "cut:mail", words: "laptop and mail do not reach each other", set: isolate},
		{name: "cut:gw-inet", words: "the home has no internet", set: drop("inet",
			"46 PREROUTING -t mangle -i home", "46 POSTROUTING -t mangle -o home")},
		{name: "cut:proxy-inet", words: "the proxy has no network", set: drop("inet",
			"46 PREROUTING -t mangle -i proxy", "46 POSTROUTING -t mangle -o proxy")},
		{name: "port25-in", words: "the provider drops port 25 towards the proxy", set: drop("inet",
			"46 FORWARD -o proxy -p tcp --dport 25")},
		{name: "port25-in6", words: "the same, over IPv6 only", set: drop("inet",
			"6 FORWARD -o proxy -p tcp --dport 25")},
		{name: "port25-out", words: "the provider drops port 25 from the proxy", set: drop("inet",
			"46 FORWARD -i proxy -p tcp --dport 25")},
		{name: "port25-synack", words: "the provider drops the proxy's answers from port 25", set: drop("inet",
			"46 FORWARD -i proxy -p tcp --sport 25 --tcp-flags SYN,ACK SYN,ACK")},
		{name: "port25-reset", words: "the provider resets port 25 from the proxy", set: refuse("inet",
			"46 FORWARD -i proxy -p tcp --dport 25")},
		{name: "udp", words: "the provider drops UDP, so WireGuard on any port", set: drop("inet", "46 FORWARD -p udp")},
		{name: "icmp", words: "ICMP does not pass inet, neither ping nor what tells an MTU", set: drop("inet",
			"4 FORWARD -p icmp", "6 FORWARD -p ipv6-icmp")},
		{name: "mtu", words: "the home's line carries packets of 1400 bytes at most", set: narrow},
		{name: "mtu-hole", words: "packets of UDP of more than 1400 bytes vanish on the way, and nobody is told", set: drop("inet",
			"4 FORWARD -p udp -m length --length 1401:65535")},
		{name: "delay", words: "SSH from laptop has a round trip of 100 ms more", set: delay},
		{name: "web-in", words: "the provider drops ports 80 and 443 towards the proxy", set: drop("inet",
			"46 POSTROUTING -t mangle -o proxy -p tcp -m multiport --dports 80,443")},
		{name: "acme-down", words: "no certificate authority answers", set: refuse("inet", "4 INPUT -p tcp -d "+acmeAddr+" --dport 443")},
		{name: "acme-slow", words: "the certificate authority takes seconds to answer", set: seenByAuthority},
		{name: "acme-ratelimit", words: "the certificate authority wants no more orders for some hours", set: seenByAuthority},
		{name: "apt-offline", words: "the package mirror refuses connections", set: refuse("inet",
			"4 INPUT -p tcp -d "+mirrorAddr+" --dport 80")},
	}
	for _, n := range nodes {
		if n.boots {
			all = append(all, hostFaults(n.name)...)
		}
	}
	return all
}

// Fault breaks or mends one thing; fault list shows the names. Saying the same
// twice changes nothing.
func (l *Lab) Fault(ctx context.Context, name string, on bool) error {
	for _, f := range faults() {
		if f.name != name {
			continue
		}
		if l.faulty(name) == on {
			return nil
		}
		if err := f.set(ctx, l, on); err != nil {
			return fmt.Errorf("fault %s: %w", name, err)
		}
		if on {
			return os.WriteFile(l.dir("fault", name), nil, 0o644)
		}
		return os.Remove(l.dir("fault", name))
	}
	return fmt.Errorf("%q is not a fault of the lab: `fault list` shows them", name)
}

// faulty says whether a fault is on.
func (l *Lab) faulty(name string) bool { return exists(l.dir("fault", name)) }

// refault puts back what a new link has lost, and forgets what a reboot of the
// host has mended.
func (l *Lab) refault(ctx context.Context, n node) error {
	for _, f := range faults() {
		if f.volatile != n.name || !l.faulty(f.name) {
			continue
		}
		if err := os.Remove(l.dir("fault", f.name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if n.name == "mail" && l.faulty("cut:mail") {
		return isolate(ctx, l, true)
	}
	return nil
}

// seenByAuthority is a fault that the authority sees by itself.
func seenByAuthority(context.Context, *Lab, bool) error { return nil }

// drop makes a fault of packet filter rules in a node. Each begins with the
// families it is for (4, 6 or 46), then the chain.
func drop(node string, rules ...string) func(context.Context, *Lab, bool) error {
	return filtered(node, "DROP", rules)
}

// refuse is drop with an answer: a connection is reset.
func refuse(node string, rules ...string) func(context.Context, *Lab, bool) error {
	return filtered(node, "REJECT --reject-with tcp-reset", rules)
}

func filtered(node, target string, rules []string) func(context.Context, *Lab, bool) error {
	return func(ctx context.Context, l *Lab, on bool) error {
		for _, r := range rules {
			families, spec, _ := strings.Cut(r, " ")
			for family, tool := range map[string]string{"4": "iptables", "6": "ip6tables"} {
				if !strings.Contains(families, family) {
					continue
				}
				if err := l.iptables(ctx, node, tool, on, spec+" -j "+target); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// iptables puts a rule in a node at the begin of its chain, or takes it out.
func (l *Lab) iptables(ctx context.Context, node, tool string, on bool, rule string) error {
	verb := "-D"
	if on {
		verb = "-I"
	}
	return l.tool(ctx, node, "", append([]string{tool, "-w", verb}, strings.Fields(rule)...)...)
}

// isolate keeps two ports of the home's switch apart: no packet, and no answer.
func isolate(ctx context.Context, l *Lab, on bool) error {
	state := " type bridge_slave isolated " + onOff(on) + "\n"
	return l.ipBatch(ctx, "gw", "link set laptop"+state+"link set mail"+state)
}

func narrow(ctx context.Context, l *Lab, on bool) error {
	mtu := "1500"
	if on {
		mtu = "1400"
	}
	if err := l.ipBatch(ctx, "gw", "link set wan mtu "+mtu+"\n"); err != nil {
		return err
	}
	if err := l.ipBatch(ctx, "inet", "link set home mtu "+mtu+"\n"); err != nil || on {
		return err
	}
	// What the nodes have learned of the narrow line they would believe for minutes.
	for _, n := range nodes {
		for _, family := range []string{"-4", "-6"} {
			if err := l.tool(ctx, n.name, "", "ip", family, "route", "flush", "cache"); err != nil {
				return err
			}
		}
	}
	return nil
}
