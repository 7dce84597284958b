package demo

import (
	"context"
	"net"
	"strings"
	"time"
)

// dark is how long the link stays down where the fault linkloss was asked for: longer than a login is patient at once, and
// shorter than any guard.
const dark = 6 * time.Second

func init() {
	fault("linkloss", "the connection to the proxy breaks in the middle of a change, and the link is dark for six seconds")
	furnish(func(h *Host) {
		if h.w.faulty("linkloss") && h.Name == "proxy" {
			h.files.renamed = func(to string) {
				if strings.HasPrefix(to, "/var/lib/postern/open/ARMED.") {
					h.cutLink()
				}
			}
		}
	})
}

// cutLink breaks every connection to the host, once, and has new ones go nowhere for a while.
func (h *Host) cutLink() {
	if !h.lost.CompareAndSwap(0, h.w.clock.time().Add(h.w.clock.real(dark)).UnixNano()) {
		return
	}
	h.links.Range(func(conn, _ any) bool {
		h.w.spawn(func() { conn.(net.Conn).Close() })
		return true
	})
}

// unlit waits while the link to the host is dark; the error is ctx's.
func (h *Host) unlit(ctx context.Context) error {
	for {
		left := time.Duration(h.lost.Load() - h.w.clock.time().UnixNano())
		if left <= 0 {
			return nil
		}
		select {
		case <-time.After(left):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
