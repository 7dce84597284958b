package smtp

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/seen"
	"postern/site"
)

// server is a mail server as its answers tell it: the replies to a line, by how that begins; the longest counts. "" is the greeting.
type server struct {
	says      map[string]string
	encrypted bool // TLS from the first byte
}

// Those that a site has: Postfix on each port, as Debian's and Mailcow's answer.
func exchanger() *server {
	return &server{says: map[string]string{
		"": "220 mail.example.org ESMTP Postfix", "EHLO": "250-mail.example.org\n250-PIPELINING\n250-STARTTLS\n250 8BITMIME", "STARTTLS": "220 2.0.0 Ready to start TLS",
		"MAIL FROM:": "250 2.1.0 Ok", "RSET": "250 2.0.0 Ok", "DATA": "354 go on", ".": "250 2.0.0 Ok: queued as 4DE01", "RCPT TO:<ann@example.org>": "250 2.1.5 Ok", "QUIT": "221 2.0.0 Bye", "RCPT TO:": "454 4.7.1 <x>: Relay access denied",
		"RCPT TO:<postmaster@example.org>": "250 2.1.5 Ok", "RCPT TO:<nobody-probe.invalid@example.org>": "550 5.1.1 <x>: Recipient address rejected: User unknown",
		"tls EHLO": "250-mail.example.org\n250-PIPELINING\n250 8BITMIME",
	}}
}

func login(encrypted bool) *server {
	s := exchanger()
	s.encrypted = encrypted
	for _, recipient := range []string{"RCPT TO:", "RCPT TO:<postmaster@example.org>", "RCPT TO:<nobody-probe.invalid@example.org>"} {
		s.says[recipient] = "554 5.7.1 <unknown[198.51.100.20]>: Client host rejected: Access denied"
	}
	s.says["tls EHLO"] = "250-mail.example.org\n250-AUTH PLAIN LOGIN\n250 8BITMIME"
	return s
}

// reply is what a server says to a line.
func (s *server) reply(line string, inside bool) string {
	best, found := "", false
	for begin := range s.says {
		rest, tls := strings.CutPrefix(begin, "tls ")
		if (!tls || inside) && strings.HasPrefix(line, rest) && (len(begin) >= len(best) || tls) && (rest == "") == (line == "") {
			best, found = begin, true
		}
	}
	if !found {
		return "500 5.5.2 what?"
	}
	return s.says[best]
}

// serve talks until the other side hangs up, or a reply is empty.
func (s *server) serve(c net.Conn) {
	defer func() { c.Close() }()
	inside := s.encrypted
	if inside {
		c = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{certificate}})
	}
	in := bufio.NewReader(c)
	erred := 0
	for line := ""; ; {
		said := s.reply(line, inside)
		if said == "" {
			return
		}
		if strings.HasPrefix(said, "postern ") { // a throw-away listener reads nothing
			go func() { _, _ = io.Copy(io.Discard, c) }()
		}
		if said[0] >= '4' {
			erred++
		}
		if erred > 10 { // so does Postfix
			time.Sleep(time.Second)
		}
		if _, err := fmt.Fprintf(c, "%s\r\n", strings.ReplaceAll(said, "\n", "\r\n")); err != nil || line == "QUIT" {
			return
		}
		if line == "STARTTLS" && strings.HasPrefix(said, "220") {
			c, inside = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{certificate}}), true
			in = bufio.NewReader(c)
		}
		var err error
		if line, err = in.ReadString('\n'); err != nil {
			return
		}
		if line = strings.TrimSpace(line); strings.HasPrefix(said, "354") {
			for text := line; text != "."; text = strings.TrimSpace(text) {
				if text, err = in.ReadString('\n'); err != nil {
					return
				}
			}
			line = "."
		}
	}
}

var certificate = func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"mail.example.org", "relay.example.net"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}()

// world is a site, and the mail servers that are met, by where they are dialled.
type world struct {
	t       *testing.T
	env     *checks.Env
	servers map[string]*server
	once    sync.Map         // those that answer one connection, by where is dialled
	refused map[string]error // by where is dialled
	queues  map[string]string
	logs    map[string][]string // of each host, as it is when all went its way
	late    time.Duration       // until there is anything in them
	unread  map[string]bool     // hosts that do not tell their log
	began   time.Time
	shut    string            // a host from which no mail server is reached
	roots   string            // whom the proxy trusts
	names   map[string]string // where names of others lead
}

