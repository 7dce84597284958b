//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestWizard: a person in an empty folder types postern and goes through chapters 1 to 3 by keys, leaving in the middle of
// each kind of page and starting again. Nothing is known before: no answers, no host keys.
func TestWizard(t *testing.T) {
	needLab(t)
	t.Parallel()
	onSuites(t, func(t *testing.T, suite string) {
		l := newLab(t, Options{Suite: suite})
		folder := t.TempDir()
		published(t, l)
		answersByKeys(t, l, folder)
		s := keysConfirmed(t, l, folder)
		s = firewallReviewed(t, l, folder, s)
		wireguardProven(t, l, folder, s)
		if torture() {
			leftEverywhere(t, l, folder)
		}
		judged(t, l, folder)
	})
}

// answersByKeys answers chapter 1, leaving on the first page and in the middle of a field.
func answersByKeys(t *testing.T, l *Lab, folder string) {
	t.Helper()
	s := open(t, l, folder)
	s.shows("1 of 7 Network", "This program makes a public server the gate")
	wantWords(t, s.leave(0), "1 Network [ ] not looked at yet", "7 Caddy [ ] not looked at yet")

	s = open(t, l, folder)
	s.turn("enter", "This program makes")
	s.shows("Network / answers", "> Mail domain")
	s.types("example.org\r")
	s.shows("Mail domain example.org answered", "> Mail host name")
	s.types("mail.exa")
	s.shows("> Mail host name mail.exa")
	s.leave(0)
	if text := answersIn(t, folder); !strings.Contains(text, `domain = "example.org"`) || strings.Contains(text, "mail.exa") {
		t.Errorf("after leaving in the middle of a name the answers are\n%s", text)
	}

	s = open(t, l, folder)
	s.shows("1 of 7 Network")
	s.turn("enter", "Finds out what")
	s.shows("Mail domain example.org answered", "> Mail host name")
	s.types("\r") // it has none yet: no mail server stands there, and these chapters need no name
	s.shows("> proxy: SSH destination")
	s.types("root@203.0.113.10:x\r")
	s.shows("[!]", "> proxy: SSH destination")
	s.types("\x7f\x7f\r")
	s.shows("> proxy: Provider")
	s.types("\r")
	s.shows("> mail: SSH destination")
	s.types("admin@192.168.50.2\r")
	s.shows("> [ go on ]")
	s.turn("enter", "[ go on ]")
	s.shows("a new host key", hosts[s.waits(newKey("proxy"), newKey("mail"))]+" shows")
	s.types("ye")
	s.shows("> ye")
	s.leave(0)
	if known := trusted(t, l); known != "" {
		t.Errorf("a host key is kept that nobody confirmed: %s", known)
	}
}

var hosts = []string{"proxy", "mail"}

func newKey(host string) string { return host + " shows a host key that was not seen before" }

// keysConfirmed starts again, confirms the host keys, and gives the password, at first a wrong one. The hosts are connected
// to at the same time, so either may ask first.
func keysConfirmed(t *testing.T, l *Lab, folder string) *screen {
	t.Helper()
	s := open(t, l, folder)
	const begun, password = "2 of 7 Firewall", "sudo password on mail"
	wrong := 0
	for {
		switch at := s.waits(newKey("proxy"), newKey("mail"), password, begun); at {
		case 0, 1:
			s.shows(fingerprint(t, l, hosts[at]))
			s.types("y\r")
			s.shows("Type the whole word yes, or no.")
			s.types("\x7fyes")
			s.turn("enter", newKey(hosts[at]))
		case 2:
			if wrong++; wrong == 1 {
				s.types("wrong\r")
				s.shows("refused: that is not the", password)
				continue
			}
			s.types(adminPassword)
			s.turn("enter", password)
		default:
			if kept := trusted(t, l); wrong < 2 || strings.Count(kept, " ssh-ed25519 ") != 2 {
				t.Errorf("the password was asked for %d times, and of the keys are kept:\n%s", wrong, kept)
			}
			return s
		}
	}
}

