package mx

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"time"

	"crypto/x509"
)

// SmartHost takes mail for anybody from who logs in inside TLS, and from nobody else. It sends nothing on: what is for the users of its
// domain it keeps as the Server does, with who logged in, and all others it does not know.
type SmartHost struct {
	Server
	User, Password string
	Certificate    tls.Certificate
	Mode           string // a file that says how it misbehaves: "clear" for logins without TLS only, "closed" for none at all
	Heard          string // a file that is made when somebody says a password in the clear
}

// misbehaves says whether it does so now.
func (s SmartHost) misbehaves(how string) bool {
	is, _ := os.ReadFile(s.Mode)
	return string(is) == how
}

// Paper makes a certificate that vouches for itself and its names, and its key.
func Paper(names ...string) (cert, key []byte, err error) {
	made, err := selfMade(names...)
	if err != nil {
		return nil, nil, err
	}
	raw, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made.Certificate[0]}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), err
}

// Serve takes mail until the listener ends: after STARTTLS, or wrapped in TLS from the first byte.
func (s SmartHost) Serve(on net.Listener, wrapped bool) error {
	for {
		c, err := on.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(5 * time.Minute))
			t := &handedIn{smart: s, conn: c, letter: Letter{Client: client(c)}}
			if wrapped {
				t.encrypt()
			}
			t.text = textproto.NewConn(t.conn)
			t.talk()
		}()
	}
}

// handedIn is the conversation with one client.
type handedIn struct {
	smart  SmartHost
	conn   net.Conn
	text   *textproto.Conn
	letter Letter
	secure bool
}

func (t *handedIn) encrypt() {
	t.conn = tls.Server(t.conn, &tls.Config{Certificates: []tls.Certificate{t.smart.Certificate}})
	t.text, t.secure = textproto.NewConn(t.conn), true
}

func (t *handedIn) talk() {
	answer := "220 " + t.smart.Name + " ESMTP"
	for {
		if t.text.PrintfLine("%s", answer) != nil {
			return
		}
		if answer == "220 go on" {
			t.encrypt()
		}
		line, err := t.text.ReadLine()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		if answer = t.answer(strings.ToUpper(verb), rest); answer == "" {
			return
		}
	}
}

// answer is what is said to a command; nothing ends the conversation.
func (t *handedIn) answer(verb, rest string) string {
	_, address, _ := strings.Cut(strings.TrimRight(strings.ToLower(rest), ">"), ":<")
	address, _, _ = strings.Cut(address, ">")
	switch {
	case verb == "EHLO":
		t.letter.Helo = rest
		switch {
		case t.smart.misbehaves("clear"):
			return "250-" + t.smart.Name + "\r\n250 AUTH PLAIN LOGIN"
		case t.secure && t.smart.misbehaves("closed"):
			return "250 " + t.smart.Name
		case t.secure:
			return "250-" + t.smart.Name + "\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME"
		}
		return "250-" + t.smart.Name + "\r\n250 STARTTLS"
	case verb == "STARTTLS" && !t.secure:
		return "220 go on"
	case verb == "AUTH" && !t.secure:
		_ = os.WriteFile(t.smart.Heard, []byte(rest), 0o600)
		return "235 thanks"
	case verb == "AUTH":
		return t.login(rest)
	case verb == "QUIT":
		return ""
	case t.letter.User == "":
		return "530 5.7.0 log in first"
	case verb == "MAIL":
		t.letter.From, t.letter.To = address, nil
	case verb == "RCPT":
		if user, domain, _ := strings.Cut(address, "@"); domain != t.smart.Domain || !userForm.MatchString(user) {
			return "550 5.1.1 nobody is called " + address
		}
		t.letter.To = append(t.letter.To, address)
	case verb == "DATA":
		return t.data()
	}
	return "250 fine"
}

func (t *handedIn) login(how string) string {
	said, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(how, "PLAIN "))
	if err != nil || string(said) != "\x00"+t.smart.User+"\x00"+t.smart.Password {
		return "535 5.7.8 that is not the password"
	}
	t.letter.User = t.smart.User
	return "235 welcome"
}

func (t *handedIn) data() string {
	const broken = "451 that did not work"
	if t.text.PrintfLine("354 go on") != nil {
		return ""
	}
	text, err := t.text.ReadDotBytes()
	if err != nil {
		return ""
	}
	text = bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
	found := t.letter
	found.Time = time.Now().UTC()
	if c, is := t.conn.(*tls.Conn); is {
		found.TLS = tls.VersionName(c.ConnectionState().Version)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if found.DKIM, err = (&session{server: t.smart.Server}).signatures(ctx, text); err != nil {
		return broken
	}
	letter, err := json.MarshalIndent(found, "", "\t")
	if err != nil {
		return broken
	}
	for _, to := range found.To {
		user, _, _ := strings.Cut(to, "@")
		if keep(filepath.Join(t.smart.Folder, user), text, letter) != nil {
			return broken
		}
	}
	return "250 taken"
}