const (
	atFirst, atSecond, atThird                    = "198.51.100.71:25", "198.51.100.72:25", "198.51.100.73:25"
	atWeb                                         = "198.51.100.74:443"
	rules                                         = "== v4\n*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n== v6\n*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n== nft\n== end\n"
	addresses                                     = "== addresses\n2: eth0    inet 203.0.113.10/24 scope global eth0\\ x\n2: eth0    inet6 2001:db8:113::10/64 scope global \\ x\n== routes4\ndefault via 203.0.113.1 dev eth0\n== routes6\ndefault via 2001:db8:113::1 dev eth0\n== end\n"
	atSMTP, atSubmission, atSubmissions, atInside = "203.0.113.10:25", "203.0.113.10:587", "203.0.113.10:465", "10.0.0.2:25"
	postfix                                       = "== active\nactive\n== settings\nmyhostname = mail.example.org\nmynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128\nrelayhost =\ninet_interfaces = all\ninet_protocols = all\nsmtpd_authorized_xclient_hosts =\n== end\n"
	routes                                        = "== rules4\n0:\tfrom all lookup local\n20720:\tfrom 10.0.0.2 lookup 20720\n20720:\tfrom all fwmark 0x1000000/0x1000000 lookup 20720\n" +
		"20721:\tfrom all ipproto tcp dport 25 lookup main suppress_prefixlength 0\n20722:\tfrom all ipproto tcp dport 25 lookup 20721\n20723:\tfrom all ipproto tcp dport 25 prohibit\n32766:\tfrom all lookup main\n" +
		"== rules6\n0:\tfrom all lookup local\n20721:\tfrom all ipproto tcp dport 25 lookup main suppress_prefixlength 0\n20723:\tfrom all ipproto tcp dport 25 prohibit\n32766:\tfrom all lookup main\n" +
		"== tables4\ndefault via 192.168.50.1 dev eth0\ndefault dev wg0 table 20720 scope link\ndefault dev wg0 table 20721 scope link\ndefault dev tun0 table 51820\n== tables6\n== end\n"
	unit   = "== ours\nwg0\n== init\n== scripts\n== armed\n== effect\n== uptime\n5000.31 9000.1\n== units\nId=haraka-in.service\nLoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nAfter=\nNRestarts=0\nActiveEnterTimestampMonotonic=1000000000\nExecStart={ argv[]=/usr/bin/env node /opt/postern/haraka/" + seen.HarakaVersion + "/node_modules/haraka/bin/haraka -c /opt/haraka-in }\n\nId=haraka-out.service\nLoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nAfter=\nNRestarts=0\nActiveEnterTimestampMonotonic=1000000000\nExecStart={ argv[]=/usr/bin/env node /opt/postern/haraka/" + seen.HarakaVersion + "/node_modules/haraka/bin/haraka -c /opt/haraka-out }\n\nId=postern-smtp.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\nAfter=\n== end\n"
	tunnel = "== link\n6: wg0: <UP> mtu 1420 qdisc noqueue\n== now\n1795254690\n== interface\nF2rFQjV+otc0wqjrdMv4ZzOSmnOa4qQD4YNlc6DvW0w= 51820\n== peers\n== end\n"
)

// large is a mail server of others that does not say whom it sees.
func large(name string) *server {
	s := exchanger()
	s.says[""], s.says["EHLO"] = "220 "+name+" ESMTP", "250 "+name
	return s
}

