package seen

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"postern/remote"
	"postern/site"
)

func TestJailsAreRead(t *testing.T) {
	v := of(t, Toasters, bsd["toaster"])
	if len(v.Running) != 2 || fmt.Sprint(v.Running[0].Addresses) != "[172.16.15.15 fd7a:e5cd::f]" || v.Running[1].Addresses != nil {
		t.Errorf("running %+v", v.Running)
	}
	c := v.Configured
	if len(c) != 1 || c[0].Name != "dovecot" || c[0].Conf != "/etc/jail.conf.d/dovecot.conf" || fmt.Sprint(c[0].Addresses) != "[172.16.15.15 fd7a:e5cd::f]" ||
		fmt.Sprint(c[0].Created) != "[/etc/mail-toaster/pfrule.sh load dovecot]" || fmt.Sprint(c[0].Stopped) != "[/etc/mail-toaster/pfrule.sh unload dovecot]" {
		t.Errorf("configured %+v", c)
	}
	if v.Files["/etc/mail-toaster/dovecot/pf.conf.d/rdr.conf"] != "rdr on vtnet0\n== end\n" {
		t.Errorf("files %q", v.Files)
	}
	if s := v.Scripts["/etc/mail-toaster/pfrule.sh"]; s != (PFScript{Named: true, Tables: true, Runs: true}) {
		t.Errorf("scripts %+v", v.Scripts)
	}
	if fmt.Sprint(v.Feeders, v.Expires, v.Neighbours) != "map[blacklistd:false sshguard:true] true [172.16.15.200]" {
		t.Errorf("%v %v %v", v.Feeders, v.Expires, v.Neighbours)
	}
}

// Whatever jail.conf says, a hook is the jail's in whose block it stands.
func TestJailConf(t *testing.T) {
	for text, want := range map[string]string{
		"|exec.created = \"x\";\n|a {\n|}\n|exec.poststop=\"y\";\n":                   "a[] []",
		"|a { exec.clean; }\n|\"b-c\" {\n|\texec.created += '/x load';\n|}\n":         "a[] [] b-c[/x load] []",
		"|a {\n|\texec.created = \"one\";\n|\texec.created += \"two\";\n":             "a[one two] []",
		"a {\n|b {\n|exec.poststop = /z;\n":                                           "b[] [/z]",
		"|a {\n|ip4.addr = 1.2.3.4/32, lo1|1.2.3.5;\n|ip6.addr = x;\nfile ../x\n|b {": "a[] []",
	} {
		got := ""
		for _, j := range parseJailConf(strings.Split("file /etc/jail.conf\n"+text, "\n")) {
			got += fmt.Sprint(" ", j.Name, j.Created, j.Stopped)
		}
		if got = strings.TrimSpace(got); got != want {
			t.Errorf("%q: %s, not %s", text, got, want)
		}
	}
}

func TestAnchorsAreRead(t *testing.T) {
	v := of(t, PFLoaded, bsd["anchors"])
	if fmt.Sprint(v.Names) != "[rdr rdr/dovecot]" || !strings.Contains(v.Rules["rdr/dovecot"], "port = 993") || !strings.Contains(v.Rules[""], "rdr-anchor") {
		t.Errorf("%+v", v)
	}
	if ext, _ := v.Table("ext_ip4"); ext.Size != 1 || fmt.Sprint(ext.Addresses) != "[10.0.2.15/32]" {
		t.Errorf("%+v", v.Tables)
	}
	if many, there := v.Table("bruteforce"); !there || many.Size != 2000 || many.Addresses != nil {
		t.Errorf("%+v", v.Tables)
	}
	if _, there := v.Table("mua"); there {
		t.Error("a table of an anchor is taken for one of the main ruleset")
	}
	for _, bad := range []string{"== anchor a b\n", "== anchor $(x)\n"} {
		if _, err := PFLoaded.Of(facts(map[string]string{"anchors": bad})); err == nil {
			t.Errorf("%q is taken for an anchor", bad)
		}
	}
}

// The questions run over tools that say what FreeBSD's do: of an anchor what it is asked for, of one that is not there nothing and exit 0.
func TestQuestionsAboutJails(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell here")
	}
	dir := t.TempDir()
	for name, script := range map[string]string{
		"uname": "echo FreeBSD\n",
		"pfctl": "case $* in *-v*) printf 'No ALTQ support in kernel\\nALTQ related functions disabled\\n' >&2 ;; esac\n" +
			"case $* in -vsA) printf '  rdr\\n  rdr/dovecot\\n' ;; '-P -vsn') echo 'rdr-anchor \"rdr/*\" all' ;; '-P -vsr') ;; '-a rdr -'*) ;; '-sT') printf 'admin\\nbruteforce\\n' ;;\n" +
			"'-t admin -T show') echo '   198.51.100.7' ;; '-t bruteforce -T show') i=0; while [ $i -lt 40 ]; do echo \"   192.0.2.$i\"; i=$((i + 1)); done ;;\n" +
			"'-a rdr/dovecot -P -vsn') echo 'rdr inet proto tcp from any to 203.0.113.10 port = 993 -> 172.16.15.15' ;; '-a rdr/dovecot -'*) ;; *) exit 64 ;; esac\n",
		"jls": "case $* in '-n name ip4.addr ip6.addr') echo 'name=dovecot ip4.addr=172.16.15.15 ip6.addr=' ;; *) exit 64 ;; esac\n",
		"arp": "echo '? (172.16.15.200) at 58:9c:fc:00:00:01 on bridge0 expires in 1 seconds [bridge]'\n", "ndp": "exit 1\n", "pgrep": "exit 1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!"+sh+"\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s := site.Default()
	f := remote.Facts{Answers: map[string]remote.Answer{}}
	for _, q := range []remote.Query{PFLoaded.Query(s, s.Hosts[0]), Toasters.Query(s, s.Hosts[0])} {
		cmd := exec.Command(sh, "-c", q.Run)
		cmd.Env = []string{"PATH=" + dir + ":/usr/bin:/bin"}
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v: %s", q.ID, err, out)
		}
		f.Answers[q.ID] = remote.Answer{Out: string(out)}
	}
	a, err := PFLoaded.Of(f)
	if err != nil || fmt.Sprint(a.Names) != "[rdr rdr/dovecot]" || !strings.Contains(a.Rules["rdr/dovecot"], "993") || len(a.Tables) != 2 || a.Tables[1].Size != 40 || a.Tables[0].Addresses == nil {
		t.Errorf("%+v, %v", a, err)
	}
	v, err := Toasters.Of(f)
	if err != nil || len(v.Running) != 1 || fmt.Sprint(v.Neighbours) != "[172.16.15.200]" {
		t.Errorf("%+v, %v", v, err)
	}
}
