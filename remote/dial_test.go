//go:build unix

package remote

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
)

// What people meet most when a host cannot be reached is said in words, and stays what it is for code.
func TestExplainDial(t *testing.T) {
	other := errors.New("something else")
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("dial tcp: %w", &net.DNSError{Err: "no such host", Name: "ionos", IsNotFound: true}), `no host named "ionos"`},
		{&net.DNSError{Err: "read: connection refused", Name: "ionos", Server: "198.51.100.77:53"}, `"ionos" could not be looked up`},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, "192.0.2.1:22 refuses"},
		{&net.OpError{Op: "dial", Err: syscall.ENETUNREACH}, "no way to 192.0.2.1:22"},
		{other, "something else"},
	} {
		got := explainDial(c.err, "ionos", "192.0.2.1:22")
		if !strings.Contains(got.Error(), c.want) || !errors.Is(got, c.err) {
			t.Errorf("%v: got %q, want %q in it and the cause kept", c.err, got, c.want)
		}
	}
}

func TestGreeting(t *testing.T) {
	h := newHost(t)
	got, err := Greeting(soon(t), h.target(), h.options())
	if err != nil || !strings.HasPrefix(got.String(), "SSH-2.0-") {
		t.Errorf("got %q, %v", got, err)
	}
	if n := h.logins.Load(); n != 0 {
		t.Errorf("%d logins: it must only listen", n)
	}
	if got, err := Greeting(soon(t), Target{Name: "mail", SSH: "nobody@192.0.2.1", Via: &Target{}}, h.options()); err != nil || got.String() != "" {
		t.Errorf("through another host: %q, %v", got, err)
	}

	// What answers and hangs up, or says something else, is no SSH server.
	for _, says := range []string{"", "220 mail ESMTP\r\n", "\x1b]0;x\x07\nHTTP/1.1 400\n"} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if conn, err := listener.Accept(); err == nil {
				_, _ = conn.Write([]byte(says))
				conn.Close()
			}
		}()
		if got, err := Greeting(soon(t), Target{Name: "proxy", SSH: listener.Addr().String()}, h.options()); err == nil || !strings.Contains(err.Error(), "no SSH server") {
			t.Errorf("%q: %q, %v", says, got, err)
		}
		listener.Close()
	}
	if _, err := Greeting(soon(t), Target{Name: "proxy", SSH: "127.0.0.1:1"}, h.options()); err == nil {
		t.Error("nothing is there, and no error")
	}
}

// A host that hangs up says why in its own words, where it has any: a limit, a ban, or that it is no SSH server.
func TestHungUpInItsOwnWords(t *testing.T) {
	for said, want := range map[string]string{
		"":                               "hung up during the login without a word",
		"Exceeded MaxStartups\r\n":       `hung up during the login: it said "Exceeded MaxStartups"`,
		"Not allowed at this time\r\n":   `it said "Not allowed at this time"`,
		"220 mail.example.org ESMTP\r\n": `it said "220 mail.example.org ESMTP"`,
		"SSH-2.0-OpenSSH_10.0\r\n":       "without a word",
		"\x1b]0;owned\x07come in\r\nSSH-2.0-x\r\n": `it said "come in"`,
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = io.WriteString(conn, said)
				_, _ = conn.Read(make([]byte, 1024)) // what is closed before it is read is reset, and lost
				conn.Close()
			}
		}()
		home := t.TempDir()
		_, err = Connect(soon(t), Target{Name: "proxy", SSH: "root@" + l.Addr().String()}, Options{Home: home, User: "me"})
		if err == nil || !strings.Contains(err.Error(), want) || gosOwn.MatchString(err.Error()) {
			t.Errorf("%q: %v, want %q", said, err, want)
		}
	}
}
