package steps

import (
	"math/rand"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"postern/seen"
	"postern/site"
)

var layerAt = []netip.Addr{netip.MustParseAddr("192.168.50.2")}

// homely is a site whose answers admit some at home.
func homely(lan ...string) *site.Site {
	s := site.Default()
	for _, one := range lan {
		s.Mail.LAN = append(s.Mail.LAN, netip.MustParsePrefix(one))
	}
	return s
}

// tables are what iptables-save would show of the chain and of what hangs it in.
func tables(t *testing.T, s *site.Site, six bool) seen.Tables {
	t.Helper()
	all, err := seen.ParseTables(strings.Split("*filter\n:FORWARD ACCEPT [0:0]\n:DOCKER-USER - [0:0]\n:postern-mailcow - [0:0]\n-A FORWARD -j DOCKER-USER\n"+layerJump+"\n"+strings.Join(layerRules(s, layerAt, six), "\n")+"\nCOMMIT", "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestLayerAdmits draws packets by lot: into the containers comes exactly who may, and nothing else of the host's traffic is touched but mail
// that a container sends to the world past the tunnel.
func TestLayerAdmits(t *testing.T) {
	random := rand.New(rand.NewSource(7))
	pick := func(of ...string) string { return of[random.Intn(len(of))] }
	for n := range 4_000 {
		s := homely([][]string{nil, {"192.168.50.0/24"}, {"192.168.50.10/32", "192.168.60.0/24"}}[n%3]...)
		if n%2 == 0 {
			s.Mail.Path = "direct"
		}
		six, bridge := n%5 == 0, seen.MailcowBridge
		p := seen.Packet{Proto: pick("tcp", "tcp", "udp"), In: pick("eth0", "wg0", bridge, "docker0"), Out: pick(bridge, bridge, "eth0", "wg0"), Answer: random.Intn(4) == 0, Beyond: true,
			Src: netip.MustParseAddr(pick("192.168.50.10", "192.168.50.11", "192.168.60.7", "198.51.100.7", "172.22.1.250")), Dst: netip.MustParseAddr(pick("172.22.1.250", "192.168.50.7", "198.51.100.77")),
			Port: []int{s.Ports.IMAPS, s.Ports.SMTP, s.Ports.Web}[random.Intn(3)]}
		p.Was = netip.AddrPortFrom(netip.MustParseAddr(pick("192.168.50.2", "10.0.0.2", "172.22.1.250")), uint16([]int{s.Ports.IMAPS, s.Ports.SMTP, s.Ports.Submission}[random.Intn(3)]))
		if six {
			p.Src, p.Dst, p.Was = netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr(pick("fd4d::5", "2001:db8::77")), netip.AddrPortFrom(netip.MustParseAddr("fd4d::5"), 80)
		}
		named := p.Proto == "tcp" && seen.Inside(s.Mail.LAN, p.Src) && p.Was.Addr() == layerAt[0] && int(p.Was.Port()) != s.Ports.SMTP
		near := p.Dst.IsPrivate()
		want := "ACCEPT"
		switch {
		case p.Answer:
		case p.In == bridge:
			if s.Mail.Path != "direct" && p.Out != "wg0" && p.Proto == "tcp" && p.Port == s.Ports.SMTP && !near {
				want = "REJECT"
			}
		case p.Out == bridge && p.In != "wg0" && !named:
			want = "DROP"
		}
		if f := tables(t, s, six)["filter"].Lets("FORWARD", p); f.Verdict != want || f.Unsure {
			t.Fatalf("%+v with mail.lan = %v, mail.path = %s: %+v, want %s", p, s.Mail.LAN, s.Mail.Path, f, want)
		}
	}
}

// What runs is told from what should: each rule counts, and that ours is asked first.
func TestLayered(t *testing.T) {
	s := homely("192.168.50.0/24")
	rules := func() seen.Ruleset { return seen.Ruleset{Four: tables(t, s, false), Six: tables(t, s, true)} }
	if !layered(s, layerAt, rules()) {
		t.Error("what the script makes does not count as in place")
	}
	none := rules()
	none.Six = seen.Tables{}
	if !layered(s, layerAt, none) {
		t.Error("a kernel without IPv6 is never right")
	}
	for name, break_ := range map[string]func(r seen.Ruleset){
		"a rule is gone":      func(r seen.Ruleset) { c := r.Four["filter"].Chains; c[layerChain] = c[layerChain][1:] },
		"one of IPv6 is gone": func(r seen.Ruleset) { c := r.Six["filter"].Chains; c[layerChain] = c[layerChain][1:] },
		"nothing jumps to it": func(r seen.Ruleset) { r.Four["filter"].Chains[layerHook] = nil },
		"one lets in before": func(r seen.Ruleset) {
			c := r.Four["filter"].Chains
			c[layerHook] = append([]seen.Rule{seen.ParseRule("-A DOCKER-USER -s 192.168.50.0/24 -j ACCEPT")}, c[layerHook]...)
		},
		"one more": func(r seen.Ruleset) {
			c := r.Four["filter"].Chains
			c[layerChain] = append([]seen.Rule{seen.ParseRule("-A postern-mailcow -j ACCEPT")}, c[layerChain]...)
		},
	} {
		r := rules()
		if break_(r); layered(s, layerAt, r) {
			t.Errorf("%s, and it counts as in place", name)
		}
	}
	ban := rules()
	c := ban.Four["filter"].Chains
	if c[layerHook] = append([]seen.Rule{seen.ParseRule("-A DOCKER-USER -s 192.0.2.9/32 -j DROP")}, c[layerHook]...); !layered(s, layerAt, ban) {
		t.Error("a ban of somebody else's before ours is fought over")
	}
}

// TestLayerReal has the script run on real iptables, in a network of its own: it is spelled as iptables spells it, twice is once, rules of
// others stay, and the unit's stop takes exactly ours away.
func TestLayerReal(t *testing.T) {
	for _, tool := range []string{"unshare", "iptables", "ip6tables", "iptables-save"} {
		if _, err := exec.LookPath(tool); err != nil || os.Getuid() != 0 {
			t.Skipf("skipped: it wants root, and %s", tool)
		}
	}
	s := homely("192.168.50.0/24", "192.168.60.7/32")
	script := filepath.Join(t.TempDir(), "layer")
	write(t, script, layerText(s, layerAt))
	write(t, script+".stop", layerEnds+"\n:\n")
	run := func(body string) string {
		t.Helper()
		out, err := exec.Command("unshare", "-n", "sh", "-ec", "iptables -N DOCKER-USER; iptables -A DOCKER-USER -s 192.0.2.9 -j DROP; iptables -A FORWARD -j DOCKER-USER\n"+strings.ReplaceAll(body, "@", script)).CombinedOutput()
		if err != nil {
			if strings.Contains(string(out), "Operation not permitted") {
				t.Skipf("skipped: no network of its own: %s", out)
			}
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	saved := func(out string) seen.Ruleset {
		t.Helper()
		four, six, _ := strings.Cut(out, "== v6\n")
		var r seen.Ruleset
		var err error
		if r.Four, err = seen.ParseTables(strings.Split(four, "\n")); err == nil {
			r.Six, err = seen.ParseTables(strings.Split(six, "\n"))
		}
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	const show = "\niptables-save -t filter; echo '== v6'; ip6tables-save -t filter"
	for name, body := range map[string]string{"once": "sh @", "twice": "sh @; sh @", "behind others": "sh @; iptables -I DOCKER-USER -s 192.168.50.0/24 -j ACCEPT; sh @", "hung in twice": "sh @; iptables -A DOCKER-USER -j postern-mailcow; sh @", "emptied": "sh @; iptables -F postern-mailcow; sh @"} {
		r := saved(run(body + show))
		if hook := r.Four.Chain("filter", layerHook); !layered(s, layerAt, r) || r.Four.Hangs("filter", layerHook, layerChain) != 1 || hook[len(hook)-1].Text != "-A DOCKER-USER -s 192.0.2.9/32 -j DROP" {
			t.Errorf("%s: not what it should be: %+v\n%+v", name, hook, r.Four.Chain("filter", layerChain))
		}
	}
	before, after := run(show), run("sh @; sh @; sh @.stop"+show)
	rules := func(text string) (all string) {
		for _, r := range saved(text).Four["filter"].Rules {
			all += r.Text + "\n"
		}
		return all
	}
	if rules(before) != rules(after) || strings.Contains(after, "postern") || strings.Count(after, "DOCKER-USER") != strings.Count(before, "DOCKER-USER") {
		t.Errorf("it was\n%s\nand is\n%s", before, after)
	}
}

// Who connects directly at home today is told how that goes on, and what comes of an address that is given for a time only.
func TestLanNotes(t *testing.T) {
	facts := map[string]map[string]string{}
	for _, set := range []string{"fresh", "keyed", "running"} {
		use(t, facts, set)
	}
	open := seen.Mailcow{Containers: []seen.Container{{Service: "x"}}, Publishes: []seen.Published{{Addr: netip.IPv4Unspecified(), First: 1, Last: 1}}}
	for _, one := range []struct {
		lan  []string
		now  seen.Mailcow
		host [2]string // what is put in place of what in the host's addresses
		want string    // in all notes; "" for none
	}{
		{nil, open, [2]string{}, "go on doing so with the answer mail.lan = 192.168.50.0/24"},
		{nil, seen.Mailcow{}, [2]string{}, ""},
		{nil, seen.Mailcow{Publishes: []seen.Published{{Container: "mine", Addr: layerAt[0], First: 8081}}}, [2]string{}, "mine publishes port 8081 at 192.168.50.2: nobody at home reaches it there any more"},
		{[]string{"192.168.50.0/24"}, seen.Mailcow{Publishes: []seen.Published{{Container: "mine", Addr: layerAt[0], First: site.Default().Ports.IMAPS}}}, [2]string{}, ""},
		{[]string{"192.168.50.0/24"}, open, [2]string{}, ""},
		{[]string{"192.168.50.0/24"}, open, [2]string{"scope global eth0", "scope global dynamic eth0"}, "192.168.50.2, at which clients at home reach Mailcow (mail.lan), was given to the host for a time only"},
		{[]string{"fd00::/64"}, open, [2]string{}, "networks of IPv6, over which Mailcow answers nobody"},
		{[]string{"192.168.50.0/24"}, open, [2]string{"inet 192", "inetx 192"}, "no address of the host at home could be seen"},
	} {
		s := homely(one.lan...)
		was := facts["mail"]["addresses.addresses"]
		facts["mail"]["addresses.addresses"] = strings.ReplaceAll(was, one.host[0], one.host[1])
		if one.host[0] == "" {
			facts["mail"]["addresses.addresses"] = was
		}
		text := ""
		for _, note := range lanNotes(s, s.Host("mail"), one.now, seen.Look(lookAt(s, facts)["mail"]).Network) {
			text += note.Text + "\n"
		}
		if facts["mail"]["addresses.addresses"] = was; (text == "") != (one.want == "") || !strings.Contains(text, one.want) {
			t.Errorf("mail.lan = %v, %v: told %q, want %q", one.lan, one.host, text, one.want)
		}
	}
}
