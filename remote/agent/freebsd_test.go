//go:build linux

package agent_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"postern/remote/agent"
)

// A host of these tests that runs FreeBSD has the tools of testdata/freebsd and no others: those of its base system, which refuse what
// FreeBSD's own refuse, and keep what a kernel would in a folder. No FreeBSD ran here: what they refuse, and print, was measured or read elsewhere.

// base are the tools that only differ in what they take.
var base = strings.Fields("cat chmod chown cmp cp cut dd find grep head ln ls mkdir mv rm rmdir sed sort tail touch tr true uname wc")

// rcScripts are those of a boot that the guard must come between.
var rcScripts = map[string]string{
	"FILESYSTEMS": "# PROVIDE: FILESYSTEMS\n",
	"netif":       "# PROVIDE: netif\n# REQUIRE: FILESYSTEMS\n",
	"pf":          "# PROVIDE: pf\n# REQUIRE: FILESYSTEMS netif\n[ -d \"$KERNEL/pf\" ] || kldload pf\n[ \"$pf_enable\" != YES ] || service pf start\n",
	"sshd":        "# PROVIDE: sshd\n# REQUIRE: pf\n",
}

// freeBSD makes the host one that runs FreeBSD, where that is whose agent it has.
func (g *ground) freeBSD() error {
	g.bsd = strings.Contains(g.agent, "\nfreebsd_guard=")
	if !g.bsd {
		return nil
	}
	tools, err := filepath.Abs("testdata/freebsd")
	if err != nil {
		return err
	}
	links := map[string]string{"logger": "quiet", "wall": "quiet"}
	names, _ := filepath.Glob(tools + "/*")
	for _, name := range names {
		links[filepath.Base(name)] = filepath.Base(name)
	}
	for _, name := range base {
		links[name] = "only"
	}
	for name, tool := range links {
		if err := os.Symlink(tools+"/"+tool, g.bin+"/"+name); err != nil {
			return err
		}
	}
	awk, _ := exec.LookPath("original-awk") // FreeBSD's own; any other where that is not here
	if awk == "" {
		awk = "/usr/bin/awk"
	}
	rc := g.state + "/etc/rc.d"
	if err := os.Symlink(awk, g.bin+"/awk"); err != nil {
		return err
	}
	for _, dir := range []string{rc, g.bin + "/../kernel"} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	for name, text := range rcScripts {
		if err := os.WriteFile(rc+"/"+name, []byte("#!/bin/sh\n"+text), 0o700); err != nil { //nolint:gosec // rc reads it
			return err
		}
	}
	if i := strings.Index(g.agent, "# run by "); i == 0 { // the shell that the test wants
		shell, rest, _ := strings.Cut(strings.TrimPrefix(g.agent, "# run by "), "\n")
		if err := os.WriteFile(g.bin+"/../shell", []byte(shell+"\n"), 0o600); err != nil {
			return err
		}
		g.agent = "case $0 in */agent) [ \"${UNDER-}\" ] || { export UNDER=test; exec /bin/sh \"$0\" \"$@\"; } ;; esac\n" + rest
	}
	g.agent = strings.ReplaceAll(g.agent, "PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin", "PATH="+g.bin)
	g.agent = strings.ReplaceAll(g.agent, "/bin/sh", g.bin+"/sh")
	return nil
}

// kernel is what runs of pf: whether it is on, its rules, tables and anchors.
func (g *ground) kernel() string {
	var b strings.Builder
	if top := g.bin + "/../kernel/pf"; g.bsd {
		filepath.WalkDir(top, func(p string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				text, _ := os.ReadFile(p)
				if len(text) == 0 && (d.Name() == "rules" || d.Name() == "nat") || d.Name() == "name" {
					return nil // as good as none: pf keeps the names of anchors that are empty
				}
				fmt.Fprintf(&b, "pf %s %q\n", strings.TrimPrefix(p, filepath.Dir(filepath.Clean(top))), text)
			}
			return nil
		})
	}
	return b.String()
}

// shells are those that the agent of FreeBSD is run by: what is nearest to that system's own sh.
func shells(t *testing.T) []string {
	t.Helper()
	if testing.Short() {
		return []string{"/bin/dash"}
	}
	if _, err := exec.LookPath("busybox"); err != nil {
		t.Log("not asked, because it is not here: busybox")
		return []string{"/bin/dash"}
	}
	return []string{"/bin/dash", "/bin/busybox sh"}
}

func label(shell string) string { return filepath.Base(strings.Fields(shell)[0]) }

// freeBSD is the agent of a host with that shell.
func freeBSD(shell string) string { return "# run by " + shell + "\n" + agent.Text("FreeBSD") }

// everySystem are the agents that there are, by system; Linux's is the program's own.
func everySystem() map[string]string {
	return map[string]string{"linux": "", "freebsd": freeBSD("/bin/dash")}
}

func TestFreeBSDScenarios(t *testing.T) {
	t.Parallel()
	for _, shell := range shells(t) {
		text, _ := faulty(hasty(agent.Text("FreeBSD")))
		for _, sc := range scenarios {
			t.Run(label(shell)+" "+sc.name, func(t *testing.T) {
				t.Parallel()
				if err := sc.run(newGroundOf(t, "# run by "+shell+"\n"+text)); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestFreeBSDKillMatrix is TestKillMatrix with FreeBSD's part, in each shell.
func TestFreeBSDKillMatrix(t *testing.T) {
	t.Parallel()
	all := shells(t)
	for i, shell := range all {
		t.Run(label(shell), func(t *testing.T) {
			t.Parallel()
			killMatrix(t, freeBSD(shell), i, len(all))
		})
	}
}

// TestFreeBSDFlushes: what a power cut must not lose is asked to be on the disk, file by file.
func TestFreeBSDFlushes(t *testing.T) {
	t.Parallel()
	g := newGroundOf(t, freeBSD("/bin/dash"))
	id, err := g.begin(g.change())
	if err != nil {
		t.Fatal(err)
	}
	for _, done := range []bool{false, true} {
		want := []string{g.state + "/open/agent", g.state + "/open/c/001/old", g.state + "/etc/rc.d/postern_boot", g.root + "/a.conf", g.root + "/deep/er/new.conf"}
		if done {
			os.Remove(g.bin + "/../kernel/fsynced")
			if err := g.confirm(id); err != nil {
				t.Fatal(err)
			}
			want = []string{g.root + "/late.conf", g.state + "/done." + id, g.state + "/site.toml"}
		}
		text, _ := os.ReadFile(g.bin + "/../kernel/fsynced")
		for _, path := range want {
			if !strings.Contains("\n"+string(text), "\n"+path+"\n") {
				t.Errorf("confirmed %v: %s is not asked to be on the disk", done, path)
			}
		}
	}
}
