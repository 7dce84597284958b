package remote

import (
	"context"
	"errors"
	"net"
)

// Target is how to reach one host.
type Target struct {
	Name        string  // what the operator calls it
	SSH         string  // user@host:port, ssh://…, or an alias of ssh_config; empty for Local
	Via         *Target // the host to go through, nil for none; ssh_config's ProxyJump counts when it is nil
	Local       bool    // the machine the program runs on
	Become      string  // "", sudo or su; "" means detect
	Fingerprint string  // a pinned host key, SHA256:…; it stands in place of known_hosts
}

// Kind is what a Prompt asks for.
type Kind string

// The kinds of Prompt.
const (
	Password   Kind = "password"   // the login password of Host
	Passphrase Kind = "passphrase" // of the key file in Text
	Sudo       Kind = "sudo"       // the password sudo or su asks for on Host
	Challenge  Kind = "challenge"  // one keyboard-interactive question, in Text
	HostKey    Kind = "hostkey"    // a key not seen before; Text has type and fingerprint; the answer must be "yes"
)

// Prompt is one question that only the operator can answer.
type Prompt struct {
	Kind Kind
	Host string
	Text Text
	Echo bool
}

// ErrNoAnswer means that a Prompt could not be put: no terminal, or end of input.
var ErrNoAnswer = errors.New("nobody could be asked")

// Options are what Connect needs from outside.
type Options struct {
	Home       string                                        // the operator's home folder
	User       string                                        // the operator's login name, the default for SSH
	AgentSock  string                                        // SSH_AUTH_SOCK
	KnownHosts string                                        // written to; "" means Home/.ssh/known_hosts
	Ask        func(context.Context, Prompt) (string, error) // nil: every Prompt is ErrNoAnswer
	Dial       Dialer                                        // nil: a *net.Dialer
	Rand       func([]byte)                                  // nonces; nil: crypto/rand
	Log        func(host, line string)                       // redacted transcript; nil for none
	StateDir   string                                        // on the host; "" means /var/lib/postern (tests use another)
	Apart      bool                                          // nothing of the operator's machine counts: no ssh_config, key, agent or known_hosts, and nothing is written there
	Memory     *Memory                                       // shares answers between Sessions; nil: kept for this Session and those that Again makes of it
	Path       string                                        // PATH of every shell on the host; "" means where a system keeps its tools
	Agent      string                                        // what guards a change on the host; "" means ours (tests break it)
	Way        string                                        // the SSH_CONNECTION that the program itself runs under; counts for a Local target only
}

// Connect dials, authenticates, becomes root and holds one channel to a root shell.
func Connect(ctx context.Context, t Target, o Options) (*Session, error) { return connect(ctx, t, o) }

// Reply is what a script printed, stdout and stderr together, and its exit status.
type Reply struct {
	Out  string
	Code int
	Cut  bool // Out is not whole: the script printed more than MaxAnswer bytes
}

var _ interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
} = (*Session)(nil)
