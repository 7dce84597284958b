package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/steps/does"
)

// house is a proxy and a mail host in one folder each, with their scripts and what these call.
type house struct {
	t    *testing.T
	dir  string
	site *site.Site
}

func newHouse(t *testing.T, kind string) *house {
	t.Helper()
	for _, tool := range []string{"openssl", "flock", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	h := &house{t, t.TempDir(), site.Default()}
	h.site.Domain, h.site.Hostname, h.site.Mail.Kind = "example.org", "mail.example.org", kind
	mail := h.site.Host("mail")
	h.write("proxy"+seen.HarakaPEM, "the one before\n")
	h.script("proxy", fileOf(t, Giving(h.site, []Peer{{mail, 22, []string{"ssh-ed25519 AAAA"}}}), script))
	h.script("mail", fileOf(t, taking(h.site, ReceiverOf(h.site, seen.Mailer{Absent: true}, seen.Receiving{})), script))
	h.write("mail/opt/mailcow-dockerized/data/assets/ssl/cert.pem", "theirs\n")
	h.write("mail/opt/mailcow-dockerized/data/assets/ssl/key.pem", "theirs\n")
	h.tool("systemctl", `[ "$1" = -q ] || echo "$*" >>`+h.dir+`/told
if [ -e `+h.dir+`/kill ] && [ "$1" != -q ]; then rm `+h.dir+`/kill; kill -9 $PPID; fi`)
	h.tool("docker", `[ "$1" = ps ] && echo id || echo "docker $*" >>`+h.dir+`/told`)
	h.tool("ssh", `[ ! -e `+h.dir+`/away ] || { echo 'no route to host'; exit 255; }
if [ -e `+h.dir+`/cut ]; then head -c "$(cat `+h.dir+`/cut)" | sh `+h.dir+`/mail/script; else sh `+h.dir+`/mail/script; fi`)
	h.tool("sync", "")
	h.tool("sleep", "")
	return h
}

func fileOf(t *testing.T, table does.Table, path string) string {
	t.Helper()
	for _, one := range table.Things {
		if f, is := one.(does.File); is && f.Path == path {
			return f.Text
		}
	}
	t.Fatal("no " + path)
	return ""
}

func (h *house) write(name, text string) {
	h.t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(h.dir, name))
	return string(text)
}

// script puts a script into a host, with the host's folder before all that it reads or writes.
func (h *house) script(host, text string) {
	at := filepath.Join(h.dir, host)
	for _, path := range []string{"/etc/postern", "/var/lib/", running, "/opt/"} {
		text = strings.ReplaceAll(text, path, at+path)
	}
	h.write(host+"/script", strings.Replace(text, "PATH=", "PATH="+h.dir+"/bin:", 1))
	h.write(host+running+"/x", "")
}

func (h *house) tool(name, text string) {
	h.write("bin/"+name, "#!/bin/sh\n"+text+"\n")
	if err := os.Chmod(filepath.Join(h.dir, "bin", name), 0o755); err != nil {
		h.t.Fatal(err)
	}
}

// give runs the proxy's script, and tells what it said and what was told to units since the last time.
func (h *house) give(args ...string) (said, told string, err error) {
	_ = os.Remove(filepath.Join(h.dir, "told"))
	out, err := exec.Command("sh", append([]string{filepath.Join(h.dir, "proxy/script")}, args...)...).CombinedOutput()
	return string(out), h.read("told"), err
}

// issue has Caddy hold a new certificate, and gives its file as it is to arrive.
func (h *house) issue(name string, from, until time.Time) string {
	h.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<60))
	is := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: from, NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, is, is, key.Public(), key)
	if err != nil {
		h.t.Fatal(err)
	}
	private, _ := x509.MarshalPKCS8PrivateKey(key)
	crt := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	secret := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	at := "proxy" + seen.CaddyCertificates + "/acme-v02.api.letsencrypt.org-directory/mail.example.org/mail.example.org"
	h.write(at+".key", secret)
	h.write(at+".crt", crt)
	h.write(at+".json", "{}")
	return secret + crt
}

