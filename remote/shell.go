package remote

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// shell is the held channel: one root shell that is fed scripts, one after the other.
type shell struct {
	p    *process
	turn chan struct{} // one caller at a time
}

func newShell(p *process) *shell {
	sh := &shell{p: p, turn: make(chan struct{}, 1)}
	sh.turn <- struct{}{}
	return sh
}

// run feeds one script and hands its output to sink, which no one calls any more once run has returned. A caller that gives
// up leaves its script running; the next one waits until that has ended.
func (sh *shell) run(ctx context.Context, nonce, script string, sink func([]byte), pause func()) (int, error) {
	select {
	case <-sh.turn:
		defer func() { sh.turn <- struct{}{} }()
	case <-ctx.Done():
		return -1, context.Cause(ctx)
	}
	if strings.Contains(script, "\x00") {
		return -1, errors.New("a script holds a NUL byte, which no shell can carry")
	}
	if err := sh.p.write(ctx, wrap(nonce, script)); err != nil {
		return -1, err
	}
	f := &frame{nonce: nonce, sink: sink, pause: pause}
	for {
		b, err := sh.p.out.next(ctx)
		if err != nil {
			return -1, err
		}
		if rest, done := f.feed(b); done {
			sh.p.out.rest = rest
			return f.code, nil
		}
	}
}

// sh runs POSIX sh as root: in a subshell, with LC_ALL=C and stdin from /dev/null. What it prints on either output comes back
// together, at most MaxAnswer bytes of it; an exit status other than 0 is no error. The error is ErrLost, and the outcome
// unknown, when the link broke; it is the context's when that ended first, and then the script may still be running: the next
// call waits for it. It hands over each line as it comes to
// line, where there is one.
func (s *Session) sh(ctx context.Context, script string, line func(Text)) (Answer, error) {
	s.logScript(script)
	var k keeper
	l := &liner{line: func(t Text) {
		s.log("< " + t.String())
		if line != nil {
			line(t)
		}
	}}
	code, err := s.feed(ctx, script, func(b []byte) {
		k.take(b)
		l.take(b)
	}, l.pause)
	l.end()
	return Answer{Out: k.String(), Code: code, Cut: k.cut}, err
}

// feed runs a script in the held shell and names the host in its errors.
func (s *Session) feed(ctx context.Context, script string, sink func([]byte), pause func()) (int, error) {
	s.trips.Add(1)
	code, err := s.shell.run(ctx, nonce(), script, sink, pause)
	return code, s.explain(err)
}

// explain names the host in an error of its shell, and makes ErrLost of a shell that is gone.
func (s *Session) explain(err error) error {
	switch {
	case err == nil, errors.Is(err, ErrLost), strings.HasPrefix(err.Error(), s.name+": "):
		return err
	case errors.Is(err, errEnded):
		if s.link != nil {
			return lost(s.name, s.link.why())
		}
		return lost(s.name, "its shell ended")
	}
	return fmt.Errorf("%s: %w", s.name, err)
}

// Quote makes one word of POSIX sh out of s, whatever s holds but NUL, which no shell can carry. Everything that goes to
// a shell goes through it.
func Quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
