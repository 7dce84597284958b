package seen

import (
	"fmt"
	"net/netip"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"postern/remote"
	"postern/site"
)

// every is all facts, those that take an argument of the asker too.
func every() []Entry {
	mail, words := MailLog(10, "postern-T1.out@mail.example.org", "it's"), LastWords(HarakaOut)
	path, ping, peers, lookup := PathTo(netip.MustParseAddr("203.0.113.10")), Through(netip.MustParseAddr("10.0.0.2"), []int{1420, 1280}), Peers(993), Lookup("mx.external.test")
	return append(All(),
		Entry{path.ID, path.Reads, func(f remote.Facts) error { _, err := path.Of(f); return err }},
		Entry{ping.ID, ping.Reads, func(f remote.Facts) error { _, err := ping.Of(f); return err }},
		Entry{mail.ID, mail.Reads, func(f remote.Facts) error { _, err := mail.Of(f); return err }},
		Entry{words.ID, words.Reads, func(f remote.Facts) error { _, err := words.Of(f); return err }},
		Entry{lookup.ID, lookup.Reads, func(f remote.Facts) error { _, err := lookup.Of(f); return err }},
		Entry{peers.ID, peers.Reads, func(f remote.Facts) error { _, err := peers.Of(f); return err }})
}

// told are answers of a real host that was set up, by fact.
var told = map[string]string{
	"system":    "== kernel\nLinux\n== init\nsystemd\n== release\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n",
	"addresses": "== addresses\n2: eth0    inet 192.168.50.2/24 scope global eth0\\ x\n== routes4\ndefault via 192.168.50.1 dev eth0\n== routes6\n",
	"ssh":       "== connection\n192.168.50.10 40001 192.168.50.2 22\n== sshd\nport 22\n",
	"listeners": "== sockets\ntcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:((\"sshd\",pid=51,fd=3))\n",
	"size":      "== memory\nMemTotal:       983040 kB\nSwapTotal:      1048572 kB\n== disk\nFilesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda1 100 50 50 10% /\n",
	"tools":     "== tools\nufw\nwg\nwireguard\n",
	"starting":  "== units\nId=postfix.service\nType=forking\n\nId=apt-daily.service\nType=oneshot\n",
	"clock":     "== now\n1795254690\n== synced\nyes\n",
	"dpkg":      "== busy\n== list\n310\nwireguard-tools\n",
	"privilege": "== uid\n0\n== name\n\n== etc\nwritable\n",
	"routing":   "== rules4\n0:\tfrom all lookup local\n20720:\tfrom 10.0.0.2 lookup 20720\n== rules6\n0:\tfrom all lookup local\n== tables4\ndefault dev wg0 table 20720 scope link\n== tables6\n",
	"rules":     "== v4\n*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n== v6\n*filter\n:INPUT DROP [0:0]\nCOMMIT\n== legacy ip\n*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n== nft\ntable inet mine {\n\tchain in {\n\t}\n}\n",
	"sysctl":    "== live\nnet/ipv4/ip_forward 1\n== ufw\nnet/ipv4/conf/all/log_martians 0\n== files\n/etc/sysctl.d/60-postern.conf:net.ipv4.ip_forward = 1\n",
	"units": "== ours\nwg0\n== init\n== scripts\n/usr/local/bin/wireguard-setup.sh\n== armed\n== effect\nufw.service altered /etc/x has ExecStart=/bin/true\n== uptime\n5000.31 9000.1\n== units\nId=ufw.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nAfter=a.target b.target\n\nId=docker.service\nLoadState=not-found\nActiveState=inactive\nUnitFileState=\n\nId=haraka-in.service\nLoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nNRestarts=2\nActiveEnterTimestampMonotonic=4940000000\n" +
		"ExecStart={ path=/usr/bin/env ; argv[]=/usr/bin/env node /opt/postern/haraka/3.3.4/node_modules/haraka/bin/haraka -c /opt/haraka-in ; ignore_errors=no ; pid=1 ; status=0/0 }\n",
	"caddy":    "== others\n== hosts\n\"host\":[\"www.example.org\",\"example.org\"]\n== runs\n\"postern\":\"800400a6a306f5c1\"\n",
	"acme":     "== lines\n|{\"level\":\"info\",\"ts\":1796018108.27,\"logger\":\"tls.obtain\",\"msg\":\"certificate obtained successfully\",\"identifier\":\"mail.example.org\"}\n",
	"tunnel":   "== link\n6: wg0: <UP> mtu 1420 qdisc noqueue\n== now\n1795254690\n== interface\n" + aKey + " 51820\n== peers\n" + bKey + " 198.51.100.20:34095 10.0.0.2/32,fd00::2/128 1795254682 231260 231860 off none\n",
	"keys":     "== file\n" + aKey + "\n== conf\n",
	"keyfiles": "== files\n700 root:root directory|/etc/wireguard\n600 root:root regular file|/etc/wireguard/wg0.key\n== argv\n/proc/77/cmdline\n",
	"docker":   "== ps\npostfix|0.0.0.0:25->25/tcp, [::]:25->25/tcp, 110/tcp, 10.0.0.2:8000-8002->80-82/tcp\n",
	"mailcow": "== engine\n26.1.5 overlay2\n== compose\n2.26.1\n== conf\nMAILCOW_HOSTNAME=mail.example.org\nHTTPS_BIND=\nSMTP_PORT=25\n== publishes\npostfix-mailcow|10.0.0.2|25|tcp\nnginx-mailcow||443|tcp\n" +
		"== now\n2026-11-30T06:00:00Z\n== containers\npostfix-mailcow|/mailcowdockerized-postfix-mailcow-1|running|2|2026-11-30T05:59:30.123456789Z\n== leftover\ndata/assets/ssl/mail.example.org\n== overrides\ndocker-compose.override.yml\n== hook\nyes\n",
	"mailcow-admin": "== admin\nfirst\n",
	"boot":          "== hook\nexecutable\n== calls\n/etc/ufw/postern.init start\n== dnat\nexecutable /etc/ufw/postern.init|-A postern-pre -i eth0 -p tcp --dport 993 -j DNAT --to-destination 10.0.0.2:993\n",
	"ufw":           "== status\nStatus: active\nDefault: deny (incoming), allow (outgoing), disabled (routed)\n",
	"path":          "== sizes\nreply 1472\nlimit 1492\nreply 1280\nlimit \n",
	"ping":          "== sizes\nreply 1420\nlimit \n",
	"jails":         "== jails\nStatus\n|- Number of jail:\t2\n`- Jail list:\tsshd, postfix\n",
	"pf":            "== absent\n",
	"rcconf":        "== absent\n",
	"pfrules":       "== absent\n",
	"anchors":       "== absent\n",
	"toaster":       "== absent\n",
	"smarthost":     "== password\nyes\n== said\nrefuses the login: 535 5.7.8 no\n== waiting\n2\n",
	"postfix":       "== active\nactive\n== settings\nmyhostname = mail.example.org\nmynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128\nrelayhost =\ninet_interfaces = all\ninet_protocols = all\nsmtpd_authorized_xclient_hosts =\n",
	"words":         "== words\n[CRIT] listen EADDRNOTAVAIL\n",
	"dkim":          "== keys\nexample.org dkim " + aDKIM + "\nexample.net dkim \n",
	"lookup":        "== addresses4\n198.51.100.77   STREAM mx.external.test\n198.51.100.77   DGRAM  \n198.51.100.77   RAW    \n== addresses6\n::ffff:198.51.100.77 STREAM mx.external.test\n",
	"peers":         "== peers\n0 0 [::ffff:10.0.0.2]:993 [::ffff:198.51.100.20]:40000\n",
	"mailqueue":     "== now\n1795981783\n== postfix\n{\"queue_name\": \"deferred\", \"queue_id\": \"CFAF5C4E\", \"arrival_time\": 1795981723, \"message_size\": 586, \"forced_expire\": false, \"sender\": \"postmaster@example.org\", \"recipients\": [{\"address\": \"bob@external.test\", \"delay_reason\": \"connect to 10.0.0.1[10.0.0.1]:2526: Connection refused\"}]}\n1 1795981723\n== haraka\n1 1795981718\n",
	"maillog":       "== lines\n|Nov 29 19:38:37 postfix/cleanup[2695]: 4974FBC4: message-id=<postern-T1.out@mail.example.org>\n",
	"handover":      "== chain\n" + aCertificate + "== haraka\n" + aCertificate + "== units\nActiveState=active\nId=postern-certificate.path\n\nActiveState=active\nId=postern-certificate.timer\n\nResult=exit-code\nActiveState=failed\nId=postern-certificate.service\n== said\nnot handed over: mail: refused: it did not come whole\n",
	"taken":         "== chain\n" + aCertificate,
	"receiving":     "== root\nprohibit-password\n== keys\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5\n== dovecot\n2.4.1-4 (7d8c0e5759)\n",
}

