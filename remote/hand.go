package remote

import (
	"context"
	"fmt"
	"strings"
)

// HandedPath is where a secret waits for the change that takes it: in memory, for root alone.
const HandedPath = "/run/postern.secret"

// Hand lays a secret of one line out for a change, or takes away what was laid out when it is empty. It stands in no argument of a command,
// in no transcript, and on no disk.
func (s *Session) Hand(ctx context.Context, secret string) error {
	path := HandedPath
	if s.state() != stateDir { // a test's
		path = s.state() + "/secret"
	}
	script := "rm -f " + Quote(path)
	if secret != "" {
		if strings.ContainsAny(secret, "\n\r\x00") {
			return fmt.Errorf("%s: the secret is not one line", s.name)
		}
		script = "umask 077; " + script + " && printf %s " + Quote(secret) + " >" + Quote(path) // a builtin of the shell
	}
	code, err := s.feed(ctx, nil, script, func([]byte) {}, nil)
	if err == nil && code != 0 {
		err = fmt.Errorf("%s: %s cannot be written", s.name, path)
	}
	return err
}