// firewallReviewed leaves in both reviews of chapter 2, and after its proof.
func firewallReviewed(t *testing.T, l *Lab, folder string, s *screen) *screen {
	t.Helper()
	s.goOn(2, "Firewall")
	s.shows("Preparations: 2 changes on 2 hosts", "install ufw on proxy", "Nothing is done until you press a.")
	wantWords(t, s.leave(0), "2 Firewall [--] not in place yet")
	for _, host := range hosts {
		want(t, l, host, "test", "!", "-e", "/usr/sbin/ufw")
	}

	s = resume(t, l, folder)
	s.goOn(2, "Firewall")
	s.turn("a", "Preparations: 2 changes on 2 hosts")
	s.shows("Guarded: ", "on 2 hosts", "After this, on proxy: the world reaches ")
	before := map[string]string{"proxy": rules(t, l, "proxy"), "mail": rules(t, l, "mail")}
	wantWords(t, s.leave(0), "2 Firewall [--] not in place yet")
	for host, old := range before {
		if now := rules(t, l, host); now != old {
			t.Errorf("%s: leaving the review changed the rules:\n%s\nwere\n%s", host, now, old)
		}
	}

	s = resume(t, l, folder)
	s.goOn(2, "Firewall")
	s.shows("Guarded: ")
	s.press("a")
	s.shows("Firewall / before this", "If all else fails, on the console of proxy")
	wantWords(t, s.leave(0), "2 Firewall [--] not in place yet")

	s = resume(t, l, folder)
	s.goOn(2, "Firewall")
	s.shows("Guarded: ")
	s.agree()
	s.shows("Firewall / proof", "Proven", "1 warn") // mail has one way in until there is a tunnel
	told := s.leave(0)
	wantWords(t, told, "2 Firewall [ok] in place", "3 WireGuard [--] not in place yet")
	wantNone(t, told, "failed", "could not be asked")
	return resume(t, l, folder)
}

// wireguardProven ends with everything proven, leaves while it is being asked, and sees it once more.
func wireguardProven(t *testing.T, l *Lab, folder string, s *screen) {
	t.Helper()
	s.goOn(3, "WireGuard")
	s.turn("a", "Preparations: 4 changes on 2 hosts")
	s.shows("Guarded: 3 changes on 2 hosts", "start Docker after the tunnel")
	s.agree()
	s.shows("WireGuard / proof", "Proven") // a slow host may have only one way in yet
	s.turn("enter", "WireGuard / proof")
	s.shows("asking: ")
	s.leave(0)

	s = resume(t, l, folder)
	s.allProven()
	s.turn("4", "all checks")
	s.shows("4 of 7 Mailcow", "Mailcow keeps the mail")
	told := s.leave(0)
	wantWords(t, told, "1 Network [ok] in place", "2 Firewall [ok] in place", "3 WireGuard [ok] in place",
		"4 Mailcow [--] not in place yet")
	wantNone(t, told, "warn", "failed", "could not be asked")
}

// leftEverywhere leaves on each of the other pages, with hosts that are proven, and wants the same answers and chapters after.
func leftEverywhere(t *testing.T, l *Lab, folder string) {
	t.Helper()
	before := answersIn(t, folder)
	for _, c := range []struct {
		keys []string
		page string
	}{
		{[]string{"?"}, "Keys here"},
		{[]string{"/", "f", "a", "i", "l"}, "/ fail"},
		{[]string{"esc"}, "contents"},
		{[]string{"1"}, "1 of 7 Network"},
		{[]string{"1", "e"}, "Network / answers"},
		{[]string{"1", "e", "\x0f"}, "ways in"},
		{[]string{"4", "t"}, "Mailcow / for you"},
		{[]string{"3", "u"}, "Taking back: "},
	} {
		s := resume(t, l, folder)
		s.allProven()
		for _, key := range c.keys {
			s.press(key)
			if key == "esc" {
				continue
			}
			if key >= "1" && key <= "9" {
				s.shows(key+" of 7", "e answers")
			}
		}
		s.shows(c.page)
		told := s.leave(0)
		wantWords(t, told, "2 Firewall [ok] in place", "3 WireGuard [ok] in place")
		wantNone(t, told, "failed", "could not be asked")
		if now := answersIn(t, folder); now != before {
			t.Errorf("leaving on %q changed the answers:\n%s\nwere\n%s", c.page, now, before)
		}
	}
}

