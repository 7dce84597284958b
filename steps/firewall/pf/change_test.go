package pf

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"postern/seen"
)

// pfctlStub keeps what FreeBSD's pfctl keeps, and refuses what it refuses: -e when it is on already, -d when it is off, a file that is not there.
const pfctlStub = `cd @DIR@
case $* in
'-s Running') if [ -e on ]; then echo Enabled; else echo Disabled; exit 1; fi ;;
-e) if [ -e on ]; then echo 'pfctl: pf already enabled' >&2; exit 1; fi; [ -e loaded-module ] || exit 1; : > on ;;
-d) if [ ! -e on ]; then echo 'pfctl: pf not enabled' >&2; exit 1; fi; rm on ;;
'-f '*) [ -e loaded-module ] || exit 1; [ -r "$2" ] || exit 1; cat "$2" > rules ;;
'-F nat' | '-F rules') : > rules ;;
*) exit 64 ;;
esac
`

// Switched on, or loaded anew, and taken back from any point: a pf that was off is off, one that was on runs what it ran.
func TestActivateAndBack(t *testing.T) {
	for _, c := range []struct {
		name   string
		filter seen.Filter
		rules  string // that run afterwards
	}{
		{"off", seen.Filter{Path: "@DIR@/old.conf"}, "new"},
		{"off, with a file of theirs that is loaded", seen.Filter{Path: "@DIR@/old.conf", Text: "old\n", Rules: 1}, "old"},
		{"on", seen.Filter{Running: true, Path: "@DIR@/old.conf", Text: "old\n", Rules: 1}, "old"},
		{"on, without rules", seen.Filter{Running: true, Path: "@DIR@/none.conf"}, ""},
	} {
		dir := t.TempDir()
		put := func(name, text string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		put("pfctl", "#!/bin/sh\n"+strings.ReplaceAll(pfctlStub, "@DIR@", dir))
		put("kldstat", "#!/bin/sh\n[ -e "+dir+"/loaded-module ]\n")
		put("kldload", "#!/bin/sh\n: > "+dir+"/loaded-module\n")
		c.filter.Path = strings.ReplaceAll(c.filter.Path, "@DIR@", dir)
		change := scene{filter: c.filter}.activate()
		run := func(script string) {
			t.Helper()
			cmd := exec.Command("/bin/sh", "-ec", strings.ReplaceAll(script, mainPath, dir+"/new.conf"))
			cmd.Env = []string{"PATH=" + dir + ":/usr/bin:/bin"}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %s\n%s", c.name, err, out, script)
			}
		}
		is := func(name string) bool { _, err := os.Stat(filepath.Join(dir, name)); return err == nil }
		steps := strings.SplitAfter(change.Do, "\n")
		for n := range len(steps) + 2 { // the last is a boot
			for _, name := range []string{"on", "rules", "loaded-module"} {
				_ = os.Remove(filepath.Join(dir, name))
			}
			put("new.conf", "new\n")
			put("old.conf", "old\n")
			if c.filter.Running || c.filter.Rules > 0 {
				put("loaded-module", "")
			}
			if c.filter.Running {
				put("on", "")
			}
			put("rules", c.filter.Text)
			run(strings.Join(steps[:min(n, len(steps))], ""))
			if n > len(steps) {
				for _, name := range []string{"on", "rules", "loaded-module"} {
					_ = os.Remove(filepath.Join(dir, name))
				}
			}
			if n == len(steps) && (!is("on") || !is("rules")) {
				t.Errorf("%s: it is not on", c.name)
			}
			run(change.Undo)
			run(change.Undo)
			if is("on") != c.filter.Running {
				t.Errorf("%s, back from step %d: on is %v", c.name, n, is("on"))
			}
			if rules, _ := os.ReadFile(filepath.Join(dir, "rules")); is("on") && strings.TrimSpace(string(rules)) != c.rules {
				t.Errorf("%s, back from step %d: it runs %q", c.name, n, rules)
			}
		}
	}
}

// A line counts as there however it is spaced and commented, and not when it says more or less.
func TestMissing(t *testing.T) {
	want := []string{"pass in inet from any to any", "block in"}
	for text, left := range map[string]int{"": 2, "pass  in inet\tfrom any to any # mine\n": 1, "#pass in inet from any to any\nblock in log\n": 2, "block in\r\n  pass in inet from any to any": 0} {
		if got := missing(text, want); len(got) != left {
			t.Errorf("%q lacks %q", text, got)
		}
	}
}
