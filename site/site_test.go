package site

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestProblems(t *testing.T) {
	ready := []string{"host.proxy.ssh", "root@203.0.113.7:2222", "host.mail.ssh", "mailhost"}
	for _, c := range []struct {
		set  []string
		want string
	}{
		{nil, ""},
		{[]string{"host.mail.ssh", ""}, `host.mail.ssh: is empty; write user@host, or set host.mail.local when postern runs on it`},
		{[]string{"host.mail.ssh", "", "host.mail.local", "true"}, ""},
		{[]string{"host.proxy.local", "true", "host.mail.local", "true"}, `host.mail.local: host proxy is this machine already; at most one can be`},
		{[]string{"host.mail.jump", "proxy"}, ""},
		{[]string{"host.mail.jump", "elsewhere"}, ""},
		{[]string{"host.mail.jump", "Proxy"}, `host.mail.jump: "Proxy" is not a host of the site; write proxy (or ssh://Proxy for an alias)`},
		{[]string{"host.mail.jump", "mail"}, `host.mail.jump: goes in a circle (mail, mail)`},
		{[]string{"host.mail.jump", "proxy", "host.proxy.jump", "mail"}, "host.proxy.jump: goes in a circle (proxy, mail, proxy)\nhost.mail.jump: goes in a circle (mail, proxy, mail)"},
		{[]string{"host.mail.jump", "proxy", "host.proxy.jump", "proxy"}, `host.proxy.jump: goes in a circle (proxy, proxy)`},
		{[]string{"ports.imaps", "587"}, `ports.imaps: 587 is the port of ports.submission already`},
		{[]string{"ports.imaps", "2222"}, `ports.imaps: 2222 is the port of host.proxy.ssh already`},
		{[]string{"ports.relay", "25"}, `ports.relay: 25 is the port of ports.smtp already`},
		{[]string{"ports.web", "443"}, ""},
		{[]string{"ports.web", "993"}, `ports.web: 993 is the port of ports.imaps already`},
		{[]string{"tunnel.mail", "10.0.0.1"}, `tunnel.mail: 10.0.0.1 is the proxy's address already`},
		{[]string{"tunnel.mail", "10.0.0.9", "tunnel.network", "10.1.0.0/24"}, `tunnel.mail: 10.0.0.9 is not in the tunnel's network 10.1.0.0/24`},
		{[]string{"host.mail.public4", "10.0.0.7"}, `tunnel.network: has the public address 10.0.0.7 of host mail in it; take another network`},
		{[]string{"host.mail.interface", "wg0"}, `tunnel.interface: wg0 is the interface of host mail to the world; take another name`},
		{[]string{"mail.lan", "10.0.0.0/16"}, `mail.lan: 10.0.0.0/16 overlaps the tunnel's network; change tunnel.network`},
		{[]string{"mail.lan", "192.168.1.0/24"}, ""},
		{[]string{"host.mail.role", "proxy"}, "host.mail.role: host proxy is a proxy too; one of each is set up\nhost: none has role = mail"},
		{[]string{"smarthost.host", "relay.example.net", "smarthost.user", "ann"}, ""},
		{[]string{"smarthost.user", "ann", "mail.path", "direct"}, ""},
		{[]string{"smarthost.host", "relay.example.net"}, `smarthost.user: is empty, and needed: who logs in at relay.example.net`},
		{[]string{"smarthost.host", "relay.example.net", "smarthost.user", "ann", "mail.path", "direct"}, `smarthost.host: a smart host needs mail.path = haraka: the proxy sends by it, and the mail host has no way of its own there`},
		{[]string{"smarthost.host", "relay.example.net", "smarthost.user", "ann", "smarthost.port", "25"}, `smarthost.port: 25 is where strangers hand mail in; a smart host takes it at 587 or 465 from who logs in`},
		{[]string{"domains", "a.example"}, `domain: is empty, and needed: The domain that gets mail, such as example.org. It may stay empty until the DNS chapter.`},
		{[]string{"layout", "toaster"}, `host.mail.ssh: with layout = toaster the mail server is in the jails of the one host: empty what is answered of this one, or answer layout = proxy`},
	} {
		s := Default()
		for i, pairs := 0, append(append([]string(nil), ready...), c.set...); i < len(pairs); i += 2 {
			set(t, s, pairs[i], pairs[i+1])
		}
		if got := lines(Problems(s)); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.set, got, c.want)
		}
	}
	s := Default()
	set(t, s, "host.proxy.ssh", "a")
	set(t, s, "host.mail.ssh", "b")
	if got := lines(Problems(s, "domain", "domain", "hostname")); strings.Count(got, "\n") != 1 {
		t.Errorf("needed keys: %s", got)
	}
	for range 2 {
		s.Jails = append(s.Jails, Jail{Name: fmt.Sprint("j", len(s.Jails)), Address4: s.Tunnel.Mail})
	}
	if got := lines(Problems(s)); got != "jail.j1: 10.0.0.2 is the address of jail j0 already" {
		t.Errorf("jails: %s", got)
	}
}

