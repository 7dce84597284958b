package remote

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
)

// What people meet most when a host cannot be reached is said in words, and stays what it is for code.
func TestExplained(t *testing.T) {
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
		got := explained(c.err, "ionos", "192.0.2.1:22")
		if !strings.Contains(got.Error(), c.want) || !errors.Is(got, c.err) {
			t.Errorf("%v: got %q, want %q in it and the cause kept", c.err, got, c.want)
		}
	}
}
