package demo

import (
	"strings"
	"syscall"
)

// startUnit starts a unit and waits for what start waits for; false when it failed. Whatever it wants is started first.
func (h *Host) startUnit(name string) bool {
	if state := h.state(name); state == "active" || state == "activating" {
		return true
	}
	if strings.HasSuffix(name, ".target") {
		for _, n := range h.wanted() {
			h.startUnit(n)
		}
		h.setState(name, "active")
		return true
	}
	s, _, ok := h.unitFile(name)
	if !ok || h.enabled(name) == "masked" || h.up().Err() != nil {
		return false
	}
	for _, p := range s["ConditionPathExists"] {
		if h.files.exists(strings.TrimPrefix(p, "!")) == strings.HasPrefix(p, "!") {
			return true
		}
	}
	for _, n := range append(s.words("Wants"), s.words("Requires")...) {
		if _, _, known := h.unitFile(n); known && !strings.HasSuffix(n, ".target") {
			h.startUnit(n)
		}
	}
	h.setState(name, "activating")
	for _, line := range s["ExecStartPre"] {
		if !h.runLine(name, s, line) {
			h.setState(name, "failed")
			return false
		}
	}
	if s.first("Type") == "oneshot" {
		for _, line := range s["ExecStart"] {
			if !h.runLine(name, s, line) {
				h.setState(name, "failed")
				return false
			}
		}
		h.setState(name, "inactive")
		if yes(s.first("RemainAfterExit")) {
			h.setState(name, "active")
		}
		return true
	}
	args, _ := execWords(s.first("ExecStart"))
	if len(args) == 0 {
		h.setState(name, "active") // a socket, a mount and the like
		return true
	}
	h.setState(name, "active")
	p := h.daemon(name, s.env(), args)
	if s.first("Type") == "notify" {
		select {
		case <-p.about:
		case <-p.done:
			return p.status == 0
		}
	}
	return true
}

// daemon runs a service's process until it ends.
func (h *Host) daemon(name string, env map[string]string, args []string) *process {
	p := h.start(name, args...)
	h.init.mu.Lock()
	h.unit(name).main = p
	h.init.mu.Unlock()
	h.w.spawn(func() {
		status := p.finish(p.execute(args, env))
		h.init.mu.Lock()
		defer h.init.mu.Unlock()
		u := h.init.units[name]
		if u == nil || u.main != p {
			return
		}
		if u.transient {
			delete(h.init.units, name)
			return
		}
		u.main = nil
		if u.state == "active" {
			u.state = "inactive"
			if status != 0 {
				u.state = "failed"
			}
		}
	})
	return p
}

func yes(s string) bool { return s == "yes" || s == "true" || s == "1" || s == "on" }

// env are the variables that a unit's commands have.
func (s settings) env() map[string]string {
	env := map[string]string{"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
	for _, line := range s["Environment"] {
		words, _ := execWords(line)
		for _, w := range words {
			if k, v, ok := strings.Cut(w, "="); ok {
				env[k] = v
			}
		}
	}
	return env
}

// execWords splits a command line of a unit file; fails tells that its failure counts.
func execWords(line string) (words []string, fails bool) {
	fails = true
	for line != "" && strings.IndexByte("-@+!:", line[0]) >= 0 {
		fails = fails && line[0] != '-'
		line = line[1:]
	}
	var b strings.Builder
	quote, open := byte(0), false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, open = c, true
		case c == '\\' && i+1 < len(line) && quote != '\'':
			i++
			b.WriteByte(line[i])
			open = true
		case quote == 0 && (c == ' ' || c == '\t'):
			if open {
				words = append(words, b.String())
				b.Reset()
				open = false
			}
		default:
			b.WriteByte(c)
			open = true
		}
	}
	if open {
		words = append(words, b.String())
	}
	return words, fails
}

// runLine runs one command of a unit and waits for it.
func (h *Host) runLine(name string, s settings, line string) bool {
	args, fails := execWords(line)
	if len(args) == 0 {
		return true
	}
	p := h.start(name, args...)
	return p.finish(p.execute(args, s.env())) == 0 || !fails
}

// stopUnit stops a unit and waits for its end. A timer that is stopped does not fire any more.
func (h *Host) stopUnit(name string) bool {
	h.init.mu.Lock()
	u := h.init.units[name]
	var end func()
	if u != nil && u.end != nil {
		end = u.end
		delete(h.init.units, name)
	}
	h.init.mu.Unlock()
	if end != nil {
		end()
		return true
	}
	s, _, ok := h.unitFile(name)
	if u == nil {
		return ok
	}
	if u.state == "active" {
		h.setState(name, "deactivating")
		for _, line := range s["ExecStop"] {
			h.runLine(name, s, line)
		}
	}
	h.killUnit(name, syscall.SIGTERM)
	for _, p := range h.processes(func(p *process) bool { return p.unit == name }) {
		<-p.done
	}
	for _, line := range s["ExecStopPost"] {
		h.runLine(name, s, line)
	}
	h.setState(name, "inactive")
	return true
}

// killUnit sends a signal to every process of a unit; false when there is none.
func (h *Host) killUnit(name string, sig syscall.Signal) bool {
	found := h.processes(func(p *process) bool { return p.unit == name })
	for _, p := range found {
		p.kill(sig)
	}
	return len(found) > 0
}

// restartUnit stops and starts.
func (h *Host) restartUnit(name string) bool {
	h.stopUnit(name)
	return h.startUnit(name)
}
