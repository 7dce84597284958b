package firewall

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"postern/seen"
)

const plainHookText = "#!/bin/sh\n# of the package\nset -e\n\ncase \"$1\" in\nstart)\n    # typically required\n    ;;\nstop)\n    ;;\nstatus)\n    ;;\nflush-all)\n    ;;\n*)\n    echo no\n    ;;\nesac\n"

// bare are the files of a host on which ufw was just installed.
func bare(changes map[string]string) map[string]string {
	files := map[string]string{
		rules4Path: "*filter\n### RULES ###\nCOMMIT\n", rules6Path: "*filter\n### RULES ###\nCOMMIT\n",
		before4Path: "*filter\nCOMMIT\n", before6Path: "*filter\nCOMMIT\n", hookPath: plainHookText,
		defaultsPath: "IPV6=yes\nDEFAULT_INPUT_POLICY=\"DROP\"\nDEFAULT_OUTPUT_POLICY=\"ACCEPT\"\nDEFAULT_FORWARD_POLICY=\"DROP\"\n",
		confPath:     "ENABLED=no\nLOGLEVEL=low\n",
	}
	for path, text := range changes {
		files[path] = text
	}
	return files
}

// rulesFile is user.rules with these tuples, as ufw writes it.
func rulesFile(v6 bool, rules ...ufwRule) string {
	f := ufwFile{v6: v6, written: true}
	for _, r := range rules {
		f.entries = append(f.entries, ufwEntry{rule: r, known: true, text: r.block()})
	}
	return f.render(settings{input: "DROP", output: "ACCEPT", forward: "DROP", loglevel: "low"})
}

func allow(port, from, note string) ufwRule {
	return ufwRule{seen.UfwRule{Action: "allow", Proto: "tcp", Dport: port, Dst: any4, Sport: "any", Src: from, Dir: "in", Note: note}}
}

func rendered(t *testing.T, want Policy, files map[string]string) Rendering {
	t.Helper()
	want.Host = "test"
	r, err := render(want, factsOf(files))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// text is what a rendering makes of one file, "" when it leaves it alone.
func (r Rendering) text(path string) string {
	for _, c := range r.Changes {
		if c.Path == path && c.New != nil {
			return c.New.Text
		}
	}
	return ""
}

func TestLockOut(t *testing.T) {
	way := func(from string, port int) string {
		to := "10.0.0.2"
		if a := netip.MustParseAddr(from); a.Is6() && !a.Is4In6() {
			to = "2001:db8::2"
		}
		return fmt.Sprintf("== connection\n%s 4000 %s %d\n== sshd\n", from, to, port)
	}
	ssh := func(from ...string) Policy {
		return Policy{Enable: true, Allows: []Allow{{Name: "ssh", Proto: "tcp", Port: 22, From: prefixes(from...)}}}
	}
	deny := func(from string) ufwRule { r := allow("22", from, ""); r.Action = "deny"; return r }
	onWg0 := map[string]string{"addresses": "== addresses\n3: wg0    inet 10.0.0.2/24 scope global wg0\n"}
	onTunnel := Policy{Enable: true, Allows: []Allow{{Name: "ssh", Proto: "tcp", Port: 22, In: "wg0", From: prefixes("10.0.0.0/24")}}}
	cases := []struct {
		name  string
		want  Policy
		files map[string]string
		way   string
		say   string // "" is no lock-out
	}{
		{"admitted", ssh("198.51.100.0/24"), nil, way("198.51.100.7", 22), ""},
		{"other source", ssh("198.51.100.0/24"), nil, way("192.0.2.1", 22), `SSH from 192.0.2.1 to port 22 is admitted by no rule`},
		{"other port", ssh("198.51.100.0/24"), nil, way("198.51.100.7", 2222), `port 2222 is admitted by no rule`},
		{"other family", ssh("198.51.100.0/24"), nil, way("2001:db8::1", 22), `2001:db8::1`},
		{"IPv6 admitted", ssh("2001:db8::/64"), nil, way("2001:db8::1", 22), ""},
		{"mapped address", ssh("198.51.100.0/24"), nil, way("::ffff:198.51.100.7", 22), ""},
		{"from the host itself", ssh("198.51.100.0/24"), nil, way("127.0.0.1", 22), ""},
		{"a port only", ssh("198.51.100.0/24"), nil, "== connection\n== sshd\nport 22\n", ""},
		{"refused by a rule of others", ssh("198.51.100.0/24"), map[string]string{rules4Path: rulesFile(false, deny("198.51.100.7"))}, way("198.51.100.7", 22),
			`would be refused by the rule "deny from 198.51.100.7`},
		{"refused for others only", ssh("198.51.100.0/24"), map[string]string{rules4Path: rulesFile(false, deny("198.51.100.8"))}, way("198.51.100.7", 22), ""},
		{"admitted by a rule of others", ssh(), map[string]string{rules4Path: rulesFile(false, allow("20:25", "192.0.2.0/24", ""))}, way("192.0.2.1", 22), ""},
		{"refused before", ssh("198.51.100.0/24"), map[string]string{before4Path: "*filter\n-A ufw-before-input -p tcp --dport 22 -j DROP\nCOMMIT\n"}, way("198.51.100.7", 22), "before rules"},
		{"on the tunnel", onTunnel, onWg0, way("10.0.0.1", 22), ""},
		{"on the tunnel, not known to be", onTunnel, nil, way("10.0.0.1", 22), "admitted by no rule"},
		{"not switched on", Policy{}, nil, way("198.51.100.7", 22), ""},
	}
	for _, c := range cases {
		files := bare(c.files)
		files["ssh"], files["listeners"] = c.way, "== sockets\n"
		got := strings.Join(rendered(t, c.want, files).LockOut, "\n")
		if (c.say == "") != (got == "") || !strings.Contains(got, c.say) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.say)
		}
	}
}

