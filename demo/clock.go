package demo

import (
	"context"
	"time"
)

// clock is the world's time. It may go faster than the real one.
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
func (c *clock) time() time.Time {
	passed := c.now().Sub(c.from)
	return c.from.Add(time.Duration(float64(passed) * c.speed))
}

// wait sleeps d of the world's time; false when ctx ended first.
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
