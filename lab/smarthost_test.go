//go:build linux

package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postern/lab/mx"
)

// TestSmartHost: where the provider never opens port 25, outgoing mail goes by a smart host, logged in, inside TLS and from the proxy. Where it
// does not take the password, mail waits, and the next apply asks anew. The password is on the proxy alone, and goes with the chapter.
func TestSmartHost(t *testing.T) {
	t.Parallel()
	for _, suite := range []string{"trixie", "bookworm"} {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			if suite == "bookworm" {
				needTorture(t)
			}
			m := newMailed(t, "haraka", Options{Suite: suite, Mail: "plain"})
			before := fingerprints(t, m.l)
			if err := m.l.Fault(t.Context(), "port25-out", true); err != nil {
				t.Fatal(err)
			}
			asked := m.askpass(t)
			m.run(0, "fields", "--save", "--set", "smarthost.host="+smartHost, "--set", "smarthost.user="+smartHostUser)
			if err := m.l.PublishLines(m.output("export", "zone") + m.l.dkimLine(t)); err != nil {
				t.Fatal(err)
			}
			w := &watcher{}
			stop, done := make(chan struct{}), make(chan struct{})
			go func() { defer close(done); w.watch(stop) }()
			end := sync.OnceFunc(func() { close(stop); <-done })
			defer end()
			m.refusedFirst(t, asked)
			m.bySmartHost(t)
			m.neverInTheClear(t)
			if said := m.run(0, "apply", "--yes"); !strings.Contains(said, "Nothing to change") {
				t.Errorf("a second apply changes something:\n%s", said)
			}
			if n := strings.Count(asked(""), "password of "+smartHostUser); n != 2 {
				t.Errorf("the password is asked for %d times, want twice:\n%s", n, asked(""))
			}
			end()
			m.keptSecret(t, w)
			m.run(0, "undo", "caddy", "haraka", "--yes")
			if left := want(t, m.l, "proxy", "sh", "-c", "ls /opt/haraka-out/password.* /run/postern.secret 2>/dev/null || :"); left != "" {
				t.Errorf("the password is left behind: %s", left)
			}
			m.undone(before)
		})
	}
}

// askpass has the program ask a script for passwords. What it gives next is set with its argument; it tells what it was asked for.
func (m mailed) askpass(t *testing.T) (asked func(next string) string) {
	folder := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write("askpass", "#!/bin/sh\nprintf '%s\\n' \"$1\" >>"+folder+"/asked\ncat "+folder+"/password\n")
	m.flags = append(m.flags, "--askpass", filepath.Join(folder, "askpass"))
	return func(next string) string {
		if next != "" {
			write("password", next)
		}
		said, _ := os.ReadFile(filepath.Join(folder, "asked"))
		return string(said)
	}
}

// outward is a letter that somebody sends by the mail host.
func outward(rcpt, word string) letter {
	return letter{from: "world", to: "203.0.113.10:587", sender: mailUser, rcpt: rcpt, password: mailPassword, word: word}
}

// refusedFirst gives a wrong password first: the mail waits, the check says why, and the next apply mends it.
func (m mailed) refusedFirst(t *testing.T, asked func(string) string) {
	asked("garden gate 17")
	m.run(0, "apply", "--yes")
	if err := outward("bob@external.test", "waits").send(t.Context(), m.l); err != nil {
		t.Fatal(err)
	}
	var found result
	if err := poll(t.Context(), time.Minute, func() bool {
		found = m.checks("smtp.smarthost")[0]
		return found.Result != "ok"
	}); err != nil || found.Result != "fail" || !strings.Contains(found.Saw, "refuses the login: 535 5.7.8") || !strings.Contains(found.Saw, "1 mails wait") {
		t.Errorf("of a wrong password it is said: %+v (%v)", found, err)
	}
	asked(smartHostPassword)
	m.run(0, "apply", "--yes")
	m.l.exchanged(t, "bob", "waits")
	spf := m.checks("dns.spf")[0]
	if spf.Result != "warn" || !strings.Contains(spf.Saw, "smarthost.spf") {
		t.Errorf("of an SPF record without the smart host it is said: %+v", spf)
	}
	if found := m.checks("dns.spf", "--set", "smarthost.spf=include:spf.smarthost.test")[0]; found.Result != "fail" || !strings.Contains(found.Saw, "include:spf.smarthost.test is not in it") {
		t.Errorf("of an SPF record without what was answered it is said: %+v", found)
	}
	m.run(0, "fields", "--save", "--set", "smarthost.spf=include:spf.smarthost.test")
	if err := m.l.PublishLines(m.output("export", "zone") + m.l.dkimLine(t)); err != nil {
		t.Fatal(err)
	}
	m.settled()
	for set, words := range map[string]string{"smarthost.host=wrong.smarthost.test": "not wrong.smarthost.test", "smarthost.host=no.smarthost.test": "finds no IPv4 address", "smarthost.port=2525": "refused"} {
		if found := m.checks("smtp.leaves", "--set", set)[0]; found.Result != "fail" || !strings.Contains(found.Saw, words) {
			t.Errorf("with %s it is said: %+v", set, found)
		}
	}
}

