package demo

import (
	"context"
	"maps"
	"time"

	"postern/remote"
	"postern/run"
)

// faults are the names that Options.Faults takes, each with what it does.
var faults = map[string]string{
	"lockout":  "switching the proxy's firewall on cuts new SSH logins there: only the host itself can take that back",
	"linkloss": "the connection to the proxy breaks in the middle of a change, and the link is dark for six seconds",
	"port25":   "the proxy's provider drops TCP port 25 in both directions",
	"mtu":      "a stretch between the hosts swallows large tunnel packets, and tells nobody",
	"apt":      "another apt holds the package lock of the proxy for the first twenty seconds",
	"badkey":   "the proxy shows another host key at every login after the first",
	"password": "the mail host lets nobody in without a password, which is \"postern\"",
	"ptr":      "the reverse name of the proxy's address is the hoster's own",
	"spf":      "the domain has a second SPF record, of a hoster that was left long ago",
	"dkim":     "the mail server signs with a new key, and the DNS has the old one",
	"relay":    "the mail server takes mail of strangers for strangers: an open relay",
	"junk":     "the mail server does not believe the proxy about who sends: all of it seems to come from the proxy, which a filter takes for spam",
	"homeip":   "the mail host sends past the proxy, so receivers see the address at home",
	"unit":     "somebody stops the tunnel's unit on the mail host, twenty seconds after it was set up and anything was asked last: nothing else is wrong",
	"boot":     "the mail host reboots when its tunnel is started for the first time",
}

// How long what goes wrong lasts.
const (
	darkFor = 6 * time.Second
	busyFor = 20 * time.Second

	stopsAfter = 20 * time.Second
)

// Faults are the names that Options.Faults takes, each with one line that says what it does.
func Faults() map[string]string { return maps.Clone(faults) }

// faulty says whether a fault was asked for.
func (w *World) faulty(name string) bool { return w.faults[name] }

// first says whether a fault was asked for and has not struck yet; from now on it has.
func (w *World) first(name string) bool {
	was := w.struck[name]
	w.struck[name] = true
	return w.faults[name] && !was
}

// dark says whether the link between the operator and a host is lost.
func (w *World) dark(h *Host) bool { return h == w.Proxy && w.Now().Before(w.darkUntil) }

// stopTunnels stops what tunnels there are, once nobody has asked anything of a host for a while.
func (h *Host) stopTunnels(after time.Duration) {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	for left := after; left > 0; left = after - h.w.Now().Sub(h.w.asked) {
		h.w.mu.Unlock()
		on := h.w.wait(h.w.ctx, left)
		h.w.mu.Lock()
		if !on {
			return
		}
	}
	for name := range h.kernel.tunnels {
		h.tunnelStop(name)
	}
	h.w.stopped = h.w.Now()
}

// breaks is what goes wrong with what is asked of a host: the link to the proxy is lost once a change has been made there, before
// anybody hears of it; the mail host's tunnel is stopped once it is kept.
func (h *Host) breaks(_ context.Context, c run.Call) error {
	w := h.w
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = w.Now()
	if c.Verb == "begin" && c.Done && h == w.Proxy && w.first("linkloss") {
		w.darkUntil = w.Now().Add(darkFor)
	}
	if c.Verb == "confirm" && c.Done && h == w.Mail && len(h.kernel.tunnels) > 0 && w.first("unit") {
		w.spawn(func() { h.stopTunnels(stopsAfter) })
	}
	if w.dark(h) {
		return remote.ErrLost
	}
	return nil
}
