package seen

import (
	"testing"

	"postern/remote"
	"postern/site"
)

func TestKeptAndIdle(t *testing.T) {
	rule := "-A INPUT -p tcp -m comment --comment 'it''s' -j DROP"
	s, h := site.Default(), &site.Host{}
	ask := func(q remote.Query, out string) remote.Facts {
		return remote.Facts{Answers: map[string]remote.Answer{q.ID: {Out: out + "== end\n"}}}
	}
	files, err := Kept(rule).Of(ask(Kept(rule).Query(s, h), "== files\n/etc/iptables/rules.v4\n\x1b[2J/etc/x\n../y\n"))
	if err != nil || len(files) != 1 || files[0] != "/etc/iptables/rules.v4" {
		t.Errorf("%q, %v", files, err)
	}
	for out, want := range map[string]string{"== idle\n": "", "== idle\n/dovecot|{\"993/tcp\":[{\"HostIp\":\"10.0.0.2\",\"HostPort\":\"993\"}]}|cannot assign requested address\n": "dovecot", "== idle\n/;rm|{}|\n": ""} {
		c, err := Idle(993).Of(ask(Idle(993).Query(s, h), out))
		if err != nil || c.Container != want || want != "" && c.Why.String() != "cannot assign requested address" {
			t.Errorf("%q: %+v, %v", out, c, err)
		}
	}
}
