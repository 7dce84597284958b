package seen

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"postern/remote"
	"postern/site"
)

// pfctl is one that says what FreeBSD's does, as far as it is asked.
const pfctl = `case $* in
-s\ Running) echo Enabled ;;
-sn) ;;
-sr) printf 'block drop in all\npass out all flags S/SA keep state\nanchor "f2b/*" all\n' ;;
-P\ -s[nr]) pfctl "$2" ;;
-a\ postern\ -s[nr]) echo 'pfctl: DIOCGETRULES: Invalid argument' >&2 ;;
-nf\ *) echo 'pf.conf:2: syntax error' >&2; exit 1 ;;
-vsI) printf 'all\n\tCleared: x\nlo0 (skip)\nvtnet0\n' ;;
-vsA) echo 'No ALTQ support in kernel' >&2; printf '  f2b\n  f2b/sshd\n' ;;
-a\ f2b\ -P\ -s[nr] | -a\ f2b/sshd\ -P\ -sn | -sT | -a\ f2b\ -sT) ;;
-a\ f2b/sshd\ -P\ -sr) echo 'block drop quick from <bad> to any' ;;
-a\ f2b/sshd\ -sT) echo bad ;;
-a\ f2b/sshd\ -t\ bad\ -T\ show) echo '   203.0.113.66' ;;
*) exit 64 ;;
esac
`