// bySmartHost sends mail after STARTTLS and wrapped in TLS, and some that is for nobody.
func (m mailed) bySmartHost(t *testing.T) {
	for port, version := range map[string]string{"587": "starttls", "465": "wrapped"} {
		m.run(0, "apply", "--yes", "--save", "--set", "smarthost.port="+port)
		m.settled("haraka")
		for rcpt, word := range map[string]string{"bob@external.test": "one" + version, "nobody@nowhere.test": "lost" + version} {
			if err := outward(rcpt, word).send(t.Context(), m.l); err != nil {
				t.Fatal(err)
			}
		}
		got, text := m.l.exchanged(t, "bob", "one"+version)
		if got.Client != netip.MustParseAddr("203.0.113.10") || got.User != smartHostUser || got.Helo != "mail.example.org" || got.TLS == "" ||
			!slices.Equal(got.DKIM, []mx.Signature{{Domain: "example.org", Selector: "dkim", Result: "ok"}}) {
			t.Errorf("of %s the smart host saw %+v", version, got)
		}
		if found := homely.FindString(text); found != "" {
			t.Errorf("%s tells the world of home (%s):\n%s", version, found, text)
		}
		if text := m.l.inbox(t, "203.0.113.10", "lost"+version); !strings.Contains(text, "nobody is called nobody@nowhere.test") {
			t.Errorf("what cannot be delivered does not come home:\n%s", text)
		}
	}
	in := letter{from: "world", to: "203.0.113.10:25", source: senderAddr, sender: "zoe@external.test", rcpt: mailUser, word: "inward"}
	if err := in.send(t.Context(), m.l); err != nil {
		t.Fatal(err)
	}
	m.l.inbox(t, "203.0.113.10", "inward")
}

// neverInTheClear has the smart host offer logins without TLS, and none inside: mail waits, nobody hears the password, and all comes in the end.
func (m mailed) neverInTheClear(t *testing.T) {
	m.run(0, "apply", "--yes", "--save", "--set", "smarthost.port=587")
	mode := func(how string) {
		t.Helper()
		if err := os.WriteFile(m.l.dir("smarthost.mode"), []byte(how), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for how, words := range map[string][2]string{"clear": {"No TLS available", "offers no TLS"}, "closed": {"it offers no login", "takes no login"}} {
		mode(how)
		if err := outward("bob@external.test", how+"mode").send(t.Context(), m.l); err != nil {
			t.Fatal(err)
		}
		var found result
		if err := poll(t.Context(), time.Minute, func() bool {
			found = m.checks("smtp.smarthost")[0]
			return found.Result == "fail"
		}); err != nil || !strings.Contains(found.Saw, words[0]) {
			t.Errorf("%s: it is said: %+v (%v)", how, found, err)
		}
		if found := m.checks("smtp.leaves")[0]; found.Result != "fail" || !strings.Contains(found.Saw, words[1]) {
			t.Errorf("%s: it is said: %+v", how, found)
		}
	}
	mode("")
	if said, err := os.ReadFile(m.l.dir("smarthost.heard")); err == nil {
		t.Errorf("a password was said in the clear: %s", said)
	}
	for _, how := range []string{"clear", "closed"} {
		if got, _ := m.l.exchanged(t, "bob", how+"mode"); got.User != smartHostUser {
			t.Errorf("it came otherwise: %+v", got)
		}
	}
	m.settled("haraka")
}

// keptSecret wants the password in its own file on the proxy and nowhere else.
func (m mailed) keptSecret(t *testing.T, w *watcher) {
	secrets := []secret{newSecret("the smart host's password", smartHostPassword), newSecret("the wrong one", "garden gate 17")}
	for _, s := range secrets {
		for where := range w.leaks(s) {
			t.Errorf("%s is in the %s", s.name, where)
		}
	}
	t.Logf("looked at every process %d times", w.rounds)
	if n := scan(t, m.l.dir("laptop", "home"), "", secrets, nil); n == 0 {
		t.Error("no log was kept, so nothing was searched")
	}
	scan(t, filepath.Dir(m.site), "", secrets, nil)
	for _, host := range []string{"proxy", "mail"} {
		for _, folder := range []string{"/var/lib/postern", "/etc", "/root", "/home", "/tmp", "/run", "/var/log", "/var/tmp"} {
			scan(t, hostRoot(t, m.l, host), folder, secrets, nil)
		}
		journal := []byte(want(t, m.l, host, "journalctl", "--no-pager", "-o", "verbose"))
		for _, s := range secrets {
			if s.in(journal) {
				t.Errorf("%s: %s is in the journal", host, s.name)
			}
		}
	}
	files := want(t, m.l, "proxy", "sh", "-c", "stat -c '%a %U:%G %n' /opt/haraka-out/password.*; cat /opt/haraka-out/password.*")
	if !regexp.MustCompile(`^640 root:haraka /opt/haraka-out/password\.[0-9a-f]{8}\n` + regexp.QuoteMeta(smartHostPassword) + `$`).MatchString(files) {
		t.Errorf("where it belongs is %s", files)
	}
}
