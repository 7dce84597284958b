package firewall

import (
	"strings"
	"testing"

	"postern/seen"
)

func TestBootValues(t *testing.T) {
	files := []seen.Setting{
		{File: "/etc/sysctl.d/60-a.conf", Name: "net.ipv4.ip_forward", Value: "1"},
		{File: "/etc/sysctl.d/70-c.conf", Name: "net.ipv4.conf.all.forwarding", Value: "0"},
		{File: "/usr/lib/sysctl.d/60-a.conf", Name: "net.ipv4.ip_forward", Value: "0"}, // hidden by the one in /etc
		{File: "/usr/lib/sysctl.d/50-b.conf", Name: "net/ipv6/conf/all/forwarding", Value: "1"},
	}
	got := bootValues(files)
	if got[forward4] != "0" || got[forward6] != "1" {
		t.Errorf("%v", got)
	}
	if got := bootValues([]seen.Setting{files[0], files[2]}); got[forward4] != "1" {
		t.Errorf("the administrator's file does not hide the package's: %v", got)
	}
	if got := bootValues(append(files, seen.Setting{File: seen.UfwSysctl, Name: "net/ipv4/ip_forward", Value: "1"})); got[forward4] != "1" {
		t.Errorf("ufw sets it last: %v", got)
	}
	if got := bootValues([]seen.Setting{{File: seen.SysctlConf, Name: "net.ipv4.ip_forward", Value: "1"}}); got[forward4] != "" {
		t.Errorf("a file that nothing links to counts: %v", got)
	}
}

func FuzzTuple(f *testing.F) {
	f.Add("route:allow tcp 993 10.0.0.2 any 0.0.0.0/0 in_eth0!out_wg0 comment=61")
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := tupleOf("### tuple ### " + text); err == nil && strings.ContainsAny(r.String(), "\x1b\n\r\x07") {
			t.Fatalf("a control character comes through: %q", r.String())
		}
	})
}