// The questions run in a shell whose uname says FreeBSD, over tools that say what FreeBSD's do.
func TestQuestionsOfFreeBSD(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell here")
	}
	dir := t.TempDir()
	tool := func(name, script string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!"+sh+"\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, fact := range []string{"ifconfig", "netstat"} {
		_, text, _ := strings.Cut(bsd["addresses"], "== "+fact+"\n")
		text, _, _ = strings.Cut(text, "== ")
		tool(fact, "case $* in -l) echo vtnet0 lo0 ;; wg0) echo 'wg0: flags=80c1<UP> metric 0 mtu 1400' ;; -a | -rn) cat <<'E'\n"+text+"E\n;; *) exit 64 ;; esac\n")
	}
	tool("pfctl", pfctl)
	tool("wg", "case $* in 'show wg0 dump') printf 'secret\\t"+aKey+"\\t51820\\toff\\n"+bKey+"\\tshared\\t198.51.100.20:34095\\t10.0.0.2/32\\t0\\t1\\t2\\toff\\n' ;; 'show wg0 private-key') echo "+aKey+" ;; pubkey) cat >/dev/null; echo "+bKey+" ;; *) exit 64 ;; esac\n")
	tool("sha256", "[ \"$*\" = -q ] || exit 64\ncat >/dev/null; echo c4354ff09a8d8a06cde4c6f51d75b80b06cdb19013a8f11b78491864f19f2b02\n")
	tool("stat", "exit 1\n")
	tool("ps", "case $* in '-axww -o pid= -o command=') printf '  77 wg set wg0 private-key "+aKey+"\\n  78 sh\\n' ;; *) exit 64 ;; esac\n")
	tool("ping", "case $* in *'-D -s 1372 10.0.0.2') echo '1380 bytes from 10.0.0.2: icmp_seq=0 ttl=64 time=0.5 ms' ;; *'-D -s '*) echo '36 bytes from 10.0.0.9: frag needed and DF set (MTU 1400)'; exit 2 ;; *) exit 64 ;; esac\n")
	tool("uname", "case $* in -s) echo FreeBSD ;; *) exit 64 ;; esac\n")
	tool("route", "case $* in '-n get -inet default') echo '  interface: vtnet0' ;; *) exit 1 ;; esac\n")
	tool("sockstat", "case $* in '-46cn -P tcp -p 993') printf 'USER COMMAND PID FD PROTO LOCAL FOREIGN\\n0 dovecot 1 3 tcp4 10.0.2.15:993 198.51.100.20:40000\\n0 dovecot 1 3 tcp6 2001:db8::1:993 2001:db8::2:40001\\n0 perl 1 3 tcp4 10.0.2.15:22 198.51.100.20:993\\n' ;; -46ln) printf 'USER COMMAND PID FD PROTO LOCAL FOREIGN\\n0 sshd 1 3 tcp4 *:2222 *:*\\n' ;; *) exit 64 ;; esac\n")
	tool("sysctl", "case $* in '-n hw.physmem') echo 521641984 ;; '-n net.pf.default_to_drop') echo 0 ;; 'net.inet.ip.forwarding net.inet6.ip6.forwarding') printf 'net.inet.ip.forwarding: 0\\nnet.inet6.ip6.forwarding: 0\\n' ;; *) exit 64 ;; esac\n")
	tool("sysrc", "[ $# = 2 ] && [ $1 = -n ] || exit 64\ncase $2 in pf_rules) echo "+dir+"/pf.conf ;; ifconfig_vtnet0) echo SYNCDHCP ;; wireguard_* | ifconfig_*) echo \"sysrc: unknown variable '$2'\" >&2; exit 1 ;; *) echo NO ;; esac\n")
	tool("sshd", "echo port 2222\n")
	tool("kldstat", "exit 0\n")
	tool("swapinfo", "echo Device\n")
	tool("service", "[ $1 = sshguard ]\n")
	tool("freebsd-version", "echo 14.3-RELEASE\n")
	if err := os.WriteFile(filepath.Join(dir, "pf.conf"), []byte("# mine\npass\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := site.Default()
	f := remote.Facts{Answers: map[string]remote.Answer{}}
	for _, fact := range []remote.Query{Addresses.Query(s, s.Hosts[0]), SSH.Query(s, s.Hosts[0]), Listeners.Query(s, s.Hosts[0]), Sizes.Query(s, s.Hosts[0]),
		PFRules.Query(s, s.Hosts[0]), Tunnels.Query(s, s.Hosts[0]), KeyFiles.Query(s, s.Hosts[0]), Peers(993).Query(s, s.Hosts[0]),
		Through(netip.MustParseAddr("10.0.0.2"), []int{1420, 1400}).Query(s, s.Hosts[0]), Tools.Query(s, s.Hosts[0]), Sysctl.Query(s, s.Hosts[0]), RCConf.Query(s, s.Hosts[0]), PF.Query(s, s.Hosts[0])} {
		cmd := exec.Command(sh, "-c", fact.Run)
		cmd.Env = []string{"PATH=" + dir + ":/usr/bin:/bin", "SSH_CONNECTION=198.51.100.20 40000 10.0.2.15 2222"}
		out, err := cmd.Output()
		if err != nil {
			t.Errorf("%s: %v: %s", fact.ID, err, out)
		}
		f.Answers[fact.ID] = remote.Answer{Out: string(out)}
	}
	h := Look(f)
	if h.Device != "vtnet0" || !h.Address4().Dynamic || len(h.Listeners) != 1 || h.Memory != 521641984 || !h.Tools["pf"] || fmt.Sprint(h.Watch) != "[sshguard]" || fmt.Sprint(h.Ports) != "[2222]" {
		t.Errorf("%+v", h)
	}
	if rc, err := RCConf.Of(f); err != nil || rc.Value["pf_rules"] != dir+"/pf.conf" || len(rc.Value) != 8 || rc.Refused != "pf.conf:2: syntax error" {
		t.Errorf("%+v, %v", rc, err)
	}
	if pf, err := PF.Of(f); err != nil || !pf.Running || pf.Rules != 3 || pf.Ours != 0 || pf.Text != "# mine\npass\n" {
		t.Errorf("%+v, %v", pf, err)
	}
	if runs, err := PFRules.Of(f); err != nil || fmt.Sprint(runs.Skip) != "[lo0]" || !strings.Contains(runs.Main, "block drop in all") || len(runs.Tables["f2b/sshd/bad"]) != 1 || len(runs.Anchors) != 2 {
		t.Errorf("%+v, %v", runs, err)
	}
	if wg, err := Tunnels.Of(f); err != nil || !wg.Unset || !wg.Runs() || wg.MTU != 1400 || wg.Peers[bKey].Shared != Redacted+"c4354ff09a8d8a06" || strings.Contains(f.Answers["tunnel wg0"].Out, "secret") {
		t.Errorf("%+v, %v", wg, err)
	}
	if keys, err := KeyFiles.Of(f); err != nil || fmt.Sprint(keys.Processes) != "[77]" || strings.Contains(f.Answers["keyfiles wg0"].Out, aKey) {
		t.Errorf("%+v, %v", keys, err)
	}
	if peers, err := Peers(993).Of(f); err != nil || len(peers) != 2 || !peers[netip.MustParseAddrPort("[2001:db8::2]:40001")] {
		t.Errorf("%+v, %v", peers, err)
	}
	if through, err := Through(netip.MustParseAddr("10.0.0.2"), []int{1420, 1400}).Of(f); err != nil || through.Reply != 1400 || through.Limit != 1400 {
		t.Errorf("%+v, %v", through, err)
	}
	if settings, err := Sysctl.Of(f); err != nil || settings.Live["net.inet.ip.forwarding"] != "0" {
		t.Errorf("%+v, %v", settings, err)
	}
}
