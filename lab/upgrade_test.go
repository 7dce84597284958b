//go:build linux

package main

import (
	"strings"
	"testing"

	"postern/seen"
)

// older has the proxy run another version of Haraka, as a former one of the program left it.
const older = `cd ` + seen.HarakaFolder + `
cp -a ` + seen.HarakaVersion + ` 3.3.0
sed -i 's:` + seen.HarakaFolder + seen.HarakaVersion + `/:` + seen.HarakaFolder + `3.3.0/:' /etc/systemd/system/haraka-in.service /etc/systemd/system/haraka-out.service
systemctl daemon-reload
systemctl restart haraka-in haraka-out`

// starts is what the unit of Haraka that takes mail starts.
func (m mailed) starts() string {
	return want(m.t.(*testing.T), m.l, "proxy", "systemctl", "show", "-P", "ExecStart", seen.HarakaIn)
}

// upgraded has an older Haraka replaced: not by one that does not work, and then by the one that the program brings.
func (m mailed) upgraded() {
	t := m.t.(*testing.T)
	t.Helper()
	want(t, m.l, "proxy", "sh", "-ec", older)
	if r := m.found("smtp.haraka"); r.Result != "warn" || !strings.Contains(r.Saw, "haraka-in.service starts version 3.3.0, and "+seen.HarakaVersion+" is there since") {
		t.Errorf("of an older Haraka the check says %+v", r)
	}
	const plugin = seen.HarakaFolder + seen.HarakaVersion + "/node_modules/haraka/plugins/queue/smtp_forward.js"
	want(t, m.l, "proxy", "sh", "-ec", "mv "+plugin+" /root/; rm "+seen.HarakaFolder+seen.HarakaVersion+"/.proven")
	m.run(1, "apply", "haraka", "--yes")
	if got := m.starts(); !strings.Contains(got, "/3.3.0/") {
		t.Errorf("a version that does not work was put in place: %s", got)
	}
	m.arrives("stays")
	want(t, m.l, "proxy", "mv", "/root/smtp_forward.js", plugin)
	m.run(0, "apply", "haraka", "--yes")
	if got := m.starts(); !strings.Contains(got, "/"+seen.HarakaVersion+"/") {
		t.Errorf("the new version is not in place: %s", got)
	}
	m.settled("smtp.haraka")
	m.arrives("anew")
}

// found is what a check that gives one result says.
func (m mailed) found(id string) result {
	all := m.checks(id)
	if len(all) != 1 {
		m.t.(*testing.T).Fatalf("%s gives %+v", id, all)
	}
	return all[0]
}

// arrives sends a mail of a stranger, and waits for it.
func (m mailed) arrives(word string) {
	t := m.t.(*testing.T)
	t.Helper()
	one := letter{from: "world", source: senderAddr, to: "203.0.113.10:25", sender: "zoe@external.test", rcpt: mailUser, word: word}
	if err := one.send(t.Context(), m.l); err != nil {
		t.Errorf("%s: %v", word, err)
		return
	}
	m.l.inbox(t, "203.0.113.10", word)
}
