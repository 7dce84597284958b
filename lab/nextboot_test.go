//go:build linux

package main

import (
	"fmt"
	"strings"
	"testing"
)

// onlyAtBoot is a change that nothing shows until a host starts anew.
type onlyAtBoot struct {
	name, host, check string
	do                string // with $f, a file that undo puts back
	file              string
	undo              string
}

func nextBoots() []onlyAtBoot {
	edit := func(name, host, check, file, sed string) onlyAtBoot {
		return onlyAtBoot{name: name, host: host, check: check, file: file, do: "sed -i '" + sed + "' $f"}
	}
	all := []onlyAtBoot{
		edit("all let in", "mail", "firewall.boot", "/etc/ufw/before.rules", "0,/^-A ufw-before-input/s//-A ufw-before-input -j ACCEPT\\n&/"),
		edit("all let in over IPv6", "proxy", "firewall.boot", "/etc/ufw/before6.rules", "0,/^-A ufw6-before-input/s//-A ufw6-before-input -j ACCEPT\\n&/"),
		edit("our block gone", "proxy", "firewall.boot", "/etc/ufw/before.init", "/postern begin/,/postern end/d"),
		{name: "one interface does not forward", host: "proxy", check: "firewall.boot", file: "/etc/sysctl.d/99-zz.conf", do: "echo net.ipv4.conf.eth0.forwarding=0 >$f"},
		{name: "one interface does not forward IPv6", host: "proxy", check: "firewall.boot", file: "/etc/sysctl.d/99-zz.conf", do: "echo net.ipv6.conf.wg0.forwarding=0 >$f"},
		edit("a preshared key", "proxy", "tunnel.boot", "/etc/wireguard/wg0.conf", "s|^AllowedIPs|PresharedKey = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=\\n&|"),
		edit("another address", "mail", "tunnel.boot", "/etc/wireguard/wg0.conf", "s|10.0.0.2/24|10.0.0.9/24|"),
		edit("another address over IPv6", "mail", "tunnel.boot", "/etc/wireguard/wg0.conf", "s|fd00:50::2/64|fd00:50::9/64|"),
		edit("another endpoint", "mail", "tunnel.boot", "/etc/wireguard/wg0.conf", "s|^Endpoint.*|Endpoint = 203.0.113.99:51820|"),
		edit("another endpoint over IPv6", "mail", "tunnel.boot", "/etc/wireguard/wg0.conf", "s|^Endpoint.*|Endpoint = [2001:db8:113::99]:51820|"),
		edit("commands gone", "mail", "tunnel.boot", "/etc/wireguard/wg0.conf", "/^PostUp = .*rule/d"),
		edit("commands for IPv6 gone", "mail", "tunnel.boot", "/etc/wireguard/wg0.conf", "/^PostUp = ip -6/d"),
		{name: "another key", host: "proxy", check: "tunnel.boot", file: "/etc/wireguard/wg0.key", do: "wg genkey >$f"},
		{name: "no ssh", host: "mail", check: "host.boot", do: "systemctl disable ssh", undo: "systemctl enable ssh"},
		{name: "a condition that never holds", host: "proxy", check: "firewall.boot", file: "/etc/systemd/system/ufw.service.d/x.conf",
			do: "mkdir -p ${f%/*}; printf '[Unit]\\nConditionPathExists=/nowhere\\n' >$f; systemctl daemon-reload", undo: "systemctl daemon-reload"},
	}
	return all
}

// put makes the change; the function it gives takes it back.
func (b onlyAtBoot) put(t *testing.T, l *Lab) (back func()) {
	t.Helper()
	begin := "f='" + b.file + "'; "
	want(t, l, b.host, "sh", "-ec", begin+`[ -z "$f" ] || [ ! -e "$f" ] || cp -p "$f" /root/kept; `+b.do)
	return func() {
		want(t, l, b.host, "sh", "-ec", begin+`[ -z "$f" ] || if [ -e /root/kept ]; then mv /root/kept "$f"; else rm "$f"; fi; `+b.undo)
	}
}

// TestNextBoot makes, each alone, changes that only a boot would show, and wants the checks to say so beforehand; then some at
// once, reboots, and wants what the checks foretold.
func TestNextBoot(t *testing.T) {
	t.Parallel()
	suites := []string{"bookworm"}
	if torture() {
		suites = append(suites, "trixie")
	}
	for _, suite := range suites {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			foretellsBoot(t, suite)
		})
	}
}

func foretellsBoot(t *testing.T, suite string) {
	l := newLab(t, Options{Suite: suite})
	o := newOperator(t, l, func(text string) string { return text + "\n[tunnel]\nnetwork6 = \"fd00:50::/64\"\n" })
	o.run(0, "apply", "--yes")
	families := func() map[string]result {
		all := map[string]result{}
		for _, r := range o.checks("tunnel.boot", "firewall.boot", "host.boot") {
			all[r.ID+"@"+r.From] = r
		}
		return all
	}
	well := func(when string) {
		t.Helper()
		for key, r := range families() {
			if r.Result != "ok" {
				t.Errorf("%s, %s is %s: %s", when, key, r.Result, r.Saw)
			}
		}
	}
	well("set up")
	for _, b := range nextBoots() {
		t.Run(b.name, func(t *testing.T) {
			back := b.put(t, l)
			r := families()[b.check+"@"+b.host]
			t.Logf("%s: %s", r.Result, r.Saw)
			if r.Result != "fail" {
				t.Errorf("%s@%s is %q: %s", b.check, b.host, r.Result, r.Saw)
			}
			back()
			well("taken back")
		})
	}
	t.Run("what was foretold", func(t *testing.T) {
		for _, b := range nextBoots() {
			if b.name == "our block gone" || b.name == "another key" || b.name == "all let in" {
				b.put(t, l)
				want(t, l, b.host, "sh", "-c", "rm -f /root/kept")
			}
		}
		foretold := families()
		onBoth(t, func(host string) error { return l.Reboot(t.Context(), host) })
		now := fmt.Sprint(rules(t, l, "proxy"), want(t, l, "proxy", "wg", "show", "wg0", "public-key"), rules(t, l, "mail"))
		for key, is := range map[string]bool{
			"firewall.boot@proxy": !strings.Contains(now, "--to-destination 10.0.0.2:993"),
			"firewall.boot@mail":  strings.Contains(now, "-A ufw-before-input -j ACCEPT"),
			"tunnel.boot@proxy":   want(t, l, "proxy", "sh", "-c", "wg show wg0 public-key") == want(t, l, "proxy", "sh", "-c", "wg pubkey </etc/wireguard/wg0.key"),
		} {
			if foretold[key].Result != "fail" || !is {
				t.Errorf("%s foretold %q (%s), and so it is: %t", key, foretold[key].Result, foretold[key].Saw, is)
			}
		}
	})
}
