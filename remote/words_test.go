//go:build unix

package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// gosOwn is what nobody should have to read who is no programmer.
var gosOwn = regexp.MustCompile(`context |use of closed|i/o timeout|\bEOF\b|(dial|read|write) (tcp|udp)|->|(^|\s)ssh: |handshake failed|lookup |strconv|netip|deadline|canceled|goroutine|%!|0x[0-9a-f]`)

// Errors as Go's packages really make them: each is told in words, and is still what it was.
func TestWords(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		says string
	}{
		"nothing":             {nil, `^$`},
		"ours":                {errors.New("ufw: \"x\" is not a port"), `^ufw: "x" is not a port$`},
		"a key":               {errors.New("host.mail.ssh: is empty"), `^host.mail.ssh: is empty$`},
		"late":                {context.DeadlineExceeded, `^no answer in time$`},
		"late, with how long": {fmt.Errorf("mail: %w: %w", noAnswerWithin(time.Second), context.DeadlineExceeded), `^mail: no answer within 1s$`},
		"stopped":             {fmt.Errorf("mail: %w", context.Canceled), `^mail: you stopped it$`},
		"refused":             {&net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(203, 0, 113, 10), Port: 22}, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, `^203.0.113.10:22: connection refused$`},
		"refused, v6":         {&net.OpError{Op: "dial", Net: "tcp6", Addr: &net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 22}, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, `^\[2001:db8::1\]:22: connection refused$`},
		"refused, nameless":   {&net.OpError{Op: "dial", Net: "tcp4", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, `^connection refused$`},
		"reset":               {&net.OpError{Op: "read", Net: "tcp", Source: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5000}, Addr: &net.TCPAddr{IP: net.IPv4(203, 0, 113, 10), Port: 22}, Err: os.NewSyscallError("read", syscall.ECONNRESET)}, `^203.0.113.10:22: the other side broke off`},
		"pipe":                {fmt.Errorf("writing: %w", syscall.EPIPE), `^writing: the other side broke off`},
		"ended":               {fmt.Errorf("proxy: %w", io.EOF), `^proxy: the other side ended the connection$`},
		"cut short":           {io.ErrUnexpectedEOF, `^the other side ended the connection$`},
		"no such name":        {&net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "mail.example.org", Server: "127.0.0.53:53", IsNotFound: true}}, `there is no host named mail.example.org$`},
		"no name server":      {&net.DNSError{Err: "server misbehaving", Name: "mail.example.org", Server: "127.0.0.53:53", IsTemporary: true}, `^the name mail.example.org could not be looked up: the DNS server`},
		"closed":              {closedRead(t), `the connection was closed`},
		"deadline":            {lateRead(t), `no answer in time`},
		"handshake":           {handshake(t, ssh.ClientConfig{HostKeyCallback: ssh.InsecureIgnoreHostKey()}), `no login was accepted`},
		"no common cipher":    {handshake(t, ssh.ClientConfig{HostKeyCallback: ssh.InsecureIgnoreHostKey(), Config: ssh.Config{Ciphers: []string{"aes128-ctr"}}}), `no common algorithm`},
		"channel":             {&ssh.OpenChannelError{Reason: ssh.Prohibited, Message: "open failed"}, `^its sshd does not allow it: "open failed"$`},
		"a number":            {numberError(), `^"x": invalid syntax$`},
		"an address":          {addressError(), `unable to parse IP$`},
	} {
		words := Words(c.err)
		if gosOwn.MatchString(words) || !regexp.MustCompile(c.says).MatchString(words) {
			t.Errorf("%s: %v is told as %q", name, c.err, words)
		}
		if c.err != nil && !errors.Is(worded(c.err), c.err) {
			t.Errorf("%s: it is not any more what it was", name)
		}
	}
}

func numberError() error  { _, err := strconv.Atoi("x"); return err }
func addressError() error { _, err := netip.ParseAddr("x"); return err }

// pair are two ends of a connection.
func pair(t *testing.T) (near, far net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

func closedRead(t *testing.T) error {
	near, _ := pair(t)
	near.Close()
	_, err := near.Read(make([]byte, 1))
	return err
}

func lateRead(t *testing.T) error {
	near, _ := pair(t)
	near.SetReadDeadline(time.Unix(1, 0))
	_, err := near.Read(make([]byte, 1))
	return err
}

// handshake is how one with a server that takes nobody ends.
func handshake(t *testing.T, c ssh.ClientConfig) error {
	near, far := pair(t)
	server := &ssh.ServerConfig{PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, errors.New("no") }}
	server.Ciphers = []string{"aes256-ctr"}
	if c.Ciphers == nil {
		server.Ciphers = nil
	}
	server.AddHostKey(edKey)
	go func() { _, _, _, _ = ssh.NewServerConn(far, server) }()
	_, _, _, err := ssh.NewClientConn(near, "host", &c)
	return err
}
