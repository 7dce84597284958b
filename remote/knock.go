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

// Knock asks whether an SSH server answers where a target is, without logging in, and tells how it greets. A target that is
// reached through another host is not asked: the text is empty then.
func Knock(ctx context.Context, t Target, o Options) (Text, error) {
	if t.Local || t.Via != nil {
		return Text{}, nil
	}
	r, err := resolve(ctx, t.SSH, o, func(string) {})
	if err != nil {
		return Text{}, fmt.Errorf("%s: %w", t.name(), err)
	}
	if len(r.jumps) > 0 {
		return Text{}, nil
	}
	if o.Dial == nil {
		o.Dial = &net.Dialer{Timeout: dialTimeout}
	}
	address := net.JoinHostPort(r.host, r.port)
	conn, err := o.Dial.DialContext(ctx, "tcp", address)
	if err != nil {
		if ctx.Err() != nil {
			err = errors.New("no answer")
		}
		var told *away
		if errors.As(explained(err, r.host, address), &told) {
			return Text{}, told
		}
		return Text{}, fmt.Errorf("%s: %w", address, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	lines := bufio.NewReader(io.LimitReader(conn, 16<<10))
	for {
		line, err := lines.ReadString('\n')
		if strings.HasPrefix(line, "SSH-") {
			return Clean(strings.TrimSpace(line)), nil
		}
		if err != nil {
			return Text{}, fmt.Errorf("%s: something answers there, but it is no SSH server", address)
		}
	}
}
