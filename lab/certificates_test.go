//go:build linux

package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// mailDoors are the ports that show the certificate of the mail host's name; true where TLS begins after STARTTLS.
var mailDoors = map[string]bool{"25": true, "465": false, "587": true, "993": false, "443": false}

// TestCertificates: the web server's certificate reaches every mail port at the apply, and each new one without a hand; whoever is killed
// in the middle, it is the old one or the new one; what is broken is named in one line; and an undo leaves nothing.
func TestCertificates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ suite, path string }{{"trixie", "haraka"}, {"bookworm", "direct"}, {"bookworm", "haraka"}} {
		t.Run(c.path+" on "+c.suite, func(t *testing.T) {
			t.Parallel()
			if c.suite == "bookworm" {
				needTorture(t)
			}
			m := newMailed(t, c.path, Options{Suite: c.suite, Mail: "plain"})
			before := fingerprints(t, m.l)
			const theirs = "cd / && sha256sum etc/postfix/main.cf etc/dovecot/dovecot.conf root/.ssh/authorized_keys; ls -d etc/postern var/lib/postern-certificate usr/local/sbin/postern-certificate 2>/dev/null; :"
			mail := want(t, m.l, "mail", "sh", "-c", theirs)
			m.run(0, "apply", "--yes")
			first := m.showsEverywhere(t, "")
			if said := m.run(0, "apply", "--yes"); !strings.Contains(said, "Nothing to change") {
				t.Errorf("a second apply changes something:\n%s", tail(said, 4000))
			}
			m.keepsTheKey(t)
			m.namesCertificates(t)
			m.killedTaking(t)
			// Caddy gets another one as soon as it has none; that it renews one by itself, TestRenewal waits for.
			want(t, m.l, "proxy", "sh", "-ec", "systemctl stop caddy; rm -r /var/lib/caddy/.local/share/caddy/certificates/*/mail.example.org; systemctl start caddy")
			m.showsEverywhere(t, first)
			m.flows(c.path, "renewed") // in the same minute
			if m.undone(before); want(t, m.l, "mail", "sh", "-c", theirs) != mail {
				t.Errorf("the mail host's own files are not as they were, or something is left: %s", want(t, m.l, "mail", "sh", "-c", theirs))
			}
			if left := want(t, m.l, "proxy", "sh", "-c", "ls -d /etc/postern /var/lib/postern-certificate /etc/systemd/system/*postern-certificate* /etc/systemd/system/*/postern-certificate* 2>/dev/null; :"); left != "" {
				t.Errorf("left on the proxy: %s", left)
			}
		})
	}
}

// TestRenewal: what Caddy renews by itself is on every port, and mail goes on in the same minute.
func TestRenewal(t *testing.T) {
	needTorture(t)
	t.Parallel()
	m := newMailed(t, "haraka", Options{Mail: "plain", ACMEValidity: 6 * time.Minute})
	m.run(0, "apply", "--yes")
	want(t, m.l, "proxy", "sh", "-ec", "sed -i '1i {\\n\\trenew_interval 3s\\n}' /etc/caddy/Caddyfile; systemctl reload caddy") // it looks every ten minutes else
	serial := m.showsEverywhere(t, "")
	for n := range 2 {
		serial = m.showsEverywhere(t, serial)
		m.flows("haraka", fmt.Sprint("renewed", n))
	}
}

// showsEverywhere waits until every port shows the certificate that Caddy has, which is to be another one than that, and gives its serial.
func (m mailed) showsEverywhere(t *testing.T, before string) string {
	t.Helper()
	serial, last := "", ""
	err := poll(t.Context(), 6*time.Minute, func() bool {
		if serial = m.serial(t, "443", mailDoors["443"]); serial == before || serial == "" {
			return false
		}
		for port, starts := range mailDoors {
			if got := m.serial(t, port, starts); got != serial {
				last = fmt.Sprintf("%s shows %q, 443 %q", port, got, serial)
				return false
			}
		}
		return true
	})
	if err != nil {
		t.Fatalf("after %q: %s", before, last)
	}
	return serial
}

