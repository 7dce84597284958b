//go:build unix

package remote

import (
	"net"
	"strings"
	"testing"
)

func TestKnock(t *testing.T) {
	h := newHost(t)
	got, err := Knock(soon(t), h.target(), h.options())
	if err != nil || !strings.HasPrefix(got.String(), "SSH-2.0-") {
		t.Errorf("got %q, %v", got, err)
	}
	if n := h.logins.Load(); n != 0 {
		t.Errorf("%d logins: it must only listen", n)
	}
	if got, err := Knock(soon(t), Target{Name: "mail", SSH: "nobody@192.0.2.1", Via: &Target{}}, h.options()); err != nil || got.String() != "" {
		t.Errorf("through another host: %q, %v", got, err)
	}

	// What answers and hangs up, or says something else, is no SSH server.
	for _, says := range []string{"", "220 mail ESMTP\r\n", "\x1b]0;x\x07\nHTTP/1.1 400\n"} {
		ears, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if conn, err := ears.Accept(); err == nil {
				_, _ = conn.Write([]byte(says))
				conn.Close()
			}
		}()
		if got, err := Knock(soon(t), Target{Name: "proxy", SSH: ears.Addr().String()}, h.options()); err == nil || !strings.Contains(err.Error(), "no SSH server") {
			t.Errorf("%q: %q, %v", says, got, err)
		}
		ears.Close()
	}
	if _, err := Knock(soon(t), Target{Name: "proxy", SSH: "127.0.0.1:1"}, h.options()); err == nil {
		t.Error("nothing is there, and no error")
	}
}
