package firewall

import (
	"net/netip"
	"strings"
	"testing"

	"postern/seen"
	"postern/steps/does"
)

var fuzzPolicy = Policy{
	Host: "test", Enable: true, AdoptRules: true, ReplaceRules: true, GuidePorts: []string{"587/tcp"}, ClampMSS: "wg0",
	Allows: []Allow{{Name: "ssh", Proto: "tcp", Port: 22}},
	Forwards: []Forward{{Name: "submission", Proto: "tcp", In: "eth0", Out: "wg0", To: netip.MustParseAddrPort("203.0.113.10:587"),
		Dest: netip.MustParseAddrPort("10.0.0.2:587")}},
}

// FuzzUserRules: no text in a rules file makes us fall over or lose a byte of other people's.
func FuzzUserRules(f *testing.F) {
	f.Add(rulesFile(false, allow("22", any4, "x"), allow("587", any4, "")))
	f.Add("*filter\n### RULES ###\n\n### tuple ### route:allow tcp 1 ::/0 any ::/0 in_a!out_b comment=ff\n### END RULES ###\n")
	f.Add("### RULES ###### tuple ###\n\n\n### tuple ### \x1b]0;x\x07\n### END RULES ###")
	f.Fuzz(func(t *testing.T, text string) {
		file := parseUserRules(text, false)
		if got := file.keep(); got != text {
			t.Fatalf("taken apart and put together:\n%q\nthere was\n%q", got, text)
		}
		m := merge(file, fuzzPolicy)
		if again := merge(m.file, fuzzPolicy); again.changed {
			t.Fatalf("a second merge changes %q", m.file.keep())
		}
		for _, s := range clean(append(m.foreign, m.gone...)) {
			if strings.ContainsAny(s, "\x1b\n\r\x07") {
				t.Fatalf("a control character comes through: %q", s)
			}
		}
	})
}

// FuzzSave: what iptables-save printed never reaches a shell but as a rule of the guide, quoted.
func FuzzSave(f *testing.F) {
	f.Add("*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 587 -j DNAT --to-destination 10.0.0.2:587\nCOMMIT\n")
	f.Add("*nat\n-A POSTROUTING -d 10.0.0.2/32 -p tcp -m tcp --dport 587 -j MASQUERADE\n-A X '; reboot\n")
	f.Fuzz(func(t *testing.T, text string) {
		tables, err := seen.ParseTables(strings.Split(text, "\n"))
		if err != nil {
			return
		}
		script := activation{live: guideLive(tables, fuzzPolicy)}.swapLive(true)
		if bad := strings.Trim(stripKnown(script), "0123456789+./: -_'\n"); bad != "" {
			t.Fatalf("%q comes through in\n%s", bad, script)
		}
	})
}

// stripKnown takes out of a script all words that swapLive itself writes.
func stripKnown(script string) string {
	for _, known := range []string{
		"{ echo '*nat'", "iptables-save -t nat | grep -xF", "| sed 's/^-A/-D/' || :", "cat <<'RULES'", "RULES", "echo COMMIT; } | iptables-restore -w -n",
		"PREROUTING", "POSTROUTING", "ufw-before-forward", "DNAT", "MASQUERADE", "ACCEPT", "--to-destination", "--dport", "tcp", "eth0", "wg0",
		"-A", "-p", "-m", "-d", "-s", "-i", "-o", "-j", "-e", "--to",
	} {
		script = strings.ReplaceAll(script, known, "")
	}
	return script
}

// FuzzBefore: before.rules keeps every line that is not the guide's, and cutting twice cuts nothing more.
func FuzzBefore(f *testing.F) {
	f.Add("*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp --dport 587 -j DNAT --to-destination 10.0.0.2:587\nCOMMIT\n*filter\n-A ufw-before-forward -d 10.0.0.2 -p tcp --dport 587 -j ACCEPT\nCOMMIT\n")
	f.Add("*nat\n-F\n-A POSTROUTING -j MASQUERADE\nCOMMIT")
	f.Fuzz(func(t *testing.T, text string) {
		g := cutGuide(text, fuzzPolicy)
		if len(g.cut) == 0 && g.text != text {
			t.Fatalf("nothing was cut and yet\n%q\nbecame\n%q", text, g.text)
		}
		if again := cutGuide(g.text, fuzzPolicy); len(again.cut) > 0 {
			t.Fatalf("cut again: %q", again.cut)
		}
	})
}

// FuzzHook: our block goes into any before.init and comes out without a trace.
func FuzzHook(f *testing.F) {
	f.Add(plainHookText)
	f.Add("#!/bin/sh\n# postern begin\nx\n# postern end\necho\n")
	f.Fuzz(func(t *testing.T, text string) {
		with, err := withHook(text)
		if err != nil {
			return
		}
		if again, err := withHook(with); err != nil || again != with {
			t.Fatalf("put in twice: %v\n%q\n%q", err, with, again)
		}
		if !strings.Contains(text, does.BlockBegin) && does.PutBlock(with, "", -1) != text {
			t.Fatalf("taken out: %q, there was %q", does.PutBlock(with, "", -1), text)
		}
	})
}
