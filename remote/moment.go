package remote

import (
	"context"
	"sync"
	"time"
)

// longestMoment is how long hosts that have come wait for those that have not: theirs may be a line that is dead.
const longestMoment = 3 * time.Second

// Moment lets hosts be told something at the same time. Each has it all but its end before; the ends are sent one right after the
// other by whoever comes last, so that a program that dies has told all of them or none.
type Moment struct {
	mu      sync.Mutex
	awaited int
	tell    []func()      // of those that have come and wait
	told    chan struct{} // closed once they are
	once    sync.Once
}

// NewMoment awaits so many hosts.
func NewMoment(hosts int) *Moment { return &Moment{awaited: hosts, told: make(chan struct{})} }

// come has tell called when all have come, or when one has waited for too long.
func (m *Moment) come(ctx context.Context, tell func()) {
	m.mu.Lock()
	m.tell = append(m.tell, tell)
	m.awaited--
	last := m.awaited <= 0
	m.mu.Unlock()
	if !last {
		limit, cancel := context.WithTimeout(ctx, longestMoment)
		defer cancel()
		select {
		case <-m.told:
			return
		case <-limit.Done():
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, tell := range m.tell {
		tell()
	}
	m.tell = nil
	m.once.Do(func() { close(m.told) })
}
