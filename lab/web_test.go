//go:build linux

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"postern/lab/mx"
)

// TestWeb: one apply through the chapters gives every name of a site a certificate and mail programs their settings; each thing that goes
// wrong with it is named, and an undo gives all back.
func TestWeb(t *testing.T) {
	t.Parallel()
	onSuites(t, func(t *testing.T, suite string) {
		m := newMailed(t, "direct", Options{Suite: suite, Mail: "plain"})
		before := fingerprints(t, m.l)
		m.run(0, "apply", "--yes")
		m.proven()
		if said := m.run(0, "apply", "--yes"); !strings.Contains(said, "Nothing to change") {
			t.Errorf("a second apply changes something:\n%s", said)
		}
		m.configures()
		m.webBreaks()
		m.reloads()
		if torture() {
			m.unissued()
		}
		m.undone(before)
	})
}

var portIn = regexp.MustCompile(`(?i)<port>(\d+)</port>`)

// fetched is what a name serves to somebody in the world.
func (m mailed) fetched(name, path string, also ...string) string {
	m.t.Helper()
	argv := append([]string{"curl", "-sSfL", "--max-time", "20", "--resolve", name + ":443:203.0.113.10", "--resolve", name + ":80:203.0.113.10"}, also...)
	return want(m.t, m.l, "world", append(argv, "https://"+name+path)...)
}

// configures fetches what mail programs do, and uses each port that it names.
func (m mailed) configures(also ...string) {
	t := m.t.(*testing.T)
	t.Helper()
	text := m.fetched("autoconfig.example.org", "/mail/config-v1.1.xml?emailaddress=ann%40example.org", also...) +
		m.fetched("autodiscover.example.org", "/Autodiscover/Autodiscover.xml", append(also, "-d", "<Autodiscover/>", "-H", "Content-Type: text/xml")...)
	named := map[string]bool{}
	for _, p := range portIn.FindAllStringSubmatch(text, -1) {
		named[p[1]] = true
	}
	if len(named) != 3 || !named["993"] || !named["465"] || !named["587"] {
		t.Errorf("the documents name the ports %v:\n%s", named, text)
	}
	for _, port := range []string{"465", "587"} {
		one := letter{from: "world", to: "203.0.113.10:" + port, sender: mailUser, rcpt: mailUser, password: mailPassword, word: "configured" + port}
		if err := one.send(t.Context(), m.l); err != nil {
			t.Errorf("port %s: %v", port, err)
		} else if text := m.l.inbox(t, "203.0.113.10", one.word); text == "" {
			t.Errorf("nothing came by port %s", port)
		}
	}
	for _, one := range [][2]string{{"autoconfig.example.org", "/mail.mobileconfig"}, {"mail.example.org", "/"}} {
		if text := m.fetched(one[0], one[1], also...); !strings.Contains(text, "993") || strings.Contains(text, "192.168.50.") {
			t.Errorf("%s%s says\n%s", one[0], one[1], text)
		}
	}
	if head := m.fetched("mail.example.org", "/", append(also, "-I")...); strings.Contains(strings.ToLower(head), "alt-svc") {
		t.Errorf("HTTP/3 is offered, and the firewall lets no UDP in:\n%s", head)
	}
}