// A rule a person typed becomes ours, is kept once, and is given back when our part is taken out.
func TestAdoptAndGiveBack(t *testing.T) {
	want := Policy{Enable: true, AdoptRules: true, Allows: []Allow{{Name: "ssh", Proto: "tcp", Port: 22}, {Name: "http", Proto: "tcp", Port: 80}}}
	theirs := rulesFile(false, allow("22", any4, ""), allow("80", any4, "of Bob"), allow("8080", any4, ""))
	files := bare(map[string]string{rules4Path: theirs})
	r := rendered(t, want, files)
	got := r.text(rules4Path)
	if strings.Count(got, "--dport 22 ") != 1 || strings.Count(got, "--dport 80 ") != 1 {
		t.Fatalf("a rule is doubled or lost:\n%s", got)
	}
	if !strings.Contains(got, allow("22", any4, "postern ssh adopted").tuple()) || !strings.Contains(got, allow("80", any4, "of Bob").tuple()) {
		t.Fatalf("got\n%s", got)
	}
	files[rules4Path] = got
	if back := rendered(t, Policy{}, files).text(rules4Path); back != theirs {
		t.Errorf("given back\n%s\nthere was\n%s", back, theirs)
	}
	want.AdoptRules = false
	files[rules4Path] = theirs
	if got := rendered(t, want, files).text(rules4Path); got != "" {
		t.Errorf("rules that are all there already were written again:\n%s", got)
	}
}

func TestZeroPolicyTakesOursAway(t *testing.T) {
	want := Policy{Enable: true, ClampMSS: "wg0", Allows: []Allow{{Name: "ssh", Proto: "tcp", Port: 22}}}
	before := factsOf(bare(nil))
	want.Host = "test"
	r, err := render(want, before)
	if err != nil {
		t.Fatal(err)
	}
	after := before.After(r.Changes)
	back, err := render(Policy{Host: "test"}, after)
	if err != nil {
		t.Fatal(err)
	}
	final := after.After(back.Changes)
	for _, path := range []string{rules4Path, rules6Path, hookPath, scriptPath} {
		if text := final.Answers[path].Out; strings.Contains(text, "postern") || strings.Contains(text, hexTag) {
			t.Errorf("%s still has something of ours:\n%s", path, text)
		}
	}
	if final.Answers[hookPath].Out != plainHookText {
		t.Errorf("before.init is not what it was:\n%s", final.Answers[hookPath].Out)
	}
}

const hexTag = "706f737465726e"

