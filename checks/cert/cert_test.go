package cert

import (
	"bufio"
	"context"
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
	"strings"
	"syscall"
	"testing"
	"time"

	"postern/checks"
	"postern/remote"
	"postern/site"
)

var now = time.Unix(1795254690, 0)

// paper is an authority, one in between, and what that signs.
var root, between = authority()

func authority() (*x509.Certificate, *tls.Certificate) {
	make := func(name string, by *x509.Certificate, with *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		is := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(5, 0, 0)}
		if by == nil {
			by, with = is, key
		}
		der, err := x509.CreateCertificate(rand.Reader, is, by, key.Public(), with)
		if err != nil {
			panic(err)
		}
		c, _ := x509.ParseCertificate(der)
		return c, key
	}
	root, rootKey := make("Root", nil, nil)
	c, key := make("E1", root, rootKey)
	return root, &tls.Certificate{Certificate: [][]byte{c.Raw}, PrivateKey: key, Leaf: c}
}

// issued is a certificate for a name, with what leads to the authority.
func issued(name string, end time.Time) *tls.Certificate {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<60))
	is := &x509.Certificate{SerialNumber: serial, DNSNames: []string{name}, NotBefore: end.AddDate(0, 0, -90), NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, is, between.Leaf, key.Public(), between.PrivateKey)
	if err != nil {
		panic(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der, between.Certificate[0]}, PrivateKey: key}
}

func pemOf(c *tls.Certificate) (text string) {
	if c == nil {
		return ""
	}
	for _, der := range c.Certificate {
		text += string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	return text
}

// world is a site whose ports show what they do.
type world struct {
	env                   *checks.Env
	shows                 map[int]*tls.Certificate // by port
	has, haraka, mail     *tls.Certificate         // in files
	refused               map[int]error
	result, said, watched string
	armed                 string // a change waits for its confirmation
}

func newWorld() *world {
	c := issued("mail.example.org", now.AddDate(0, 0, 60))
	w := &world{has: c, haraka: c, mail: c, refused: map[int]error{}, result: "success", watched: "active", said: "handed over"}
	s := site.Default()
	s.Domain, s.Hostname, s.Mail.Kind = "example.org", "mail.example.org", "plain"
	s.Host("proxy").Public4 = netip.MustParseAddr("203.0.113.10")
	w.shows = map[int]*tls.Certificate{s.Ports.SMTP: c, s.Ports.Submissions: c, s.Ports.Submission: c, s.Ports.IMAPS: c}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	w.env = &checks.Env{Site: s, Now: now, Hosts: map[string]*checks.Vantage{}, Here: &checks.Vantage{Name: checks.Here, Dial: w, Trusts: roots}}
	return w
}

// DialContext meets a mail server.
func (w *world) DialContext(_ context.Context, _, address string) (net.Conn, error) {
	port := int(netip.MustParseAddrPort(address).Port())
	if err := w.refused[port]; err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
	}
	near, far := net.Pipe()
	config := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return w.shows[port], nil }}
	go func() {
		defer far.Close()
		if p := w.env.Site.Ports; port == p.SMTP || port == p.Submission {
			in := bufio.NewReader(far)
			for _, answer := range []string{"220 mail.example.org", "250-mail.example.org\r\n250 STARTTLS", "220 go on"} {
				if _, err := fmt.Fprintf(far, "%s\r\n", answer); err != nil || answer == "220 go on" {
					break
				}
				if _, err := in.ReadString('\n'); err != nil {
					return
				}
			}
		}
		inside := tls.Server(far, config)
		if inside.Handshake() == nil {
			for lines := bufio.NewScanner(inside); lines.Scan(); {
				_, _ = io.WriteString(inside, "250 ok\r\n")
			}
		}
	}()
	return near, nil
}

