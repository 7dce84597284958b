package demo

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"net"
	"net/netip"
	"regexp"
	"strings"

	"postern/seen"
)

// The certificate of the web server, and how it gets to the mail ports.

// handed is the mark that it was handed over.
const handed = "/run/demo/handover"

// issued is what the authority gave the web server for a name, one for each.
func (w *World) issued(name string) (*tls.Certificate, error) {
	w.papersMu.Lock()
	defer w.papersMu.Unlock()
	if c := w.papers[name]; c != nil {
		return c, nil
	}
	c, err := paper().of(&tls.ClientHelloInfo{ServerName: name})
	w.papers[name] = c
	return c, err
}

// shown is what the mail ports show: something that stands in, until the web server's is handed over.
func (w *World) shown(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if w.Proxy.File(handed) != nil || w.jails() {
		return w.issued(hello.ServerName)
	}
	return paper().of(hello)
}

// imaps is as much of Dovecot as shows a certificate.
func (w *World) imaps(c net.Conn, _ netip.AddrPort) {
	inside := tls.Server(c, &tls.Config{GetCertificate: w.shown})
	if inside.Handshake() == nil {
		_, _ = io.Copy(io.Discard, inside)
	}
}

// handOver is the script that begins to hand it over, or no longer does.
func (h *Host) handOver(s script) error {
	if stops.MatchString(s.text) {
		h.Write(handed, nil)
		return nil
	}
	h.put(handed, "", 0o644)
	return nil
}

var stops = regexp.MustCompile(`rm -rf /var/lib/postern-certificate`)

// handKey makes the key that it is handed over with, or takes it away.
func (h *Host) handKey(s script) error {
	if makes.MatchString(s.text) {
		h.put(seen.CertificateKey+".pub", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE7Uj0sM6Jmg1Yk5f0nJ2Vb3Qm8h4cXy9dRk2tWz5aLp postern-certificate\n", 0o644)
	} else {
		h.Write(seen.CertificateKey+".pub", nil)
	}
	return h.make(s)
}

// certified is a certificate of this name as it lies in a file; nothing where it is not there.
func (h *Host) certified(name string, is bool) string {
	c, err := h.w.issued(name)
	if !is || err != nil {
		return ""
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}))
}

// handover is how the certificate gets on.
func (h *Host) handover(args []string) string {
	name := strings.Join(args, "") // nothing where the site has none
	_, has := h.webSites()[name]
	over := h.File(handed) != nil
	active := map[bool]string{true: "active", false: "inactive"}
	text := section("chain", h.certified(name, has && h.kernel.started["caddy"])) + section("haraka", h.certified(name, over)) + "== units\n"
	result, said := "success", ""
	if over && h.w.Mail.text(mailcowConf) == "" && strings.Contains(h.w.Mail.text("/usr/local/sbin/postern-certificate"), "there is no Mailcow") {
		result, said = "exit-code", "not handed over: mail: taken, but there is no Mailcow in /opt/mailcow-dockerized yet\n"
	}
	for _, unit := range []string{seen.CertificatePath, seen.CertificateTimer, seen.CertificateUnit} {
		text += "Result=" + result + "\nActiveState=" + active[h.kernel.started[unit]] + "\nId=" + unit + "\n\n"
	}
	return text + section("said", said)
}

var givenName = regexp.MustCompile(`(?m)^name='([a-z0-9.-]+)'$`)

// taken is the certificate that the mail host was handed.
func (h *Host) taken([]string) string {
	m := givenName.FindStringSubmatch(h.text("/usr/local/sbin/postern-certificate"))
	if m == nil {
		return section("chain", "")
	}
	return section("chain", h.certified(m[1], h.w.Proxy.File(handed) != nil))
}

// receiving is how the mail host is known to who hands one over.
func (h *Host) receiving([]string) string {
	return section("root", "prohibit-password") + section("keys", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4w1Yk5f0nJ2Vb3Qm8h4cXy9dRk2tWz5aLpE7Uj0sM6") + section("dovecot", "")
}
