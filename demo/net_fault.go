package demo

import "time"

// How long the link is dark after it was lost.
const darkFor = 6 * time.Second

// faulty tells whether a fault swallows the packet at a host. Host.mu is held.
func (x *walk) faulty(h *Host) bool {
	w, p := x.w, x.p
	if !w.faulty("lockout") || h != w.Proxy || p.proto != "tcp" || p.dst.Port() != sshPort || p.in == "lo" {
		return false
	}
	t := h.kernel.filter[0].tables["filter"]
	return t != nil && t.chains["ufw-user-input"] != nil && len(t.chains["ufw-user-input"].rules) > 0
}

// first tells whether a fault was asked for and has not shown itself yet; from now on it has.
func (w *World) first(name string) bool {
	if !w.faulty(name) {
		return false
	}
	w.net.mu.Lock()
	defer w.net.mu.Unlock()
	if w.net.once == nil {
		w.net.once = map[string]bool{}
	}
	was := w.net.once[name]
	w.net.once[name] = true
	return !was
}

// loseLink cuts every connection of the operator to a host, and lets none through for a while.
func (w *World) loseLink(h *Host) {
	w.net.mu.Lock()
	if w.net.dark == nil {
		w.net.dark = map[*Host]time.Time{}
	}
	w.net.dark[h] = w.clock.time().Add(darkFor)
	var cut []*line
	for l := range w.net.held {
		if l.to == h {
			cut = append(cut, l)
			delete(w.net.held, l)
		}
	}
	w.net.mu.Unlock()
	for _, l := range cut {
		l.cut()
	}
}

// isDark tells whether the link between the operator and a host is lost.
func (w *World) isDark(h *Host) bool {
	w.net.mu.Lock()
	defer w.net.mu.Unlock()
	return w.clock.time().Before(w.net.dark[h])
}
