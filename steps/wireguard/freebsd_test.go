package wireguard

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

// bsdTools stand for FreeBSD's: they keep state in files beside them, and refuse what those refuse.
var bsdTools = map[string]string{
	"sysrc": `f=$S/rc.conf
case $1 in
-x) grep -q "^$2=" $f || { echo "sysrc: unknown variable '$2'" >&2; exit 1; }; grep -v "^$2=" $f >$f.n; mv $f.n $f ;;
*=*) grep -v "^${1%%=*}=" $f >$f.n; mv $f.n $f; echo "$1" >>$f ;;
*) exit 64 ;;
esac`,
	"grep": `a=; for w; do case $w in /etc/rc.conf*) w=$S/rc.conf; esac; set -- "$@" "$w"; shift; done; exec /bin/grep "$@"`,
	"wg-quick": `case $1 in
up) [ ! -e $S/if.$2 ] || { echo "wg-quick: '$2' already exists" >&2; exit 1; }; cp $S/$2.conf $S/if.$2 ;;
down) [ -e $S/if.$2 ] || { echo "wg-quick: '$2' is not a WireGuard interface" >&2; exit 1; }; rm $S/if.$2 ;;
strip) cat "$S/$2.conf" 2>/dev/null || cat "$2" ;;
*) exit 64 ;;
esac`,
	"ifconfig": `case $2 in '') [ -e $S/if.$1 ] ;; destroy) rm $S/if.$1 ;; *) exit 64 ;; esac`,
	"wg":       `case $1 in syncconf) cat "$3" >$S/if.$2 ;; genkey) echo key ;; *) exit 64 ;; esac`,
	"mktemp":   `exec /bin/mktemp "$@"`,
}

// bsdHost is a FreeBSD host whose state is a folder.
type bsdHost struct {
	t   *testing.T
	dir string
}

