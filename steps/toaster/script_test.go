package toaster

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"postern/steps/does"
)

// The script runs under each shell that is near to FreeBSD's, in both layouts: it loads each class into its anchor, takes all of it away, and
// never keeps a jail from starting.
func TestScript(t *testing.T) {
	for _, shell := range []string{"dash", "bash", "busybox"} {
		program, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		dir := t.TempDir()
		write := func(path, text string, mode os.FileMode) string {
			path = filepath.Join(dir, path)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), mode); err != nil {
				t.Fatal(err)
			}
			return path
		}
		log := filepath.Join(dir, "log")
		write("bin/pfctl", "#!/bin/sh\necho \"pfctl $*\" >>"+log+"\ncase $* in *broken*) exit 1 ;; esac\n", 0o755)
		write("bin/logger", "#!/bin/sh\necho \"logger $*\" >>"+log+"\n", 0o755)
		today := write("mt/pfrule.sh", strings.Replace(script, "PATH=/sbin", "PATH="+dir+"/bin:/sbin", 1), 0o755)
		before := write("data/dovecot/etc/pf.conf.d/pfrule.sh", strings.Replace(script, "PATH=/sbin", "PATH="+dir+"/bin:/sbin", 1), 0o755)
		for _, in := range []string{"mt/dovecot/pf.conf.d/", "data/dovecot/etc/pf.conf.d/"} {
			for _, name := range []string{"rdr.conf", "filter.conf", "insecure_mua.table"} {
				write(in+name, "", 0o644)
			}
		}
		write("mt/broken/pf.conf.d/rdr.conf", "", 0o644)
		run := func(args ...string) string {
			os.Remove(log)
			if shell == "busybox" {
				args = append([]string{"sh"}, args...)
			}
			cmd := exec.Command(program, args...)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s %q: %v: %s", shell, args, err, out)
			}
			text, _ := os.ReadFile(log)
			return strings.ReplaceAll(string(text), dir+"/", "")
		}
		load := "pfctl -q -t insecure_mua -T replace -f DIR/insecure_mua.table\npfctl -q -a rdr/dovecot -f DIR/rdr.conf\npfctl -q -a filter/dovecot -f DIR/filter.conf\n"
		for _, one := range []struct{ got, want string }{
			{run(today, "load", "dovecot"), strings.ReplaceAll(load, "DIR", "mt/dovecot/pf.conf.d")},
			{run(before, "load"), strings.ReplaceAll(load, "DIR", "data/dovecot/etc/pf.conf.d")},
			{run(before, "load", "dovecot"), strings.ReplaceAll(load, "DIR", "data/dovecot/etc/pf.conf.d")},
			{run(today, "unload", "dovecot"), "pfctl -q -a binat/dovecot -F nat\npfctl -q -a nat/dovecot -F nat\npfctl -q -a rdr/dovecot -F nat\npfctl -q -a allow/dovecot -F rules\npfctl -q -a filter/dovecot -F rules\n"},
			{run(today, "load", "nobody"), ""},
			{run(today, "load", "a b"), "logger -t pfrule a b: no name of a jail\n"},
			{run(today, "sing", "dovecot"), ""},
			{run(today), ""},
		} {
			if one.got != one.want {
				t.Errorf("%s: got\n%swant\n%s", shell, one.got, one.want)
			}
		}
		if got := run(today, "load", "broken"); !strings.Contains(got, "was refused") {
			t.Errorf("%s: a refused file is not told: %s", shell, got)
		}
	}
}

// The hooks stand in the braces of their jail and nowhere else, once; where these cannot be told they are not put in.
func TestHooksStandInTheirJail(t *testing.T) {
	const lines = "\texec.created += \"x\";\n"
	in := does.BlockBegin + "\n" + lines + does.BlockEnd + "\n"
	for text, want := range map[string]string{
		"path = \"/x\";\na {\n\tip4;\n}\n":                              "path = \"/x\";\na {\n\tip4;\n" + in + "}\n",
		"\"a\"\t{\n}\nb {\n}\n":                                         "\"a\"\t{\n" + in + "}\nb {\n}\n",
		"b {\n}\na {\n\tx = \"${name}\";\n\t}\n":                        "b {\n}\na {\n\tx = \"${name}\";\n" + in + "\t}\n",
		"a {\n" + does.BlockBegin + "\nold\n" + does.BlockEnd + "\n}\n": "a {\n" + in + "}\n",
		"ab {\n}\n": "", "a { x; }\n": "", "a {\n": "", "a {\n\tb {\n\t}\n}\n": "", "a {\n/* }\n*/\n}\n": "", "": "",
	} {
		got, ok := hooked(text, "a", lines)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q: %v %q", text, ok, got)
		}
		if again, _ := hooked(got, "a", lines); ok && again != got {
			t.Errorf("%q: twice: %q", text, again)
		}
	}
}

func FuzzHooks(f *testing.F) {
	f.Add("a {\n}\n")
	f.Add("a {\n" + does.BlockBegin + "\nx\n" + does.BlockEnd + "\n}\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := hooked(text, "a", "\tx;\n")
		if rest, _ := does.CutBlock(text); ok {
			if left, _ := does.CutBlock(got); left != rest {
				t.Errorf("%q lost something: %q", text, got)
			}
		}
	})
}
