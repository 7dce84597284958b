//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// variation is a site that differs from the usual one, and still must work as well.
type variation struct {
	name    string
	lab     Options
	torture bool // runs only with every case
	begin   func(*testing.T, *Lab) *operator
	mail    string            // the mail host's address in the tunnel; 10.0.0.2 when empty
	imaps   string            // the port mail programs use; 993 when empty
	seen    string            // the address the listeners see; world's own when empty
	settled func(o *operator) // what the operator does once the tunnel is up; may be nil
	warned  []string          // checks that may warn
}

// TestVariations sets up sites that differ in what can differ, and proves each as thoroughly as the usual one.
func TestVariations(t *testing.T) {
	t.Parallel()
	for _, v := range []variation{
		{name: "every port and network, sudo with a password", lab: Options{Suite: "trixie", SSHPort: 2222},
			begin: strangeNumbers, mail: "10.77.0.2", imaps: "1993"},
		{name: "mail through the proxy only", begin: throughProxy, settled: throughTunnel, warned: tunnelOnly},
		{name: "the program on the mail host", begin: onMail},
		{name: "masqueraded clients", torture: true, begin: masqueraded, seen: "10.0.0.1"},
		{name: "mail through the proxy only, on trixie", lab: Options{Suite: "trixie"}, torture: true, begin: throughProxy, settled: throughTunnel, warned: tunnelOnly},
		{name: "the program on the mail host, on trixie", lab: Options{Suite: "trixie"}, torture: true, begin: onMail},
	} {
		t.Run(v.name, func(t *testing.T) {
			if v.torture {
				needTorture(t)
			}
			t.Parallel()
			v.prove(t)
		})
	}
}

// prove sets the site up and wants everything of it that the usual one gives.
func (v variation) prove(t *testing.T) {
	l := newLab(t, v.lab)
	o := v.begin(t, l)
	o.run(0, "apply", "--yes")
	if v.settled != nil {
		v.settled(o)
	}
	v.listen(t, l)
	v.wantSeen(t, l)

	before := map[string]string{"proxy": rules(t, l, "proxy"), "mail": rules(t, l, "mail")}
	same := func(after string) {
		t.Helper()
		for host, old := range before {
			if now := rules(t, l, host); now != old {
				t.Errorf("%s: %s changed the rules:\n%s\nwere\n%s", host, after, now, old)
			}
		}
	}
	onBoth(t, func(host string) error {
		_, err := l.Exec(t.Context(), host, "sh", "-ec", "for i in 1 2 3 4 5 6 7 8 9 10; do ufw reload; done")
		return err
	})
	same("ten reloads")
	if out := o.run(0, "apply", "--yes"); !strings.Contains(out, "Nothing to change") {
		t.Errorf("a second apply found something to change:\n%s", out)
	}
	same("a second apply")
	dialsByItself(t, l)

	onBoth(t, func(host string) error { return l.Reboot(t.Context(), host) })
	o.afterReboot()
	same("a reboot")
	v.listen(t, l)
	v.wantSeen(t, l)
	o.proven(v.warned...)
}

// dialsByItself wants a started tunnel to shake hands before anybody sends through it: a mail host that waits for a packet
// of its own stays dark to the world after a boot.
func dialsByItself(t *testing.T, l *Lab) {
	t.Helper()
	out, err := l.Exec(t.Context(), "mail", "sh", "-ec", `i=$(wg show interfaces)
		systemctl restart "wg-quick@$i"
		for try in 1 2 3 4 5 6 7 8 9 10; do
			wg show "$i" latest-handshakes | awk '$2 > 0 { n = 1 } END { exit !n }' && exit
			sleep 0.2
		done
		wg show "$i"; exit 1`)
	if err != nil {
		t.Errorf("the tunnel does not come up by itself: %v\n%s", err, out)
	}
}

// ports are those that mail programs use.
func (v variation) ports() []string {
	if v.imaps != "" {
		return []string{v.imaps, "587", "465"}
	}
	return []string{"993", "587", "465"}
}

func (v variation) listen(t *testing.T, l *Lab) {
	t.Helper()
	addr := v.mail
	if addr == "" {
		addr = "10.0.0.2"
	}
	for _, port := range v.ports() {
		listen(t, l, addr, port)
	}
}