func TestRefusals(t *testing.T) {
	forward := Policy{Enable: true, Forwards: []Forward{{Name: "imaps", Proto: "tcp", In: "eth0", Out: "wg0",
		To: netip.MustParseAddrPort("203.0.113.10:993"), Dest: netip.MustParseAddrPort("10.0.0.2:993")}}}
	bad := func(change func(*Policy)) Policy {
		p := forward
		p.Forwards = append([]Forward(nil), forward.Forwards...)
		change(&p)
		return p
	}
	cases := []struct {
		name  string
		want  Policy
		files map[string]string
		say   string
	}{
		{"interface that is shell", bad(func(p *Policy) { p.Forwards[0].In = "eth0; reboot" }), nil, `"eth0; reboot" is not an interface name`},
		{"interface that is all", bad(func(p *Policy) { p.ClampMSS = "wg+" }), nil, `"wg+" is not an interface name`},
		{"name that is shell", bad(func(p *Policy) { p.Forwards[0].Name = "a b" }), nil, `"a b" is not a name`},
		{"port", bad(func(p *Policy) { p.Allows = []Allow{{Name: "x", Proto: "tcp", Port: 70000}} }), nil, "70000 is not a port (1 to 65535)"},
		{"two families", bad(func(p *Policy) { p.Forwards[0].Dest = netip.MustParseAddrPort("[fd00::2]:993") }), nil, "one family"},
		{"no ufw", forward, map[string]string{rules4Path: "absent"}, "install the package ufw"},
		{"hook is no shell", forward, map[string]string{hookPath: "#!/usr/bin/python3\nimport os\n"}, "is not a shell script"},
		{"hook that never ran", forward, map[string]string{hookPath: "#!/bin/sh\niptables -F\n"}, "not executable"},
		{"firewalld", forward, map[string]string{"units": "== units\nId=firewalld.service\nActiveState=active\n"}, "firewalld is active"},
		{"masked", forward, map[string]string{"units": "== units\nId=ufw.service\nUnitFileState=masked\n"}, "masked"},
		{"other rule set", forward, map[string]string{"rules": "== v4\n== v6\n== legacy ip\n*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j DROP\nCOMMIT\n"}, "iptables-legacy-save"},
		{"a flush at every start", forward, map[string]string{before4Path: "*nat\n-F PREROUTING\n-A PREROUTING -p tcp --dport 80 -j DNAT --to 10.9.9.9\nCOMMIT\n*filter\nCOMMIT\n"}, `"-F PREROUTING"`},
	}
	for _, c := range cases {
		f := factsOf(bare(c.files))
		if a := f.Answers[rules4Path]; a.Out == "absent" {
			a.Code = 1
			f.Answers[rules4Path] = a
		}
		c.want.Host = "test"
		_, err := render(c.want, f)
		if err == nil || !strings.Contains(err.Error(), c.say) || !strings.HasPrefix(err.Error(), "firewall: test: ufw: ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want %q", c.name, err, c.say)
		}
	}
}

