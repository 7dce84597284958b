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
	script := "rm -f " + HandedPath
	if secret != "" {
		if strings.ContainsAny(secret, "\n\r\x00") {
			return fmt.Errorf("%s: the secret is not one line", s.name)
		}
		script = "umask 077; rm -f " + HandedPath + " && printf %s " + Quote(secret) + " >" + HandedPath // a builtin of the shell
	}
	code, err := s.feed(ctx, nil, script, func([]byte) {}, nil)
	if err == nil && code != 0 {
		err = fmt.Errorf("%s: %s cannot be written", s.name, HandedPath)
	}
	return err
}
