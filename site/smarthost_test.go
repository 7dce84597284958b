package site

import (
	"strings"
	"testing"
)

// TestSmarthost: what may stand in an SPF record, in a file of ours and in a login is taken, and nothing else.
func TestSmarthost(t *testing.T) {
	s := Default()
	for key, all := range map[string]struct{ good, bad string }{
		"smarthost.spf":  {"include:spf.example.net ip4:192.0.2.0/24 ip6:2001:db8::1 a:mail.example.net mx:example.net INCLUDE:Spf.Example.Net", "spf.example.net include: include:x +all -all all include:a,include ip4:x redirect=a.example exists:%{i}.example ptr"},
		"smarthost.user": {"ann ann@example.org AKIA0123/x+1 0007 a:b%c~d=e", "-x a\"b a'b a\\b a`b a$b a;b é"},
		"smarthost.host": {"relay.example.net", "192.0.2.1 relay [relay.example.net]:587"},
	} {
		for _, text := range strings.Fields(all.good) {
			if err := Set(s, key, text); err != nil {
				t.Error(err)
			}
		}
		for _, text := range strings.Fields(all.bad) {
			if Set(s, key, text) == nil {
				f, _ := FieldOf(s, key)
				t.Errorf("%s: %q is taken, as %q", key, text, f.Get(s))
			}
		}
	}
	if err := Set(s, "smarthost.spf", "INCLUDE:Spf.Example.Net, include:spf.example.net"); err != nil || strings.Join(s.Smarthost.SPF, " ") != "include:spf.example.net" {
		t.Errorf("%v, %q", err, s.Smarthost.SPF)
	}
	c := s.Clone()
	if c.Smarthost.SPF[0] = "x"; s.Smarthost.SPF[0] == "x" {
		t.Error("a copy shares its list")
	}
	for port, wrapped := range map[int]bool{465: true, 587: false, 2525: false} {
		if m := (Smarthost{Port: port}); m.Wrapped() != wrapped {
			t.Errorf("port %d: wrapped %v", port, m.Wrapped())
		}
	}
}