var noon = time.Now() // openssl goes by the clock of the machine

func TestCertificateIsBrought(t *testing.T) {
	h := newHouse(t, "plain")
	if said, told, err := h.give(); err != nil || told != "" || !strings.Contains(said, "no certificate for this name yet") {
		t.Fatalf("without one: %v: %s%s", err, said, told)
	}
	shows := func(want string) {
		t.Helper()
		if h.read("proxy"+seen.HarakaPEM) != want || h.read("mail"+seen.MailPEM) != want {
			t.Errorf("it is not on both hosts")
		}
	}
	first := h.issue("mail.example.org", noon.Add(-time.Hour), noon.Add(time.Hour))
	if _, _, err := h.give("--check"); err == nil {
		t.Error("it counts as brought before it was")
	}
	said, told, err := h.give()
	if err != nil || told != "try-restart haraka-in.service\nreload postfix.service\nreload dovecot.service\n" {
		t.Fatalf("%v: %s%s", err, said, told)
	}
	shows(first)
	if h.read("proxy"+seen.HarakaPEM+".before") != "the one before\n" {
		t.Error("what was there before is not kept")
	}
	if said, told, err := h.give(); err != nil || told != "" {
		t.Errorf("a second time: %v: %s%s", err, said, told)
	}
	if _, _, err := h.give("--check"); err != nil {
		t.Error("it does not count as brought")
	}
	second := h.issue("mail.example.org", noon.Add(-time.Minute), noon.Add(2*time.Hour))
	if _, told, err := h.give(); err != nil || strings.Count(told, "\n") != 3 {
		t.Errorf("renewed: %v: %s", err, told)
	}
	shows(second)
	h.issue("mail.example.org", noon.Add(-24*time.Hour), noon.Add(3*time.Hour))
	if said, _, err := h.give(); err == nil || !strings.Contains(said, "'mail'") && !strings.Contains(said, "mail: refused: one that is newer") || h.read("mail"+seen.MailPEM) != second {
		t.Errorf("an older one: %v: %s", err, said)
	}
}

// A Haraka that comes later is given what the mail host has, and nothing is sent again.
func TestCertificateIsShown(t *testing.T) {
	h := newHouse(t, "plain")
	if said, told, err := h.give("--show"); err != nil || told != "" || h.read("proxy"+seen.HarakaPEM) != "the one before\n" {
		t.Fatalf("without one: %v: %s%s", err, said, told)
	}
	one := h.issue("mail.example.org", noon.Add(-time.Hour), noon.Add(time.Hour))
	for range 2 { // Haraka goes, and comes back with one of its own
		h.write("proxy"+seen.HarakaPEM, "its own\n")
		if said, told, err := h.give("--show"); err != nil || told != "try-restart haraka-in.service\n" || h.read("proxy"+seen.HarakaPEM) != one || h.read("mail"+seen.MailPEM) != "" {
			t.Errorf("%v: %s%s", err, said, told)
		}
	}
	if said, told, err := h.give("--show"); err != nil || told != "" {
		t.Errorf("a second time: %v: %s%s", err, said, told)
	}
}