const (
	aCertificate = "-----BEGIN CERTIFICATE-----\nMIIBbTCCAROgAwIBAgIUSBuV/Qzry7ypoAyRwklSZ5VCqekwCgYIKoZIzj0EAwIw\nDDEKMAgGA1UEAwwBeDAeFw0yNjExMzAwNjUwMTJaFw0yNzAyMjgwNjUwMTJaMAwx\nCjAIBgNVBAMMAXgwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAR/qQ2bFZW1DHKp\ndsx+aqvs9YvUXwlkMLsfkCWUQkXRnwlioiYpMgF5J7W/c9eQmRmqy1wcgAMWOEHH\ngwb5gwh9o1MwUTAdBgNVHQ4EFgQUqDrWcSdXdxAwo4HPNjUUEHQYhIEwHwYDVR0j\nBBgwFoAUqDrWcSdXdxAwo4HPNjUUEHQYhIEwDwYDVR0TAQH/BAUwAwEB/zAKBggq\nhkjOPQQDAgNIADBFAiA2G4XnM/XOqxpdgKGNB+IF6B2Of8MnoEtaO7uWDctRhAIh\nAJ2Xt8J2EVkMmhPYYwRuO8mE3A6PJM2OF1PR4PZoGGIR\n-----END CERTIFICATE-----\n"
	aKey         = "F2rFQjV+otc0wqjrdMv4ZzOSmnOa4qQD4YNlc6DvW0w="
	bKey         = "FVJZRXFdRNd4/3c+eJ/2PRY1HJ1kNtZ2PS+j+2s771A="

	aDKIM = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC2+Bo6Gf8jf++quXb1poQScaLITIaki/gUdnGFi2t3lmROU4MpXDdksY3oQ9Bt95CwueVEPh5CjNIvkoIxtmbaSsqKVQS8jH8iK33qnATEytrfb62LJ0clqN6R8pdMkIfS/8bpMAr+H42UwqOEfW8gcH6gMtRm/Mv5F0BHlymxeQIDAQAB"
)

