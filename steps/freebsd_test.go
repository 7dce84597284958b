package steps

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"postern/remote"
	"postern/site"
)

// bsdLook is a FreeBSD host as it was found, with what is different.
func bsdLook(t *testing.T, role, release string, differs map[string]string) remote.Facts {
	t.Helper()
	s := story{host: role, release: release, site: site.Default(), found: usualBSD(role, release), modes: map[string]os.FileMode{}}
	maps.Copy(s.found, differs)
	return s.facts()
}

// A FreeBSD host that can be guarded is set up, and its answers fill in the site; any other is refused with what to do.
func TestWhichFreeBSDIsSetUp(t *testing.T) {
	for _, c := range []struct {
		release, refused string
		differs          map[string]string
	}{
		{"13.2-RELEASE", "", nil},
		{"14.3-RELEASE-p2", "", nil},
		{"15.1-RELEASE-p1", "", nil},
		{"12.4-RELEASE", "runs FreeBSD 12.4-RELEASE, and 13, 14 and 15 are set up", nil},
		{"16.0-CURRENT", "and 13, 14 and 15 are set up", nil},
		{"14.0-RELEASE", "whose lockf cannot lock a file that is open", map[string]string{"tools.tools": "pf\nwireguard\n"}},
		{"", "which release of FreeBSD it runs could not be told", nil},
		{"15.0-RELEASE", "has IPv6 only", map[string]string{"ssh.connection": "2001:db8::9 40000 2001:db8:113::10 22\n",
			"addresses.ifconfig": "vtnet0: flags=1008843<UP> metric 0 mtu 1500\n\tinet6 2001:db8:113::10 prefixlen 64\n"}},
	} {
		look := Look{"proxy": bsdLook(t, "proxy", c.release, c.differs), "mail": bsdLook(t, "mail", "15.0-RELEASE", nil)}
		found, _ := Detect(site.Default(), look)
		refused := unsupported(found, look)
		if (c.refused == "") != (len(refused) == 0) || !strings.Contains(strings.Join(refused, "\n"), c.refused) {
			t.Errorf("%s: refused %q, want %q", c.release, refused, c.refused)
		}
		if c.refused == "" {
			h := found.Host("proxy")
			if h.Public4.String() != "203.0.113.10" || h.Interface != "vtnet0" || !h.BSD() {
				t.Errorf("%s: detected %+v", c.release, h)
			}
			if told := fmt.Sprint(planNetwork(found, look).Notes); !strings.Contains(told, "freebsd "+c.release+", vtnet0 203.0.113.10/24, SSH on 22") || !strings.Contains(told, "were never run on a FreeBSD host by us") {
				t.Errorf("%s: told %s", c.release, told)
			}
		}
	}
}

// What is not done on FreeBSD says so in a line of its own, with what to do instead, and is neither in place nor a refusal of the rest.
func TestChaptersThatAreForeign(t *testing.T) {
	for _, c := range []struct{ proxy, mail, path, kind, foreign string }{
		{"bsd", "bsd", "haraka", "mailcow", "mailcow haraka caddy"},
		{"bsd", "linux", "haraka", "mailcow", "haraka caddy"},
		{"bsd", "linux", "direct", "mailcow", "caddy"},
		{"linux", "bsd", "haraka", "plain", "haraka caddy"},
		{"linux", "linux", "haraka", "mailcow", ""},
	} {
		s, facts := site.Default(), map[string]map[string]string{}
		use(t, facts, "fresh")
		answer(t, s, "domain = example.org\nhostname = mail.example.org\nmail.path = "+c.path+"\nmail.kind = "+c.kind)
		var reads []func(*site.Site, *site.Host) []remote.Query
		for _, step := range All() {
			reads = append(reads, step.Reads)
		}
		look := lookAt(s, facts, reads...)
		for role, system := range map[string]string{"proxy": c.proxy, "mail": c.mail} {
			if system == "bsd" {
				look[role] = bsdLook(t, role, "15.0-RELEASE", nil)
			}
		}
		found, _ := Detect(s, look)
		var foreign []string
		for _, step := range All() {
			plan := step.Plan(found, look)
			if len(plan.Foreign) == 0 {
				continue
			}
			foreign = append(foreign, step.ID)
			if plan.Empty() || len(plan.Parts) > 0 || len(plan.Refused) > 0 {
				t.Errorf("%+v: %s: %+v", c, step.ID, plan)
			}
			for _, why := range plan.Foreign {
				if !strings.Contains(why, " runs FreeBSD") || !strings.Contains(why, ": ") || strings.Contains(why, "\n") {
					t.Errorf("%+v: %s: %q", c, step.ID, why)
				}
			}
		}
		if got := strings.Join(foreign, " "); got != c.foreign {
			t.Errorf("%+v: left out are %s", c, got)
		}
		if keys := firewallFields(found); slices.Contains(keys, "pf.main") != (c.proxy+c.mail != "linuxlinux") {
			t.Errorf("%+v: chapter 2 asks %v", c, keys)
		}
	}
}

// The way back is in the words of the host's own system.
func TestWayBackOfFreeBSD(t *testing.T) {
	s := site.Default()
	s.Host("proxy").System = site.FreeBSD
	bsd, linux := WayBack(s, s.Host("proxy")), WayBack(s, s.Host("mail"))
	for _, word := range []string{"pfctl -d", "pfctl -e", "wg-quick down wg0"} {
		if !strings.Contains(bsd, word) || strings.Contains(linux, word) {
			t.Errorf("%q: %s", word, bsd)
		}
	}
	for _, word := range []string{"ufw", "systemctl"} {
		if strings.Contains(bsd, word) || !strings.Contains(linux, word) {
			t.Errorf("%q: %s", word, bsd)
		}
	}
}
