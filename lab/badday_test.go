//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// badDay is one thing that is wrong with a host or with the operator's side: it gives one clear error, or works.
type badDay struct {
	name string
	run  func(t *testing.T, l *Lab, o *operator)
}

func runBadDays(t *testing.T, l *Lab, site string, days []badDay) {
	t.Helper()
	for _, d := range days {
		t.Run(d.name, func(t *testing.T) {
			d.run(t, l, &operator{t: t, l: l, node: "laptop", site: site})
			for _, host := range []string{"proxy", "mail"} {
				if left := want(t, l, host, "sh", "-c", "ls -d /var/lib/postern/open /var/lib/postern/in.* 2>/dev/null; :"); left != "" {
					t.Errorf("%s: left behind: %s", host, left)
				}
			}
		})
	}
}

// TestBadDaysOfBareHosts: what is wrong while nothing is installed yet. The last one works, so nothing of the others was
// half done.
func TestBadDaysOfBareHosts(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	o := newOperator(t, l, nil)
	faulty := func(name, words string) badDay {
		return badDay{name, func(t *testing.T, l *Lab, o *operator) {
			before := map[string]string{"proxy": untouched(t, l, "proxy"), "mail": untouched(t, l, "mail")}
			both := []string{name}
			if strings.HasSuffix(name, ":") {
				both = []string{name + "proxy", name + "mail"}
			}
			for _, one := range both {
				if err := l.Fault(t.Context(), one, true); err != nil {
					t.Fatal(err)
				}
			}
			out, code := o.try("apply", "--yes")
			for _, one := range both {
				if err := l.Fault(t.Context(), one, false); err != nil {
					t.Fatal(err)
				}
			}
			if code != 1 {
				t.Errorf("exit %d, want 1:\n%s", code, out)
			}
			wantErrors(t, out, words)
			for host, was := range before {
				if now := untouched(t, l, host); now != was {
					t.Errorf("%s changed:\n%s", host, apart(now, was))
				}
			}
		}}
	}
	runBadDays(t, l, o.site, []badDay{
		faulty("apt-offline", "cannot reach the package sources"),
		faulty("readonly-etc:", "read-only"),
		faulty("disk-full:", "no space"),
		{"apt is locked", func(t *testing.T, l *Lab, o *operator) {
			if err := l.Fault(t.Context(), "apt-lock:proxy", true); err != nil {
				t.Fatal(err)
			}
			f := fly(o, "apply", "--yes")
			for end := time.Now().Add(3 * time.Minute); !strings.Contains(f.printed(), "waiting for another apt"); time.Sleep(50 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("it does not say that it waits:\n%s", f.printed())
				}
			}
			if err := l.Fault(t.Context(), "apt-lock:proxy", false); err != nil {
				t.Fatal(err)
			}
			<-f.ended
			if code := f.cmd.ProcessState.ExitCode(); code != 0 {
				t.Errorf("exit %d after the lock was given up:\n%s", code, f.printed())
			}
			o.proven()
		}},
	})
}

// untouched is what must stay as it is when nothing was done: packages, rules, settings, and what is enabled of ours.
func untouched(t *testing.T, l *Lab, host string) string {
	t.Helper()
	return want(t, l, host, "sh", "-c", `PATH=/usr/sbin:/usr/bin; dpkg -l | grep -c ^ii; dpkg --audit; iptables-save 2>/dev/null | grep ^-A; sysctl net.ipv4.ip_forward
ls /etc/wireguard/*.conf /etc/sysctl.d/60-postern.conf 2>/dev/null; grep -s ^ENABLED=yes /etc/ufw/ufw.conf; ip -br link show type wireguard; find /etc -name '.postern*'; :`)
}

// printed is what the program said to people.
func (f *flight) printed() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.out.String()
}

// wantError wants one error line that has the words.
func wantError(t *testing.T, out, words string) {
	t.Helper()
	if lines := wantErrors(t, out, words); lines != 1 {
		t.Errorf("the error has %d lines:\n%s", lines, out)
	}
}

