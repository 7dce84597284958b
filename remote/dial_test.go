//go:build unix

package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
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
		{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, "192.0.2.1:22 does not answer"},
		{&net.OpError{Op: "dial", Err: syscall.ETIMEDOUT}, "192.0.2.1:22 does not answer"},
		{other, "something else"},
	} {
		got := Undialled(c.err, "ionos", "192.0.2.1:22")
		if !strings.Contains(got.Error(), c.want) || !errors.Is(got, c.err) {
			t.Errorf("%v: got %q, want %q in it and the cause kept", c.err, got, c.want)
		}
	}
}

// What a destination means is told before any login, and nothing is sent to the host for it.
func TestLeads(t *testing.T) {
	h := newHost(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	knocked := make(chan net.Conn, 1)
	go func() {
		if conn, err := listener.Accept(); err == nil {
			knocked <- conn
		}
		close(knocked)
	}()
	at := listener.Addr().String()
	for ssh, want := range map[string]string{
		"root@" + at: "root@" + at,
		"root@" + strings.Replace(at, "127.0.0.1", "localhost", 1): "root@" + strings.Replace(at, "127.0.0.1", "localhost", 1) + " (",
	} {
		got, err := Leads(soon(t), Target{Name: "proxy", SSH: ssh}, h.options())
		if err != nil || !strings.HasPrefix(got.String(), want) {
			t.Errorf("%s leads to %q, %v", ssh, got, err)
		}
	}
	if got, err := Leads(soon(t), Target{Name: "mail", SSH: "nobody@192.0.2.1", Via: &Target{}}, h.options()); err != nil || got.String() != "" {
		t.Errorf("through another host: %q, %v", got, err)
	}
	listener.Close()
	if conn := <-knocked; conn != nil {
		t.Error("the host was asked")
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := Leads(over, Target{Name: "proxy", SSH: "root@nosuch.invalid"}, h.options()); err == nil || strings.Contains(err.Error(), "lookup") {
		t.Errorf("%q, %v", got, err)
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
