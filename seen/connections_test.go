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

// What FreeBSD's netstat prints of sockets, and pfctl of states.
const (
	netstatPrints = `Active Internet connections (including servers)
Proto Recv-Q Send-Q Local Address          Foreign Address        (state)
tcp4       0      0 172.16.15.9.44120      172.16.15.15.993       ESTABLISHED
tcp4       0      0 172.16.15.15.993       172.16.15.9.44120      ESTABLISHED
tcp4       0      0 172.16.15.9.44121      172.16.15.15.993       ESTABLISHED
tcp6       0      0 fd7a:e5cd:1fc1::9.1025 fd7a:e5cd:1fc1::f.24   TIME_WAIT
tcp4       0      0 172.16.15.10.50000     172.16.15.4.3306       FIN_WAIT_2
tcp4       0      0 172.16.15.10.50001     172.16.15.200.6379     ESTABLISHED
tcp4       0      0 172.16.15.10.50002     172.16.15.4.3306       SYN_SENT
tcp4       0      0 198.51.100.8.25        172.16.15.15.2000      ESTABLISHED
tcp4       0      0 203.0.113.10.993       198.51.100.20.40000    ESTABLISHED
tcp4       0      0 10.0.2.15.22           10.0.2.2.48080         CLOSE_WAIT
tcp4       0      0 172.16.15.15.993       *.*                    LISTEN
tcp46      0      0 *.24                   *.*                    LISTEN
tcp4       0      0 *.3306                 *.*                    LISTEN
tcp4       0      0 *.22                   *.*                    LISTEN
tcp4       0      0 198.51.100.8.25        *.*                    LISTEN
`
	statesPrint = `all tcp 172.16.15.200:6379 <- 172.16.15.9:55000       ESTABLISHED:ESTABLISHED
all tcp 172.16.15.15:993 (203.0.113.10:993) <- 172.16.15.10:40001       FIN_WAIT_2:FIN_WAIT_2
all tcp 172.16.15.201:1030 -> 172.16.15.4:3306       TIME_WAIT:TIME_WAIT
all tcp 203.0.113.10:61000 (172.16.15.9:1040) -> 198.51.100.25:25       ESTABLISHED:ESTABLISHED
bridge0 tcp fd7a:e5cd:1fc1::c8[5432] <- fd7a:e5cd:1fc1::a[1050]       ESTABLISHED:ESTABLISHED
all tcp 172.16.15.4:3306 <- 172.16.15.201:1031       CLOSED:SYN_SENT
all udp 172.16.15.3:53 <- 172.16.15.9:1060       MULTIPLE:SINGLE
`
)

// connected runs the question over a netstat that prints that, and a pfctl that does, or says that pf does not run.
func connected(t *testing.T, sockets, states string) Toaster {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell here")
	}
	dir := t.TempDir()
	prints := func(text string) string { return "cat <<'E'\n" + text + "E\n" }
	pfctl := "exit 1\n"
	if states != "" {
		pfctl = "case $* in '-s Running') echo Enabled ;; -ss)\n" + prints(states) + ";; *) exit 64 ;; esac\n"
	}
	netstat := "exit 1\n"
	if sockets != "" {
		netstat = "case $* in '-an -p tcp')\n" + prints(sockets) + ";; *) echo 'netstat: illegal option'; exit 1 ;; esac\n"
	}
	for name, script := range map[string]string{"uname": "echo FreeBSD\n", "pfctl": pfctl, "netstat": netstat, "arp": "exit 1\n", "ndp": "exit 1\n", "pgrep": "exit 1\n",
		"jls": "echo 'name=exchanger ip4.addr=198.51.100.8 ip6.addr='\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!"+sh+"\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s := site.Default()
	cmd := exec.Command(sh, "-c", Toasters.Query(s, s.Hosts[0]).Run)
	cmd.Env = []string{"PATH=" + dir + ":/usr/bin:/bin"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	v, err := Toasters.Of(remote.Facts{Answers: map[string]remote.Answer{"toaster": {Out: string(out)}}})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Who connects to whom is told once each, with the port of the server's end: of sockets that is the one which listens there, and of states
// the one that the arrow tells, by the addresses of jails and not those that the world sees.
func TestConnectionsAreTold(t *testing.T) {
	v := connected(t, netstatPrints, statesPrint)
	var told []string
	for _, c := range v.Connections {
		told = append(told, fmt.Sprint(c.From, " ", c.To, " ", c.Port))
	}
	want := strings.Split(`172.16.15.9 172.16.15.200 6379
172.16.15.10 172.16.15.15 993
172.16.15.201 172.16.15.4 3306
fd7a:e5cd:1fc1::a fd7a:e5cd:1fc1::c8 5432
172.16.15.9 172.16.15.15 993
fd7a:e5cd:1fc1::9 fd7a:e5cd:1fc1::f 24
172.16.15.10 172.16.15.4 3306
172.16.15.10 172.16.15.200 6379
172.16.15.15 198.51.100.8 25
10.0.2.2 10.0.2.15 22`, "\n")
	if got := strings.Join(told, "\n"); got != strings.Join(want, "\n") || !v.Sockets || !v.States {
		t.Errorf("%v %v\n%s", v.Sockets, v.States, got)
	}
}

// What could not be read was not told, and is not none; nor are more than can be told.
func TestConnectionsThatCouldNotBeTold(t *testing.T) {
	if v := connected(t, netstatPrints, ""); !v.Sockets || v.States || len(v.Connections) != 6 {
		t.Errorf("pf does not run: %+v", v)
	}
	if v := connected(t, "", statesPrint); v.Sockets || !v.States || len(v.Connections) != 4 {
		t.Errorf("there is no netstat: %+v", v)
	}
	many := strings.Builder{}
	for i := range 2100 {
		fmt.Fprintf(&many, "tcp4 0 0 172.16.15.9.50000 10.0.%d.%d.993 ESTABLISHED\ntcp4 0 0 10.0.%d.%d.993 *.* LISTEN\n", i/200, i%200, i/200, i%200)
	}
	if v := connected(t, many.String(), statesPrint); v.Sockets || v.States || len(v.Connections) != 2000 {
		t.Errorf("%v %v %d", v.Sockets, v.States, len(v.Connections))
	}
}

func FuzzConnections(f *testing.F) {
	f.Add("172.16.15.9 172.16.15.15 993\nsockets\nstates")
	f.Add("fd00::1%em0 fd00::2 1\nmore")
	f.Fuzz(func(t *testing.T, text string) {
		all, _, _, err := parseConnections(strings.Split(text, "\n"))
		for _, c := range all {
			if err == nil && (c.From == c.To || !c.From.IsValid() || !c.To.IsValid() || c.Port < 1 || c.Port > 65535 || c.From.Zone()+c.To.Zone() != "") {
				t.Errorf("%q: %+v", text, c)
			}
		}
	})
}