// judged judges the hosts without the wizard.
func judged(t *testing.T, l *Lab, folder string) {
	t.Helper()
	askpass := filepath.Join(t.TempDir(), "askpass")
	if err := os.WriteFile(askpass, []byte("#!/bin/sh\necho '"+adminPassword+"'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	o := &operator{t: t, l: l, node: "laptop", site: filepath.Join(folder, "postern.toml"), flags: []string{"--askpass", askpass}}
	o.inPlace()
}

// inPlace wants the hosts proven, clients seen, and nothing left to change.
func (o *operator) inPlace() {
	o.t.Helper()
	o.proven()
	o.run(0, "check")
	for _, port := range []string{"993", "587", "465"} {
		listen(o.t, o.l, "10.0.0.2", port)
	}
	for _, port := range []string{"993", "587", "465"} {
		if got := peerSeen(o.t.(*testing.T), o.l, port); !strings.HasPrefix(got, "peer "+worldAddress+" ") {
			o.t.Errorf("the listener behind %s says %q, want the address %s", port, got, worldAddress)
		}
	}
	if out := o.run(0, "apply", "--yes"); !strings.Contains(out, "Nothing to change") {
		o.t.Errorf("a second apply found something to change:\n%s", out)
	}
}

// resume starts again where answers and host keys are known: only the password is asked for.
func resume(t *testing.T, l *Lab, folder string) *screen {
	t.Helper()
	s := open(t, l, folder)
	s.shows("sudo password on mail")
	s.types(adminPassword + "\r")
	return s
}

// goOn goes from a chapter's explanation, over its answers as they are, to its first review.
func (s *screen) goOn(n int, title string) {
	s.t.Helper()
	s.shows(fmt.Sprintf("%d of 7 %s", n, title), "enter go on e answers")
	s.press("enter")
	s.shows(title+" / answers", "> [ go on ]")
	s.press("enter")
	s.shows(title + " / review")
}

// agree applies what the review of the guarded changes shows. Before the first risk the way back is shown.
func (s *screen) agree() {
	s.t.Helper()
	s.shows("Nothing is done until you press a.")
	s.press("a")
	if s.waits("/ before this", "/ apply", "/ proof") == 0 {
		s.shows("If all else fails, on the console of")
		s.turn("enter", "/ before this")
	}
}

// allProven waits until every check of all chapters was asked, and is ok.
func (s *screen) allProven() {
	s.t.Helper()
	s.until("all checks, all ok", func(text string) bool {
		head, _, _ := strings.Cut(text, "\n")
		return allOK.MatchString(head) && strings.Contains(page(text), "roven") && !strings.Contains(text, " asking: ") && !strings.Contains(text, " asked next")
	})
}

var allOK = regexp.MustCompile(`  (all checks|proof)  [4-9]\d ok( \d+ skip)?$`)

func wantWords(t *testing.T, text string, all ...string) {
	t.Helper()
	for _, words := range all {
		if !strings.Contains(text, words) {
			t.Errorf("there is no %q in\n%s", words, text)
		}
	}
}

// wantNone wants a line that counts the results, with some that are ok and none of the outcomes.
func wantNone(t *testing.T, text string, outcomes ...string) {
	t.Helper()
	counts := regexp.MustCompile(`\d+ checks: [1-9]\d* ok(, \d+ [a-z ]+?)*( log|$)`).FindString(text)
	if counts == "" {
		t.Errorf("the results are not counted in\n%s", text)
	}
	for _, words := range outcomes {
		if strings.Contains(counts, words) {
			t.Errorf("it is %q", counts)
		}
	}
}

func answersIn(t *testing.T, folder string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "postern.toml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func fingerprint(t *testing.T, l *Lab, host string) string {
	t.Helper()
	print, err := l.Fingerprint(t.Context(), host)
	if err != nil {
		t.Fatal(err)
	}
	return print
}

func trusted(t *testing.T, l *Lab) string {
	t.Helper()
	text, err := os.ReadFile(l.dir("laptop", "home", ".ssh", "known_hosts"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
