package site

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"
)

// With jails there is one host: that of the file, or the usual one; and the first answer of a jail adds it.
func TestToasterLayout(t *testing.T) {
	for _, text := range []string{"layout = 'toaster'\n", "layout = 'toaster'\n[host.proxy]\nssh = 'a'\n", "layout = 'toaster'\n[host.mx]\nrole = 'proxy'\n[[jail]]\nname = 'dovecot'\nports = [993]\n"} {
		s, err := Parse(text)
		if err != nil || len(s.Hosts) != 1 || s.Hosts[0].Role != Proxy {
			t.Errorf("%q: %v, %v", text, s, err)
		}
	}
	s := Default()
	if err := Set(s, "jail.dovecot.ports", "993"); err == nil {
		t.Error("a proxy has jails")
	}
	for _, pair := range [][2]string{{"layout", "toaster"}, {"jail.dovecot.ports", "993 143 995"}, {"jail.dovecot.address6", "fd00::f"}, {"jail.haraka.ports", "25 587 26"}, {"host.proxy.ssh", "a"}} {
		if err := Set(s, pair[0], pair[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := Set(s, "jail.x.ports", "y"); err == nil || len(s.Jails) != 2 {
		t.Errorf("a jail was added by an answer that is none: %v, %v", s.Jails, err)
	}
	if s.Fit(); len(s.Hosts) != 1 || len(Problems(s)) != 0 {
		t.Errorf("%v: %v", s.Hosts, Problems(s))
	}
	if got := fmt.Sprint(Services(s)); got != "[{{smtp tcp 25} false [] false} {{haraka-26 tcp 26} false [] false} {{submission tcp 587} false [] false} {{imaps tcp 993} false [] true} {{dovecot-995 tcp 995} false [] true}]" {
		t.Errorf("services %s", got)
	}
	for _, wrong := range [][2]string{{"jail.haraka.ports", "993"}, {"jail.haraka.reach", "nobody"}, {"jail.haraka.reach", "none dovecot"}, {"jail.haraka.reach", "dovecot all"}} {
		one := s.Clone()
		if err := Set(one, wrong[0], wrong[1]); err != nil || len(Problems(one)) == 0 {
			t.Errorf("%v is no problem: %v", wrong, err)
		}
	}
}

// The usual mail host goes with the layout that has none, out of the file too, and comes back; one with answers stays, and a line says so.
func TestTheHostsFollowTheLayout(t *testing.T) {
	path := filepath.Join(t.TempDir(), "postern.toml")
	f := NewFile(path, Default())
	hosts := func() (names string) {
		for _, h := range f.Site.Hosts {
			names += h.Name + " "
		}
		return names
	}
	for _, one := range []struct{ key, value, hosts, problem string }{
		{"host.proxy.ssh", "a", "proxy mail ", "host.mail.ssh: is empty; write user@host, or set host.mail.local when postern runs on it"},
		{"host.mail.local", "false", "proxy mail ", "host.mail.ssh: is empty; write user@host, or set host.mail.local when postern runs on it"},
		{"layout", "toaster", "proxy ", ""},
		{"layout", "proxy", "proxy mail ", "host.mail.ssh: is empty; write user@host, or set host.mail.local when postern runs on it"},
		{"host.mail.ssh", "b", "proxy mail ", ""},
		{"layout", "toaster", "proxy mail ", "host.mail.ssh: with layout = toaster the mail server is in the jails of the one host: empty what is answered of this one, or answer layout = proxy"},
		{"host.mail.ssh", "", "proxy ", ""},
		{"jail.dovecot.reach", "all", "proxy ", ""},
	} {
		if err := f.Set(one.key, one.value); err != nil {
			t.Fatal(err)
		}
		said := ""
		for _, p := range Problems(f.Site) {
			said += p.Error()
		}
		if err := f.Save(); err != nil || hosts() != one.hosts || said != one.problem {
			t.Errorf("%s = %s: %q, %q, %v", one.key, one.value, hosts(), said, err)
		}
		back, err := Load(path)
		if err != nil || unlike(back.Site, f.Site) != "" {
			t.Errorf("%s = %s is not what is read back: %v", one.key, one.value, err)
		}
	}
}

// Jails that were found are answers like others once they are taken over: a file keeps them.
func TestJailsThatWereFoundAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "postern.toml")
	s := Default()
	s.Layout = "toaster"
	s.Fit()
	f := NewFile(path, s)
	if err := f.Set("jail.haraka.ports", "25"); err != nil {
		t.Fatal(err)
	}
	found := f.Site.Clone()
	found.Jails = append(found.Jails, Jail{Name: "dovecot", Address4: netip.MustParseAddr("172.16.15.15"), Ports: UsualPorts("Dovecot")}, Jail{Name: "haraka", Ports: []int{465}})
	found.Jails[len(found.Jails)-1].Reach = []string{"dovecot"}
	f.Site.TakeJails(found)
	again := found.Clone()
	again.Jails[len(again.Jails)-1].Reach = []string{"none"} // at another moment
	f.Site.TakeJails(again)
	if err := f.Save(); err != nil {
		t.Fatal(err)
	}
	back, err := Load(path)
	if err != nil || unlike(back.Site, f.Site) != "" || len(back.Site.Jails) != 2 || fmt.Sprint(back.Site.Jails[0].Ports, back.Site.Jails[0].Reach, back.Site.Jails[1].Ports) != "[25] [dovecot] [993 995 143 110]" {
		t.Errorf("%+v, %v", back, err)
	}
}
