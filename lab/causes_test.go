//go:build linux

package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// cause is one row of the causes of check --json.
type cause struct {
	Result, Action, Fix, Answer string
	Follows                     []string
}

// causes asks the checks, and gives what is amiss by its causes.
func (o *operator) causes() []cause {
	o.t.Helper()
	out, _ := o.command(o.t.Context(), "--json", "check").Output()
	var doc struct{ Causes []cause }
	if err := json.Unmarshal(out, &doc); err != nil || doc.Causes == nil {
		o.t.Fatalf("check --json: %v\n%s", err, out)
	}
	return doc.Causes
}

// do does what an action says: a command of the program, or one to type on a host.
func (o *operator) do(action string) {
	o.t.Helper()
	if args, ours := strings.CutPrefix(action, "postern "); ours {
		if out, code := o.try(append(strings.Fields(args), "--yes")...); code > 1 || !strings.Contains(out, "Done: confirmed") { // 1: another cause is left
			o.t.Errorf("%s: exit %d\n%s", action, code, out)
		}
		return
	}
	host, line, ok := strings.Cut(strings.TrimPrefix(action, "on "), ": ")
	if !ok {
		o.t.Fatalf("nothing that can be done: %q", action)
	}
	want(o.t, o.l, host, "sh", "-ec", line)
}

// TestCauses: one fault is one cause, however many findings there are, and two are two; what is offered for it mends it, and the host
// says so.
func TestCauses(t *testing.T) {
	needLab(t)
	t.Parallel()
	l := newLab(t, Options{Mail: "plain"})
	o := newOperator(t, l, func(text string) string { return text + "\n[mail]\nkind = \"plain\"\n" })
	o.run(0, "apply", "--yes")
	on := func(host, line string) func() { return func() { want(t, l, host, "sh", "-ec", line) } }
	fault := func(name string, is bool) func() {
		return func() {
			if err := l.Fault(t.Context(), name, is); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, c := range []struct {
		name    string
		spoil   func()
		want    []string
		follows int    // at least
		action  string // what it begins with
		mend    func() // where a person must
	}{
		{"the tunnel's unit is stopped", on("mail", "systemctl stop wg-quick@wg0"), []string{"tunnel.unit@mail"}, 16, "postern apply wireguard", nil},
		{"the tunnel's unit fails", on("proxy", "systemctl stop wg-quick@wg0; mv /usr/bin/wg-quick /usr/bin/wg-quick.kept; systemctl start wg-quick@wg0 || :; mv /usr/bin/wg-quick.kept /usr/bin/wg-quick"), []string{"tunnel.unit@proxy"}, 16, "postern apply wireguard", nil},
		{"the operator denies mail", on("proxy", "ufw deny 25/tcp"), []string{"firewall.rules@proxy"}, 1, "postern --save --set host.proxy.first=25/tcp apply firewall", nil},
		{"both", on("mail", "systemctl stop wg-quick@wg0; ufw disable"), []string{"firewall.active@mail", "tunnel.unit@mail"}, 16, "postern apply", nil},
		{"sent to another address", on("proxy", "iptables -t nat -R postern-pre 3 -d 203.0.113.10/32 -i eth0 -p tcp -m tcp --dport 993 -j DNAT --to-destination 10.0.0.9:993"), []string{"firewall.rules@proxy"}, 3, "postern apply firewall", nil},
		{"sent nowhere", on("proxy", "iptables -t nat -F postern-pre"), []string{"firewall.rules@proxy"}, 9, "postern apply firewall", nil},
		{"another program's rule refuses mail", on("proxy", "iptables -I INPUT -p tcp --dport 25 -j REJECT"), []string{"firewall.rules@proxy"}, 1, "on proxy: iptables -D INPUT -p tcp -m tcp --dport 25 -j REJECT", nil},
		{"sshd is stopped", on("mail", "systemctl stop ssh.socket ssh"), []string{"host.ssh@mail"}, 25, "on the host's console: systemctl start ssh", on("mail", "systemctl start ssh")},
		{"the host is not reached", fault("cut:mail", true), []string{"host.ssh@mail"}, 25, "see on its console that the host is on", fault("cut:mail", false)},
		{"another host key", func() {
			knownHosts(t, l, func(text string) string {
				return strings.NewReplacer("192.168.50.2 ", "192.0.2.1 ", "203.0.113.10 ", "192.168.50.2,203.0.113.10 ").Replace(text)
			})
		}, []string{"host.ssh@mail"}, 25, "compare the new key on the host's own console", func() {
			if err := l.Trust(); err != nil {
				t.Fatal(err)
			}
		}},
		{"the tunnel dials elsewhere", func() { // who hears the other end goes on with its address, so nothing may be heard
			on("mail", "p=$(wg show wg0 peers); a=$(wg show wg0 allowed-ips | cut -f 2); wg set wg0 peer $p remove; wg set wg0 peer $p allowed-ips $a endpoint 203.0.113.99:51820 persistent-keepalive 25")()
			on("proxy", "systemctl restart wg-quick@wg0")()
		}, []string{"tunnel.handshake@proxy"}, 16, "postern apply wireguard", nil},
		{"large packets vanish", fault("mtu-hole", true), []string{"tunnel.mtu@proxy"}, 1, "postern --save --set tunnel.mtu=1320 apply wireguard", nil},
	} {
		ok := t.Run(c.name, func(t *testing.T) {
			everySecond(t, i)
			o := &operator{t: t, l: l, node: o.node, site: o.site}
			c.spoil()
			var keys []string
			follows := 0
			list := o.causes()
			for _, one := range list {
				t.Logf("%s: %s\n    %s", one.Result, one.Action, strings.Join(one.Follows, " "))
				keys, follows = append(keys, one.Result), follows+len(one.Follows)
				if !strings.HasPrefix(one.Action, c.action) {
					t.Errorf("%s offers %q, want %q", one.Result, one.Action, c.action)
				}
			}
			if slices.Sort(keys); !slices.Equal(keys, c.want) || follows < c.follows {
				t.Errorf("%v with %d under them; want %v with %d or more", keys, follows, c.want, c.follows)
			}
			if c.mend != nil {
				c.mend()
			} else {
				for _, one := range list {
					o.do(one.Action)
				}
			}
			var left []cause
			if poll(t.Context(), time.Minute, func() bool { left = o.causes(); return len(left) == 0 }) != nil { // a tunnel that was cut off shakes hands first
				t.Fatalf("it is not mended: %+v", left)
			}
		})
		if !ok {
			break
		}
	}
}

// everySecond leaves every second case to make torture.
func everySecond(t *testing.T, i int) {
	t.Helper()
	if i%2 == 1 {
		needTorture(t)
	}
}