// A certificate of the operator's own, which Caddy reads when it is told to, is shown by it and by the mail ports as soon as there is another one.
func TestCertificateOfOnesOwn(t *testing.T) {
	h := newHouse(t, "plain")
	dir := filepath.Join(h.dir, "own")
	h.site.Web.Certificate, h.site.Web.Key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	h.script("proxy", fileOf(t, Giving(h.site, []Peer{{h.site.Host("mail"), 22, []string{"ssh-ed25519 AAAA"}}}), script))
	h.script("mail", fileOf(t, taking(h.site, ReceiverOf(h.site, seen.Mailer{Absent: true}, seen.Receiving{})), script))
	for n := range 2 { // the second is the older one: who put it there means it
		text := h.issue("mail.example.org", noon.Add(-time.Duration(n+1)*time.Hour), noon.Add(time.Hour))
		i := strings.Index(text, "-----BEGIN CERTIFICATE")
		h.write("own/key.pem", text[:i])
		h.write("own/cert.pem", text[i:])
		if said, told, err := h.give(); err != nil || !strings.HasPrefix(told, "try-reload-or-restart caddy.service\ntry-restart haraka-in") || h.read("mail"+seen.MailPEM) != text {
			t.Errorf("%v: %s%s", err, said, told)
		}
		if said, told, err := h.give(); err != nil || told != "" {
			t.Errorf("a second time: %v: %s%s", err, said, told)
		}
	}
}

// What is not whole, of another name or over is not taken, and what was there stays.
func TestCertificateIsRefused(t *testing.T) {
	for words, spoil := range map[string]func(h *house){
		"its key belongs to another certificate": func(h *house) {
			at := "proxy" + seen.CaddyCertificates + "/acme-v02.api.letsencrypt.org-directory/mail.example.org/mail.example.org.crt"
			old := h.read(at)
			h.issue("mail.example.org", noon.Add(-time.Hour), noon.Add(time.Hour))
			h.write(at, old)
		},
		"it is not for mail.example.org": func(h *house) { h.issue("www.example.org", noon.Add(-time.Hour), noon.Add(time.Hour)) },
		"it ended on":                    func(h *house) { h.issue("mail.example.org", noon.Add(-2*time.Hour), noon.Add(-time.Hour)) },
	} {
		t.Run(words, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, "plain")
			first := h.issue("mail.example.org", noon.Add(-time.Hour), noon.Add(time.Hour))
			if said, _, err := h.give(); err != nil {
				t.Fatal(said)
			}
			spoil(h)
			said, told, err := h.give()
			if err == nil || !strings.Contains(said, "not handed over: ") || !strings.Contains(said, words) || told != "" {
				t.Errorf("%v: %s%s", err, said, told)
			}
			if h.read("proxy"+seen.HarakaPEM) != first || h.read("mail"+seen.MailPEM) != first {
				t.Error("what was there did not stay")
			}
		})
	}
}

// Whatever is cut off, and wherever: it is the old one or the new one, and the next time brings it.
func TestCertificateIsNeverHalf(t *testing.T) {
	h := newHouse(t, "plain")
	first := h.issue("mail.example.org", noon.Add(-time.Hour), noon.Add(time.Hour))
	if said, _, err := h.give(); err != nil {
		t.Fatal(said)
	}
	second := h.issue("mail.example.org", noon.Add(-time.Minute), noon.Add(time.Hour))
	for _, cut := range []string{"0", "30", "65", "200", "400", "700"} {
		h.write("cut", cut)
		if said, _, err := h.give(); err == nil || !strings.Contains(said, "refused") || h.read("mail"+seen.MailPEM) != first {
			t.Errorf("cut after %s: %v: %s", cut, err, said)
		}
	}
	_ = os.Remove(filepath.Join(h.dir, "cut"))
	h.write("away", "")
	if said, _, err := h.give(); err == nil || !strings.Contains(said, "no route to host") {
		t.Errorf("away: %v: %s", err, said)
	}
	_ = os.Remove(filepath.Join(h.dir, "away"))
	h.write("kill", "") // as the mail host's server is told
	if _, told, err := h.give(); err == nil || !strings.HasPrefix(told, "reload postfix") {
		t.Errorf("it was not killed: %s", told)
	}
	if _, told, err := h.give(); err != nil || told != "reload postfix.service\nreload dovecot.service\n" || h.read("mail"+seen.MailPEM) != second {
		t.Errorf("afterwards: %v: %s", err, told)
	}
	h.issue("mail.example.org", noon.Add(-time.Second), noon.Add(time.Hour))
	h.write("kill", "") // as Haraka is
	if _, told, _ := h.give(); told != "try-restart haraka-in.service\n" {
		t.Errorf("it was not killed: %s", told)
	}
	if _, told, err := h.give(); err != nil || !strings.HasPrefix(told, "try-restart haraka-in.service\nreload postfix") {
		t.Errorf("Haraka is not started anew: %v: %s", err, told)
	}
}