// wantSeen wants that the listeners on mail see the client's address, or what stands for it.
func (v variation) wantSeen(t *testing.T, l *Lab) {
	t.Helper()
	seen := v.seen
	if seen == "" {
		seen = worldAddress
	}
	for _, port := range v.ports() {
		if got := peerSeen(t, l, port); !strings.HasPrefix(got, "peer "+seen+" ") {
			t.Errorf("the listener behind %s says %q, want the address %s", port, got, seen)
		}
	}
}

// strangeNumbers differs in every number at once, and the login is a user who becomes root with a password. On mail that
// password is also the login's.
func strangeNumbers(t *testing.T, l *Lab) *operator {
	want(t, l, "mail", "rm", "/home/admin/.ssh/authorized_keys")
	o := newOperator(t, l, func(text string) string {
		return strings.NewReplacer("root@203.0.113.10", "admin@203.0.113.10:2222", "root@192.168.50.2", "admin@192.168.50.2:2222").Replace(text) + `
[tunnel]
network = "10.77.0.0/24"
proxy = "10.77.0.1"
mail = "10.77.0.2"
port = 51999
interface = "home7"

[ports]
imaps = 1993
`
	})
	askpass := filepath.Join(t.TempDir(), "askpass")
	if err := os.WriteFile(askpass, []byte("#!/bin/sh\ncase $1 in *password*) echo '"+adminPassword+"' ;; *) exit 1 ;; esac\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	o.flags = []string{"--askpass", askpass}
	return o
}

// throughProxy has the laptop somewhere else than at home: it reaches mail only over the proxy, at first at mail's global
// address.
func throughProxy(t *testing.T, l *Lab) *operator {
	if err := l.Fault(t.Context(), "cut:mail", true); err != nil {
		t.Fatal(err)
	}
	key, err := l.Fingerprint(t.Context(), "mail")
	if err != nil {
		t.Fatal(err)
	}
	return newOperator(t, l, func(text string) string {
		return strings.Replace(text, `ssh = "root@192.168.50.2"`, `ssh = "root@[2001:db8:50::2]"
jump = "proxy"
fingerprint = "`+key+`"`, 1)
	})
}

// tunnelOnly is what warns where the way through the tunnel is the only one that can be tried.
var tunnelOnly = []string{"host.ways"}

// throughTunnel goes on over the tunnel, and the way in that was open for the first set-up alone is closed.
func throughTunnel(o *operator) {
	o.t.Helper()
	o.run(0, "--set", "host.mail.ssh=root@10.0.0.2", "--save", "apply", "--yes")
	if err := reaches(o.t.Context(), o.l, "proxy", "[2001:db8:50::2]:22"); err == nil {
		o.t.Error("mail's SSH still answers at its global address, where nobody asked for it any more")
	}
}

// onMail runs the program on the mail host itself, with a key of its own that only the proxy knows.
func onMail(t *testing.T, l *Lab) *operator {
	if err := l.Trust(); err != nil {
		t.Fatal(err)
	}
	o := newOperator(t, l, func(text string) string {
		return strings.Replace(text, `ssh = "root@192.168.50.2"`, "local = true", 1)
	})
	o.moveTo("mail")
	return o
}

func masqueraded(t *testing.T, l *Lab) *operator {
	return newOperator(t, l, func(text string) string { return text + "\n[clients]\naddresses = \"masquerade\"\n" })
}

// moveTo seats the operator at a booted host, which gets the program, the answers, a new key that the proxy lets in, and
// the proxy's host keys.
func (o *operator) moveTo(host string) {
	o.t.Helper()
	files := map[string]string{
		"/usr/local/bin/postern": o.l.dir("bin", "postern"),
		"/root/site.toml":        o.site,
		"/root/.ssh/known_hosts": o.l.dir("laptop", "home", ".ssh", "known_hosts"),
	}
	for to, path := range files {
		from, err := os.Open(path)
		if err != nil {
			o.t.Fatal(err)
		}
		defer from.Close()
		cmd, err := o.l.Command(o.t.Context(), host, "sh", "-ec", `umask 077; mkdir -p "${1%/*}"; cat >"$1"; chmod u+x "$1"`, "sh", to)
		if err != nil {
			o.t.Fatal(err)
		}
		cmd.Stdin = from
		if _, err := runCmd(cmd); err != nil {
			o.t.Fatal(err)
		}
	}
	want(o.t, o.l, host, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/.ssh/id_ed25519")
	key := want(o.t, o.l, host, "cat", "/root/.ssh/id_ed25519.pub")
	want(o.t, o.l, "proxy", "sh", "-c", `echo "$1" >>/root/.ssh/authorized_keys`, "sh", key)
	o.node, o.site = host, "/root/site.toml"
}
