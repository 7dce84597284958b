package remote

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// away is a failed dial or login in words that say what to look at.
type away struct {
	words string
	err   error
}

func (a *away) Error() string { return a.words }
func (a *away) Unwrap() error { return a.err }

// explained puts words to the failures of a dial that people meet most; other errors stay as they are.
func explained(err error, host, address string) error {
	var dns *net.DNSError
	var words string
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		words = fmt.Sprintf("there is no host named %q: not in your ssh_config, and not in DNS", host)
	case errors.As(err, &dns):
		words = fmt.Sprintf("the name %q could not be looked up: no DNS server answered (it is not in your ssh_config)", host)
	case errors.Is(err, syscall.ECONNREFUSED):
		words = fmt.Sprintf("%s refuses the connection: no SSH server listens there; is it another port?", address)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		words = fmt.Sprintf("there is no way to %s from here: is the address right, and are you in the right network?", address)
	default:
		return err
	}
	return &away{words, err}
}