// ask gives the results by key.
func (w *world) ask(ctx context.Context) map[string]checks.Result {
	tunnel := "== link\n6: wg0: <UP> mtu 1420\n== now\n1795254690\n== interface\nF2rFQjV+otc0wqjrdMv4ZzOSmnOa4qQD4YNlc6DvW0w= 51820\n== peers\n"
	for name, answers := range map[string]map[string]string{
		"proxy": {"handover": "== chain\n" + pemOf(w.has) + "== haraka\n" + pemOf(w.haraka) +
			"== units\nActiveState=" + w.watched + "\nId=postern-certificate.path\n\nActiveState=active\nId=postern-certificate.timer\n\nResult=" + w.result + "\nActiveState=inactive\nId=postern-certificate.service\n== said\n" + w.said + "\n", "tunnel wg0": tunnel, "units wg0": "== ours\n== init\n== scripts\n== armed\n" + w.armed + "\n== effect\n== uptime\n1 1\n== units\nId=ufw.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n"},
		"mail": {"taken": "== chain\n" + pemOf(w.mail), "tunnel wg0": tunnel},
	} {
		f := remote.Facts{Host: name, At: now, Answers: map[string]remote.Answer{}}
		for id, text := range answers {
			f.Answers[id] = remote.Answer{Out: text + "== end\n"}
		}
		w.env.Hosts[name] = &checks.Vantage{Name: name, Facts: f, Dial: w}
	}
	results := map[string]checks.Result{}
	for _, r := range checks.Run(ctx, checks.All(), w.env, nil) {
		results[r.Key()] = r
	}
	return results
}

func TestAllIsWell(t *testing.T) {
	for key, r := range newWorld().ask(t.Context()) {
		if r.Outcome != checks.OK {
			t.Errorf("%s: %s: %s", key, r.Outcome, r.Saw)
		}
	}
}

var (
	renewed = issued("mail.example.org", now.AddDate(0, 0, 89))
	ended   = issued("mail.example.org", now.AddDate(0, 0, -1))
)