func lines(errs []error) string {
	var texts []string
	for _, err := range errs {
		texts = append(texts, err.Error())
	}
	return strings.Join(texts, "\n")
}

func TestDiff(t *testing.T) {
	mine, theirs := Default(), Default()
	set(t, mine, "ports.imaps", "1993")
	set(t, mine, "host.mail.local", "true")
	if _, err := theirs.AddHost("spare", Mail); err != nil {
		t.Fatal(err)
	}
	want := []Difference{{"ports.imaps", "1993", "993"}, {"host.spare.role", "", "mail"}}
	if got := Diff(mine, theirs); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A clone equals its site and shares no memory that a change could reach.
func TestClone(t *testing.T) {
	s := full(t)
	for _, f := range Fields(s) {
		for _, c := range accepted {
			if c.key == f.Key && c.out != "" {
				_ = f.Set(s, c.in) // an address outside the network set before is refused, and not needed
			}
		}
	}
	c := s.Clone()
	if !reflect.DeepEqual(s, c) {
		t.Fatal("the clone differs")
	}
	if path := shared(reflect.ValueOf(*s), reflect.ValueOf(*c), "Site"); path != "" {
		t.Errorf("%s is shared", path)
	}
}

// shared finds a pointer, slice or map that two values have in common. Addresses of net/netip are values, whatever is in them.
func shared(a, b reflect.Value, path string) string {
	if a.Type().PkgPath() == "net/netip" {
		return ""
	}
	switch a.Kind() {
	case reflect.Pointer:
		if !a.IsNil() && a.Pointer() == b.Pointer() {
			return path
		}
		return shared(a.Elem(), b.Elem(), path)
	case reflect.Slice:
		if a.Len() > 0 && a.Pointer() == b.Pointer() {
			return path
		}
		for i := range a.Len() {
			if p := shared(a.Index(i), b.Index(i), fmt.Sprintf("%s[%d]", path, i)); p != "" {
				return p
			}
		}
	case reflect.Map:
		if a.Len() > 0 && a.Pointer() == b.Pointer() {
			return path
		}
		for _, k := range a.MapKeys() {
			if p := shared(a.MapIndex(k), b.MapIndex(k), path+"["+k.String()+"]"); p != "" {
				return p
			}
		}
	case reflect.Struct:
		for i := range a.NumField() {
			if p := shared(a.Field(i), b.Field(i), path+"."+a.Type().Field(i).Name); p != "" {
				return p
			}
		}
	}
	return ""
}

func TestFind(t *testing.T) {
	config, cwd := t.TempDir(), t.TempDir()
	touch := func(path ...string) string {
		p := filepath.Join(path...)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o700), os.WriteFile(p, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		return p
	}
	want := func(path string) {
		t.Helper()
		if got, err := Find(config, cwd); got != path || err != nil {
			t.Errorf("got %q, %v, want %q", got, err, path)
		}
	}
	if _, err := Find(config, cwd); !errors.Is(err, ErrNone) {
		t.Errorf("nothing there: %v", err)
	}
	if _, err := Find("", cwd); !errors.Is(err, ErrNone) {
		t.Errorf("no config folder: %v", err)
	}
	touch(config, "postern", "notes.txt")
	touch(config, "postern", ".hidden.toml")
	a := touch(config, "postern", "a.toml")
	want(a)
	b := touch(config, "postern", "b.toml")
	if _, err := Find(config, cwd); err == nil || err.Error() != "several answers files; name one with --site: "+a+", "+b {
		t.Errorf("two there: %v", err)
	}
	want(touch(cwd, "postern.toml"))
}

func TestServices(t *testing.T) {
	s := Default()
	set(t, s, "ports.imaps", "1993")
	set(t, s, "from.http", "198.51.100.0/24")
	want := "[{{smtp tcp 25} false [] true} {{http tcp 80} false [198.51.100.0/24] true} {{https tcp 443} false [] true} {{submissions tcp 465} true [] false} {{submission tcp 587} true [] false} {{imaps tcp 1993} true [] false}]"
	if got := fmt.Sprint(Services(s)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	set(t, s, "mail.path", "direct")
	set(t, s, "tunnel.network6", "fd00:10::/64")
	for _, one := range Services(s) {
		if one.Forwarded != (one.Name == "smtp" || one.Name == "submissions" || one.Name == "submission" || one.Name == "imaps") || !one.Over6 {
			t.Errorf("directly, with IPv6 in the tunnel: %+v", one)
		}
	}
	set(t, s, "ports.imaps", "110")
	for _, p := range s.Unwanted() {
		if p.Port == 110 || p.Port == 25 {
			t.Errorf("%v is wanted", p)
		}
	}
}

func TestSSHHost(t *testing.T) {
	for ssh, want := range map[string]string{
		"root@203.0.113.7:22": "203.0.113.7", "vps": "vps", "ssh://a@host.example.org:2/": "host.example.org",
		"root@[2001:db8::1]:22": "2001:db8::1", "root@2001:db8::1": "2001:db8::1", "": "",
	} {
		if got := (&Host{SSH: ssh}).SSHHost(); got != want {
			t.Errorf("%q: %q, want %q", ssh, got, want)
		}
	}
}
