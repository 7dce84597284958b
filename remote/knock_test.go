package remote

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"
)

func TestKnock(t *testing.T) {
	for says, want := range map[string]string{
		"SSH-2.0-OpenSSH_9.2 \x1b]0;x\x07Debian\r\n": "answers: SSH-2.0-OpenSSH_9.2 Debian",
		"220 mail.example.org ESMTP\r\n":             "no SSH server",
		"":                                           "says nothing",
	} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			conn, err := listener.Accept()
			if err == nil {
				conn.Write([]byte(says))
				conn.Close()
			}
		}()
		got, err := Knock(context.Background(), Target{Name: "proxy", SSH: "root@" + listener.Addr().String()}, Options{Home: t.TempDir(), User: "me"})
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("a host that says %q: %q", says, got)
		}
		listener.Close()
	}
}

func TestKnockWhereNobodyIs(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if _, err := Knock(ctx, Target{SSH: "root@" + address}, Options{Home: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "no SSH server listens there") {
		t.Errorf("nobody is there: %v", err)
	}
	via := &Target{Name: "proxy", SSH: "root@" + address}
	if got, err := Knock(ctx, Target{SSH: "root@10.0.0.2", Via: via}, Options{Home: t.TempDir()}); err != nil || !strings.Contains(got, "through proxy") {
		t.Errorf("through another host: %q, %v", got, err)
	}
}
