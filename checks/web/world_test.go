package web

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
	"postern/zone"
)

var now = time.Unix(1795254690, 0)

// papers are an authority, one in between, and what they sign.
type papers struct {
	root, between *x509.Certificate
	key           *ecdsa.PrivateKey // of the one in between
	own           *ecdsa.PrivateKey // of all that it signs
}

var paper = func() (p papers) {
	rootKey, rootDER := made(&x509.Certificate{Subject: pkix.Name{CommonName: "Root"}, IsCA: true, BasicConstraintsValid: true, NotBefore: now.AddDate(-5, 0, 0), NotAfter: now.AddDate(5, 0, 0)}, nil, nil)
	p.root = parsed(rootDER)
	var der []byte
	p.key, der = made(&x509.Certificate{Subject: pkix.Name{CommonName: "E1"}, IsCA: true, BasicConstraintsValid: true, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0)}, p.root, rootKey)
	p.between = parsed(der)
	p.own, _ = made(&x509.Certificate{}, p.root, rootKey)
	return p
}()

func parsed(der []byte) *x509.Certificate {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return c
}

func made(of, by *x509.Certificate, with *ecdsa.PrivateKey) (*ecdsa.PrivateKey, []byte) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	if of.SerialNumber = big.NewInt(7); by == nil {
		by, with = of, key
	}
	der, err := x509.CreateCertificate(rand.Reader, of, by, &key.PublicKey, with)
	if err != nil {
		panic(err)
	}
	return key, der
}

// world is a site and the web server that is met.
type world struct {
	t       *testing.T
	env     *checks.Env
	says    map[string]answer           // by name and path, such as "mail.example.org/"; by "http NAME" what is answered without TLS
	shows   map[string]*tls.Certificate // by name
	refused map[int]error               // by port
	greets  string                      // what who connects to a mail port is told
}

type answer struct {
	code           int
	kind, to, text string
}

func newWorld(t *testing.T, kind string) *world {
	t.Helper()
	w := &world{t: t, says: map[string]answer{}, shows: map[string]*tls.Certificate{}, refused: map[int]error{}}
	s := site.Default()
	s.Domain, s.Hostname, s.Mail.Kind = "example.org", "mail.example.org", kind
	s.Web.MTASTS = "testing"
	s.Host("proxy").Public4 = netip.MustParseAddr("203.0.113.10")
	roots := x509.NewCertPool()
	roots.AddCert(paper.root)
	w.env = &checks.Env{Site: s, Now: now, Hosts: map[string]*checks.Vantage{}, Here: &checks.Vantage{Name: checks.Here, Dial: w, Trusts: roots}}
	for name, answers := range map[string]map[string]string{
		"proxy": {
			"units wg0": "== ours\n== init\n== scripts\n== armed\n== effect\n== uptime\n50.1 9.0\n== units\nId=caddy.service\nLoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\n\n",
			"caddy":     "== others\n== hosts\n== runs\n\"postern\":\"0123456789abcdef\"\n",
			"listeners": "== sockets\ntcp LISTEN 0 5 *:80 *:* users:((\"caddy\",pid=9,fd=3))\ntcp LISTEN 0 5 *:443 *:* users:((\"caddy\",pid=9,fd=3))\n",
			"acme":      "== lines\n" + logged("mail.example.org", "certificate obtained successfully", ""),
		},
		"mail": {"tunnel wg0": "== link\n6: wg0: <UP> mtu 1420\n== now\n1795254690\n== interface\nF2rFQjV+otc0wqjrdMv4ZzOSmnOa4qQD4YNlc6DvW0w= 51820\n== peers\n",
			"listeners": "== sockets\ntcp LISTEN 0 5 *:465 *:* users:((\"master\",pid=9,fd=3))\ntcp LISTEN 0 5 *:587 *:* users:((\"master\",pid=9,fd=3))\ntcp LISTEN 0 5 *:993 *:* users:((\"dovecot\",pid=9,fd=3))\n"},
	} {
		f := remote.Facts{Host: name, At: now, Answers: map[string]remote.Answer{}}
		for id, text := range answers {
			f.Answers[id] = remote.Answer{Out: text + "== end\n"}
		}
		w.env.Hosts[name] = &checks.Vantage{Name: name, Facts: f, Dial: w, Listen: func(context.Context, string, string) (*remote.Listener, error) {
			w.greets = "postern 198.51.100.20 40000\n"
			return remote.NewListener(nil, func() error { return nil }), nil
		}, Run: func(context.Context, remote.Query) (remote.Answer, error) {
			return remote.Answer{Out: "== words\nlistening on :80: bind: address already in use\n== end\n"}, nil
		}}
	}
	w.file(seen.CaddySites, "(postern) {\n\tvars postern 0123456789abcdef\n}\n"+strings.Join(zone.Certified(s), ", ")+" {\n\timport postern\n}\n")
	w.file(seen.Caddyfile, ":80 {\n}\n# postern begin\nimport "+seen.CaddySites+"\n# postern end\n")
	for _, name := range zone.Certified(s) {
		w.shows[name] = certificate(name, now.AddDate(0, 0, 60))
		w.says["http "+name] = answer{code: 308, to: "https://" + name + "/"}
	}
	w.says["mail.example.org/"] = answer{200, "text/html", "", "<title>mailcow UI</title>"}
	w.says["autoconfig.example.org"+strings.TrimSuffix(thunderbird.path, "?emailaddress=postmaster%40example.com")] = answer{200, "text/xml", "", `<clientConfig><emailProvider id="x"><incomingServer type="imap"><hostname>mail.example.org</hostname><port>993</port><socketType>SSL</socketType></incomingServer>
<outgoingServer type="smtp"><hostname>mail.example.org</hostname><port>465</port><socketType>SSL</socketType></outgoingServer>
<outgoingServer type="smtp"><hostname>mail.example.org</hostname><port>587</port><socketType>STARTTLS</socketType></outgoingServer></emailProvider></clientConfig>`}
	w.says["autoconfig.example.org"+apple.path] = answer{200, "application/x-apple-aspen-config", "", "<key>IncomingMailServerHostName</key><string>mail.example.org</string><key>IncomingMailServerPortNumber</key><integer>993</integer>"}
	w.says["autodiscover.example.org"+exchange.path] = answer{200, "text/xml", "", `<Autodiscover xmlns="a"><Response xmlns="b"><Account><Protocol><Type>IMAP</Type><Server>mail.example.org</Server><Port>993</Port><SSL>on</SSL><Encryption>SSL</Encryption></Protocol>
<Protocol><Type>SMTP</Type><Server>mail.example.org</Server><Port>587</Port><Encryption>TLS</Encryption></Protocol></Account></Response></Autodiscover>`}
	w.says["mta-sts.example.org/.well-known/mta-sts.txt"] = answer{200, "text/plain; charset=utf-8", "", zone.Policy(s)}
	return w
}

