package demo

import (
	"context"
	"errors"
	"io"
	"sort"
	"sync"
	"sync/atomic"
	"syscall"
)

// process is one running program of a host: a shell, a subshell, or a command.
type process struct {
	host *Host
	pid  int
	args []string

	// group and unit are guarded by Host.procs.mu.
	group int    // whom kill -GROUP meets; setsid makes a new one
	unit  string // of init, by which systemctl kill finds it; children are in it too

	fds     map[int]*file // used by its own goroutine only
	umask   uint32
	dir     string
	ignored map[syscall.Signal]bool // children inherit it; never written in place

	ctx    context.Context // ends when it is killed
	cancel context.CancelFunc
	signal atomic.Int32 // what ended it
	done   chan struct{}
	status int // once done

	once  sync.Once
	about chan struct{} // closed when a service says that it is ready
}

// ready says that the service this command is does its work from now on: what systemctl start waits for (Type=notify).
func (c *call) ready() { c.proc.once.Do(func() { close(c.proc.about) }) }

// start makes a process that belongs to init, with nothing open but /dev/null.
func (h *Host) start(unit string, args ...string) *process {
	p := &process{host: h, args: args, fds: map[int]*file{}, umask: 0o022, dir: "/", unit: unit, done: make(chan struct{}), about: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancel(h.up())
	h.enter(p, 0)
	for fd := range 3 {
		p.fds[fd], _ = h.openFile("/dev/null", modeRead|modeWrite, 0)
	}
	return p
}

// enter gives a process its number; group 0 makes it a group of its own.
func (h *Host) enter(p *process, group int) {
	h.procs.mu.Lock()
	defer h.procs.mu.Unlock()
	if h.procs.all == nil {
		h.procs.all, h.procs.last = map[int]*process{}, 700
	}
	h.procs.last++
	p.pid = h.procs.last
	p.group = group
	if group == 0 {
		p.group = p.pid
	}
	h.procs.all[p.pid] = p
}

// fork makes a child with the same descriptors. One in the foreground ends with its parent when that is killed; one in the
// background goes on until it is killed itself.
func (p *process) fork(background bool) *process {
	c := &process{host: p.host, args: p.args, fds: make(map[int]*file, len(p.fds)), umask: p.umask, dir: p.dir, ignored: p.ignored, done: make(chan struct{}), about: make(chan struct{})}
	from := p.ctx
	if background {
		from = p.host.up()
	}
	c.ctx, c.cancel = context.WithCancel(from)
	p.host.procs.mu.Lock()
	group, unit := p.group, p.unit
	p.host.procs.mu.Unlock()
	c.unit = unit
	p.host.enter(c, group)
	for fd, f := range p.fds {
		c.fds[fd] = f.again()
	}
	return c
}

// finish ends a process: its descriptors are closed, and whoever waits is told.
func (p *process) finish(status int) int {
	if sig := p.signal.Load(); sig != 0 {
		status = 128 + int(sig)
	} else if p.ctx.Err() != nil {
		status = 128 + int(syscall.SIGKILL)
	}
	for fd := range p.fds {
		p.close(fd)
	}
	p.cancel()
	p.host.procs.mu.Lock()
	delete(p.host.procs.all, p.pid)
	p.host.procs.mu.Unlock()
	p.status = status
	close(p.done)
	return status
}

// kill ends the process by a signal, unless it ignores that.
func (p *process) kill(sig syscall.Signal) {
	if sig != syscall.SIGKILL && p.ignored[sig] {
		return
	}
	p.signal.CompareAndSwap(0, int32(sig))
	p.cancel()
}

// dead tells whether the process was killed and has only to notice.
func (p *process) dead() bool { return p.ctx.Err() != nil }

// processes picks those that match, oldest first.
func (h *Host) processes(match func(*process) bool) []*process {
	h.procs.mu.Lock()
	defer h.procs.mu.Unlock()
	var found []*process
	for _, p := range h.procs.all {
		if match(p) {
			found = append(found, p)
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].pid < found[j].pid })
	return found
}

// killAll sends a signal to a process, or to a group when pid is negative; false when there is none. 0 only asks.
func (h *Host) killAll(pid int, sig syscall.Signal) bool {
	found := h.processes(func(p *process) bool { return p.pid == pid || pid < 0 && p.group == -pid })
	for _, p := range found {
		if sig != 0 {
			p.kill(sig)
		}
	}
	return len(found) > 0
}

// lead makes the process a group of its own.
func (p *process) lead() {
	p.host.procs.mu.Lock()
	defer p.host.procs.mu.Unlock()
	p.group = p.pid
}

// open puts a file at a descriptor, in place of what was there.
func (p *process) open(fd int, f *file) {
	p.close(fd)
	p.fds[fd] = f
}

func (p *process) close(fd int) {
	if f := p.fds[fd]; f != nil {
		delete(p.fds, fd)
		f.close()
	}
}

// input is a descriptor to read from; one that is not open is at its end.
func (p *process) input(fd int) io.Reader { return &descriptor{p, p.fds[fd], false} }

// lines is input that reads line by line.
func (p *process) lines(fd int) io.Reader { return &descriptor{p, p.fds[fd], true} }

// output is a descriptor to write to. One whose reader is gone ends the process, as SIGPIPE does.
func (p *process) output(fd int) io.Writer { return &descriptor{p, p.fds[fd], false} }

// descriptor is a file as one process uses it.
type descriptor struct {
	p    *process
	f    *file
	line bool // reads no further than the end of a line, so that the rest is left to others
}

func (d *descriptor) Read(b []byte) (int, error) {
	if d.f == nil {
		return 0, syscall.EBADF
	}
	return d.f.read(d.p.ctx, b, d.line)
}

func (d *descriptor) Write(b []byte) (int, error) {
	if d.f == nil {
		return 0, syscall.EBADF
	}
	n, err := d.f.write(d.p.ctx, b)
	if errors.Is(err, syscall.EPIPE) {
		d.p.kill(sigpipe)
	}
	return n, err
}

// exec runs a command as a child, with a standard input and outputs of the caller's, and gives its exit status.
func (p *process) exec(ctx context.Context, args []string, env map[string]string, dir string, stdin io.Reader, stdout, stderr io.Writer) int {
	c := p.fork(false)
	stop := context.AfterFunc(ctx, func() { c.kill(syscall.SIGKILL) })
	defer stop()
	c.dir = dir
	c.open(0, &file{host: p.host, source: stdin, refs: 1})
	c.open(1, &file{host: p.host, sink: stdout, refs: 1})
	c.open(2, &file{host: p.host, sink: stderr, refs: 1})
	return c.finish(c.execute(args, env))
}
