package provider

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestEveryProvider(t *testing.T) {
	if len(all) < 2 {
		t.Fatalf("providers: %v", all)
	}
	for id := range all {
		p, ok := Find(id)
		if !ok || p.ID != id || p.Name == "" {
			t.Errorf("%s: found %q, %v", id, p.ID, ok)
		}
		if !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(id) {
			t.Errorf("%q is not lower case letters, digits and hyphens", id)
		}
		if id != Unknown {
			if _, err := time.Parse("2006-01-02", p.AsOf); err != nil {
				t.Errorf("%s: as of: %v", id, err)
			}
			if len(p.Sources) == 0 {
				t.Errorf("%s: says things without a source", id)
			}
			if !strings.Contains(p.FirewallText(), p.AsOf) || !strings.Contains(p.Port25Text(25), p.AsOf) {
				t.Errorf("%s: a text does not say how old it is", id)
			}
		}
		if len(p.Firewall.Steps) == 0 || p.Firewall.Default == "" || p.In25 == "" || p.Out25.Default == "" {
			t.Errorf("%s: says nothing about the firewall or port 25, not even unknown", id)
		}
		full := Letter{Hostname: "mail.example.org", Address4: "203.0.113.10", Address6: "2001:db8::10", Domain: "example.org", Port: 25}
		text, err := p.Write(full)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{full.Hostname, full.Address4, full.Address6, full.Domain, "25"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the letter lacks %q:\n%s", id, want, text)
			}
		}
		if text, err = p.Write(Letter{Port: 25}); err != nil || !strings.Contains(text, "please fill in") {
			t.Errorf("%s: letter without answers: %v\n%s", id, err, text)
		}
	}
}

func TestFindUnknown(t *testing.T) {
	p, ok := Find("nobody")
	if ok || p.ID != Unknown {
		t.Errorf("Find(nobody) = %q, %v", p.ID, ok)
	}
	if p, ok = Find("IONOS"); !ok || p.ID != "ionos" {
		t.Errorf("Find(IONOS) = %q, %v", p.ID, ok)
	}
}

func TestIonosTwoBlocks(t *testing.T) {
	p, _ := Find("ionos")
	for _, want := range []string{"Firewall Policies", "Incoming port 25", "Only one policy"} {
		if !strings.Contains(p.FirewallText(), want) {
			t.Errorf("firewall text lacks %q", want)
		}
	}
	for _, want := range []string{"blocks outgoing port 25", "by phone, 24/7", "verify the account", "a while"} {
		if !strings.Contains(p.Port25Text(25), want) {
			t.Errorf("port 25 text lacks %q:\n%s", want, p.Port25Text(25))
		}
	}
}

func TestRuleList(t *testing.T) {
	got := RuleList([]Rule{{Name: "smtp", Proto: "tcp", Port: 25}, {Name: "ssh", Proto: "tcp", Port: 2222, From: "198.51.100.0/24"}})
	want := "incoming  TCP     25  from any                 smtp\nincoming  TCP   2222  from 198.51.100.0/24     ssh\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