func newWorld(t *testing.T) *world {
	t.Helper()
	witness := exchanger()
	witness.says[""], witness.says["EHLO"] = "220 mx.google.com ESMTP", "250-mx.google.com at your service, [203.0.113.10]\n250-SIZE 157286400\n250 SMTPUTF8"
	w := &world{t: t, began: time.Now(), queues: map[string]string{"mail": "== postfix\n0 0\n", "proxy": "== haraka\n0 0\n"}, unread: map[string]bool{}, logs: map[string][]string{"mail": strings.Split(mailLog, "\n")}, refused: map[string]error{}, servers: map[string]*server{atSMTP: exchanger(), atInside: exchanger(),
		atSubmission: login(false), atSubmissions: login(true), atFirst: witness, atSecond: large("outlook.com"), atThird: large("iCloud"), atWeb: exchanger()}}
	w.names = map[string]string{"relay.example.net": "192.0.2.9 STREAM", "www.google.com": "198.51.100.74 STREAM", "smtp.gmail.com": "198.51.100.75 STREAM"}
	for i, name := range site.Default().Port25.Exchangers {
		w.names[name] = fmt.Sprintf("198.51.100.%d STREAM", 71+i)
	}
	s := site.Default()
	s.Domain, s.Hostname, s.Mail.Path, s.Mail.Kind = "example.org", "mail.example.org", "direct", "plain"
	s.Host("proxy").Public4 = netip.MustParseAddr("203.0.113.10")
	facts := map[string]string{"docker": "== absent\n== end\n", "listeners": "== sockets\ntcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:((\"sshd\",pid=51,fd=3))\n== end\n", "ssh": "== connection\n198.51.100.20 40000 203.0.113.10 22\n== sshd\nport 22\n== end\n", "postfix": postfix, "routing": routes, "rules": rules, "addresses": addresses, "units wg0": unit, "tunnel wg0": tunnel, "jails": "== jails\nStatus\n|- Number of jail:\t1\n`- Jail list:\tsshd\n== end\n"}
	w.env = &checks.Env{Site: s, Here: &checks.Vantage{Name: checks.Here, Dial: w}, Hosts: map[string]*checks.Vantage{}}
	for _, h := range s.Hosts {
		f := remote.Facts{Host: h.Name, Answers: map[string]remote.Answer{}}
		for id, text := range facts {
			f.Answers[id] = remote.Answer{Out: text}
		}
		w.env.Hosts[h.Name] = &checks.Vantage{Name: h.Name, Dial: placed{w, h.Name}, Facts: f, Run: func(ctx context.Context, q remote.Query) (remote.Answer, error) { return w.run(ctx, h.Name, q) }}
	}
	return w
}

// placed dials from one host.
type placed struct {
	*world
	host string
}

// DialContext meets nobody from a host that is shut.
func (p placed) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if p.shut == p.host && slices.Contains([]string{atFirst, atSecond, atThird}, address) {
		return nil, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
	}
	return p.world.DialContext(ctx, network, address)
}

// DialContext connects to one of the servers.
func (w *world) DialContext(_ context.Context, _, address string) (net.Conn, error) {
	if err := w.refused[address]; err != nil {
		return nil, &net.OpError{Op: "dial", Err: err}
	}
	s := w.servers[address]
	if once, ok := w.once.LoadAndDelete(address); ok {
		s = once.(*server)
	}
	if s == nil {
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}
	near, far := net.Pipe()
	go s.serve(far)
	return near, nil
}

// run answers what is asked apart from the look: a log, a queue, or where a witness is. Each has an address of its own.
func (w *world) run(_ context.Context, host string, q remote.Query) (remote.Answer, error) {
	asked := strings.Fields(q.ID)
	switch asked[0] {
	case "maillog":
		if w.unread[host] {
			return remote.Answer{Out: "== lines\n== unread\n== end\n"}, nil
		}
		text := "== lines\n"
		for _, line := range w.logs[host] {
			if w.env.Word == "" || time.Since(w.began) < w.late {
				break
			}
			if slices.ContainsFunc(asked[1:], func(word string) bool { return strings.Contains(line, word) }) {
				text += "|" + line + "\n"
			}
		}
		return remote.Answer{Out: text + "== end\n"}, nil
	case "mailqueue":
		return remote.Answer{Out: "== now\n1795254690\n" + w.queues[host] + "== end\n"}, nil
	case "send":
		return remote.Answer{}, nil
	}
	if name, is := strings.CutPrefix(q.ID, "lookup "); is {
		return remote.Answer{Out: "== addresses4\n" + w.names[name] + "\n== end\n"}, nil
	}
	if strings.HasPrefix(q.ID, "words ") {
		return remote.Answer{Out: "== words\n[NOTICE] starts\n[CRIT] no space left on device\n== end\n"}, nil
	}
	switch q.ID {
	case "roots":
		return remote.Answer{Out: "== roots\n" + w.roots + "== end\n"}, nil
	}
	return remote.Answer{Code: 1}, nil
}