func newBSDHost(t *testing.T, rc string) bsdHost {
	t.Helper()
	h := bsdHost{t, t.TempDir()}
	for name, script := range bsdTools {
		h.write(name, "#!/bin/sh\n"+script+"\n")
		if err := os.Chmod(filepath.Join(h.dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	h.write("rc.conf", rc)
	return h
}

func (h bsdHost) write(name, text string) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, name), []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

// run runs a script as the agent does; paths of FreeBSD lie in the folder.
func (h bsdHost) run(script string, env ...string) string {
	h.t.Helper()
	script = strings.ReplaceAll(script, seen.WireGuardBSD, h.dir)
	c := exec.Command("/bin/sh", "-e", "-c", script)
	c.Env = append([]string{"PATH=" + h.dir + ":/usr/bin:/bin", "S=" + h.dir}, env...)
	out, err := c.CombinedOutput()
	if err != nil {
		h.t.Errorf("%v\n%s\n%s", err, out, script)
	}
	return string(out)
}

// state is what runs, and what a boot starts.
func (h bsdHost) state() string {
	rc, _ := os.ReadFile(filepath.Join(h.dir, "rc.conf"))
	text := string(rc)
	for _, name := range []string{"wg0", "wg1"} {
		if is, err := os.ReadFile(filepath.Join(h.dir, "if."+name)); err == nil {
			text += name + " runs " + string(is) + "\n"
		}
	}
	return text
}

// bsdEnd is the proxy's end on a FreeBSD host that answered so.
func bsdEnd(rc, tunnel, conf string) End {
	s := site.Default()
	s.Host("proxy").System, s.Host("proxy").SSH = site.FreeBSD, "root@203.0.113.10"
	f := remote.Facts{Answers: map[string]remote.Answer{"rcconf": {Out: "== value\npf_enable=NO\n" + rc + "== end\n"}, "tunnel wg0": {Out: tunnel + "== end\n"},
		"keys wg0": {Out: "== file\n" + proxyKey + "\n== conf\n== end\n"}, "tools": {Out: "== tools\nwg\nwg-quick\nwireguard\nwireguard-tools\n== end\n"}}}
	at := ConfPath(s.Host("proxy"), "wg0")
	if f.Answers[at] = (remote.Answer{Code: 1}); conf != "" {
		f.Answers[at] = remote.Answer{Out: conf, Mode: 0o600, Owner: "root:wheel"}
	}
	return See(s, s.Host("proxy"), f)
}

var bothKeys = map[string]string{"proxy": proxyKey, "mail": mailKey}

func (h bsdHost) confirmed(c remote.Change) {
	if c.New != nil {
		h.write("wg0.conf", c.New.Text)
	}
	if c.Do != "" {
		h.run(c.Do)
	}
	if c.Keep != "" {
		h.run(c.Keep)
	}
}

// A tunnel of a FreeBSD host comes up, stays for the next boot beside those of others, and is taken back from any point: as it was before
// there was one, where a boot does so and nothing runs yet, too.
func TestTunnelOfFreeBSD(t *testing.T) {
	for _, rc := range []string{"", "wireguard_enable=YES\nwireguard_interfaces=wg1\n"} {
		e := bsdEnd(rc+"== set\n"+setNames(rc), "== unset\n== down\n", "")
		changes, _ := e.Configure(bothKeys, 1420)
		if len(changes) != 1 || changes[0].Path != seen.WireGuardBSD+"/wg0.conf" || changes[0].New.Owner != "root:wheel" {
			t.Fatalf("%+v", changes)
		}
		c := changes[0]
		for _, point := range []string{"nothing", "half", "applied", "kept"} {
			for _, booting := range []bool{false, true} {
				h := newBSDHost(t, rc)
				before := h.state()
				switch point {
				case "half":
					h.write("wg0.conf", c.New.Text)
				case "applied", "kept":
					h.write("wg0.conf", c.New.Text)
					if h.run(c.Do); point == "kept" {
						h.run(c.Keep)
					}
				}
				if point == "kept" {
					want := "wireguard_interfaces=wg0"
					if rc != "" {
						want = "wireguard_interfaces=wg1 wg0"
					}
					if got := h.state(); !strings.Contains(got, want+"\n") || !strings.Contains(got, "wireguard_enable=YES") || !strings.Contains(got, "wg0 runs ") {
						t.Errorf("kept it is %s", got)
					}
				}
				os.Remove(filepath.Join(h.dir, "wg0.conf")) // the files are back first
				if booting {
					os.Remove(filepath.Join(h.dir, "if.wg0")) // and nothing runs
					h.run(c.Undo, "BOOTING=1")
				} else {
					h.run(c.Undo)
				}
				if after := h.state(); after != before {
					t.Errorf("rc %q, taken back from %s (booting %v):\n%s\nbefore\n%s", rc, point, booting, after, before)
				}
			}
		}
	}
}

// setNames are the names that a text of rc.conf sets.
func setNames(rc string) (names string) {
	for line := range strings.Lines(rc) {
		name, _, _ := strings.Cut(line, "=")
		names += name + "\n"
	}
	return names
}

// What runs as its file says needs nothing; a peer that changed is told without a cut; what is not of the boot is put there alone.
func TestTunnelOfFreeBSDInPlace(t *testing.T) {
	s := site.Default()
	s.Host("proxy").System, s.Host("proxy").SSH = site.FreeBSD, "root@203.0.113.10"
	conf := renderConf(s, s.Host("proxy"), bothKeys, 1420, "")
	runs := "== link\nwg0: flags=80c1<UP> metric 0 mtu 1420\n== now\n1795254690\n== interface\n" + proxyKey + " 51820\n== peers\n" + mailKey + " 198.51.100.20:34095 10.0.0.2/32 1795254682 1 1 off none\n"
	const rc, tunnels = "wireguard_enable=YES\nwireguard_interfaces=wg0\n", "== tunnels\nwg0\n"
	at := func(e End) End {
		e.Now.Interfaces = []seen.Interface{{Name: "wg0", Addresses: []seen.Address{{Prefix: netip.MustParsePrefix("10.0.0.1/24")}}}}
		return e
	}
	if changes, _ := at(bsdEnd(rc+tunnels, runs, conf)).Configure(bothKeys, 1420); len(changes) > 0 {
		t.Errorf("in place: %+v", changes)
	}
	changes, _ := at(bsdEnd(tunnels, runs, conf)).Configure(bothKeys, 1420)
	if len(changes) != 1 || changes[0].Do != "" || !strings.Contains(changes[0].Keep, "wireguard_interfaces=wg0") || changes[0].Path != "" {
		t.Errorf("not of the boot: %+v", changes)
	}
	changes, _ = at(bsdEnd(rc+tunnels, runs, conf)).Configure(bothKeys, 1400) // started anew: a boot that takes it back starts nothing, which rc does later
	if len(changes) != 1 || !strings.Contains(changes[0].Do, "wg-quick up 'wg0'") {
		t.Fatalf("another MTU: %+v", changes)
	}
	for booting, want := range map[string]bool{"BOOTING=1": false, "BOOTING=": true} {
		h := newBSDHost(t, rc)
		h.write("wg0.conf", conf)
		h.run(changes[0].Undo, booting)
		if got := strings.Contains(h.state(), "wg0 runs"); got != want {
			t.Errorf("%s: taken back it runs: %v", booting, got)
		}
	}
	old := strings.Replace(conf, mailKey, proxyKey, 1)
	changes, _ = at(bsdEnd(rc+tunnels, strings.Replace(runs, mailKey, proxyKey, 1), old)).Configure(bothKeys, 1420)
	if len(changes) != 1 || !strings.Contains(changes[0].Do, "wg syncconf 'wg0'") || strings.Contains(changes[0].Do, "wg-quick down") {
		t.Fatalf("another peer: %+v", changes)
	}
	h := newBSDHost(t, rc)
	h.write("wg0.key", "secret\n")
	h.write("if.wg0", "old")
	h.confirmed(changes[0])
	if got := h.state(); !strings.Contains(got, "PrivateKey = secret") || !strings.Contains(got, mailKey) {
		t.Errorf("told its peers it is %s", got)
	}
	if h.run(changes[0].Test, "NEW="+filepath.Join(h.dir, "wg0.conf")); t.Failed() {
		t.Log("the test of a good file fails")
	}
}

// A file that others edited loses our lines alone, and the tunnel its place at boot; other tunnels keep theirs.
func TestTunnelOfFreeBSDIsStripped(t *testing.T) {
	conf := does.BlockBegin + "\n[Interface]\nAddress = 10.0.0.1/24\n" + does.BlockEnd + "\n[Peer]\n# theirs\n"
	e := bsdEnd("wireguard_enable=YES\nwireguard_interfaces=wg0 wg1\n== set\nwireguard_enable\nwireguard_interfaces\n== tunnels\nwg0\nwg1\n", "== down\n", conf)
	changes := e.Strip(map[string]bool{e.confPath("wg0"): true})
	if len(changes) != 1 || changes[0].New == nil || strings.Contains(changes[0].New.Text, "Address") || !strings.Contains(changes[0].New.Text, "# theirs") {
		t.Fatalf("%+v", changes)
	}
	h := newBSDHost(t, "wireguard_enable=YES\nwireguard_interfaces=wg0 wg1\n")
	h.write("if.wg0", "x")
	h.confirmed(changes[0])
	if got := h.state(); !strings.Contains(got, "wireguard_interfaces=wg1\n") || strings.Contains(got, "wg0 runs") {
		t.Errorf("stripped it is %s", got)
	}
}