// roots are those whose certificates everybody in the lab trusts.
func (l *Lab) roots(t *testing.T) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	roots, err := os.ReadFile(l.dir("roots.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool.AppendCertsFromPEM(roots)
	return pool
}

// serial is that of the certificate that a port shows the world, "" where it shows none that is right.
func (m mailed) serial(t *testing.T, port string, starts bool) string {
	t.Helper()
	config := &tls.Config{ServerName: "mail.example.org", RootCAs: m.l.roots(t)}
	conn, err := m.l.Dial(t.Context(), "world", "tcp", net.JoinHostPort("203.0.113.10", port))
	if err != nil {
		return ""
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if !starts {
		inside := tls.Client(conn, config)
		if inside.HandshakeContext(t.Context()) != nil {
			return ""
		}
		return inside.ConnectionState().PeerCertificates[0].SerialNumber.Text(16)
	}
	c, err := smtp.NewClient(conn, "mail.example.org")
	if err != nil || c.Hello("probe.invalid") != nil || c.StartTLS(config) != nil {
		return ""
	}
	state, _ := c.TLSConnectionState()
	_ = c.Quit()
	return state.PeerCertificates[0].SerialNumber.Text(16)
}

// pems are the files that what the web server has is brought to, by host.
func (m mailed) pems() map[string]string {
	files := map[string]string{"mail": "/etc/postern/mail.pem"}
	if _, err := m.l.Exec(m.t.(*testing.T).Context(), "proxy", "test", "-e", "/opt/haraka-in/config/tls.pem"); err == nil {
		files["proxy"] = "/opt/haraka-in/config/tls.pem"
	}
	return files
}

// keepsTheKey: the certificate's key stands in no plan, log or record, on no host but in the three files that are read, and in no argument.
func (m mailed) keepsTheKey(t *testing.T) {
	t.Helper()
	key := strings.Fields(want(t, m.l, "mail", "sh", "-c", "sed -n 2p /etc/postern/mail.pem"))[0]
	files := m.pems()
	if files["proxy"] == "" {
		files["proxy"] = "/var/lib/caddy/.local/share/caddy/certificates/*/mail.example.org/mail.example.org.key"
	}
	if plan := m.run(0, "plan", "caddy", "--script"); strings.Contains(plan, key) {
		t.Error("the key stands in a plan")
	}
	for host, file := range files {
		found := want(t, m.l, host, "sh", "-c", "p=/run/pattern; sed -n 2p "+file+" >$p; grep -rlsF -f $p /etc /opt /var/lib /var/log /usr/local /root /tmp /run/postern-certificate; grep -laF -f $p /proc/[0-9]*/cmdline 2>/dev/null; journalctl -q 2>/dev/null | grep -F -f $p; rm $p")
		for line := range strings.Lines(found) {
			if line = strings.TrimSpace(line); line != file && !strings.HasPrefix(line, "/var/lib/caddy/") {
				t.Errorf("%s: the key stands in %s", host, line)
			}
		}
	}
	out, _ := exec.Command("grep", "-rlF", "-e", key, m.l.dir("laptop")).Output()
	if len(out) > 0 {
		t.Errorf("the key came to the laptop: %s", out)
	}
}

// namesCertificates breaks one thing of the certificates after the other: each is named in one line.
func (m mailed) namesCertificates(t *testing.T) {
	t.Helper()
	const pem, had = "/etc/postern/mail.pem", "/root/had.pem"
	if _, err := m.l.Exec(t.Context(), "proxy", "systemctl", "-q", "is-active", "haraka-in"); err == nil {
		const file = "/opt/haraka-in/config/tls.pem"
		want(t, m.l, "proxy", "sh", "-ec", "umask 077; cp -p "+file+" /root/had; openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=x -keyout /root/k -out /root/c 2>/dev/null; cat /root/k /root/c >"+file+
			"; systemctl restart haraka-in; until ss -Hltn 'sport = :25' | grep -q .; do sleep 0.2; done; cp -p /root/had "+file+"; rm /root/k /root/c /root/had")
		if said, _ := m.try("check", "cert.served"); !strings.Contains(said, "read: replaced without a restart") {
			t.Errorf("a certificate that Haraka did not read is not named:\n%s", tail(said, 3000))
		}
		want(t, m.l, "proxy", "systemctl", "restart", "haraka-in")
	}
	other := func(args string) string {
		return "umask 077; cp -p " + pem + " " + had + "; openssl req -x509 -newkey rsa:2048 -nodes -keyout /root/k -out /root/c " + args + " 2>/dev/null; cat /root/k /root/c >" + pem + "; systemctl reload postfix dovecot"
	}
	for _, one := range []struct{ do, check, words string }{
		{other("-days 9 -subj /CN=www.example.org -addext subjectAltName=DNS:www.example.org"), "cert.served.imaps", "of another name: www.example.org"},
		{"cp -p " + pem + " " + had + "; awk '/-END CERTIFICATE-/ { print; exit } { print }' " + had + " >" + pem + "; systemctl reload postfix dovecot", "cert.served.submissions", "chain is incomplete"},
		{"cp -p " + pem + " " + had + "; mv /root/.ssh/authorized_keys /root/.ssh/held; sed -i 's/^restrict,.*//' /root/.ssh/held; cp /root/.ssh/held /root/.ssh/authorized_keys; rm -f /var/lib/postern-certificate/taken", "cert.handover", "ermission denied"},
	} {
		keys := want(t, m.l, "mail", "cat", "/root/.ssh/authorized_keys")
		want(t, m.l, "mail", "sh", "-ec", one.do)
		if strings.Contains(one.words, "denied") {
			_, _ = m.l.Exec(t.Context(), "proxy", "systemctl", "start", "postern-certificate")
		}
		said, _ := m.try("check", "cert.served", "cert.handover")
		named := false
		for s := bufio.NewScanner(strings.NewReader(said)); s.Scan(); {
			named = named || strings.Contains(s.Text(), one.words)
		}
		if !named || !strings.Contains(said, one.check) {
			t.Errorf("%q is not named:\n%s", one.words, tail(said, 3000))
		}
		want(t, m.l, "mail", "sh", "-ec", "cat >/root/.ssh/authorized_keys <<'END'\n"+strings.TrimSuffix(keys, "\n")+"\nEND\nmv "+had+" "+pem+"; rm -f /root/k /root/c /root/.ssh/held; systemctl reload postfix dovecot")
		want(t, m.l, "proxy", "systemctl", "start", "postern-certificate")
	}
	m.showsEverywhere(t, "")
}

// killedTaking kills whoever takes a certificate, at ten moments: the file is whole each time, and the next try brings it.
func (m mailed) killedTaking(t *testing.T) {
	t.Helper()
	for n := range 10 {
		want(t, m.l, "mail", "rm", "-f", "/var/lib/postern-certificate/taken")
		_, _ = m.l.Exec(t.Context(), "proxy", "sh", "-c", fmt.Sprintf("systemctl start --no-block postern-certificate; sleep 0.%d", n))
		_, _ = m.l.Exec(t.Context(), []string{"mail", "proxy"}[n%2], "sh", "-c", "pkill -9 -f '^/bin/sh /usr/local/sbin/postern-certificate'")
		for host, file := range m.pems() {
			want(t, m.l, host, "sh", "-ec", "[ \"$(openssl pkey -in "+file+" -pubout)\" = \"$(openssl x509 -in "+file+" -noout -pubkey)\" ]; [ $(grep -c -- -END "+file+") -ge 2 ]")
		}
	}
	want(t, m.l, "proxy", "systemctl", "start", "postern-certificate")
	m.showsEverywhere(t, "")
}