func TestMailcowTakesIt(t *testing.T) {
	h := newHouse(t, "mailcow")
	text := h.issue("mail.example.org", noon.Add(-time.Hour), noon.Add(time.Hour))
	said, told, err := h.give()
	if err != nil || strings.Count(told, "docker restart") != 3 {
		t.Fatalf("%v: %s%s", err, said, told)
	}
	const ssl = "mail/opt/mailcow-dockerized/data/assets/ssl/"
	if h.read(ssl+"key.pem")+h.read(ssl+"cert.pem") != text || h.read("mail"+state+"/key.pem") != "theirs\n" {
		t.Error("Mailcow's files are not the ones that came, or its own were not kept")
	}
}

func TestWatched(t *testing.T) {
	s := site.Default()
	s.Hostname = "mail.example.org"
	is := func(want ...string) {
		t.Helper()
		if got := strings.Join(Watched(s), " "); got != strings.Join(want, " ") {
			t.Errorf("%s, want %s", got, want)
		}
	}
	const in = seen.CaddyCertificates + "/"
	is(in+"acme-v02.api.letsencrypt.org-directory/mail.example.org/mail.example.org.json", in+"acme.zerossl.com-v2-dv90/mail.example.org/mail.example.org.json")
	s.Web.CA = "https://ca.example.net:14000/dir"
	is(in + "ca.example.net-14000-dir/mail.example.org/mail.example.org.json")
	s.Web.CA, s.Web.Certificate, s.Web.Key = "", "/etc/own/full.pem", "/etc/own/key.pem"
	is("/etc/own/full.pem", "/etc/own/key.pem")
	s.Web.Certificate, s.Web.Key = "/etc/own/both.pem", "/etc/own/both.pem"
	is("/etc/own/both.pem")
	s.Web.Kind, s.Web.Certificate = "existing", ""
	is("/etc/letsencrypt/live/mail.example.org/fullchain.pem", "/etc/letsencrypt/live/mail.example.org/privkey.pem")
}

// The mail host's own settings come back, and nothing of ours names a file that a plan does not make.
func TestTakingIsPlanned(t *testing.T) {
	s := site.Default()
	s.Hostname, s.Mail.Kind = "mail.example.org", "plain"
	for version, words := range map[string]string{"2.3.19.1 (9b53102964)": "ssl_cert = </etc/postern/mail.pem", "2.4.1-4 (7d8c0e5759)": "ssl_server_key_file = /etc/postern/mail.pem"} {
		r := ReceiverOf(s, seen.Mailer{Active: true, Set: map[string]string{"smtpd_tls_cert_file": "/etc/ssl/x.pem"}}, seen.Receiving{Dovecot: version})
		for main, path := range map[string]string{"a\n!include conf.d/*.conf\n": dovecotOwn, "ssl = yes\n": dovecotConf} {
			f := remote.Facts{Answers: map[string]remote.Answer{dovecotConf: {Out: main, Mode: 0o644, Owner: "root:root"}, rootKeys: {Code: 1}}}
			found := false
			for _, one := range Taking(s, r, "ssh-ed25519 AAAA", f).Things {
				switch one := one.(type) {
				case does.File:
					found = found || one.Path == path && strings.Contains(one.Text, words)
				case does.Block:
					found = found || one.Path == path && strings.Contains(one.Text, words)
				case does.Keys:
					if len(one.Set) != 2 || one.Set[1].Name != "smtpd_tls_cert_file" {
						t.Errorf("Postfix: %v", one.Set)
					}
				}
			}
			if !found {
				t.Errorf("%s: nothing in %s", version, path)
			}
		}
	}
}
