package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
)

// process is a shell on the host: what it reads, what it says, and how to be rid of it.
type process struct {
	in    chan piece // written in order by one goroutine, so that a caller may give up while the link is stuck
	out   *stream
	done  chan struct{}
	once  sync.Once
	close func()
	noise func(context.Context) string // what it printed beside its output: all of it once it has ended, or what came until then
}

// newProcess starts pumping a shell's input and output; close must end both.
func newProcess(in io.WriteCloser, out io.Reader, close func()) *process {
	p := &process{in: make(chan piece, 16), done: make(chan struct{}), close: close, noise: func(context.Context) string { return "" }}
	p.out = newStream(out, p.done)
	go func() {
		defer in.Close()
		for {
			select {
			case b, more := <-p.in:
				if !more {
					return
				}
				if _, err := in.Write([]byte(b.text)); err != nil {
					return
				}
				if b.sent != nil {
					b.sent()
				}
			case <-p.done:
				return
			}
		}
	}()
	return p
}

// piece is a part of what is written; sent is called when this machine has sent it, and may be nil.
type piece struct {
	text string
	sent func()
}

// write queues a script; it waits only when many are queued.
func (p *process) write(ctx context.Context, script string) error {
	return p.put(ctx, piece{text: script})
}

func (p *process) put(ctx context.Context, b piece) error {
	select {
	case p.in <- b:
		return nil
	case <-p.out.ended:
		return errEnded
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// writeAt writes a script whose end, without which it does nothing, is held back until the moment.
func (p *process) writeAt(ctx context.Context, script, end string, at *Moment) error {
	sent := make(chan struct{})
	if err := p.put(ctx, piece{strings.TrimSuffix(script, end), func() { close(sent) }}); err != nil {
		return err
	}
	select {
	case <-sent:
	case <-p.out.ended:
		return errEnded
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	var err error
	at.come(ctx, func() { err = p.write(ctx, end) })
	return err
}

// finish says that nothing more is written: the shell reads its end.
func (p *process) finish() { close(p.in) }

// end closes the shell's input and lets go of it.
func (p *process) end() {
	p.once.Do(func() {
		close(p.done)
		p.close()
	})
}

// noise keeps the last of what is written to it.
type noise struct {
	mu   sync.Mutex
	last []byte
}

// Write keeps the end of it.
func (n *noise) Write(b []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last = append(n.last, b...)
	n.last = n.last[max(0, len(n.last)-mostNoise):]
	return len(b), nil
}

// String is what was kept.
func (n *noise) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return string(n.last)
}

const mostNoise = 4 << 10

// errEnded means that the shell said nothing more and is gone.
var errEnded = errors.New("the shell ended")

// stream is a shell's output as chunks that can be waited for under a context.
type stream struct {
	chunks chan []byte
	ended  chan struct{} // closed once the reader came to its end
	rest   []byte        // read, and given back
}

func newStream(r io.Reader, done <-chan struct{}) *stream {
	s := &stream{chunks: make(chan []byte), ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		for {
			buf := make([]byte, 32<<10)
			n, err := r.Read(buf)
			if n > 0 {
				select {
				case s.chunks <- buf[:n]:
				case <-done:
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return s
}

// next waits for more output. Its errors are errEnded and the context's.
func (s *stream) next(ctx context.Context) ([]byte, error) {
	if len(s.rest) > 0 {
		b := s.rest
		s.rest = nil
		return b, nil
	}
	select {
	case b := <-s.chunks:
		return b, nil
	case <-s.ended:
		return nil, errEnded
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// until reads up to and including the first of the marks to appear, and tells which and what came before it. What comes
// before is kept up to MaxText, its end rather than its start; it is what a person is shown when nothing matches.
func (s *stream) until(ctx context.Context, marks ...string) (which int, before string, err error) {
	var seen []byte
	for {
		b, err := s.next(ctx)
		if err != nil {
			return -1, string(seen), err
		}
		seen = append(seen, b...)
		at := -1
		for i, m := range marks {
			if n := index(seen, m); n >= 0 && (at < 0 || n < at) {
				which, at = i, n
			}
		}
		if at >= 0 {
			s.rest = seen[at+len(marks[which]):]
			return which, string(seen[:at]), nil
		}
		if over := len(seen) - MaxText; over > 0 {
			seen = seen[over:]
		}
	}
}

// starter opens a new shell on the host, not yet privileged.
type starter func(ctx context.Context) (*process, error)

// lost names the host whose link broke.
func lost(host, why string) error {
	if why == "" {
		return fmt.Errorf("%s: %w", host, ErrLost)
	}
	return fmt.Errorf("%s: %w: %s", host, ErrLost, why)
}