// facts are these answers and no others.
func facts(answers map[string]string) remote.Facts {
	f := remote.Facts{Answers: map[string]remote.Answer{}}
	for id, text := range answers {
		f.Answers[id] = remote.Answer{Out: text + "== end\n"}
	}
	return f
}

// What is not there, not whole or went wrong is an error, never an empty fact.
func TestOnlyWholeAnswersCount(t *testing.T) {
	for _, e := range every() {
		text := told[e.ID]
		if text == "" {
			t.Errorf("%s: no answer of a real host is kept here", e.ID)
			continue
		}
		if err := e.Tell(facts(map[string]string{e.ID: text})); err != nil {
			t.Errorf("%s: %v", e.ID, err)
		}
		whole := text + "== end\n"
		for name, a := range map[string]*remote.Answer{"missing": nil, "cut": {Out: whole, Cut: true}, "non-zero": {Out: whole, Code: 3}, "empty": {}, "said nothing": {Out: "== end\n"}} {
			f := remote.Facts{Answers: map[string]remote.Answer{}}
			if a != nil {
				f.Answers[e.ID] = *a
			}
			if err := e.Tell(f); err == nil {
				t.Errorf("%s: a %s answer is taken for a fact", e.ID, name)
			}
		}
		for n := range len(whole) - 1 {
			if err := e.Tell(remote.Facts{Answers: map[string]remote.Answer{e.ID: {Out: whole[:n]}}}); err == nil {
				t.Fatalf("%s: an answer that broke off is taken for a fact: %q", e.ID, whole[:n])
			}
		}
	}
}

