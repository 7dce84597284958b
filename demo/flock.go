package demo

import (
	"context"
	"time"
)

// lock is who has locked a file with flock; guarded by files.mu.
type lock struct {
	whole  *file
	shared map[*file]bool
	freed  chan struct{} // closed and made anew at each release
}

// take tries to lock a file; when it cannot, freed tells when to try again.
func (f *files) take(by *file, shared bool) (ok bool, freed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := &by.node.lock
	others := len(l.shared)
	if l.shared[by] {
		others--
	}
	if l.whole != nil && l.whole != by || !shared && others > 0 {
		if l.freed == nil {
			l.freed = make(chan struct{})
		}
		return false, l.freed
	}
	l.free(by)
	if shared {
		if l.shared == nil {
			l.shared = map[*file]bool{}
		}
		l.shared[by] = true
	} else {
		l.whole = by
	}
	return true, nil
}

func (l *lock) free(by *file) {
	if l.whole == by {
		l.whole = nil
	}
	delete(l.shared, by)
	if l.freed != nil {
		close(l.freed)
		l.freed = nil
	}
}

// unlock gives up what a file has locked.
func (f *files) unlock(by *file) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l := &by.node.lock; l.whole == by || l.shared[by] {
		l.free(by)
	}
}

// wait locks a file, waiting at most d of the host's time; negative means for ever.
func (h *Host) lock(ctx context.Context, by *file, shared bool, d time.Duration) bool {
	if d >= 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, h.w.clock.real(d))
		defer cancel()
	}
	for {
		ok, freed := h.files.take(by, shared)
		if ok {
			return true
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return false
		}
	}
}
