package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
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
	return sh.runAt(ctx, nil, nonce, script, sink, pause)
}

// runAt is run at a moment, where that is not nil.
func (sh *shell) runAt(ctx context.Context, at *Moment, nonce, script string, sink func([]byte), pause func()) (int, error) {
	select {
	case <-sh.turn:
		defer func() { sh.turn <- struct{}{} }()
	case <-ctx.Done():
		return -1, context.Cause(ctx)
	}
	if strings.Contains(script, "\x00") {
		return -1, errors.New("a script holds a NUL byte, which no shell can carry")
	}
	var err error
	if at == nil {
		err = sh.p.write(ctx, wrap(nonce, script))
	} else {
		err = sh.p.writeAt(ctx, wrap(nonce, script), wrapEnd, at)
	}
	if err != nil {
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
	return s.shAt(ctx, nil, script, line)
}

// shAt is sh at a moment, where that is not nil.
func (s *Session) shAt(ctx context.Context, at *Moment, script string, line func(Text)) (Answer, error) {
	s.logScript(script)
	var k keeper
	l := &liner{line: func(t Text) {
		s.log("< " + t.String())
		if line != nil {
			line(t)
		}
	}}
	code, err := s.feed(ctx, at, script, func(b []byte) {
		k.take(b)
		l.take(b)
	}, l.pause)
	l.end()
	return Answer{Out: k.String(), Code: code, Cut: k.cut}, err
}

// feed runs a script in the held shell and names the host in its errors.
func (s *Session) feed(ctx context.Context, at *Moment, script string, sink func([]byte), pause func()) (int, error) {
	s.trips.Add(1)
	code, err := s.shell.runAt(ctx, at, nonce(), script, sink, pause)
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

// Exec asks a snippet of POSIX sh by itself, run as root over a channel of its own, beside what the held shell does: at most
// four at once, others wait. Out has stdout and stderr together. A script that says more than MaxAnswer, or takes longer than a query of
// a look may, is ended with what it started, and so it is when the context ends first, or the link breaks. A host that allows no
// further channel runs it in the held shell, where it is ended only by its time.
func (s *Session) Exec(ctx context.Context, q Query) (Answer, error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return Answer{}, s.explain(context.Cause(ctx))
	}
	s.logScript(q.Run)
	limit, cancel := context.WithTimeoutCause(ctx, cmp.Or(s.o.Look, maxLook), errLate)
	defer cancel()
	p, err := s.extra(limit)
	if errors.Is(err, errNoChannel) {
		a, err := s.sh(limit, bounded(nonce(), q.Run, fmt.Sprint("sleep ", int(left(limit).Seconds())+1)), nil)
		return ended(limit, a, err)
	}
	if err != nil {
		return Answer{}, err
	}
	defer s.extras.Add(-1)
	defer p.end()
	var k keeper
	s.trips.Add(1)
	enough, stop := context.WithCancelCause(limit)
	defer stop(nil)
	code, err := newShell(p).run(enough, nonce(), bounded(nonce(), q.Run, "while read -r _; do :; done <&3"), func(b []byte) {
		if k.take(b); k.cut {
			stop(errLong)
		}
	}, nil)
	return ended(limit, Answer{Out: k.String(), Code: code, Cut: k.cut}, s.explain(err))
}

var (
	errLate = errors.New("it took too long")
	errLong = errors.New("it said too much")
)

// ended is the answer of a script that was ended for one of these, which is no error; limit is for how long it might run.
func ended(limit context.Context, a Answer, err error) (Answer, error) {
	a.Late = errors.Is(err, errLate) || err == nil && errors.Is(context.Cause(limit), errLate) // the host was first to end it
	if a.Late || errors.Is(err, errLong) {
		err = nil
	}
	return a, err
}

// extra is another root shell over the same connection; its user counts it out of s.extras. Where channels are refused while
// others of ours are open, it waits and tries again; the refusal is the error only when there is nothing to wait for.
func (s *Session) extra(ctx context.Context) (*process, error) {
	for {
		s.extras.Add(1)
		e, err := s.root(ctx)
		if err == nil {
			if err = e.p.write(ctx, "exec 3<&0; "); err == nil {
				err = s.settle(ctx, e.p)
			}
			if err == nil {
				return e.p, nil
			}
			e.p.end()
		}
		if others := s.extras.Add(-1); !errors.Is(err, errNoChannel) || others == 0 {
			return nil, s.explain(err)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil, s.explain(context.Cause(ctx))
		}
	}
}

// left is how long a script may run in the held shell, where only the host can end it.
func left(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return max(0, min(time.Until(end), time.Minute))
	}
	return time.Minute
}

// bounded is a script that is ended when the command until is through, such as one that reads the channel's standard input,
// kept as descriptor 3, to its end: what a check started must not outlive it. It is run in a session of its own, so that its
// children end with it; whoever waits for it waits for them, too, or what they said last would be in the answer to the next script.
func bounded(nonce, script, until string) string {
	return `own=
command -v setsid >/dev/null 2>&1 && own=setsid
$own /bin/sh 3<&- <<'` + nonce + `' &
{
` + script + `
} </dev/null
` + nonce + `
pid=$!
end() { kill -s "$1" -- "-$pid" || kill -s "$1" "$pid"; }
{ ` + until + `; end TERM; sleep 1; end KILL; } </dev/null >/dev/null 2>&1 &
watch=$!
wait "$pid"; code=$?
kill "$watch" 2>/dev/null
n=0
while [ "$n" -lt 5 ] && kill -s KILL -- "-$pid"; do n=$((n + 1)); sleep 1; done 2>/dev/null
exit "$code"
`
}
