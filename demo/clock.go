package demo

import (
	"context"
	"time"
)

// clock is the world's time. Whoever waits may wait less than they think; what the clocks show is always true.
type clock struct {
	now   func() time.Time
	from  time.Time
	speed float64
}

func newClock(now func() time.Time, speed float64) *clock {
	if now == nil {
		now = time.Now
	}
	if speed <= 0 {
		speed = 1
	}
	return &clock{now: now, from: now(), speed: speed}
}

// time is what the hosts' clocks show.
func (c *clock) time() time.Time { return c.now() }

// wait sleeps d as the hosts count; false when ctx ended first.
func (c *clock) wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(c.real(d))
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// real is how much real time d of the world's takes.
func (c *clock) real(d time.Duration) time.Duration { return time.Duration(float64(d) / c.speed) }
