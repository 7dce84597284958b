package demo

import (
	"context"
	"strings"
	"time"
)

func init() { register("systemd-run", systemdRun) }

// systemdRun runs a command as a scope, a service, or a service of a timer.
func systemdRun(c *call) int {
	args := c.args
	name, scope := "", false
	after := time.Duration(-1)
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		key, value, _ := strings.Cut(args[0], "=")
		switch key {
		case "--unit":
			name = value
		case "--scope":
			scope = true
		case "--on-active":
			after, _ = duration(value)
		case "-p", "--property":
			if value == "" {
				args = args[1:]
			}
		}
		args = args[1:]
	}
	if len(args) == 0 {
		return c.fail(1, "Command line to execute required.")
	}
	if c.host.which(args[0], c.env["PATH"]) == "" {
		return c.fail(1, "Failed to find executable %s: No such file or directory", args[0])
	}
	if scope {
		return c.runScope(name+".scope", args)
	}
	h := c.host
	env := settings{}.env()
	if after < 0 {
		if !h.transient(name + ".service") {
			return c.fail(1, "Failed to start transient service unit: Unit %s.service was already loaded or has a fragment file.", name)
		}
		h.setState(name+".service", "active")
		h.daemon(name+".service", env, args)
		return 0
	}
	if !h.transient(name + ".timer") {
		return c.fail(1, "Failed to start transient timer unit: Unit %s.timer was already loaded or has a fragment file.", name)
	}
	ctx, cancel := context.WithCancel(h.up())
	h.init.mu.Lock()
	u := h.unit(name + ".timer")
	u.state, u.end = "active", cancel
	h.init.mu.Unlock()
	h.w.spawn(func() {
		defer cancel()
		if !h.w.clock.wait(ctx, after) {
			return
		}
		h.init.mu.Lock()
		if h.init.units[name+".timer"] != u {
			h.init.mu.Unlock()
			return
		}
		s := h.unit(name + ".service") // there before the timer is gone: one of both is always seen
		s.transient, s.state = true, "active"
		delete(h.init.units, name+".timer")
		h.init.mu.Unlock()
		h.daemon(name+".service", env, args)
	})
	return 0
}

// transient makes a unit that has no file; false when there is one of that name.
func (h *Host) transient(name string) bool {
	if _, _, ok := h.unitFile(name); ok {
		return false
	}
	h.init.mu.Lock()
	defer h.init.mu.Unlock()
	if h.init.units[name] != nil {
		return false
	}
	h.unit(name).transient = true
	return true
}

// runScope runs the command in place, as part of a unit that others may kill.
func (c *call) runScope(name string, args []string) int {
	if !c.host.transient(name) {
		return c.fail(1, "Failed to start transient scope unit: Unit %s was already loaded or has a fragment file.", name)
	}
	c.host.setState(name, "active")
	c.host.procs.mu.Lock()
	c.proc.unit = name
	c.host.procs.mu.Unlock()
	defer func() {
		c.host.init.mu.Lock()
		defer c.host.init.mu.Unlock()
		delete(c.host.init.units, name)
	}()
	return c.become(args)
}
