package demo

import (
	"context"
	"sync"
)

// Host is one simulated machine.
type Host struct {
	Name string // "proxy" or "mail"; also its host name

	w     *World
	files *files // what is on its disk, and what its kernel shows as files

	mu     sync.Mutex // held by who reads or changes kernel; never while a command waits
	kernel *kernel    // what a reboot forgets: interfaces, filters, sysctls, tunnels
	up     context.Context
	down   context.CancelFunc // ends everything that runs on the host
}

// furnishings lay what a host has before anybody set it up.
var furnishings []func(*Host)

// furnish adds files, units and packages to every new host: to be called at start-up, by the file that models them. It
// runs before the first boot; h.Name tells which host it is.
func furnish(f func(h *Host)) { furnishings = append(furnishings, f) }

func newHost(w *World, name string) *Host {
	h := &Host{Name: name, w: w, files: newFiles(w.clock.time)}
	for _, f := range furnishings {
		f(h)
	}
	return h
}

// boot starts the host: its kernel knows nothing, and init starts what is enabled.
func (h *Host) boot() {
	h.up, h.down = context.WithCancel(h.w.ctx)
	h.mu.Lock()
	h.kernel = newKernel(h)
	h.mu.Unlock()
}

// halt ends everything that runs on the host.
func (h *Host) halt() { h.down() }