// Where the operator says so, ours comes before a rule of theirs that refuses all that it admits, and before no ban.
func TestFirst(t *testing.T) {
	rule := func(text string) string {
		return "\n### tuple ### " + text + "\n-A ufw-user-input -j DROP\n"
	}
	const ours = "allow tcp 25 0.0.0.0/0 any 0.0.0.0/0 in comment=706f737465726e20736d7470"
	want := Policy{Host: "test", Enable: true, Allows: []Allow{{Name: "smtp", Proto: "tcp", Port: 25}}}
	for _, c := range []struct {
		name  string
		rules []string
		first bool
		want  string // the tuples, by what they begin with
	}{
		{"not asked for", []string{"deny tcp 25 0.0.0.0/0 any 0.0.0.0/0 in", ours}, false, "deny allow"},
		{"asked for", []string{"deny tcp 25 0.0.0.0/0 any 0.0.0.0/0 in", ours}, true, "allow deny"},
		{"ours was turned into it", []string{"deny tcp 25 0.0.0.0/0 any 0.0.0.0/0 in"}, true, "allow deny"},
		{"a range, and all of a protocol", []string{"reject any 20:30 0.0.0.0/0 any 0.0.0.0/0 in", "deny tcp any 0.0.0.0/0 any 0.0.0.0/0 in", ours}, true, "allow reject deny"},
		{"a ban stands before it", []string{"limit tcp 22 0.0.0.0/0 any 0.0.0.0/0 in", "deny any any 0.0.0.0/0 any 192.0.2.0/24 in", "deny tcp 25 0.0.0.0/0 any 0.0.0.0/0 in", ours}, true, "limit deny allow deny"},
		{"a ban stands between", []string{"deny tcp 25 0.0.0.0/0 any 0.0.0.0/0 in", "reject any any 0.0.0.0/0 any 192.0.2.0/24 in", ours}, true, "deny reject allow"},
		{"for another port", []string{"deny tcp 26 0.0.0.0/0 any 0.0.0.0/0 in", ours}, true, "deny allow"},
	} {
		text := ""
		for _, one := range c.rules {
			text += rule(one)
		}
		if want.First = nil; c.first {
			want.First = []string{"25/tcp"}
		}
		var got []string
		for _, e := range merge(parseUserRules(rulesMark+"\n"+text+"\n"+endMark+"\n", false), want).file.entries {
			got = append(got, e.rule.Action)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
}

func TestDrift(t *testing.T) {
	want := Policy{Host: "test", Enable: true, ClampMSS: "wg0", Allows: []Allow{{Name: "ssh", Proto: "tcp", Port: 22}}}
	found := factsOf(bare(nil))
	r, err := render(want, found)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for path, a := range found.After(r.Changes).Answers {
		if a.Code == 0 && strings.HasPrefix(path, "/") {
			files[path] = a.Out
		}
	}
	rule := "-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT\n"
	own := "*mangle\n:postern-mss - [0:0]\n-A FORWARD -j postern-mss\n-A postern-mss -i wg0 -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu\n-A postern-mss -o wg0 -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu\nCOMMIT\n" +
		"*nat\n:postern-pre - [0:0]\n:postern-post - [0:0]\n-A PREROUTING -j postern-pre\n-A POSTROUTING -j postern-post\nCOMMIT\n"
	head := "*filter\n:INPUT DROP [0:0]\n:ufw-user-input - [0:0]\n"
	for _, c := range []struct {
		name, save string
		in         bool
	}{
		{"as the files say", own + head + rule + "COMMIT\n", true},
		{"a rule more", own + head + rule + rule + "COMMIT\n", true},
		{"not running", "", false},
		{"a rule less", own + head + "COMMIT\n", false},
		{"another rule in its place", own + head + strings.Replace(rule, "22", "23", 1) + "COMMIT\n", false},
		{"a rule of ours for something else", strings.Replace(own, "-A postern-mss -i wg0", "-A postern-mss -i wg9", 1) + head + rule + "COMMIT\n", false},
		{"a jump twice", strings.Replace(own, "-A PREROUTING -j postern-pre\n", "-A PREROUTING -j postern-pre\n-A PREROUTING -j postern-pre\n", 1) + head + rule + "COMMIT\n", false},
		{"no chains of ours", head + rule + "COMMIT\n", false},
	} {
		files["rules"] = "== v4\n" + c.save + "== v6\n"
		f := factsOf(files)
		hook := f.Answers[hookPath]
		hook.Mode = 0o750
		f.Answers[hookPath] = hook
		r, err := render(want, f)
		if err != nil {
			t.Fatal(err)
		}
		if (len(r.Changes) == 0) != c.in {
			t.Errorf("%s: in place %v, want %v: %v", c.name, len(r.Changes) == 0, c.in, r.Changes)
		}
	}
}

// On a host that was set up after the guide, its rules that ours take the place of go away unless they are to stay; on
// another host the same rules are somebody's own.
func TestFoundGuideRules(t *testing.T) {
	ssh := "### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in"
	mark := "### tuple ### allow udp 51820 0.0.0.0/0 any 0.0.0.0/0 in"
	for name, c := range map[string]struct {
		rules []string
		found bool
		gone  int
	}{
		"the guide's":        {[]string{ssh, mark}, true, 2},
		"to stay":            {[]string{ssh, mark}, false, 0},
		"no sign of it":      {[]string{ssh}, true, 0},
		"a comment of their": {[]string{ssh, mark + " comment=6d696e65"}, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			want := Policy{Host: "mail", Enable: true, AdoptRules: true, ReplaceFound: c.found, GuidePorts: []string{"22/tcp", "51820/udp"}, GuideMark: "51820/udp"}
			text := "*filter\n" + rulesMark + "\n"
			for _, r := range c.rules {
				text += "\n" + r + "\n-A ufw-user-input -j ACCEPT\n"
			}
			p := &plan{want: want, scene: scene{four: parseUserRules(text+"\n"+endMark+"\n", false)}}
			own := p.replacing()
			if m := merge(p.scene.four, own); len(m.gone) != c.gone {
				t.Errorf("gone: %q, want %d", m.gone, c.gone)
			}
		})
	}
}
