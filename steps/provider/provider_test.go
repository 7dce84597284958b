package provider

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata/providers.txt anew")

var full = Letter{Hostname: "mail.example.org", Address4: "203.0.113.10", Address6: "2001:db8::10", Domain: "example.org", Port: 25,
	Evidence: []string{"2026-11-29 14:03 UTC: connections from 203.0.113.10 to TCP port 25 of gmail-smtp-in.l.google.com time out; port 443 works"}}

func TestEveryProvider(t *testing.T) {
	if len(all) < 21 {
		t.Fatalf("providers: %v", IDs())
	}
	networks, names := map[uint32]string{}, map[string]string{}
	for id := range all {
		p, ok := Find(id)
		if !ok || p.ID != id || p.Name == "" {
			t.Errorf("%s: found %q, %v", id, p.ID, ok)
		}
		if !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(id) {
			t.Errorf("%q is not lower case letters, digits and hyphens", id)
		}
		if _, err := time.Parse("2006-01-02", p.AsOf); err != nil && id != Unknown {
			t.Errorf("%s: as of: %v", id, err)
		}
		if !strings.Contains(p.FirewallText(), p.AsOf) || !strings.Contains(p.Port25Text(25), p.AsOf) {
			t.Errorf("%s: a text does not say how old it is", id)
		}
		if p.Firewall.Default == "" || p.In25 == "" || p.Out25.Default == "" {
			t.Errorf("%s: says nothing about the firewall or port 25, not even unknown", id)
		}
		for _, n := range p.Networks {
			if n == 0 || networks[n] != "" {
				t.Errorf("%s: network %d is of %q too", id, n, networks[n])
			}
			networks[n] = id
		}
		for _, n := range p.Names {
			if names[n] != "" || strings.HasPrefix(n, ".") || !strings.Contains(n, ".") {
				t.Errorf("%s: name %q, of %q too", id, n, names[n])
			}
			names[n] = id
		}
	}
}

// What stands as a fact has a page that says so; what others say has somebody who does; and nothing else is said.
func TestWhatStandsHasASource(t *testing.T) {
	for id, p := range all {
		if id == Unknown {
			continue
		}
		o := p.Out25
		for what, one := range map[string]struct {
			said  Said
			facts bool
		}{
			"firewall":     {p.Firewall.Said, p.Firewall.Default != Unsaid || p.Firewall.Stateless || p.Firewall.DropsICMP},
			"port 25":      {o.Said, o.Default != Unsaid || o.For != "" || o.Too != nil || o.Self || o.Holds != "" || o.Needs != nil || o.Asks != nil || o.Takes != "" || p.In25 != Unsaid},
			"reverse name": {p.Reverse, false},
		} {
			if (one.facts || one.said.Path != "" || len(one.said.Steps) > 0) && len(one.said.Sources) == 0 {
				t.Errorf("%s: %s: stands without a source", id, what)
			}
			for _, s := range one.said.Sources {
				if s.Title == "" || s.Where == "" {
					t.Errorf("%s: %s: source %+v", id, what, s)
				}
			}
			for _, r := range one.said.Reports {
				if r.Who == "" || r.Says == "" || strings.HasSuffix(r.Says, ".") {
					t.Errorf("%s: %s: report %+v", id, what, r)
				}
			}
			for _, step := range one.said.Steps {
				if !strings.HasSuffix(step, ".") || strings.Contains(step, "%") { // a chapter puts names in the place of %NAME%
					t.Errorf("%s: %s: %q is no sentence", id, what, step)
				}
			}
		}
		if o.Self && (o.Default != Blocked || o.Path == "") {
			t.Errorf("%s: opened in the panel, which does not say where", id)
		}
	}
}

// What people read of each provider, letters and all, and the page of it in docs: read the diff as they would.
func TestTexts(t *testing.T) {
	var b strings.Builder
	page := "# The providers\n\nWhat the pages of these hosters said, and what others report; made from the code by `make docs`. " +
		"Chapter Network shows it for the answer `host.NAME.provider`. It may have changed since: what counts is measured.\n"
	for _, id := range append(IDs(), Unknown) {
		p, _ := Find(id)
		letter, err := p.Write(full)
		if err != nil {
			t.Fatal(err)
		}
		asked := !p.Out25.Self && p.Out25.Default != Never
		if asked != (letter != "") {
			t.Errorf("%s: a letter goes to who is asked, and only then:\n%s", id, letter)
		}
		for _, want := range append([]string{full.Hostname, full.Address4, full.Address6, full.Domain, "25", full.Evidence[0]}, p.Out25.Asks...) {
			if asked && !strings.Contains(letter, want) {
				t.Errorf("%s: the letter lacks %q:\n%s", id, want, letter)
			}
		}
		if text, err := p.Write(Letter{Port: 25}); err != nil || asked && (!strings.Contains(text, "please fill in") || strings.Contains(text, "measured")) {
			t.Errorf("%s: letter without answers: %v\n%s", id, err, text)
		}
		if p.Out25.Default == Unsaid && !strings.Contains(p.Port25Text(25), "is unknown here") {
			t.Errorf("%s: unknown does not read as unknown:\n%s", id, p.Port25Text(25))
		}
		for _, one := range [][2]string{{"firewall", p.FirewallText()}, {"port 25", p.Port25Text(25)}, {"reverse name", p.Reverse.Path + "\n" + p.ReverseText()}, {"letter", letter}} {
			fmt.Fprintf(&b, "== %s: %s\n%s\n", id, one[0], strings.TrimSpace(one[1]))
		}
		if id != Unknown {
			page += fmt.Sprintf("\n## %s (`%s`)\n", p.Name, id)
			for _, one := range [][2]string{{"Firewall", p.FirewallText()}, {"Port 25", p.Port25Text(25)}, {"Reverse name", strings.TrimSpace(cmp.Or(p.Reverse.Path, "Where it is set is unknown here.") + "\n" + p.ReverseText())}} {
				page += "\n**" + one[0] + "**\n\n- " + strings.ReplaceAll(one[1], "\n", "\n- ") + "\n"
			}
		}
	}
	for path, text := range map[string]string{"testdata/providers.txt": b.String(), "../../docs/providers.md": page} {
		if *update {
			if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(path); err != nil || string(want) != text {
			t.Errorf("%s differs (%v): look at it with -update", path, err)
		}
	}
}

func TestWhose(t *testing.T) {
	for _, c := range []struct {
		network uint32
		reverse string
		want    string
	}{
		{8560, "", "ionos"}, {24940, "mail.example.org.", "hetzner"}, {0, "static.10.113.0.203.clients.your-server.de.", "hetzner"},
		{0, "203-0-113-10.ip.LinodeUserContent.com", "linode"}, {0, "your-server.de", "hetzner"},
		{0, "evil-your-server.de.", Unknown}, {0, "your-server.de.example.org.", Unknown}, {0, "", Unknown}, {64500, "", Unknown},
	} {
		if p, ok := Whose(c.network, c.reverse); p.ID != c.want || ok != (c.want != Unknown) {
			t.Errorf("%d %q is of %s, %v, want %s", c.network, c.reverse, p.ID, ok, c.want)
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
	for _, want := range []string{"blocks outgoing port 25", "by phone, 24/7", "verify the account", "unknown here"} {
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
