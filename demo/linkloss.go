package demo

import "strings"

// The fault linkloss strikes when a change of the proxy has just been armed: the most uncertain moment for who made it.
func init() {
	fault("linkloss", "the connection to the proxy breaks in the middle of a change, and the link is dark for six seconds")
	furnish(func(h *Host) {
		if h.Name != "proxy" {
			return
		}
		h.files.renamed = func(to string) {
			if strings.HasPrefix(to, "/var/lib/postern/open/ARMED.") && h.w.first("linkloss") {
				h.w.spawn(func() { h.w.loseLink(h) })
			}
		}
	})
}
