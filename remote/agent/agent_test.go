package agent_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"postern/remote/agent"
)

// TestAgentIsPlainShell keeps the agent in POSIX sh, in files a person can read at once.
func TestAgentIsPlainShell(t *testing.T) {
	for name, text := range common(t) {
		if n := strings.Count(text, "\n"); n > 150 {
			t.Errorf("%s has %d lines (at most 150)", name, n)
		}
	}
	for _, sh := range [][]string{{"sh", "-n"}, {"dash", "-n"}, {"shellcheck", "-s", "sh", "-S", "warning", "-"}} {
		if _, err := exec.LookPath(sh[0]); err != nil {
			t.Logf("not asked, because it is not here: %s", sh[0])
			continue
		}
		for _, system := range []string{"Linux", "FreeBSD"} {
			cmd := exec.Command(sh[0], sh[1:]...)
			cmd.Stdin = strings.NewReader("# shellcheck shell=sh disable=SC2012,SC2015,SC2016,SC2030,SC2031\nD=/d ETC=/e\n" + agent.Text(system))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s, %s: %v\n%s", system, sh[0], err, out)
			}
		}
	}
}

// common are the files that every system shares, by name.
func common(t *testing.T) map[string]string {
	t.Helper()
	names, _ := filepath.Glob("[0-9]*.sh")
	if len(names) < 9 {
		t.Fatalf("only %v", names)
	}
	files := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	return files
}

// contract is what the agent asks of a system: a file for another one defines exactly these. TestContract holds it against
// the systems' files and all who call.
const contract = "INIT KEYS awaited boot_install boot_remove boot_reread boot_sure detach digest digests end_own flush held lacks lock meta metas own " +
	"unlock watchdog watchdog_due watchdog_end watchdog_left within within_boot"

var (
	comment  = regexp.MustCompile(`(?m)(^|\s)#.*$`)
	defined  = regexp.MustCompile(`(?m)^([a-zA-Z_]+)(\(\) \{|=)`)
	notPOSIX = regexp.MustCompile(`\b(flock|lockf|setsid|daemon|systemctl|systemd|timeout|stat|sha256sum|sha256|sync|mktemp|readlink|realpath|truncate|shuf|wg-quick)\b` +
		`|/proc|/etc/|/usr/local/etc|mv -T|ln -T|cp -a|sort -V|sed -i|grep -P|date -d|\$\{[A-Za-z_]+(//|:[0-9])|\blocal |\[\[ `)
)

// TestContract: only a system's own file knows the system. It defines what the others ask for and no more, says what each
// is, and keeps the rest under its own name.
func TestContract(t *testing.T) {
	callers := ""
	for name, text := range common(t) {
		text = comment.ReplaceAllString(text, "")
		for i, line := range strings.Split(text, "\n") {
			if found := notPOSIX.FindString(line); found != "" && !strings.Contains(line, "export LC_ALL=C PATH=") {
				t.Errorf("%s:%d: %q is not for every system", name, i+1, found)
			}
		}
		callers += text
	}
	callers += batch(t)
	if agent.Text("Linux") != agent.Text("linux") || agent.Text("Plan9") != agent.Text("linux") {
		t.Error("a host that is not known is not asked for what Linux has")
	}
	systems, _ := filepath.Glob("[a-z]*.sh")
	for _, file := range systems {
		system := strings.TrimSuffix(file, ".sh")
		text := agent.System(system)
		var list []string
		for _, m := range defined.FindAllStringSubmatch(text, -1) {
			name := m[1]
			if strings.HasPrefix(name, system+"_") {
				continue
			}
			list = append(list, name)
			if !regexp.MustCompile(`(?m)^# ` + name + ` .*\n(#.*\n)*` + name + `[(=]`).MatchString(text) {
				t.Errorf("%s: it is not said before %s what that is", file, name)
			}
			if !regexp.MustCompile(`\b` + name + `\b`).MatchString(callers) {
				t.Errorf("%s: nobody asks for %s", file, name)
			}
		}
		slices.Sort(list)
		if got := strings.Join(slices.Compact(list), " "); got != contract {
			t.Errorf("%s defines\n%s, want\n%s", file, got, contract)
		}
	}
}

// batch is what remote runs on a host before the agent is there.
func batch(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../transaction_batch.go")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