// says has the server at an address give another reply.
func says(at, begin, reply string) func(*world) {
	return func(w *world) { w.servers[at].says[begin] = reply }
}

// standsIn puts a throw-away listener of another check where a server should be.
func standsIn(at string) func(*world) {
	return func(w *world) { w.servers[at] = &server{says: map[string]string{"": "postern 198.51.100.20 40000"}} }
}

// told changes what a host tells of itself.
func told(host, fact, old, new string) func(*world) {
	return func(w *world) {
		a := w.env.Hosts[host].Facts.Answers[fact]
		if !strings.Contains(a.Out, old) {
			w.t.Fatalf("%s of %s has no %q", fact, host, old)
		}
		a.Out = strings.ReplaceAll(a.Out, old, new)
		w.env.Hosts[host].Facts.Answers[fact] = a
	}
}

func silent(addresses ...string) func(*world) {
	return func(w *world) {
		for _, at := range addresses {
			w.refused[at] = os.ErrDeadlineExceeded
		}
	}
}

// shut has all large mail servers met in a way.
func shut(by error) func(*world) {
	return func(w *world) { w.refused[atFirst], w.refused[atSecond], w.refused[atThird] = by, by, by }
}

func both(some ...func(*world)) func(*world) {
	return func(w *world) {
		for _, one := range some {
			one(w)
		}
	}
}

// haraka has a mail server on the proxy take the mail first, which learns of mailboxes only later.
func haraka(w *world) {
	w.env.Site.Mail.Path = "haraka"
	told("mail", "postfix", "relayhost =", "relayhost = [10.0.0.1]:2526")(w)
	told("mail", "postfix", "xclient_hosts =", "xclient_hosts = 10.0.0.1")(w)
	w.logs["mail"], w.logs["proxy"] = strings.Split(harakaMailLog, "\n"), strings.Split(harakaLog, "\n")
	first := w.servers[atSMTP].says
	first["RCPT TO:"] = "550 I cannot deliver mail for <x>"
	for _, own := range []string{"RCPT TO:<postmaster@example.org>", "RCPT TO:<nobody-probe.invalid@example.org>", "RCPT TO:<relaytest%example.com@example.org>"} {
		first[own] = "250 2.1.5 Ok"
	}
}

// smarthost has all mail go by one.
func smarthost(w *world) {
	haraka(w)
	w.env.Site.Smarthost = site.Smarthost{Host: "relay.example.net", Port: 587, User: "ann"}
	w.servers[atRelay], w.servers[atWrapped] = login(false), login(true)
	w.roots = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}))
	w.env.Hosts["proxy"].Facts.Answers["smarthost "+seen.PasswordFile(w.env.Site.Smarthost)] = remote.Answer{Out: "== password\nyes\n== said\ntakes the login\n== waiting\n0\n== end\n"}
}

const atRelay, atWrapped = "192.0.2.9:587", "192.0.2.9:465"

// by changes what the site says of its smart host.
func by(edit func(*site.Smarthost)) func(*world) {
	return func(w *world) { smarthost(w); edit(&w.env.Site.Smarthost) }
}

// sent changes what the proxy says of its smart host.
func sent(password, said, waiting string) func(*world) {
	return func(w *world) {
		smarthost(w)
		w.env.Hosts["proxy"].Facts.Answers["smarthost "+seen.PasswordFile(w.env.Site.Smarthost)] = remote.Answer{Out: "== password\n" + password + "\n== said\n" + said + "\n== waiting\n" + waiting + "\n== end\n"}
	}
}

// ask asks every check of the family.
func (w *world) ask() map[string]checks.Result {
	all := map[string]checks.Result{}
	for _, r := range checks.Run(w.t.Context(), checks.All(), w.env, nil) {
		all[r.ID] = r
	}
	return all
}

// others is the certificate of an authority that vouches for nobody here.
func others() string {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	is := x509.Certificate{SerialNumber: big.NewInt(7), IsCA: true, BasicConstraintsValid: true}
	der, _ := x509.CreateCertificate(rand.Reader, &is, &is, &key.PublicKey, key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
