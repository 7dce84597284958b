//go:build linux

package main

import (
	"strings"
	"testing"

	"postern/steps/haraka"
)

// TestMailByGuide: a proxy on which the guide's chapter 6 was followed by the letter, so that no Haraka starts, is brought into shape
// with the diff shown. What harms nobody stays, and is named; what Haraka would read is named, and moved aside where that is wanted; and an
// undo gives all of it back.
func TestMailByGuide(t *testing.T) {
	t.Parallel()
	needTorture(t)
	m := newMailed(t, "haraka", Options{Suite: "trixie", Mail: "plain"})
	m.byTheGuide()
	before := fingerprints(t, m.l)
	files := m.hand()

	const beside = "Haraka reads these beside ours, and they are not ours: /opt/haraka-in/config/host_list_regex, /opt/haraka-in/config/xclient.hosts, /opt/haraka-in/plugins/own.js; they stay"
	const harmless = "/opt/haraka was made by hand after the guide: nothing of ours reads it, so it does no harm and stays"
	m.run(0, "apply", "--yes", "network", "firewall", "wireguard")
	said := m.run(0, "apply", "--yes", "haraka")
	flat := strings.Join(strings.Fields(said), " ")
	for _, words := range []string{beside, harmless, "-ExecStart=/usr/local/bin/haraka -c /opt/haraka/config/haraka-in", "+ExecStart=/usr/bin/env node ", "-example.com", "-nodes=1", "+nodes=0", "-xclient\n", "+xclient_full\n"} {
		if !strings.Contains(flat, words) && !strings.Contains(said, words) {
			t.Errorf("it is not told %q:\n%s", words, said)
		}
	}
	m.run(0, "apply", "--yes", "caddy")
	m.settled()
	m.flows("haraka", "byguide")
	if said := m.run(0, "apply", "--yes"); !strings.Contains(said, "Nothing to change") {
		t.Errorf("a second apply changes something:\n%s", said)
	}

	m.flags = []string{"--set", "guide.mta=replace"}
	m.run(0, "apply", "--yes", "haraka")
	if left := want(t, m.l, "proxy", "sh", "-c", "cd /opt/haraka-in; ls config/host_list_regex config/xclient.hosts plugins/own.js 2>/dev/null; find before-postern -type f | sort"); left != "before-postern/config/host_list_regex\nbefore-postern/config/xclient.hosts\nbefore-postern/plugins/own.js" {
		t.Errorf("moved aside: %s", left)
	}
	m.settled()
	m.undone(before)
	if now := m.hand(); now != files {
		t.Errorf("of what was made by hand the undo leaves\n%s\nit was\n%s", now, files)
	}
}

// byTheGuide follows the guide's chapter 6, and wants no Haraka to run.
func (m mailed) byTheGuide() {
	t := m.t.(*testing.T)
	t.Helper()
	out := typed(t, m.l, "proxy", "guide-haraka.sh", npmLock(), haraka.Version)
	if strings.Contains(out, "FAILED: npm") || strings.Contains(out, "FAILED: useradd") {
		t.Fatalf("the guide's way goes wrong where it should not:\n%s", out)
	}
	said, err := m.l.Exec(t.Context(), "proxy", "sh", "-c", "systemctl is-active haraka-in haraka-out; /usr/local/bin/haraka -c /opt/haraka/config/haraka-in 2>&1; ss -ltnH")
	if err != nil || !strings.Contains(said, "No smtp.ini at") || strings.Contains(said, "0.0.0.0:25 ") {
		t.Fatalf("the guide's Haraka runs, or something else is wrong: %v\n%s", err, said)
	}
}

// hand is what was made by hand outside of the system's settings: each file with its mode, owner and content.
func (m mailed) hand() string {
	m.t.Helper()
	return want(m.t, m.l, "proxy", "sh", "-c", "find /opt/haraka /opt/haraka-in /opt/haraka-out /usr/local/bin/haraka ! -type d 2>/dev/null | sort | while read -r f; do stat -c '%n %a %U:%G' $f; sha256sum <$f; done")
}
