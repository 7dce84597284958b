package steps

import (
	"net/netip"
	"reflect"
	"testing"

	"postern/seen"
	"postern/site"
)

func TestDetect(t *testing.T) {
	s := site.Default()
	answer(t, s, "host.proxy.ssh = root@203.0.113.10\nhost.mail.ssh = mailbox")
	before := s.Clone()
	found, notes := Detect(s, freshLook(t, s))
	if !reflect.DeepEqual(s, before) {
		t.Error("the site itself was changed")
	}
	proxy, mail := found.Host("proxy"), found.Host("mail")
	if proxy.Interface != "eth0" || proxy.Public4.String() != "203.0.113.10" || proxy.Public6.String() != "2001:db8:113::10" {
		t.Errorf("proxy: %+v", proxy)
	}
	if mail.Interface != "eth0" || mail.Public4.IsValid() || mail.Public6.String() != "2001:db8:50::2" {
		t.Errorf("mail: %+v", mail)
	}
	want := []Note{
		{"proxy", false, "detected interface eth0 (of the default route), public address 203.0.113.10 (on eth0, and where SSH goes to), public address 2001:db8:113::10 (on eth0)"},
		{"mail", false, "detected interface eth0 (of the default route), public address 2001:db8:50::2 (on eth0)"},
	}
	if !reflect.DeepEqual(notes, want) {
		t.Errorf("notes %+v", notes)
	}
}

func TestDetectKeepsAnswers(t *testing.T) {
	s := site.Default()
	answer(t, s, "host.proxy.public4 = 203.0.113.99\nhost.proxy.interface = ens3")
	found, _ := Detect(s, freshLook(t, s))
	if p := found.Host("proxy"); p.Public4.String() != "203.0.113.99" || p.Interface != "ens3" {
		t.Errorf("%+v", p)
	}
	if found, notes := Detect(s, Look{}); !reflect.DeepEqual(found.Host("mail"), s.Host("mail")) || notes != nil {
		t.Errorf("nothing was seen, and %+v found", found.Host("mail"))
	}
}

// loggedInTo is a host at whose address the SSH connection arrived.
func loggedInTo(address string, now seen.Host) seen.Host {
	now.Server = netip.AddrPortFrom(netip.MustParseAddr(address), 22)
	return now
}

func TestPublic6(t *testing.T) {
	now := seenHost("10.1.2.3/24", "198.51.100.20", 22, "2001:db8:113::10/64", "2001:db8:113::11/64")
	if a, _ := public(&site.Host{Role: site.Proxy, SSH: "root@[2001:db8:113::11]"}, now, true); a.String() != "2001:db8:113::11" {
		t.Errorf("logged in to the second address, and the public one is %s", a)
	}
}

func TestPublic4(t *testing.T) {
	with := func(addrs ...string) seen.Host { return seenHost(addrs[0], "198.51.100.20", 22, addrs[1:]...) }
	for _, c := range []struct {
		host *site.Host
		seen seen.Host
		want string
	}{
		{&site.Host{Role: site.Proxy, SSH: "root@203.0.113.7:2222"}, with("10.1.2.3/24"), "203.0.113.7"},
		{&site.Host{Role: site.Proxy, SSH: "203.0.113.7"}, with("203.0.113.6/24", "203.0.113.7/32"), "203.0.113.7"},
		{&site.Host{Role: site.Proxy, SSH: "vps"}, with("198.51.100.6/24"), "198.51.100.6"},
		{&site.Host{Role: site.Proxy, SSH: "vps"}, with("100.64.3.4/24"), ""},
		{&site.Host{Role: site.Proxy, SSH: "203.0.113.6"}, with("203.0.113.5/24", "203.0.113.6/24"), "203.0.113.6"},
		{&site.Host{Role: site.Proxy, SSH: "vps"}, with("10.1.2.3/24", "203.0.113.6/24"), "203.0.113.6"},
		{&site.Host{Role: site.Proxy, SSH: "root@vps.example.org"}, loggedInTo("203.0.113.6", with("203.0.113.5/24", "203.0.113.6/24")), "203.0.113.6"},
		{&site.Host{Role: site.Proxy, SSH: "root@vps.example.org", Jump: "bastion"}, loggedInTo("203.0.113.6", with("203.0.113.5/24", "203.0.113.6/24")), "203.0.113.5"},
		{&site.Host{Role: site.Proxy, SSH: "root@vps.example.org"}, loggedInTo("10.1.2.3", with("203.0.113.5/24", "10.1.2.3/24")), "203.0.113.5"},
		{&site.Host{Role: site.Proxy, SSH: "203.0.113.7", Jump: "bastion"}, with("10.1.2.3/24"), ""},
		{&site.Host{Role: site.Mail, SSH: "203.0.113.7"}, with("192.168.1.2/24"), ""},
		{&site.Host{Role: site.Proxy, SSH: "ssh://root@[2001:db8::7]:22/"}, with("10.1.2.3/24"), ""},
	} {
		got := ""
		if a, _ := public(c.host, c.seen, false); a.IsValid() {
			got = a.String()
		}
		if got != c.want {
			t.Errorf("%s with %v: %q, want %q", c.host.SSH, c.seen.Address4(), got, c.want)
		}
	}
}
