package does

import (
	"os/exec"
	"strings"
	"testing"

	"postern/remote"
)

// TestPFQuotes: whatever a file or an anchor is called, it is one word of each script; what comes before stays before.
func TestPFQuotes(t *testing.T) {
	for _, p := range []PF{
		{File: "/etc/pf.conf"},
		{File: "/etc/pf.conf", Off: true},
		{File: "/etc/pf.conf", Before: "/usr/local/etc/o'pf.conf"},
		{File: "/usr/local/etc/it's $(reboot).conf", Anchor: "rdr/`x`'; reboot #"},
	} {
		c := p.Load(remote.Change{Path: p.File, New: &remote.File{}, Do: "first\n", Undo: "second\n"})
		for name, script := range map[string]string{"test": c.Test, "do": c.Do, "undo": c.Undo} {
			cmd := exec.Command("/bin/sh", "-n")
			cmd.Stdin = strings.NewReader(script)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s of %+v: %v: %s\n%s", name, p, err, out, script)
			}
			file := p.File
			if name == "undo" && p.Before != "" {
				file = p.Before
			}
			if strings.Contains(script, "@") && !strings.Contains(script, `"$@"`) || !strings.Contains(script, remote.Quote(file)) {
				t.Errorf("%s of %+v is not filled in:\n%s", name, p, script)
			}
		}
		if !strings.HasPrefix(c.Do, "first\n") || !strings.HasPrefix(c.Undo, "second\n") || c.Risk != remote.LoseSSH {
			t.Errorf("%+v: %+v", p, c)
		}
	}
	if gone := (PF{File: "/etc/a.conf", Anchor: "a"}).Load(remote.Change{Path: "/etc/a.conf"}); gone.Test != "" {
		t.Errorf("a file that goes is parsed: %q", gone.Test)
	}
}