// signed is a certificate that vouches for itself, with its key, as files of the proxy's.
func (m mailed) signed(name string, until time.Time) {
	t := m.t.(*testing.T)
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	is := &x509.Certificate{SerialNumber: big.NewInt(9), DNSNames: []string{name}, NotBefore: until.AddDate(0, 0, -90), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, is, is, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	m.certificate(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
}

// certificate puts one where the proxy's web server can read it.
func (m mailed) certificate(cert, key []byte) {
	m.t.Helper()
	for name, text := range map[string][]byte{"t.pem": cert, "t.key": key} {
		if err := put(filepath.Join(m.l.dir("proxy", "root"), "srv", name), string(text), 0o644); err != nil {
			m.t.Fatal(err)
		}
	}
}

const (
	sites  = "/etc/caddy/postern.caddy"
	shows  = `sed -i 's|^\tvars postern .*|&\n\ttls /srv/t.pem /srv/t.key|' ` + sites + ` && systemctl reload caddy`
	issued = `cd /var/lib/caddy/.local/share/caddy/certificates/*/mail.example.org && sed '/END/q' mail.example.org.crt >/srv/t.pem && cat mail.example.org.key >/srv/t.key && chmod 644 /srv/t.key`
)

// webBreaks has one thing after the other go wrong with the web server, and wants it named, and all well again afterwards.
func (m mailed) webBreaks() {
	t := m.t.(*testing.T)
	t.Helper()
	m.does("proxy", "cp -p "+sites+" /root/")
	const back = "cp -p /root/postern.caddy /etc/caddy/ && systemctl reload caddy"
	for _, one := range []struct {
		mishap
		before func()
	}{
		{mishap: mishap{"autoconfig names a closed port", "proxy", "sed -i 's|<port>993<|<port>143<|' " + sites + " && systemctl reload caddy", back, "web.clients.autoconfig.example.org", "imap mail.example.org:143, a port that is closed"}},
		{mishap{"expired", "proxy", shows, back, "web.https.mail.example.org", "its certificate ended on"}, func() { m.signed("mail.example.org", time.Now().AddDate(0, 0, -1)) }},
		{mishap{"wrong name", "proxy", shows, back, "web.https.mail.example.org", "of another name: www.example.org"}, func() { m.signed("www.example.org", time.Now().AddDate(0, 0, 60)) }},
		{mishap{"nobody's", "proxy", shows, back, "web.https.mail.example.org", "from nobody that is trusted"}, func() { m.signed("mail.example.org", time.Now().AddDate(0, 0, 60)) }},
		{mishap: mishap{"chain incomplete", "proxy", issued + " && " + shows, back, "web.https.mail.example.org", "its chain is incomplete"}},
		{mishap: mishap{"80 taken", "proxy", "systemctl stop caddy; perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => 80, Listen => 5, ReuseAddr => 1) or die; if (fork) { exit } close STDOUT; close STDERR; sleep 600' >/dev/null 2>&1; systemctl start caddy || :",
			"kill $(ss -Hltnp 'sport = :80' | sed -n 's/.*pid=\\([0-9]*\\).*/\\1/p'); sleep 1; systemctl reset-failed caddy; systemctl start caddy", "web.caddy", "perl has port 80"}},
	} {
		if one.before != nil {
			one.before()
		}
		m.does(one.host, one.do)
		told, all := false, m.checks(one.id)
		for _, r := range all {
			told = told || r.ID == one.id && r.Result == "fail" && strings.Contains(r.Saw, one.says) && r.Fix != "" && r.Likely != "" && r.Want != ""
		}
		if !told {
			t.Errorf("%s: %s does not say %q, and what mends it: %+v", one.name, one.id, one.says, all)
		}
		m.does(one.host, one.undo)
	}
	m.settled("caddy")
}

// reloads: a file of ours that was never loaded is told, and an apply loads it.
func (m mailed) reloads() {
	t := m.t.(*testing.T)
	t.Helper()
	m.does("proxy", `sed -i 's/^\tvars postern .*/\tvars postern 0123456789abcdef/' `+sites+` && systemctl reload caddy && cp -p /root/postern.caddy /etc/caddy/`)
	told := false
	for _, r := range m.checks("web.caddy") {
		told = told || r.Result == "warn" && strings.Contains(r.Saw, "an older file") && r.Fix == "caddy"
	}
	if said := m.run(0, "apply", "caddy", "--yes"); !told || !strings.Contains(said, "reload Caddy") {
		t.Errorf("an older file that runs is told: %v; the apply says\n%s", told, said)
	}
	m.settled("caddy")
}

// unissued has the authority issue nothing, for one reason after the other; each is named.
func (m mailed) unissued() {
	t := m.t.(*testing.T)
	t.Helper()
	const id = "web.acme.autoconfig.example.org"
	for fault, says := range map[string]string{"acme-ratelimit": "rate-limited), until ", "acme-down": "cannot be reached from the proxy", "web-in": "challenge blocked"} {
		if err := m.l.Fault(t.Context(), fault, true); err != nil {
			t.Fatal(err)
		}
		m.does("proxy", "rm -r /var/lib/caddy/.local/share/caddy/certificates/*/autoconfig.example.org; systemctl restart caddy")
		var all []result
		if poll(t.Context(), 2*time.Minute, func() bool {
			all = m.checks("web.acme")
			for _, r := range all {
				if r.ID == id && r.Result == "fail" && strings.Contains(r.Saw, says) {
					return true
				}
			}
			return false
		}) != nil {
			t.Errorf("%s: %s does not say %q: %+v", fault, id, says, all)
		}
		if err := m.l.Fault(t.Context(), fault, false); err != nil {
			t.Fatal(err)
		}
		m.does("proxy", "systemctl restart caddy")
		m.settled("caddy")
	}
}

// TestWebExisting: a web server that is there already stays; what it is told to have makes the same checks ok.
func TestWebExisting(t *testing.T) {
	t.Parallel()
	for server, task := range map[string]string{"nginx": "caddy.nginx", "apache2": "caddy.apache"} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			if server != "nginx" {
				needTorture(t)
			}
			m := newMailed(t, "direct", Options{Suite: "bookworm", Mail: "plain"})
			want(t, m.l, "proxy", "sh", "-ec", "apt-get -q update && apt-get -qy install --no-install-recommends "+server+" && systemctl is-active "+server)
			if said, code := m.try("apply", "--yes"); code == 0 || !strings.Contains(said, "listens on port 80") || !strings.Contains(said, "web.kind=existing") {
				t.Errorf("who has the port is not named: exit %d\n%s", code, said)
			}
			cert, key, err := mx.Paper("mail.example.org", "autoconfig.example.org", "autodiscover.example.org")
			if err != nil {
				t.Fatal(err)
			}
			m.certificate(cert, key)
			m.trusts(cert)
			m.flags = append(m.flags, "--set", "web.kind=existing", "--set", "web.certificate=/srv/t.pem", "--set", "web.key=/srv/t.key")
			m.try("apply", "--yes") // the web server knows nothing of these names yet
			m.does("proxy", m.toPaste(task))
			m.proven()
			m.configures("-k") // a certificate that has no issuer is none for curl
			if said := m.run(0, "apply", "--yes"); !strings.Contains(said, "Nothing to change") {
				t.Errorf("a second apply changes something:\n%s", said)
			}
			if said := want(t, m.l, "proxy", "sh", "-c", "systemctl is-active "+server+"; command -v caddy; ls /etc/caddy 2>/dev/null; :"); said != "active" {
				t.Errorf("after it all the proxy has %q", said)
			}
		})
	}
}

// trusts has everybody in the lab trust one more certificate.
func (m mailed) trusts(cert []byte) {
	m.t.Helper()
	f, err := os.OpenFile(m.l.dir("roots.pem"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.Write(cert)
		f.Close()
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// toPaste are the commands of a task, as plan gives them.
func (m mailed) toPaste(id string) string {
	m.t.Helper()
	var doc struct{ Tasks []struct{ ID, Copy string } }
	out := m.output("--json", "plan", "caddy")
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		m.t.Fatalf("%v\n%s", err, out)
	}
	for _, task := range doc.Tasks {
		if task.ID == id {
			return task.Copy
		}
	}
	m.t.Fatalf("no task %s in\n%s", id, out)
	return ""
}
