package demo

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// pipe is a TCP connection inside the program: both ends, each with the addresses it would see. What is written waits in a
// buffer, so that both sides may speak first.
func pipe(client, server net.Addr) (atClient, atServer net.Conn) {
	up, down := newFlow(), newFlow()
	return &end{in: down, out: up, local: client, remote: server}, &end{in: up, out: down, local: server, remote: client}
}

// flow is one direction of a connection.
type flow struct {
	mu     sync.Mutex
	moved  *sync.Cond
	data   []byte
	closed bool // nothing more is written
	broken bool // nobody reads any more
	until  time.Time
	alarm  *time.Timer
}

const flowMost = 1 << 18

func newFlow() *flow {
	f := &flow{}
	f.moved = sync.NewCond(&f.mu)
	return f
}

func (f *flow) read(b []byte) (int, error) { return f.readUntil(context.Background(), b, false) }

// readUntil is read that ends with ctx; line has it read no further than the end of a line.
func (f *flow) readUntil(ctx context.Context, b []byte, line bool) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for heard := false; ; {
		switch {
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case f.broken:
			return 0, net.ErrClosed
		case len(f.data) > 0:
			n := copy(b, f.data)
			if end := bytes.IndexByte(b[:n], '\n'); line && end >= 0 {
				n = end + 1
			}
			f.data = f.data[n:]
			f.moved.Broadcast()
			return n, nil
		case f.closed:
			return 0, io.EOF
		case !f.until.IsZero() && !time.Now().Before(f.until):
			return 0, os.ErrDeadlineExceeded
		}
		if !heard && ctx.Done() != nil { // only who really waits needs to be woken
			heard = true
			defer context.AfterFunc(ctx, func() { f.set(func() {}) })()
			continue
		}
		f.moved.Wait()
	}
}

func (f *flow) write(b []byte) (int, error) { return f.writeUntil(context.Background(), b) }

// writeUntil is write that ends with ctx.
func (f *flow) writeUntil(ctx context.Context, b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.data) > flowMost && ctx.Done() != nil {
		defer context.AfterFunc(ctx, func() { f.set(func() {}) })()
	}
	for len(f.data) > flowMost && !f.closed && !f.broken && ctx.Err() == nil {
		f.moved.Wait()
	}
	if f.closed || f.broken || ctx.Err() != nil {
		return 0, io.ErrClosedPipe
	}
	f.data = append(f.data, b...)
	f.moved.Broadcast()
	return len(b), nil
}

func (f *flow) close()    { f.set(func() { f.closed = true }) }
func (f *flow) breakOff() { f.set(func() { f.broken = true; f.data = nil }) }

func (f *flow) set(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
	if f.closed || f.broken {
		if f.alarm != nil {
			f.alarm.Stop()
		}
	}
	f.moved.Broadcast()
}

func (f *flow) deadline(t time.Time) {
	f.set(func() {
		f.until = t
		if f.alarm != nil {
			f.alarm.Stop()
		}
		if !t.IsZero() && !f.closed && !f.broken {
			f.alarm = time.AfterFunc(time.Until(t), func() { f.set(func() {}) })
		}
	})
}

// end is one end of a connection.
type end struct {
	in, out       *flow
	local, remote net.Addr
}

func (e *end) Read(b []byte) (int, error)  { return e.in.read(b) }
func (e *end) Write(b []byte) (int, error) { return e.out.write(b) }

// CloseWrite tells the other end that no more comes.
func (e *end) CloseWrite() error {
	e.out.close()
	return nil
}

func (e *end) Close() error {
	e.out.close()
	e.in.breakOff()
	return nil
}

func (e *end) LocalAddr() net.Addr                { return e.local }
func (e *end) RemoteAddr() net.Addr               { return e.remote }
func (e *end) SetDeadline(t time.Time) error      { e.in.deadline(t); return nil }
func (e *end) SetReadDeadline(t time.Time) error  { e.in.deadline(t); return nil }
func (e *end) SetWriteDeadline(t time.Time) error { return nil }
