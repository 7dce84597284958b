package remote

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
)

// errNoSSH means that something answers, and it is no SSH server.
var errNoSSH = errors.New("something answers there, but it is no SSH server: is it another port?")

// Knock tells in a few words whether an SSH server answers where a target is reached. It does not log in, and sends nothing.
// What is reached through another host is not known before that one is logged in to: that is said, and is no error.
func Knock(ctx context.Context, t Target, o Options) (string, error) {
	if t.Local {
		return "this machine", nil
	}
	r, err := resolve(ctx, t.SSH, o, func(string) {})
	if err != nil {
		return "", err
	}
	switch {
	case t.Via != nil && !t.Via.Local:
		return "reached through " + t.Via.name() + ": tried at the login", nil
	case t.Via == nil && len(r.jumps) > 0:
		return "reached through " + r.jumps[len(r.jumps)-1] + ", as your ssh_config says: tried at the login", nil
	}
	if o.Dial == nil {
		o.Dial = &net.Dialer{Timeout: dialTimeout}
	}
	address := net.JoinHostPort(r.host, r.port)
	conn, err := o.Dial.DialContext(ctx, "tcp", address)
	switch {
	case err != nil && ctx.Err() != nil:
		return "", fmt.Errorf("%s does not answer: %w", address, context.DeadlineExceeded)
	case err != nil:
		return "", explained(err, r.host, address)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	banner, err := bufio.NewReader(io.LimitReader(conn, 4<<10)).ReadString('\n')
	if !strings.HasPrefix(banner, "SSH-") {
		if banner == "" && err != nil {
			return "", fmt.Errorf("%s takes the connection and says nothing: is it another port?", address)
		}
		return "", errNoSSH
	}
	return fmt.Sprintf("%s answers: %s", address, Clean(banner).Line(60)), nil
}
