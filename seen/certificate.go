package seen

import (
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"strings"

	"postern/remote"
	"postern/site"
)

// What brings the certificate of the web server to the mail ports: on a proxy what hands it over, on a mail host what takes it.
const (
	CertificateUnit  = "postern-certificate.service"
	CertificatePath  = "postern-certificate.path"
	CertificateTimer = "postern-certificate.timer"
	CertificateKey   = "/etc/postern/certificate.key" // of SSH, which can do nothing but hand it over; its public half is beside it
	MailPEM          = "/etc/postern/mail.pem"        // key and certificate for the mail host's servers
)

// CertificateFiles is sh that defines pairs: it prints the certificates that a proxy's web server has for the host name, the newest first,
// each with its key. Caddy writes the .json last.
func CertificateFiles(s *site.Site) string {
	switch certificate, key := s.OwnCertificate(); {
	case certificate != "":
		return "pairs() { if [ -s " + remote.Quote(certificate) + " ]; then echo " + remote.Quote(certificate+" "+key) + "; fi; }\n"
	case s.Hostname == "":
		return "pairs() { :; }\n"
	}
	name := remote.Quote(s.Hostname)
	return `pairs() { ls -t ` + CaddyCertificates + `/*/` + name + `/` + name + `.json 2>/dev/null | while read -r f; do f=${f%.json}; [ ! -s "$f.crt" ] || echo "$f.crt $f.key"; done; }
`
}

// Handover is how the certificate of a proxy's web server gets on.
type Handover struct {
	Chain  []*x509.Certificate // what the web server has for the host name, its own first; none where there is none yet
	Haraka []*x509.Certificate // what stands in the file that Haraka reads
	Set    bool                // it is watched
	Failed bool                // it was not handed over, the last time that was tried
	Said   string              // in its own words
}

// HandoverOf reads what a proxy's web server has for the host name, and what became of it. Of keys nothing is read.
var HandoverOf = register(Fact[Handover]{ID: "handover", args: func(s *site.Site) string { c, _ := s.OwnCertificate(); return cmp.Or(c, s.Hostname) },
	ask: func(s *site.Site, _ *site.Host) string {
		return CertificateFiles(s) + `certificates() { [ ! -s "$1" ] || sed -n '/-BEGIN CERTIFICATE-/,/-END CERTIFICATE-/p' "$1" 2>/dev/null; }
echo '== chain'; set -- $(pairs); if [ $# -ge 2 ]; then certificates "$1"; fi
echo '== haraka'; certificates ` + HarakaPEM + `
[ -e /etc/systemd/system/` + CertificateUnit + ` ] || { echo '== end'; return; }
echo '== units'; systemctl --no-pager show -p Id -p ActiveState -p Result ` + CertificatePath + ` ` + CertificateTimer + ` ` + CertificateUnit + ` 2>/dev/null
echo '== said'; journalctl -q --no-pager -o cat -n 1 _SYSTEMD_UNIT=` + CertificateUnit + ` 2>/dev/null | cut -c 1-300`
	}, parse: func(s sections) (Handover, error) {
		active, result := map[string]bool{}, ""
		for _, block := range strings.Split(strings.Join(s["units"], "\n"), "\n\n") {
			name, unit := parseUnit(block)
			if active[name] = unit.Active; name == CertificateUnit {
				_, result, _ = strings.Cut(block, "Result=")
			}
		}
		h := Handover{Set: active[CertificatePath] && active[CertificateTimer], Failed: !strings.HasPrefix(result+"\n", "success\n") && result != "", Said: remote.Clean(s.one("said")).Line(200)}
		var err error
		if h.Chain, err = chained(s["chain"]); err == nil {
			h.Haraka, err = chained(s["haraka"])
		}
		return h, err
	}})

// TakenOf reads the certificate that was handed over to a mail host.
var TakenOf = register(Fact[[]*x509.Certificate]{ID: "taken", ask: text(`echo '== chain'; [ ! -s ` + MailPEM + ` ] || sed -n '/-BEGIN CERTIFICATE-/,/-END CERTIFICATE-/p' ` + MailPEM + ` 2>/dev/null`),
	parse: func(s sections) ([]*x509.Certificate, error) { return chained(s["chain"]) }})

// chained are the certificates of a PEM file.
func chained(lines []string) (chain []*x509.Certificate, err error) {
	rest := []byte(strings.Join(lines, "\n"))
	for {
		block, more := pem.Decode(rest)
		if block == nil {
			return chain, nil
		}
		rest = more
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, odd("a certificate's file", err.Error())
		}
		chain = append(chain, c)
	}
}

// Receiving is what a mail host must be known by to take a certificate.
type Receiving struct {
	Root    string   // whether sshd lets root in from the proxy: yes, prohibit-password, forced-commands-only or no
	Keys    []string // sshd's own public keys, such as "ssh-ed25519 AAAA…"
	Dovecot string   // the version of the Dovecot that runs, such as 2.4.1; "" where none does
}

// ReceivingOf reads it, over our own login.
var ReceivingOf = register(Fact[Receiving]{ID: "receiving", args: func(s *site.Site) string { return s.Tunnel.Proxy.String() },
	ask: func(s *site.Site, _ *site.Host) string {
		return `echo '== root'; sshd -C user=root,host=proxy,addr=` + s.Tunnel.Proxy.String() + ` -T 2>/dev/null | sed -n 's/^permitrootlogin //p'
echo '== keys'; cat /etc/ssh/ssh_host_*_key.pub 2>/dev/null | cut -d ' ' -f 1,2
echo '== dovecot'; if kill -0 "$(cat /run/dovecot/master.pid 2>/dev/null)" 2>/dev/null; then dovecot --version 2>/dev/null; fi`
	}, parse: func(s sections) (r Receiving, err error) {
		r.Root, r.Dovecot = remote.Clean(s.one("root")).Line(30), s.one("dovecot")
		if v, _, _ := strings.Cut(r.Dovecot, " "); v != "" && !Name(v) {
			return r, odd("dovecot", r.Dovecot)
		}
		for _, line := range s.lines("keys") {
			if w := strings.Fields(line); len(w) == 2 && Name(w[0]) && base64Word(w[1]) {
				r.Keys = append(r.Keys, line)
			}
		}
		return r, nil
	}})

// base64Word says whether a word is made of the letters of base64.
func base64Word(word string) bool {
	return len(word) < 2000 && strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") == ""
}
