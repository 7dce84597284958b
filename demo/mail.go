package demo

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// The mail servers of the world: one on the mail host, which answers in the tunnel as soon as that is up; Haraka on the proxy, when its
// units are started; and a large one elsewhere, which says whom it sees.

// postman answers at one port as a mail server does.
type postman struct {
	w         *World
	name      string // it greets so; the site's own name when empty
	encrypted bool   // TLS from the first byte
	logins    bool   // it takes mail from who logs in, and from nobody else
	anyName   bool   // it does not know which mailboxes there are
}

// mailPorts are those of Mailcow's servers, by the settings that say where.
var mailPorts = map[string]postman{"SMTP_PORT": {}, "SMTPS_PORT": {logins: true, encrypted: true}, "SUBMISSION_PORT": {logins: true}}

// mailEars has Mailcow's servers listen where its containers publish them; where the tunnel has IPv6 too, an override of the operator's
// publishes them there.
func (h *Host) mailEars() (ears []*ear) {
	set := assigned(h.text(madeOf))
	set["HTTPS_PORT"] = set["HTTPS_BIND"] + ":" + set["HTTPS_PORT"]
	add := func(key string, e ear) {
		at, _ := netip.ParseAddrPort(set[key])
		for _, t := range h.kernel.tunnels {
			for _, a := range t.addresses {
				if e := e; t.addresses[0].Addr() == at.Addr() {
					e.at, e.name = netip.AddrPortFrom(a.Addr(), at.Port()), "docker-proxy"
					ears = append(ears, &e)
				}
			}
		}
		for lan := range lanPorts(h.text(madeOf)) {
			if e := e; lan.Port() == at.Port() {
				e.at, e.name = lan, "docker-proxy"
				ears = append(ears, &e)
			}
		}
	}
	for key, p := range mailPorts {
		p.w = h.w
		add(key, ear{talk: p.serve})
	}
	add("IMAPS_PORT", ear{talk: h.w.imaps})
	add("HTTPS_PORT", ear{greet: func(netip.AddrPort) string { return "" }})
	return ears
}

// harakaEars has Haraka's instances listen, where they are started.
func (h *Host) harakaEars() (ears []*ear) {
	taking := postman{w: h.w, anyName: true}
	if h.kernel.started["haraka-in"] {
		ears = append(ears, &ear{at: netip.AddrPortFrom(netip.IPv6Unspecified(), smtpPort), both: true, name: "node", talk: taking.serve})
	}
	if h.kernel.started["haraka-out"] {
		for _, t := range h.kernel.tunnels {
			ears = append(ears, &ear{at: netip.AddrPortFrom(t.addresses[0].Addr(), relayPort), name: "node", talk: taking.serve})
		}
	}
	return ears
}

const relayPort = 2526

// own are the site's domains, and its mail host's name, as the DNS tells them.
func (w *World) own() (domains []string, host string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, rr := range w.records {
		if mx, is := rr.(*dns.MX); is {
			domains, host = append(domains, strings.TrimSuffix(mx.Hdr.Name, ".")), strings.TrimSuffix(mx.Mx, ".")
		}
	}
	return domains, host
}

// serve holds one conversation.
func (p postman) serve(c net.Conn, peer netip.AddrPort) {
	domains, host := p.w.own()
	name, inside := p.name, p.encrypted
	if name == "" {
		name = host
	}
	secure := func() { c = tls.Server(c, &tls.Config{GetCertificate: p.w.shown}) }
	if inside {
		secure()
	}
	say := func(text string) bool { _, err := io.WriteString(c, text+"\r\n"); return err == nil }
	if !say("220 " + name + " ESMTP") {
		return
	}
	for in := bufio.NewReader(c); ; {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		answer := "250 2.0.0 Ok"
		switch strings.ToUpper(word) {
		case "EHLO":
			answer = "250-" + name + " at your service, [" + peer.Addr().String() + "]\r\n"
			if !inside {
				answer += "250-STARTTLS\r\n"
			} else if p.logins {
				answer += "250-AUTH PLAIN LOGIN\r\n"
			}
			answer += "250 8BITMIME"
		case "STARTTLS":
			answer = "220 2.0.0 Ready to start TLS"
		case "RCPT":
			answer = p.recipient(strings.Trim(strings.TrimPrefix(strings.ToLower(rest), "to:"), "<>"), domains)
		case "DATA":
			if !say("354 End data with <CR><LF>.<CR><LF>") {
				return
			}
			text := ""
			for line := ""; line != ".\r\n"; text += line {
				if line, err = in.ReadString('\n'); err != nil || len(text) > 1<<16 {
					return
				}
			}
			p.w.take(peer.Addr(), text)
		case "QUIT":
			say("221 2.0.0 Bye")
			return
		}
		if !say(answer) {
			return
		}
		if strings.HasPrefix(answer, "220 2.0.0 Ready") {
			secure()
			in, inside = bufio.NewReader(c), true
		}
	}
}

// recipient is what is said to who wants to send somebody mail.
func (p postman) recipient(to string, domains []string) string {
	who, domain, _ := strings.Cut(to, "@")
	switch {
	case p.w.faulty("relay") && !p.logins:
		return "250 2.1.5 Ok"
	case p.logins:
		return "530 5.7.0 Authentication required"
	case !slices.Contains(domains, domain):
		return "554 5.7.1 <" + to + ">: Relay access denied"
	case p.anyName && !p.w.Mail.mailcowRuns():
		return "450 the mail host does not answer, try again later"
	case p.anyName, who == "postmaster", who == "ann":
		return "250 2.1.5 Ok"
	}
	return "550 5.1.1 <" + to + ">: User unknown"
}

// papers are certificates for whatever name is asked for, signed by an authority that the hosts trust.
type papers struct {
	root string // the authority's own, as PEM
	ca   *x509.Certificate
	key  *ecdsa.PrivateKey
}

var paper = sync.OnceValue(func() papers {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(fmt.Sprintf("demo: %v", err)) // a machine without randomness
	}
	p := papers{key: key, ca: &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority of the demo"}, NotAfter: time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC), IsCA: true, BasicConstraintsValid: true}}
	der, err := x509.CreateCertificate(rand.Reader, p.ca, p.ca, key.Public(), key)
	if err != nil {
		panic(fmt.Sprintf("demo: %v", err))
	}
	p.root = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return p
})

// of makes one for the name that a client asks for.
func (p papers) of(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	is := &x509.Certificate{SerialNumber: big.NewInt(2), NotAfter: p.ca.NotAfter, DNSNames: []string{hello.ServerName}}
	der, err := x509.CreateCertificate(rand.Reader, is, p.ca, p.key.Public(), p.key)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: p.key}, err
}
