package does

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sysrcStub keeps rc.conf as FreeBSD's sysrc does: it prints old -> new, and -x refuses what is not there.
const sysrcStub = `f=@RC@
case $1 in
-x) grep -q "^$2=" $f || { echo "sysrc: unknown variable '$2'" >&2; exit 1; }; grep -v "^$2=" $f > $f.new; cat $f.new > $f ;;
*=*) n=${1%%=*}; v=${1#*=}; grep -v "^$n=" $f > $f.new; printf '%s="%s"\n' "$n" "$v" >> $f.new; cat $f.new > $f; echo "$n: x -> $v" ;;
*) exit 64 ;;
esac
`

// Whatever was set before, and wherever setting stopped, the way back leads to what was.
func TestSysrcAndBack(t *testing.T) {
	dir := t.TempDir()
	rc := filepath.Join(dir, "rc.conf")
	if err := os.WriteFile(filepath.Join(dir, "sysrc"), []byte("#!/bin/sh\n"+strings.ReplaceAll(sysrcStub, "@RC@", rc)), 0o755); err != nil {
		t.Fatal(err)
	}
	run := func(script string) {
		t.Helper()
		cmd := exec.Command("/bin/sh", "-ec", strings.ReplaceAll(script, "/etc/rc.conf", rc))
		cmd.Env = []string{"PATH=" + dir + ":/usr/bin:/bin"}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s\n%s", err, out, script)
		}
	}
	const before = "hostname=\"fbsd.test\"\nwireguard_interfaces=\"wg1 wg2\"\n"
	do, undo := Sysrc([]Setting{{"pf_enable", "YES", "NO", false}, {"wireguard_interfaces", "wg1 wg2 wg0", "wg1 wg2", true}, {"pf_rules", "/etc/pf.conf", "/usr/local/etc/it's.conf", false}})
	steps := strings.SplitAfter(do, "\n")
	for n := range len(steps) + 1 {
		if err := os.WriteFile(rc, []byte(before), 0o644); err != nil {
			t.Fatal(err)
		}
		run(strings.Join(steps[:n], ""))
		if now, _ := os.ReadFile(rc); n == len(steps) && !strings.HasSuffix(string(now), "pf_enable=\"YES\"\nwireguard_interfaces=\"wg1 wg2 wg0\"\npf_rules=\""+filepath.Dir(rc)+"/pf.conf\"\n") && !strings.Contains(string(now), "pf_rules=\"/etc/pf.conf\"") {
			t.Errorf("set: %s", now)
		}
		run(undo)
		run(undo)
		if now, _ := os.ReadFile(rc); string(now) != before {
			t.Errorf("back from step %d:\n%s", n, now)
		}
	}
}
