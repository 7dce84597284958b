package firewall

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestUndoLooksAtBothRuleSets: somebody chose the other iptables and had ufw load its rules again, so that the first ones stand
// where nobody looks any more. The undo leaves nothing of ufw or of us in either, and what is others' alone.
func TestUndoLooksAtBothRuleSets(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("skipped: only root makes a network of its own to try rules in")
	}
	const ours = `*nat
:postern-pre - [0:0]
-A PREROUTING -j postern-pre
-A postern-pre -i eth0 -p tcp -m tcp --dport 993 -j DNAT --to-destination %[2]s
COMMIT
*filter
:INPUT DROP [0:0]
:%[1]s-before-input - [0:0]
:%[1]s-user-input - [0:0]
:theirs - [0:0]
-A INPUT -j %[1]s-before-input
-A INPUT -j theirs
-A %[1]s-before-input -j %[1]s-user-input
-A %[1]s-user-input -p tcp -m tcp --dport 25 -j ACCEPT
COMMIT
`
	for _, now := range []string{"nft", "legacy"} {
		t.Run("now "+now, func(t *testing.T) {
			bin := t.TempDir()
			script := "set -e\n"
			for _, program := range []string{"iptables", "ip6tables"} {
				for _, tool := range []string{"", "-save", "-restore"} {
					real, err := exec.LookPath(program + "-" + now + tool)
					if err != nil {
						t.Skipf("skipped: there is no %s-%s%s", program, now, tool)
					}
					if err := os.Symlink(real, filepath.Join(bin, program+tool)); err != nil {
						t.Fatal(err)
					}
				}
				rules := fmt.Sprintf(ours, "ufw", "10.0.0.2")
				if program == "ip6tables" {
					rules = fmt.Sprintf(ours, "ufw6", "fd00::2")
				}
				for _, set := range []string{"nft", "legacy"} {
					script += program + "-" + set + "-restore <<'RULES' || { echo no such rules here; exit 0; }\n" + rules + "RULES\n"
				}
			}
			script += activation{script: true}.undo() + "for t in iptables ip6tables; do $t-nft-save; $t-legacy-save; done\n"
			run := exec.Command("unshare", "-n", "sh", "-c", script)
			run.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
			out, err := run.CombinedOutput()
			left := string(out)
			if strings.Contains(left, "no such rules here") || strings.Contains(left, "unshare failed") {
				t.Skipf("skipped: this kernel has not both rule sets: %s", left)
			}
			if err != nil || strings.Contains(left, "postern") || strings.Contains(left, "ufw") || strings.Contains(left, "DROP") {
				t.Errorf("%v: the undo leaves\n%s", err, left)
			}
			if strings.Count(left, "-A INPUT -j theirs") != 4 {
				t.Errorf("the undo takes away what is others':\n%s", left)
			}
		})
	}
}
