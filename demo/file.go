package demo

import (
	"bytes"
	"context"
	"io"
	"sync"
	"syscall"
)

// How a file is opened.
const (
	modeRead = 1 << iota
	modeWrite
	modeAppend
	modeTruncate
	modeCreate
	modeNew // with modeCreate: it must not be there yet
)

const sigpipe = syscall.Signal(13) // not every system that this is built for has a name for it

// file is an open file: what descriptors of several processes may share, with its place in it and its lock.
type file struct {
	host *Host
	path string
	node *node // of the file system, or
	pipe *flow // one side of a pipe, or
	tail bool  // which side: the one to write to
	// what is outside the host
	source io.Reader
	sink   io.Writer
	turn   sync.Mutex // of who writes to sink

	mode   int
	made   []byte // what a device showed when it was read first
	isMade bool

	mu   sync.Mutex
	at   int
	refs int
	last chan struct{} // closed with the last descriptor; may be nil
}

// openFile opens a path of the host. perm is for a file that is made.
func (h *Host) openFile(p string, mode int, perm uint32) (*file, error) {
	n, err := h.files.open(p, mode&modeCreate != 0, mode&modeNew != 0, perm)
	if err != nil {
		return nil, err
	}
	if n.kind == folder && mode&modeWrite != 0 {
		return nil, errno("open", p, syscall.EISDIR)
	}
	if mode&modeTruncate != 0 && n.kind == plain {
		h.files.mu.Lock()
		n.data, n.changed = nil, h.files.now()
		h.files.mu.Unlock()
	}
	return &file{host: h, path: p, node: n, mode: mode, refs: 1}, nil
}

// pipe makes a pipe: the side to read from and the side to write to.
func (h *Host) pipe() (reader, writer *file) {
	f := newFlow()
	return &file{host: h, pipe: f, refs: 1, mode: modeRead}, &file{host: h, pipe: f, tail: true, refs: 1, mode: modeWrite}
}

// again is one more descriptor of the file.
func (f *file) again() *file {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refs++
	return f
}

// close takes one descriptor away. With the last, its lock is free, and a pipe's other side is told.
func (f *file) close() {
	f.mu.Lock()
	f.refs--
	last := f.refs == 0
	f.mu.Unlock()
	if !last {
		return
	}
	if f.node != nil {
		f.host.files.unlock(f)
	}
	if f.pipe != nil && f.tail {
		f.pipe.close()
	} else if f.pipe != nil {
		f.pipe.breakOff()
	}
	if c, ok := f.source.(io.Closer); ok {
		c.Close()
	}
	if f.last != nil {
		close(f.last)
	}
}

// read reads at the file's place; line has it read no further than the end of a line.
func (f *file) read(ctx context.Context, b []byte, line bool) (int, error) {
	switch {
	case f.source != nil && line:
		return f.source.Read(b[:min(1, len(b))])
	case f.source != nil:
		return f.source.Read(b)
	case f.pipe != nil && !f.tail:
		return f.pipe.readUntil(ctx, b, line)
	case f.node == nil:
		return 0, syscall.EBADF
	case f.node.kind == folder:
		return 0, syscall.EISDIR
	}
	var data []byte
	if f.node.get != nil {
		if !f.isMade {
			f.made, f.isMade = []byte(f.node.get()), true
		}
		data = f.made
	} else {
		f.host.files.mu.Lock()
		data = f.node.data
		f.host.files.mu.Unlock()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.at >= len(data) {
		return 0, io.EOF
	}
	n := copy(b, data[f.at:])
	if end := bytes.IndexByte(b[:n], '\n'); line && end >= 0 {
		n = end + 1
	}
	f.at += n
	return n, nil
}

func (f *file) write(ctx context.Context, b []byte) (int, error) {
	switch {
	case f.sink != nil:
		f.turn.Lock() // an SSH channel takes one write at a time
		defer f.turn.Unlock()
		n, err := f.sink.Write(b)
		if err != nil {
			err = syscall.EPIPE
		}
		return n, err
	case f.pipe != nil && f.tail:
		n, err := f.pipe.writeUntil(ctx, b)
		if err != nil {
			err = syscall.EPIPE
		}
		return n, err
	case f.node == nil || f.mode&modeWrite == 0:
		return 0, syscall.EBADF
	case f.node.kind == device:
		if f.node.set == nil {
			return 0, syscall.EACCES
		}
		if err := f.node.set(string(b)); err != nil {
			return 0, err
		}
		return len(b), nil
	}
	return f.put(b)
}

// put writes in a file of the file system.
func (f *file) put(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fs := f.host.files
	fs.mu.Lock()
	defer fs.mu.Unlock()
	n := f.node
	if f.mode&modeAppend != 0 {
		f.at = len(n.data)
	}
	if f.at == len(n.data) {
		n.data = append(n.data, b...) // who holds the old slice does not see more of it
	} else {
		data := make([]byte, max(len(n.data), f.at+len(b)))
		copy(data, n.data)
		copy(data[f.at:], b)
		n.data = data
	}
	f.at += len(b)
	n.changed = fs.now()
	return len(b), nil
}