func certificate(name string, end time.Time) *tls.Certificate {
	is := &x509.Certificate{SerialNumber: big.NewInt(8), DNSNames: []string{name}, NotBefore: now.AddDate(0, 0, -30), NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, is, paper.between, &paper.own.PublicKey, paper.key)
	if err != nil {
		panic(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der, paper.between.Raw}, PrivateKey: paper.own}
}

// logged is a line of Caddy's log.
func logged(name, msg, why string) string {
	return fmt.Sprintf("|{\"level\":\"error\",\"ts\":1795254000.1,\"logger\":\"tls.obtain\",\"msg\":%q,\"identifier\":%q,\"issuer\":\"acme-v02.api.letsencrypt.org-directory\",\"error\":%q}\n", msg, name, why)
}

func (w *world) file(path, text string) {
	w.env.Hosts["proxy"].Facts.Answers[path] = remote.Answer{Out: text, Mode: 0o644, Owner: "root:root"}
}

// edit changes one answer of the proxy; what it is to change must be there.
func (w *world) edit(id, old, new string) {
	w.t.Helper()
	a := w.env.Hosts["proxy"].Facts.Answers[id]
	if !strings.Contains(a.Out, old) {
		w.t.Fatalf("no %q in %s: %s", old, id, a.Out)
	}
	a.Out = strings.ReplaceAll(a.Out, old, new)
	w.env.Hosts["proxy"].Facts.Answers[id] = a
}

// DialContext connects to the proxy: its web server, or a mail port that is sent on.
func (w *world) DialContext(_ context.Context, _, address string) (net.Conn, error) {
	to := netip.MustParseAddrPort(address)
	if err := w.refused[int(to.Port())]; err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	near, far := net.Pipe()
	switch int(to.Port()) {
	case w.env.Site.Ports.HTTPS:
		go w.serve(tls.Server(far, &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if c := w.shows[hello.ServerName]; c != nil {
				return c, nil
			}
			return nil, fmt.Errorf("no certificate")
		}}), "")
	case w.env.Site.Ports.HTTP:
		go w.serve(far, "http ")
	case w.env.Site.Ports.Submission, w.env.Site.Ports.Submissions, w.env.Site.Ports.IMAPS:
		go func() { _, _ = io.WriteString(far, w.greets); _, _ = io.Copy(io.Discard, far); far.Close() }()
	default:
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	}
	return near, nil
}

func (w *world) serve(c net.Conn, scheme string) {
	defer c.Close()
	ask, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, ask.Body)
	key := ask.Host + ask.URL.Path
	if scheme != "" {
		key = scheme + ask.Host
	}
	a, is := w.says[key]
	if !is {
		a.code = 404
	}
	_ = (&http.Response{StatusCode: a.code, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {a.kind}, "Location": {a.to}},
		Body: io.NopCloser(strings.NewReader(a.text)), ContentLength: int64(len(a.text))}).Write(c)
}

// ask runs the checks of the family and gives their results by key.
func (w *world) ask() map[string]checks.Result {
	results := map[string]checks.Result{}
	for _, r := range checks.Run(w.t.Context(), checks.All(), w.env, nil) {
		results[r.Key()] = r
	}
	return results
}