// Each story breaks one thing, and wants one result to name it, in one line and with a fix that fits.
var stories = []struct {
	name, key string
	spoil     func(*world)
	want      checks.Outcome
	words     string
}{
	{"Haraka was not started anew", "cert.served.smtp@here", func(w *world) { w.has, w.haraka, w.mail = renewed, renewed, renewed }, checks.Warn, "replaced without a restart"},
	{"Haraka was not started anew, and it ended", "cert.served.smtp@here", func(w *world) { w.shows[25] = ended }, checks.Fail, "ended on 2026-11-20 09:51 UTC; the new one is in its file, and was not read"},
	{"Postfix was not reloaded", "cert.served.submission@here", func(w *world) { w.has, w.haraka, w.mail = renewed, renewed, renewed }, checks.Warn, "systemctl reload postfix"},
	{"Dovecot was not reloaded", "cert.served.imaps@here", func(w *world) { w.shows[993] = ended }, checks.Fail, "systemctl reload dovecot"},
	{"on the direct path it is Postfix", "cert.served.smtp@here", func(w *world) { w.env.Site.Mail.Path = "direct"; w.haraka = nil; w.shows[25] = ended }, checks.Fail, "systemctl reload postfix"},
	{"Mailcow", "cert.served.imaps@here", func(w *world) { w.env.Site.Mail.Kind = "mailcow"; w.shows[993] = ended }, checks.Fail, "restart postfix-mailcow"},
	{"all ended", "cert.served.submissions@here", func(w *world) {
		w.has, w.haraka, w.mail = ended, ended, ended
		for p := range w.shows {
			w.shows[p] = ended
		}
	}, checks.Fail, "ended on"},
	{"wrong name", "cert.served.submissions@here", func(w *world) { w.shows[465] = issued("www.example.org", now.AddDate(0, 0, 60)) }, checks.Fail, "of another name: www.example.org"},
	{"chain incomplete", "cert.served.imaps@here", func(w *world) {
		w.shows[993] = &tls.Certificate{Certificate: w.has.Certificate[:1], PrivateKey: w.has.PrivateKey}
	}, checks.Fail, "chain is incomplete"},
	{"nobody's", "cert.served.smtp@here", func(w *world) { w.env.Here.Trusts = x509.NewCertPool() }, checks.Fail, "nobody that is trusted"},
	{"ends soon", "cert.served.smtp@here", func(w *world) {
		soon := issued("mail.example.org", now.AddDate(0, 0, 5))
		w.has, w.haraka, w.mail, w.shows[25] = soon, soon, soon, soon
	}, checks.Warn, "ends in 5 days"},
	{"key changed", "cert.served.smtp@here", func(w *world) { w.has, w.haraka, w.mail = renewed, renewed, renewed }, checks.Warn, "another key"},
	{"not handed over", "cert.served.imaps@here", func(w *world) { w.has = renewed }, checks.Warn, "was not handed over"},
	{"shut", "cert.served.imaps@here", func(w *world) { w.refused[993] = syscall.ECONNREFUSED }, checks.Skip, "nobody listens"},
	{"silent", "cert.served.smtp@here", func(w *world) { w.refused[25] = syscall.ETIMEDOUT }, checks.Unknown, "no answer"},
	{"no watch, while a change waits", "cert.handover@proxy", func(w *world) { w.watched, w.armed = "inactive", "yes" }, checks.Skip, "waits for its confirmation"},
	{"another one, while a change waits", "cert.handover@proxy", func(w *world) { w.has, w.armed = renewed, "yes" }, checks.Skip, "handed over only then"},
	{"it failed, while a change waits", "cert.handover@proxy", func(w *world) {
		w.has, w.armed, w.result, w.said = renewed, "yes", "exit-code", "not handed over: mail: no route to host"
	}, checks.Fail, "no route"},
	{"no watch", "cert.handover@proxy", func(w *world) { w.watched = "inactive" }, checks.Fail, "nothing watches"},
	{"no certificate yet", "cert.handover@proxy", func(w *world) { w.has = nil }, checks.Warn, "no certificate for mail.example.org yet"},
	{"none of the operator's", "cert.handover@proxy", func(w *world) { w.env.Site.Web.Kind, w.has = "existing", nil }, checks.Warn, "/etc/letsencrypt/live/mail.example.org/fullchain.pem"},
	{"brought to the proxy alone", "cert.handover@proxy", func(w *world) { w.has, w.haraka = renewed, renewed }, checks.Fail, "is not on mail"},
	{"not let in", "cert.handover@proxy", failed("mail: root@10.0.0.2: Permission denied (publickey)."), checks.Fail, "does not let the proxy's key in"},
	{"another machine", "cert.handover@proxy", failed("mail: Host key verification failed."), checks.Fail, "has another key than it had"},
	{"away", "cert.handover@proxy", failed("mail: ssh: connect to host 10.0.0.2 port 22: Connection timed out"), checks.Fail, "not reached through the tunnel"},
	{"not its key", "cert.handover@proxy", failed("mail: refused: its key belongs to another certificate"), checks.Fail, "own file is not right"},
	{"not taken up", "cert.handover@proxy", failed("mail: taken, but dovecot.service cannot be reloaded"), checks.Fail, "cannot take it up"},
	{"who knows", "cert.handover@proxy", failed("mail: ssh says nothing"), checks.Fail, "says nothing"},
}

func failed(said string) func(*world) {
	return func(w *world) { w.result, w.said = "exit-code", "not handed over: "+said }
}

func TestStories(t *testing.T) {
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			w := newWorld()
			s.spoil(w)
			results := w.ask(t.Context())
			r, is := results[s.key]
			if text := r.Saw.String() + "\n" + r.Likely + "\n" + r.Evidence.String(); !is || r.Outcome != s.want || !strings.Contains(text, s.words) {
				t.Fatalf("%s, want %s with %q: %s\n%v", r.Outcome, s.want, s.words, text, results)
			}
			if r.Amiss() && (r.Want == "" || r.Likely == "" || r.Fix == "") {
				t.Errorf("it does not say what was wanted, what is likely and what mends it: %+v", r)
			}
		})
	}
}