// wantErrors wants error lines, at most one for each host, of which each has the words, and that nothing bypasses the
// cleaning of what hosts say. It gives their number.
func wantErrors(t *testing.T, out, words string) int {
	t.Helper()
	var lines []string
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "postern: error: ") || len(lines) == 1 && strings.HasPrefix(line, "mail: ") {
			lines = append(lines, line)
		}
	}
	t.Logf("it says: %s", strings.TrimSpace(strings.Join(lines, "")))
	if len(lines) == 0 || len(lines) > 2 {
		t.Errorf("%d lines of error:\n%s", len(lines), out)
	}
	for _, line := range lines {
		if !strings.Contains(strings.ToLower(line), words) {
			t.Errorf("it should say %q:\n%s", words, line)
		}
	}
	if strings.ContainsAny(out, "\x1b\x07\x00") {
		t.Errorf("a control character is printed: %q", out)
	}
	return len(lines)
}

// TestBadDays: what is wrong with hosts that are set up, or with the operator's side.
func TestBadDays(t *testing.T) {
	t.Parallel()
	l := newLab(t, Options{})
	o := newOperator(t, l, nil)
	o.run(0, "apply", "--yes")
	runBadDays(t, l, o.site, []badDay{
		{"a second operator", secondOperator},
		{"a changed host key", changedKey},
		{"an unknown host key", unknownKey},
		{"a wrong password", wrongPassword},
		{"no sudo", noSudo},
		{"sudo wants a terminal", sudoWantsTerminal},
		{"another shell in the place of the login shell", shellReplaced},
		{"sshd forwards nothing", noForwardings},
		{"csh, a banner and a noisy login", noisyLogin},
		{"no space on a host", func(t *testing.T, l *Lab, o *operator) { hostCannotWrite(t, l, o, "disk-full:mail", "space") }},
		{"a read-only /etc", func(t *testing.T, l *Lab, o *operator) { hostCannotWrite(t, l, o, "readonly-etc:mail", "read-only") }},
		{"answers of an older revision", olderAnswers},
		{"answers of a newer schema", newerSchema},
		{"an open change of another version", otherAgent},
		{"tools that hang", toolsThatHang},
	})
}

// secondOperator: two apply at once. One wins, the other is told who holds the host, and nothing of it is done.
func secondOperator(t *testing.T, l *Lab, o *operator) {
	other := *o
	other.site = copySite(t, o.site)
	f := fly(o, "--json", "--events", "--yes", "--set", "ports.imaps=1993", "apply")
	if _, ok := f.stopAt(pointNamed(t, "applied"), "proxy"); !ok {
		t.Fatalf("the first run ended early:\n%s", f.told())
	}
	out, code := other.try("--set", "ports.imaps=2993", "apply", "--yes")
	f.goOn()
	<-f.ended
	if code != 1 {
		t.Errorf("the second: exit %d, want 1\n%s", code, out)
	}
	for _, said := range []string{"is being changed by another run", "root@", "since "} {
		if !strings.Contains(out, said) {
			t.Errorf("the second is not told %q:\n%s", said, out)
		}
	}
	if code := f.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the first: exit %d\n%s", code, f.told())
	}
	if rules := rules(t, l, "proxy"); strings.Contains(rules, "2993") || !strings.Contains(rules, "1993") {
		t.Error("the rules are not the winner's")
	}
	o.run(0, "apply", "--yes")
}

func copySite(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "site.toml")
	if err := os.WriteFile(copied, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return copied
}

// knownHosts replaces the laptop's known_hosts until the story ends.
func knownHosts(t *testing.T, l *Lab, edit func(string) string) {
	t.Helper()
	path := l.dir("laptop", "home", ".ssh", "known_hosts")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.WriteFile(path, old, 0o644) })
	if err := os.WriteFile(path, []byte(edit(string(old))), 0o644); err != nil {
		t.Fatal(err)
	}
}

