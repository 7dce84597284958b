package remote

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Exec asks a snippet of POSIX sh by itself, run as root over a channel of its own, beside what the held shell does: at most
// four at once, others wait. Out has stdout and stderr together, at most MaxAnswer bytes. When the context ends first, or the
// link breaks, the script and what it started are ended too. A host that allows no further channel runs it in the held shell,
// where it is ended at the context's deadline, or after a minute.
func (s *Session) Exec(ctx context.Context, q Query) (Answer, error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return Answer{}, s.explain(context.Cause(ctx))
	}
	s.logScript(q.Run)
	p, err := s.extra(ctx)
	if errors.Is(err, errNoChannel) {
		return s.sh(ctx, mortal(nonce(), q.Run, fmt.Sprint("sleep ", int(left(ctx).Seconds())+1)), nil)
	}
	if err != nil {
		return Answer{}, err
	}
	defer s.extras.Add(-1)
	defer p.end()
	var k keeper
	s.trips.Add(1)
	code, err := newShell(p).run(ctx, nonce(), mortal(nonce(), q.Run, "cat <&3"), k.take, nil)
	return Answer{Out: k.String(), Code: code, Cut: k.cut}, s.explain(err)
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

// mortal is a script that is ended when the command until is through, such as one that reads the channel's standard input,
// kept as descriptor 3, to its end: what a check started must not outlive it. It is run in a session of its own, so that its
// children end with it.
func mortal(nonce, script, until string) string {
	return `own=
command -v setsid >/dev/null 2>&1 && own=setsid
$own /bin/sh -c 's=$(cat <&9); exec 9<&-; eval "$s
"' 3<&- 9<<'` + nonce + `' &
` + script + `
` + nonce + `
pid=$!
end() { kill -s "$1" -- "-$pid" || kill -s "$1" "$pid"; }
{ ` + until + `; end TERM; sleep 1; end KILL; } </dev/null >/dev/null 2>&1 &
watch=$!
wait "$pid"; code=$?
kill "$watch" 2>/dev/null
exit "$code"
`
}
