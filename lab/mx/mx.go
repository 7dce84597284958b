// Package mx is the lab's mail exchanger out in the world: it takes mail for the users of one domain, and writes down for each
// message what it saw of who brought it. It knows no host, and sends nothing.
package mx

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// Server takes mail for the users of a domain.
type Server struct {
	Name     string // what it calls itself
	Domain   string // whose users it takes mail for, any of them
	Folder   string // has one for each user, and that two files for each message: N.eml, as it came, and N.json, its Letter, written last
	Resolver *net.Resolver
}

// Serve takes mail until one of the listeners ends.
func (s Server) Serve(on ...net.Listener) error {
	cert, err := selfMade(s.Name)
	if err != nil {
		return err
	}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{server: s, conn: c}, nil }))
	server.Domain = s.Name
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	server.EnableSMTPUTF8, server.MaxLineLength = true, 1<<20 // whoever shortens a line is to be found out
	ended := make(chan error, len(on))
	for _, l := range on {
		go func() { ended <- server.Serve(greeter{l, s.Name}) }()
	}
	return <-ended
}

func selfMade(names ...string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	is := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(10, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, is, is, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// greeter has each client told the address that it comes from, as big mail providers do. The library has no word for that, so the
// first line of its answer is another one on its way out; under TLS that line goes as it is.
type greeter struct {
	net.Listener
	name string
}

// Accept waits for the next client.
func (g greeter) Accept() (net.Conn, error) {
	c, err := g.Listener.Accept()
	return greeted{c, g.name}, err
}

type greeted struct {
	net.Conn
	name string
}

func (g greeted) Write(b []byte) (int, error) {
	if rest, is := bytes.CutPrefix(b, []byte("250-Hello ")); is {
		_, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		hello := "250-" + g.name + " at your service, [" + client(g.Conn).String() + "]\r\n"
		_, err := g.Conn.Write(append([]byte(hello), rest...))
		return len(b), err
	}
	return g.Conn.Write(b)
}

// session is one client's.
type session struct {
	server Server
	conn   *smtp.Conn
	from   string
	to     []string
}

func (s *session) Reset()        { s.from, s.to = "", nil }
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

var userForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._+-]{0,63}$`)

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	user, domain, _ := strings.Cut(strings.ToLower(to), "@")
	if domain != s.server.Domain {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "no mail for " + to + " here: relaying denied"}
	}
	if !userForm.MatchString(user) {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	}
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	letter, err := s.look(ctx, text)
	if err != nil {
		return err
	}
	for _, to := range s.to {
		user, _, _ := strings.Cut(strings.ToLower(to), "@")
		if err := keep(filepath.Join(s.server.Folder, user), text, letter); err != nil {
			return err
		}
	}
	return nil
}

// keep writes a message and what was seen of it.
func keep(folder string, text, letter []byte) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, time.Now().UTC().Format("150405.000-*.eml"))
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(text); err != nil {
		return err
	}
	path := strings.TrimSuffix(f.Name(), ".eml")
	if err := os.WriteFile(path+".new", letter, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path+".json")
}