func changedKey(t *testing.T, l *Lab, o *operator) {
	knownHosts(t, l, func(text string) string {
		// mail's keys in place of proxy's
		var b strings.Builder
		for line := range strings.Lines(text) {
			if addr, key, _ := strings.Cut(line, " "); addr == "192.168.50.2" {
				b.WriteString(line + "203.0.113.10 " + key)
			}
		}
		return b.String()
	})
	out := o.run(1, "apply", "--yes")
	wantError(t, out, "the host key has changed")
	if !strings.Contains(out, "ssh-keygen -f ") || strings.Contains(out, "proxy: proxy:") {
		t.Errorf("it should say what to do, and name the host once:\n%s", out)
	}
}

func unknownKey(t *testing.T, l *Lab, o *operator) {
	knownHosts(t, l, func(string) string { return "" })
	out, code := o.try("apply", "--yes")
	if code != 3 && code != 1 && code != 2 {
		t.Errorf("exit %d", code)
	}
	if !strings.Contains(out, "SHA256:") || !strings.Contains(out, "fingerprint") {
		t.Errorf("it should show the key and name the answer that pins it:\n%s", out)
	}
}

// as lets the operator log in to mail as somebody else, with a password.
func as(t *testing.T, user, password string, o *operator) []string {
	t.Helper()
	askpass := filepath.Join(t.TempDir(), "askpass")
	if err := os.WriteFile(askpass, []byte("#!/bin/sh\necho '"+password+"'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return []string{"--askpass", askpass, "--set", "host.mail.ssh=" + user + "@192.168.50.2"}
}

func wrongPassword(t *testing.T, l *Lab, o *operator) {
	out := o.run(1, append(as(t, "admin", "wrong-by-intent", o), "--set", "ports.imaps=1993", "apply", "--yes")...)
	wantError(t, out, "sudo refused the password of admin 3 times")
	if strings.Contains(out, "wrong-by-intent") {
		t.Errorf("a password is printed:\n%s", out)
	}
}

func noSudo(t *testing.T, l *Lab, o *operator) {
	out := o.run(1, append(as(t, "guest", "guest horse", o), "--set", "ports.imaps=1993", "apply", "--yes")...)
	wantError(t, out, "sudo")
}

// noForwardings: what cannot be asked is unknown, with the reason, and never ok or failed.
func noForwardings(t *testing.T, l *Lab, o *operator) {
	for _, host := range []string{"proxy", "mail"} {
		if err := l.Fault(t.Context(), "no-forwarding:"+host, true); err != nil {
			t.Fatal(err)
		}
		defer l.Fault(t.Context(), "no-forwarding:"+host, false)
	}
	unknown := 0
	for _, r := range o.checks() {
		switch {
		case r.Result == "fail":
			t.Errorf("%s from %s failed for want of forwarding: saw %q", r.ID, r.From, r.Saw)
		case r.Result == "unknown":
			unknown++
			t.Logf("%s from %s: %q, likely %q, fix %q", r.ID, r.From, r.Saw, r.Likely, r.Fix)
		}
	}
	if unknown == 0 {
		t.Error("nothing is unknown, though no host forwards")
	}
	if out, code := o.try("--set", "ports.imaps=1993", "apply", "--yes"); code != 0 && code != 2 {
		t.Errorf("apply: exit %d\n%s", code, out)
	}
	if out, code := o.try("apply", "--yes"); code != 0 && code != 2 {
		t.Errorf("apply back: exit %d\n%s", code, out)
	}
}

// noisyLogin: root's shell is csh, sshd shows a banner, the login prints and tries to take the terminal over.
func noisyLogin(t *testing.T, l *Lab, o *operator) {
	const evil = `\033]0;owned\007\033[2J\033]52;c;ZXZpbA==\007`
	want(t, l, "mail", "sh", "-ec", `DEBIAN_FRONTEND=noninteractive apt-get -q -y install tcsh >/dev/null
printf '`+evil+`welcome\n' >/etc/banner; cp /etc/motd /etc/motd.kept; printf '`+evil+`motd\n' >/etc/motd
echo 'Banner /etc/banner' >/etc/ssh/sshd_config.d/07-banner.conf; printf 'echo "`+evil+`noise"\n' >/root/.cshrc
chsh -s /bin/tcsh root; systemctl restart ssh`)
	defer want(t, l, "mail", "sh", "-ec", `chsh -s /bin/bash root; rm -f /root/.cshrc /etc/ssh/sshd_config.d/07-banner.conf /etc/banner; mv /etc/motd.kept /etc/motd; systemctl restart ssh`)
	out := o.run(0, "--set", "ports.imaps=1993", "apply", "--yes") + o.run(0, "apply", "--yes")
	if strings.ContainsAny(out, "\x1b\x07") {
		t.Errorf("a host's control sequence is printed: %q", out)
	}
}

// hostCannotWrite: a host that cannot be written is left as it is, and so is the other.
func hostCannotWrite(t *testing.T, l *Lab, o *operator, fault, words string) {
	before := map[string]string{"proxy": printOf(t, l, "proxy"), "mail": printOf(t, l, "mail")}
	if err := l.Fault(t.Context(), fault, true); err != nil {
		t.Fatal(err)
	}
	out, code := o.try("--set", "ports.imaps=1993", "apply", "--yes")
	if err := l.Fault(t.Context(), fault, false); err != nil {
		t.Fatal(err)
	}
	if code != 1 && code != 4 { // 4: the other host was faster, and took its change back
		t.Errorf("exit %d, want 1 or 4:\n%s", code, out)
	}
	wantError(t, out, words)
	for host, was := range before {
		if now := printOf(t, l, host); now != was {
			t.Errorf("%s differs:\n%s", host, apart(now, was))
		}
	}
}

// olderAnswers: a second laptop with other answers of an older revision is refused and shown the difference.
func olderAnswers(t *testing.T, l *Lab, o *operator) {
	second := *o
	second.site = copySite(t, o.site)
	o.run(0, "--set", "ports.imaps=1993", "apply", "--yes")
	out := second.run(3, "apply", "--yes")
	for _, said := range []string{"newer answers", `ports.imaps: here "993"`, `"1993"`, "postern adopt"} {
		if !strings.Contains(out, said) {
			t.Errorf("it does not say %q:\n%s", said, out)
		}
	}
	// The same answers under an older revision are what a run leaves that died too early to save it.
	second.run(0, "--set", "ports.imaps=1993", "apply", "--yes")
	second.run(0, "apply", "--yes")
	text, err := os.ReadFile(second.site)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(o.site, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func newerSchema(t *testing.T, l *Lab, o *operator) {
	newer := *o
	newer.site = copySite(t, o.site)
	text, err := os.ReadFile(newer.site)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(newer.site, []byte(strings.Replace(string(text), "schema = 1", "schema = 2", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	wantError(t, newer.run(3, "apply", "--yes"), "schema")
}

// otherAgent: what a run of another version left open is taken back by its own agent, and the next run goes on.
func otherAgent(t *testing.T, l *Lab, o *operator) {
	before := map[string]string{"proxy": printOf(t, l, "proxy"), "mail": printOf(t, l, "mail")}
	f := fly(o, "--json", "--events", "--yes", "--set", "ports.imaps=1993", "apply")
	if _, ok := f.stopAt(pointNamed(t, "proving"), "proxy"); !ok {
		t.Fatalf("it ended early:\n%s", f.told())
	}
	if err := f.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"proxy", "mail"} {
		want(t, l, host, "sh", "-ec", `cd /var/lib/postern/open
sed -i -e '1s/.*/# postern agent 0123456789ab/' -e 's/^turn() {/turn() { : >>\/run\/other-agent;/' agent; systemctl stop 'postern-*.timer'`)
	}
	if out := o.run(0, "apply", "--yes"); !strings.Contains(out, "Nothing to change") && !strings.Contains(out, "Done") {
		t.Errorf("the next run:\n%s", out)
	}
	for host, was := range before {
		want(t, l, host, "test", "-e", "/run/other-agent")
		if now := printOf(t, l, host); now != was {
			t.Errorf("%s differs:\n%s", host, apart(now, was))
		}
	}
}