// reading is what scripts may do; of what could change a host only these words are theirs.
var changing = regexp.MustCompile(`(?m)(?:^|[;&|({]|\bthen|\bdo|\belse)\s*(rm|mv|cp|tee|touch|mkdir|chmod|chown|ln|dd|kill|reboot|apt-get|dpkg|ufw (?:enable|disable|allow|deny|reload|reset)|sysctl -w|systemctl (?:start|stop|enable|disable|restart|daemon-reload)|wg (?:set|genkey|syncconf)|ip [-\w ]*(?:add|del|delete|replace|flush)|iptables -w|modprobe)\b|[^2-9&]>>?\s*[^&\s/]|>\s*/(?:[^d]|d[^e]|de[^v])`)

func TestScriptsOnlyRead(t *testing.T) {
	s := site.Default()
	for _, bad := range []string{"echo x > y", "rm -f x", "x; systemctl stop y", "if a; then touch b; fi", "echo 1 > /etc/x", "a >> b"} {
		if !changing.MatchString(bad) {
			t.Errorf("%q would not be found", bad)
		}
	}
	for _, h := range s.Hosts {
		for _, e := range every() {
			for _, q := range e.Reads(s, h) {
				if hit := changing.FindString(q.Run); hit != "" {
					t.Errorf("%s: %q is more than reading", q.ID, hit)
				}
				if !strings.HasSuffix(q.Run, "\necho '== end'\n}\nasked") {
					t.Errorf("%s does not say where its answer ends", q.ID)
				}
			}
		}
	}
}

func TestShellsAcceptEveryScript(t *testing.T) {
	s := site.Default()
	s.Tunnel.Interface = "wg-home.7"
	shells := 0
	for _, shell := range []string{"sh", "dash", "busybox"} {
		program, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		shells++
		for _, e := range every() {
			for _, q := range e.Reads(s, s.Hosts[1]) {
				args := []string{"-n", "-c", q.Run}
				if shell == "busybox" {
					args = append([]string{"sh"}, args...)
				}
				if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
					t.Errorf("%s refuses %s: %v: %s", shell, q.ID, err, out)
				}
			}
		}
	}
	if shells == 0 {
		t.Skip("there is no shell here")
	}
}

// Scripts that are asked by one shell answer there what each answers alone: none ends the shell, or leaves anything that the next takes up.
func TestSharedScriptsAnswerAsAlone(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell here")
	}
	s := site.Default()
	for _, h := range s.Hosts {
		var asked []remote.Query
		shared := 0
		for _, e := range every() {
			for _, q := range e.Reads(s, h) {
				if !strings.Contains(q.Run, "ping ") {
					asked = append(asked, q)
				}
				if q.Shared {
					shared++
				}
			}
		}
		if shared < 30 {
			t.Fatalf("only %d scripts are asked by one shell", shared)
		}
		run := func(list []remote.Query) []string {
			script := "cd /\n"
			for _, q := range list {
				eval := "{ eval " + remote.Quote(q.Run) + "; }"
				if !q.Shared {
					eval = "(" + eval + ")"
				}
				script += eval + " </dev/null 2>/dev/null\nprintf '\\n@@ %d\\n' $?\ncd /\n"
			}
			cmd := exec.Command(sh)
			cmd.Stdin = strings.NewReader(script)
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			return strings.Split(string(out), "\n@@ ")
		}
		code := func(parts []string, i int) (string, string) {
			_, text, _ := strings.Cut(parts[i], "\n")
			if i == 0 {
				text = parts[0]
			}
			status, _, _ := strings.Cut(parts[i+1], "\n")
			return status, text
		}
		differ := func() (found []string) {
			slices.Reverse(asked)
			together := run(asked)
			slices.Reverse(asked)
			again := run(asked)
			if len(together) != len(asked)+1 || len(again) != len(asked)+1 {
				t.Fatalf("%d and %d of %d scripts were answered", len(together)-1, len(again)-1, len(asked))
			}
			for i, q := range asked {
				status, text := code(run([]remote.Query{q}), 0)
				for _, parts := range []struct {
					list []string
					at   int
				}{{again, i}, {together, len(asked) - 1 - i}} {
					now, said := code(parts.list, parts.at)
					if now != status || lines(said) != lines(text) {
						found = append(found, fmt.Sprintf("%s: alone %s, %q\nbeside others %s, %q", q.ID, status, text, now, said))
					}
				}
			}
			return found
		}
		found := differ()
		for range 9 { // what goes on on this machine meanwhile differs too, but not each time
			if found != nil {
				found = differ()
			}
		}
		for _, f := range found {
			t.Error(f)
		}
	}
}

