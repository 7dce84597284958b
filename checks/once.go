package checks

import (
	"context"
	"sync"
)

// memory is what was asked during one Run: checks that ask the same thing ask it once, and two never fight for one port.
type memory struct {
	mu      sync.Mutex
	ctx     context.Context
	answers map[any]*answer
	gates   map[any]chan struct{}
}

// answer is one that may not be there yet.
type answer struct {
	done  chan struct{}
	value any
}

// begin forgets what was asked before.
func (m *memory) begin(ctx context.Context) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ctx, m.answers, m.gates = ctx, nil, nil
}

// once asks something once per Run, whoever wants to know. The first who asks may be stopped; what is asked goes on as long
// as the Run does.
func once[T any](ctx context.Context, m *memory, key any, ask func(context.Context) T) (value T, err error) {
	m.mu.Lock()
	a, run := m.answers[key], m.ctx
	if run == nil {
		run = ctx
	}
	if a == nil {
		if m.answers == nil {
			m.answers = map[any]*answer{}
		}
		a = &answer{done: make(chan struct{})}
		m.answers[key] = a
		go func() {
			defer close(a.done)
			a.value = ask(run)
		}()
	}
	m.mu.Unlock()
	select {
	case <-a.done:
		return a.value.(T), nil
	case <-ctx.Done():
		return value, ctx.Err()
	}
}

// Once asks something once per Run, whichever of the checks want to know; the first who asks may be stopped.
func Once[T any](ctx context.Context, e *Env, key any, ask func(context.Context) T) (T, error) {
	return once(ctx, &e.asked, key, ask)
}

// gate lets so many through at once, by what they want.
func (m *memory) gate(ctx context.Context, key any, size int) (leave func(), err error) {
	m.mu.Lock()
	if m.gates == nil {
		m.gates = map[any]chan struct{}{}
	}
	g := m.gates[key]
	if g == nil {
		g = make(chan struct{}, size)
		m.gates[key] = g
	}
	m.mu.Unlock()
	select {
	case g <- struct{}{}:
		return func() { <-g }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
