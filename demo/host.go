package demo

import (
	"context"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/ssh"
)

// Host is one simulated machine.
type Host struct {
	Name string // "proxy" or "mail"; also its host name

	w     *World
	files *files // what is on its disk, and what its kernel shows as files

	mu     sync.Mutex // held by who reads or changes kernel; never while a command waits
	procs  procs
	init   inits
	key    ssh.Signer
	logins atomic.Int32
	kernel *kernel // what a reboot forgets: interfaces, filters, sysctls, tunnels
}

// furnishings lay what a host has before anybody set it up.
var furnishings []func(*Host)

// furnish adds files, units and packages to every new host: to be called at start-up, by the file that models them. It
// runs before the first boot; h.Name tells which host it is.
func furnish(f func(h *Host)) { furnishings = append(furnishings, f) }

func newHost(w *World, name string) *Host {
	h := &Host{Name: name, w: w, files: newFiles(w.clock.time), key: hostKey(w.rand)}
	for _, f := range furnishings {
		f(h)
	}
	return h
}

// boot starts the host: its kernel knows nothing, and init starts what is enabled.
func (h *Host) boot() {
	h.procs.mu.Lock()
	h.procs.up, h.procs.down = context.WithCancel(h.w.ctx)
	h.procs.mu.Unlock()
	h.init.mu.Lock()
	h.init.units = map[string]*unit{}
	h.init.mu.Unlock()
	h.files.removeAll("/run")
	h.files.removeAll("/tmp")
	h.files.mkdirAll("/run/systemd/system")
	h.files.write("/run/systemd/timesync/synchronized", "", 0o644)
	h.files.mkdir("/tmp", 0o1777)
	h.mu.Lock()
	h.kernel = newKernel(h)
	h.mu.Unlock()
	for _, name := range h.wanted() {
		h.startUnit(name)
	}
}

// halt ends everything that runs on the host.
func (h *Host) halt() {
	h.procs.mu.Lock()
	defer h.procs.mu.Unlock()
	h.procs.down()
}

// up ends when the host goes down.
func (h *Host) up() context.Context {
	h.procs.mu.Lock()
	defer h.procs.mu.Unlock()
	return h.procs.up
}

// reboot ends everything, and starts again with what is on the disk.
func (h *Host) reboot() {
	h.halt()
	for _, p := range h.processes(func(*process) bool { return true }) {
		<-p.done
	}
	if h.w.ctx.Err() == nil {
		h.boot()
	}
}

// procs are the processes of a host.
type procs struct {
	mu   sync.Mutex
	all  map[int]*process
	last int
	up   context.Context // until the host goes down
	down context.CancelFunc
}