// lines is the text without numbers, which tell of moments.
func lines(text string) string { return regexp.MustCompile(`[0-9.]+`).ReplaceAllString(text, "N") }

// No tool is asked in two scripts of one look: who wants to know the same asks the same fact.
func TestNothingIsAskedTwice(t *testing.T) {
	s := site.Default()
	tool := regexp.MustCompile(`(?m)\b(ip -o addr|ip -o -[46] route|ip -[46] rule|ss -Hltunp|ss -Htn|iptables-save|ip6tables-save|sshd -T|wg show \S+ \S+|wg pubkey|systemctl show|ufw status|docker ps|date \+%s|df -Pk|id -u)`)
	asked := map[string]string{}
	for _, e := range every() {
		for _, q := range e.Reads(s, s.Hosts[1]) {
			for _, found := range tool.FindAllString(q.Run, -1) {
				if other := asked[found]; other != "" && other != q.ID && !slices.Contains([]string{"date +%s", "docker ps", "systemctl show"}, found) { // of the tunnel's own moment, of peers in containers, and of what starts, which no look asks
					t.Errorf("%s and %s both ask %q", other, q.ID, found)
				}
				asked[found] = q.ID
			}
		}
	}
	if len(asked) < 12 {
		t.Errorf("only %d tools were found: this test looks for the wrong words", len(asked))
	}
}

func TestSecretsStayOnTheHost(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell here")
	}
	dir := t.TempDir()
	s := site.Default()
	dump := "PRIVATESECRET\t" + aKey + "\t51820\toff\n" + bKey + "\tPRESHAREDSECRET\t198.51.100.20:1\t10.0.0.2/32\t5\t6\t7\toff\n"
	play := fmt.Sprintf("wg() { printf '%%s' '%s'; }\nip() { echo '6: wg0: mtu 1420'; }\n", dump)
	script := strings.ReplaceAll(Tunnels.Query(s, s.Hosts[1]).Run, "/sys/class/net/", dir+"/")
	out, err := exec.Command(sh, "-c", "mkdir "+dir+"/wg0\n"+play+script).CombinedOutput()
	if err != nil || strings.Contains(string(out), "SECRET") {
		t.Errorf("%v: %s", err, out)
	}
	w, err := Tunnels.Of(remote.Facts{Answers: map[string]remote.Answer{"tunnel wg0": {Out: string(out)}}})
	if err != nil || w.Key != aKey || w.Port != 51820 || w.MTU != 1420 || w.Peers[bKey] == nil || w.Peers[bKey].Rx != 6 || w.Peers[bKey].Keepalive != 0 ||
		w.Peers[bKey].Shared != Redacted+"eb6154cb15e62749" {
		t.Errorf("%v: %+v", err, w)
	}
}

// A network that is away for a moment is no small path.
func TestPathIsAskedMoreThanOnce(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell here")
	}
	s := site.Default()
	path := PathTo(netip.MustParseAddr("203.0.113.10"))
	for tries, want := range map[int]int{2: 1500, 4: 0} {
		play := fmt.Sprintf("cd %s\nsleep() { :; }\nping() { size=${10}; echo x >>$size; [ $(wc -l <$size) -gt %d ] && echo \"$((size + 8)) bytes from 203.0.113.10: icmp_seq=1 ttl=64 time=1 ms\"; }\ngrep() { false; }\n", t.TempDir(), tries)
		out, err := exec.Command(sh, "-c", play+path.Query(s, s.Hosts[1]).Run).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		p, err := path.Of(remote.Facts{Answers: map[string]remote.Answer{path.Query(s, s.Hosts[1]).ID: {Out: string(out)}}})
		if err != nil || p.Reply != want {
			t.Errorf("away for %d tries: %+v, %v\n%s", tries, p, err, out)
		}
	}
}
